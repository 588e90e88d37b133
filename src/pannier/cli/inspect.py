"""`pannier inspect`: what is inside a pack, or a site's bundle."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import Style, format_count, format_facts, format_size, format_table

if TYPE_CHECKING:
    from pannier.model.manifest import Layer, Manifest

DESCRIPTION = """Show what is inside a pack (interpreter, target, program, distributions and layers) or inside
a site's bundle (environments, their Pythons and wheels).

Only the manifest is read and checked; `pannier verify` checks every byte."""
EXAMPLES = (
    ("pannier inspect weather.tar.gz", "what is in this file, and what does it need of a machine?"),
    ("pannier inspect site.run", "which environments does this bundle bring, and is it signed?"),
    ("pannier inspect weather.tar.gz --json", "the whole manifest, for a program to read"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier inspect`."""
    parser.add_argument("pack", metavar="FILE", type=Path, help="the pack or bundle")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Read the manifest and lay it out."""
    from pannier import api

    if api.is_bundle(arguments.pack):
        from pannier.cli.bundles import show_bundle

        return show_bundle(arguments.pack, context.style)
    result = api.inspect(arguments.pack)
    data = {
        "path": str(arguments.pack),
        "id": result.id,
        "size": result.size,
        "manifest": result.manifest,
    }
    return Outcome(data=data, text=format_manifest(result.manifest, result.id, result.size, context.style))


def format_manifest(manifest: "Manifest", identifier: str, size: int, style: Style) -> str:
    """Facts about the pack, then its layers in the file's order."""
    unpacked = sum(layer.content_size for layer in manifest.layers)
    files = sum(layer.files for layer in manifest.layers)
    python = manifest.interpreter
    program = manifest.program
    facts = format_facts(
        [
            ("name", manifest.name),
            ("id", identifier),
            (
                "size",
                f"{format_size(size)}, unpacked {format_size(unpacked)} in {format_count(files, 'file')}",
            ),
            ("platform", str(manifest.target.platform)),
            ("python", f"{python.implementation} {python.version}, {_origin(python.origin)}"),
            ("program", f"{program.name} ({program.source})" if program else ""),
            ("variables", ", ".join(f"{name}={path}" for name, path in manifest.environment)),
            ("lock", f"sha256:{manifest.lock_sha256}" if manifest.lock_sha256 else ""),
        ],
        style,
    )
    header = ("layer", "version", "kind", "size", "unpacked", "files")
    return f"{facts}\n" + format_table(
        header, [_row(layer) for layer in manifest.layers], style, right="size unpacked files"
    )


def _origin(origin: str) -> str:
    return "inside" if origin == "inside" else "the target's own python3"


def _row(layer: "Layer") -> tuple[str, ...]:
    return (
        layer.name,
        layer.version,
        layer.kind,
        format_size(layer.size),
        format_size(layer.content_size),
        str(layer.files),
    )
