"""`pannier serve remove`: remove releases from an index."""

import argparse

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_served_directory
from pannier.cli.render import format_count, printable

DESCRIPTION = """Remove releases from an index for good, with their signatures and attestations.

What was locked can no longer be installed: `pannier serve yank` is kinder. The name stays reserved, so no
upstream index is asked for it. Removing is written into the audit log; so is not what `rm` removes."""
EXAMPLES = (
    ("pannier serve remove particle==1.2.0 --dry-run", "which files would that be?"),
    ("pannier serve remove particle==1.2.0", "remove them"),
    ("pannier serve remove particle -d packages/", "remove the whole project"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve remove`."""
    parser.add_argument(
        "releases", metavar="RELEASE", nargs="+", help="NAME==VERSION, NAME, or the name of a file"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be removed, and remove nothing"
    )
    add_served_directory(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Remove, and say which files."""
    from pannier import api

    settings = api.serve_settings(arguments.served, context.load_settings())
    records = api.index_remove(settings, arguments.releases, dry_run=arguments.dry_run)
    files = [record.filename for record in records]
    done = "would be removed" if arguments.dry_run else "removed"
    summary = f"{format_count(len(files), 'file')} {done}: {', '.join(files)}"
    return Outcome(data={"files": files, "dry_run": arguments.dry_run}, summary=printable(summary))
