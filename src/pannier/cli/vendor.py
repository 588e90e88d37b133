"""`pannier vendor`: dependencies beside a program, for any Python that is there."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import (
    add_index_options,
    add_mapping_option,
    add_resolution_options,
    add_target_options,
    add_version_options,
)
from pannier.cli.render import Style, format_count, format_size, format_table, printable

if TYPE_CHECKING:
    from pannier.api import VendorResult

DESCRIPTION = """Put what a program needs into a directory beside it, so that it runs with the python3 of the
machine and nothing else.

One directory can serve several Pythons and platforms: what they share is stored once, and the launcher
that `--wrapper` writes, or `import vendored`, chooses what fits. A PEP 723 script says everything itself."""
EXAMPLES = (
    ("pannier vendor weather.py --wrapper", "python_deps/ and a launcher `weather` beside the script"),
    ("pannier vendor weather.py --wrapper --python 3.8 --python 3.11", "for two Pythons"),
    ("pannier vendor -r requirements.txt -t lib/deps", "the same for a list of requirements"),
    ("pannier vendor -r requirements.txt --wrapper flask", "a launcher for a console script of them"),
    ("pannier vendor weather.py --wrapper --on-demand", "fetched, checked against hashes, on first start"),
    ("pannier vendor weather.py --wrapper --check", "in CI: is everything up to date?"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier vendor`."""
    parser.add_argument(
        "subject", metavar="SUBJECT", nargs="?", default="", help="a script, a project's directory, or a spec"
    )
    parser.add_argument(
        "-r",
        "--requirements",
        metavar="FILE",
        action="append",
        default=[],
        help="take what this file lists, and not what SUBJECT says of itself; may be repeated",
    )
    parser.add_argument("--lock", metavar="LOCK", help="take the versions of this lock, and resolve nothing")
    parser.add_argument(
        "-t",
        "--target",
        metavar="DIR",
        help="where dependencies go (default: python_deps beside SUBJECT)",
    )
    add_target_options(parser)
    _add_launcher_options(parser)
    _add_run_options(parser)
    add_version_options(parser)
    add_mapping_option(parser)
    add_resolution_options(parser)
    add_index_options(parser)


def _add_launcher_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the launcher")
    group.add_argument(
        "--wrapper",
        metavar="NAME",
        nargs="?",
        const="",
        help="write a launcher (default: SUBJECT without its ending, beside it)",
    )
    group.add_argument(
        "--program", metavar="NAME", default="", help="the console script that the launcher starts"
    )
    group.add_argument(
        "--on-demand",
        action="store_true",
        help="fetch what is locked when it is started for the first time, instead of now",
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is done")
    group.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="lay byte code beside the modules, for the Pythons that are here (default: yes)",
    )
    group.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 unless all is there and up to date"
    )
    group.add_argument("--dry-run", action="store_true", help="write nothing; say what would be")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Vendor, and say what lies there now."""
    from pannier import api

    settings = context.load_settings()
    subject, wrapper = arguments.subject, arguments.wrapper
    if not (subject or arguments.requirements or arguments.lock) and wrapper and Path(wrapper).exists():
        # `--wrapper weather.py`: the option's value is one that the user meant as the subject.
        subject, wrapper = wrapper, ""
    options = api.VendorOptions(
        directory=Path(arguments.target) if arguments.target else None,
        requirements=tuple(arguments.requirements),
        lock=Path(arguments.lock) if arguments.lock else None,
        pythons=tuple(arguments.pythons) or ((settings.python,) if settings.python else ()),
        platforms=tuple(arguments.platforms) or ((settings.platform,) if settings.platform else ()),
        wrapper=wrapper,
        program=arguments.program,
        is_on_demand=arguments.on_demand,
        compiles=arguments.compile,
        upgrade=arguments.upgrade,
        constraints=tuple(arguments.constraints),
        is_check=arguments.check,
        is_dry_run=arguments.dry_run,
    )
    result = api.vendor(subject, options, settings, context.reporter)
    text = _format(result, context.style) if arguments.dry_run else ""
    return Outcome(data=_data(result, arguments), text=text, summary=_summary(result, arguments))


def _data(result: "VendorResult", arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "directory": str(result.directory),
        "tree": result.tree,
        "targets": [str(target) for target in result.targets],
        "projects": [{"name": name, "version": version} for name, version in result.projects],
        "files": result.files,
        "size": result.size,
        "launcher": str(result.launcher) if result.launcher else None,
        "uncompiled": list(result.uncompiled),
        "changed": result.is_changed,
        "in_use": list(result.in_use),
        "dry_run": bool(arguments.dry_run),
    }


def _format(result: "VendorResult", style: Style) -> str:
    return format_table(("project", "version"), list(result.projects), style)


def _summary(result: "VendorResult", arguments: argparse.Namespace) -> str:
    pythons = ", ".join(dict.fromkeys(target.python_minor for target in result.targets))
    names = {name for name, _ in result.projects}
    what = f"{format_count(len(names), 'project')} for Python {pythons}"
    if arguments.dry_run:
        state = "would be written" if result.is_changed else "is up to date"
    else:
        state = f"{format_count(result.files, 'file')}, {format_size(result.size)}"
        state += "" if result.is_changed else ", up to date"
    launcher = f"; launcher {result.launcher}" if result.launcher else ""
    lacking = f"; no byte code for {', '.join(result.uncompiled)}" if result.uncompiled else ""
    held = ""
    if result.in_use:
        held = f"; {', '.join(result.in_use)} is in use by a program that runs, and goes with the next run"
    return printable(f"{result.directory}: {what}, {state}{launcher}{lacking}{held}")
