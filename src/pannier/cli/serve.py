"""`pannier serve`: a private package index over directories of distributions."""

import argparse
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome

if TYPE_CHECKING:
    from pannier.api.setting_names import SettingInfo

DESCRIPTION = """Serve a private package index over directories of wheels and sdists.

pip, uv, poetry and every other client of the Simple API can install from it. What is copied into a
directory appears, what is removed from it vanishes: the files are the truth."""
EXAMPLES = (("pannier serve packages/", "serve what is in packages/, read-only"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve`."""
    from pannier.api.setting_names import VERB_TABLES

    parser.add_argument("places", metavar="DIR", nargs="*", help="where the distributions are")
    for name, info in VERB_TABLES["serve"].items():
        if info.metavar or info.kind == "flag":
            add_setting(parser, name, info)


def add_setting(parser: argparse.ArgumentParser, name: str, info: "SettingInfo") -> None:
    """Declare a setting's option."""
    options = info.options or (f"--{name}",)
    about = info.about[0].lower() + info.about[1:].rstrip(".")
    field = name.replace("-", "_")
    if info.kind == "flag":
        parser.add_argument(*options, dest=field, action="store_true", default=None, help=about)
    elif info.kind == "list":
        parser.add_argument(*options, dest=field, metavar=info.metavar, action="append", help=about)
    else:
        kind = int if info.kind == "number" else str
        parser.add_argument(*options, dest=field, metavar=info.metavar, type=kind, help=about)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Serve until told to stop."""
    from pannier import api

    api.serve(api.serve_settings(arguments.places, context.load_settings()))
    return Outcome(data={})
