"""`pannier serve clean`: make what an index keeps of its upstream smaller."""

import argparse

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import format_count, format_size, printable

DESCRIPTION = """Remove what an index fetched from its upstream: files, metadata and pages.

What goes can be fetched again, as long as upstream has it; nothing that was published here is touched. It may
be done while the index is served. `pannier serve --upstream-cache-size` does it all the time."""
EXAMPLES = (
    ("pannier serve clean packages/ --keep 20G", "the least used files go, until 20 GiB are left"),
    ("pannier serve clean packages/ --unused 90 --dry-run", "what has nobody asked for in three months?"),
    ("pannier serve clean packages/", "remove everything that came from upstream"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve clean`."""
    parser.add_argument("places", metavar="DIR", nargs="*", help="what is served")
    parser.add_argument("--keep", metavar="SIZE", default="", help="how much may stay, such as 20G")
    parser.add_argument(
        "--unused", metavar="DAYS", type=int, default=0, help="remove only what nobody asked for so long"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Clean, and say what went."""
    from pannier import api

    options = api.CleanOptions(arguments.keep, max(0, arguments.unused), arguments.dry_run)
    result = api.clean_upstream(arguments.places, options, context.load_settings())
    removed = result.cleaning.removed
    data = {
        "directory": str(result.directory),
        "removed": [str(file.path.relative_to(result.directory)) for file in removed],
        "size": result.cleaning.size,
        "left": result.cleaning.left,
        "dry_run": arguments.dry_run,
    }
    text = "".join(f"{printable(path)}\n" for path in data["removed"]) if arguments.dry_run else ""
    verb = "would remove" if arguments.dry_run else "removed"
    summary = (
        f"{verb} {format_count(len(removed), 'file')}, {format_size(result.cleaning.size)}; "
        f"{format_size(result.cleaning.left)} left"
    )
    return Outcome(data=data, text=text, summary=summary)
