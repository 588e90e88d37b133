"""`pannier lock`: exact versions, every file with its hash, for one or several targets."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome, stdin_content
from pannier.cli.parsing import (
    add_index_options,
    add_mapping_option,
    add_resolution_options,
    add_strict_option,
    add_target_options,
    add_version_options,
)
from pannier.cli.render import Style, format_count, format_table, printable

if TYPE_CHECKING:
    from pannier.api import LockResult
    from pannier.model.lock import LockedProject

DESCRIPTION = """Choose exact versions of everything a program needs, and write them with the hash
of every file.

The lockfile is a pylock.toml (PEP 751), which other tools install from too. It says which targets it
holds for. A lockfile that is there already keeps its versions where they still fit.

Written to a name such as requirements.lock.txt, it is a requirements file with hashes, for
`pip install --require-hashes -r`. Python 2.7 is locked for by its own pip, which needs a 2.7 on
this machine."""
EXAMPLES = (
    ("pannier lock weather.py", "lock what a script needs, for this machine's Python, in pylock.toml"),
    ("pannier lock requirements.txt -o pylock.server.toml --python 3.9 --python 3.11", "for two Pythons"),
    (
        "pannier lock spec.json --platform linux-aarch64 --platform linux-x86_64-glibc2.17",
        "for other machines",
    ),
    ("pannier lock old.py -o requirements.lock.txt", "with hashes, for pip to install from"),
    ("pannier analyze app.py -o - | pannier lock -", "what another command writes"),
    ("pannier lock . --upgrade", "take the newest versions of everything"),
    ("pannier lock . --constraint 'numpy<2' --exclude-newer 2026-01-31", "with bounds of your own"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier lock`."""
    parser.add_argument(
        "subject",
        metavar="SUBJECT",
        help="a program to analyze, a project's directory, or a spec such as requirements.txt; - is a "
        "program or a spec on standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        default="pylock.toml",
        help="the lockfile (default: pylock.toml), or requirements*.txt for pip",
    )
    add_target_options(parser)
    add_version_options(parser)
    add_mapping_option(parser)
    add_strict_option(parser)
    add_resolution_options(parser)
    add_index_options(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Lock, and say what was locked."""
    from pannier import api

    settings = context.load_settings()
    options = api.LockOptions(
        output=Path(arguments.output),
        pythons=tuple(arguments.pythons) or ((settings.python,) if settings.python else ()),
        platforms=tuple(arguments.platforms) or ((settings.platform,) if settings.platform else ()),
        upgrade=arguments.upgrade,
        exclude_newer=settings.exclude_newer,
        prerelease=settings.prerelease,
        constraints=tuple(arguments.constraints),
        strict=arguments.strict,
        content=stdin_content([arguments.subject], context),
    )
    result = api.lock(arguments.subject, options, settings, context.reporter)
    # The result is the file; the table says what is in it, to whoever wants to hear it.
    text = "" if arguments.quiet else _format(result, context.style)
    return Outcome(data=_data(result), text=text, summary=_summary(result))


def _data(result: "LockResult") -> dict[str, object]:
    projects = [{"name": project.name, "version": project.version} for project in result.lock.projects]
    return {
        "path": str(result.path),
        "projects": projects,
        "targets": [str(target) for target in result.lock.targets],
        "requires_python": result.lock.requires_python,
        "changes": result.changes,
    }


def _format(result: "LockResult", style: Style) -> str:
    """The projects and versions chosen, and what changed; which files they are is in the lockfile."""
    blocks = []
    if result.lock.projects:
        rows = [(project.name, project.version, _files(project)) for project in result.lock.projects]
        blocks.append(format_table(("project", "version", "files"), rows, style))
    # Where there was no lockfile, everything is new, and saying so tells nothing.
    if any(not change.startswith("->") for change in result.changes.values()):
        blocks.append(format_table(("changed", "how"), list(result.changes.items()), style))
    return "\n".join(blocks)


def _files(project: "LockedProject") -> str:
    wheels = format_count(len(project.wheels), "wheel") if project.wheels else ""
    return ", ".join(part for part in (wheels, "sdist" if project.sdist else "") if part)


def _summary(result: "LockResult") -> str:
    projects = format_count(len(result.lock.projects), "project")
    targets = ", ".join(map(str, result.lock.targets))
    return printable(f"{result.path}: {projects} for {targets}")
