"""`pannier verify`: every byte of a pack, or of a site's bundle, against its manifest."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import format_count, format_size, printable

DESCRIPTION = """Check every byte of a pack or a site's bundle against its manifest, without unpacking it.

Exit status 0 says that the pack is whole and unchanged since it was packed, and that no member of it
leads outside the directory it is unpacked to."""
EXAMPLES = (
    ("pannier verify weather.tar.gz", "did it arrive whole?"),
    ("pannier verify weather.tar.gz --quiet", "the exit status alone"),
    ("pannier verify site.run", "the same of a bundle that `pannier site bundle` made"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier verify`."""
    parser.add_argument("pack", metavar="FILE", type=Path, help="the pack or bundle")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Verify; whatever is wrong is an error."""
    from pannier import api

    del context
    if api.is_bundle(arguments.pack):
        from pannier.cli.bundles import verify_bundle

        return verify_bundle(arguments.pack)
    result = api.verify(arguments.pack)
    summary = (
        f"{arguments.pack}: whole, {format_count(result.layers, 'layer')}, {format_size(result.size)} checked"
    )
    data = {"path": str(arguments.pack), "id": result.id, "layers": result.layers, "size": result.size}
    return Outcome(data=data, summary=printable(summary))
