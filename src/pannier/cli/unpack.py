"""`pannier unpack`: a pack into a directory, verified on the way."""

import argparse
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import format_count, format_seconds, format_size, printable

DESCRIPTION = """Unpack a pack into a directory, checking every byte against its manifest.

The directory appears whole or not at all. It can be moved, and used with `pannier run DIR` or directly:
its bin/ holds the interpreter, the console scripts and the program."""
EXAMPLES = (
    ("pannier unpack weather.tar.gz weather-environment", "into a directory that is not there yet"),
    ("pannier run weather-environment", "and run it from there"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier unpack`."""
    parser.add_argument("pack", metavar="FILE", type=Path, help="the pack")
    parser.add_argument("directory", metavar="DIR", type=Path, help="where to; must be empty or not there")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Unpack, and say how much it was."""
    from pannier import api

    result = api.unpack(arguments.pack, arguments.directory, context.reporter)
    summary = (
        f"{result.directory}: {format_count(result.files, 'file')}, {format_size(result.size)},"
        f" {format_seconds(result.seconds)}"
    )
    data = {
        "directory": str(result.directory),
        "files": result.files,
        "size": result.size,
        "seconds": round(result.seconds, 3),
    }
    return Outcome(data=data, summary=printable(summary))
