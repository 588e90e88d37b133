"""`pannier pack`: a program, its environment and its interpreter in one file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome, stdin_content
from pannier.cli.parsing import (
    add_index_options,
    add_mapping_option,
    add_resolution_options,
    add_strict_option,
    parse_python,
)
from pannier.cli.render import format_count, format_seconds, format_size, printable

if TYPE_CHECKING:
    from pannier.api import PackResult, SystemPackageResult

DESCRIPTION = """Put a program, everything it needs and its interpreter into one file, which runs anywhere.

A script or a project is analyzed and locked first, a spec is locked, a lock is taken as it is. The
same lock gives the same bytes, on any machine, on any day. What was packed before is not built again."""
EXAMPLES = (
    ("pannier pack weather.py -o weather.tar.gz", "analyze, lock, build and pack, in one go"),
    ("pannier pack weather.py --lock pylock.toml -o weather.tar.gz", "with the versions locked before"),
    ("pannier pack pylock.toml -o environment.tar.zst", "an environment without a program, from a lock"),
    ("pannier pack weather.py -o weather.deb --package-version 1.0", "as a package for Debian"),
    (
        "pannier pack weather.py -o weather.tar.zst --include stations.csv",
        "with a data file beside the script",
    ),
    ("pannier pack . -o app.tar.gz --program serve", "a project, starting its console script `serve`"),
    ("pannier pack app.py -o app.tar.gz --interpreter none", "with the target's own python3"),
    ("pannier pack app.py -o app.pyz", "one file that runs with the target's own python3, as `./app.pyz`"),
    (
        "pannier pack app.py -o app.tar.gz --interpreter none --python 3.9 --platform linux-aarch64",
        "for another kind of machine",
    ),
    ("pannier pack app.py -o app.tar.gz --offline --find-links wheels/", "without a network"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier pack`."""
    parser.add_argument(
        "subject",
        metavar="SUBJECT",
        help="a program, a project's directory, a spec (environment spec, requirements.txt, ...) or a lock; "
        "- is a spec on standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        required=True,
        help="the pack to write: *.tar.gz, *.tgz, *.tar.zst, *.pyz for any python3 that fits, *.deb or *.rpm",
    )
    parser.add_argument(
        "--lock", metavar="LOCK", help="take the versions of this lock for SUBJECT, and resolve nothing"
    )
    parser.add_argument(
        "--name", metavar="NAME", default="", help="what the pack is called (default: as SUBJECT)"
    )
    parser.add_argument(
        "--program",
        metavar="NAME",
        help="what runs when no command is given: a console script or a module (default: the script packed)",
    )
    parser.add_argument(
        "--include",
        metavar="PATH",
        action="append",
        help="a data file or directory to pack beside the program; may be repeated",
    )
    _add_target_options(parser)
    _add_package_options(parser)
    add_mapping_option(parser)
    add_strict_option(parser)
    add_resolution_options(parser)
    add_index_options(parser)


def _add_target_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it is packed for")
    group.add_argument(
        "--interpreter",
        metavar="WHICH",
        help="the Python inside: auto, a path, a version, standalone, or none: the host's (usual for *.deb)",
    )
    group.add_argument(
        "--python", metavar="VERSION", type=parse_python, help="the Python to pack for, such as 3.11"
    )
    group.add_argument(
        "--platform", metavar="PLATFORM", help="the platform to pack for, such as linux-x86_64-glibc2.28"
    )


def _add_package_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what a .deb or .rpm says of itself")
    group.add_argument(
        "--package-version",
        dest="version",
        metavar="VERSION",
        help="its version (default: as SUBJECT states)",
    )
    group.add_argument(
        "--package-revision",
        dest="revision",
        metavar="REVISION",
        help="its revision of that version (default: 1)",
    )
    group.add_argument(
        "--maintainer",
        metavar="WHO",
        help="who answers for it, as `Jane Doe <jane@example.org>` (default: git's)",
    )
    group.add_argument(
        "--depends",
        metavar="PACKAGE",
        action="append",
        help="one more package of the system that it needs; may be repeated",
    )


def _stem(output: str) -> str:
    return Path(output).name.partition(".")[0]


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Pack, and say what became of it in one line."""
    from pannier import api

    settings = context.load_settings()
    options = api.PackOptions(
        output=Path(arguments.output),
        lock=Path(arguments.lock) if arguments.lock else None,
        interpreter=settings.interpreter,
        python=settings.python,
        platform=settings.platform,
        includes=settings.include,
        name=arguments.name or (_stem(arguments.output) if arguments.subject == "-" else ""),
        program=arguments.program,
        strict=arguments.strict,
        content=stdin_content([arguments.subject], context),
    )
    if api.is_system_package(options.output):
        package = api.pack_for_system(arguments.subject, options, settings, context.reporter)
        return Outcome(data=package_data(package), summary=format_package(package))
    result = api.pack(arguments.subject, options, settings, context.reporter)
    return Outcome(data=pack_data(result), summary=format_pack(result))


def pack_data(result: "PackResult") -> dict[str, object]:
    """The JSON result of a pack: where it is, and its manifest."""
    return {
        "path": str(result.path),
        "size": result.size,
        "seconds": round(result.seconds, 3),
        "reused_layers": result.reused_layers,
        "manifest": result.manifest,
    }


def package_data(result: "SystemPackageResult") -> dict[str, object]:
    """The JSON result of a system's package: where it is, and what it says of itself."""
    return {
        "path": str(result.path),
        "size": result.size,
        "seconds": round(result.seconds, 3),
        "name": result.name,
        "version": result.version,
        "architecture": result.architecture,
        "depends": list(result.depends),
        "commands": list(result.commands),
        "python": result.python,
    }


def format_package(result: "SystemPackageResult") -> str:
    """`tool.deb: tool 1.2-1 for all, 214 kB, needs python3 (>= 3.9), 1.2 s`."""
    needs = ", ".join(result.depends)
    return printable(
        f"{result.path}: {result.name} {result.version} for {result.architecture}"
        f", {format_size(result.size)}{f', needs {needs}' if needs else ''}, {format_seconds(result.seconds)}"
    )


def format_pack(result: "PackResult") -> str:
    """`weather.tar.gz: 86.1 MB, python 3.11.7 + 12 distributions, 3.4 s (11 of 14 layers reused)`."""
    layers = result.manifest.layers
    distributions = sum(layer.kind == "distribution" for layer in layers)
    python = result.manifest.interpreter
    origin = "" if python.origin == "inside" else " of the target"
    return printable(
        f"{result.path}: {format_size(result.size)}, python {python.version}{origin}"
        f" + {format_count(distributions, 'distribution')}, {format_seconds(result.seconds)}"
        f" ({result.reused_layers} of {format_count(len(layers), 'layer')} reused)"
    )
