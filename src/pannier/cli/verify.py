"""`pannier verify`: every byte of a pack against its manifest."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import format_count, format_size, printable

DESCRIPTION = """Check every byte of a pack against its manifest, without unpacking it.

Exit status 0 says that the pack is whole and unchanged since it was packed, and that no member of it
leads outside the directory it is unpacked to."""
EXAMPLES = (
    ("pannier verify weather.tar.gz", "did it arrive whole?"),
    ("pannier verify weather.tar.gz --quiet", "the exit status alone"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier verify`."""
    parser.add_argument("pack", metavar="FILE", type=Path, help="the pack")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Verify; whatever is wrong is an error."""
    from pannier import api

    del context
    result = api.verify(arguments.pack)
    summary = (
        f"{arguments.pack}: whole, {format_count(result.layers, 'layer')}, {format_size(result.size)} checked"
    )
    data = {"path": str(arguments.pack), "id": result.id, "layers": result.layers, "size": result.size}
    return Outcome(data=data, summary=printable(summary))
