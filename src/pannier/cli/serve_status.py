"""`pannier serve status`: how a project of an index is doing."""

import argparse

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_served_directory

DESCRIPTION = """Say how a project of an index is doing (PEP 792): installers and people are told.

  active       as ever
  deprecated   something else should be used
  archived     no release will follow; nothing can be uploaded
  quarantined  it may do harm; nothing can be uploaded

It stands in .pannier/projects.toml of the directory served, where it can be edited as well."""
EXAMPLES = (
    ("pannier serve status particle deprecated --reason 'use particle2'", "say what to use instead"),
    ("pannier serve status particle active -d packages/", "take that back"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve status`."""
    parser.add_argument("project", metavar="NAME", help="the project")
    parser.add_argument(
        "status", choices=("active", "archived", "quarantined", "deprecated"), help="how it is doing"
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for whoever looks")
    add_served_directory(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Set the status."""
    from pannier import api

    settings = api.serve_settings(arguments.served, context.load_settings())
    reason = " ".join(arguments.reason.split())
    is_there = api.set_status(settings, arguments.project, arguments.status, reason)
    data = {"project": arguments.project, "status": arguments.status, "reason": reason, "present": is_there}
    absent = "" if is_there else "; the index has no project of that name yet"
    return Outcome(data=data, summary=f"{arguments.project} is {arguments.status}{absent}")
