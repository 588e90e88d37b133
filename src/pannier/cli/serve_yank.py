"""`pannier serve yank`: keep releases out of new installs, or take that back."""

import argparse

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_served_directory
from pannier.cli.render import format_count, printable

DESCRIPTION = """Yank releases of an index: installers pass them over unless asked for that version (PEP 592).

Nothing is removed, so what was locked keeps installing. A server that runs notices at once."""
EXAMPLES = (
    ("pannier serve yank particle==1.2.0 --reason 'loses data'", "pass 1.2.0 over from now on"),
    ("pannier serve yank particle==1.2.0 --undo", "take that back"),
    ("pannier serve yank particle-1.2.0.tar.gz -d packages/", "one file only, of this directory"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve yank`."""
    parser.add_argument("releases", metavar="RELEASE", nargs="+", help="NAME==VERSION, or the name of a file")
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why, for those who ask for it all the same"
    )
    parser.add_argument("--undo", action="store_true", help="take yanking back")
    add_served_directory(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Yank, and say which files."""
    from pannier import api

    settings = api.serve_settings(arguments.served, context.load_settings())
    reason = None if arguments.undo else " ".join(arguments.reason.split())
    files = [record.filename for record in api.index_yank(settings, arguments.releases, reason)]
    done = "no longer yanked" if arguments.undo else "yanked"
    summary = f"{format_count(len(files), 'file')} {done}: {', '.join(files)}"
    return Outcome(data={"files": files, "yanked": not arguments.undo}, summary=printable(summary))
