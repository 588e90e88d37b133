"""Arguments that several verbs of `pannier site` share."""

import argparse


def add_site_file(parser: argparse.ArgumentParser) -> None:
    """Declare which site a verb is about."""
    parser.add_argument(
        "site_file",
        metavar="SITE",
        nargs="?",
        default="site.toml",
        help="the site's file (default: site.toml)",
    )


def add_environments(parser: argparse.ArgumentParser) -> None:
    """Declare which environments of it."""
    parser.add_argument(
        "--environment",
        dest="environments",
        metavar="NAME",
        action="append",
        default=[],
        help="only this environment; may be repeated",
    )
