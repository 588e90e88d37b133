"""`pannier site lock`: exact versions for each environment of a site."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_index_options, add_resolution_options
from pannier.cli.render import Style, format_count, format_table, printable
from pannier.cli.site_arguments import add_environments, add_site_file

if TYPE_CHECKING:
    from pannier.api import SiteLockResult
    from pannier.site.locking import EnvironmentLock

DESCRIPTION = """Choose exact versions for each environment of a site, and write them with the hash of
every file: pylock.NAME.toml beside site.toml, for git.

Each is locked for the Python and platform of the server, not those of this machine. What exists only
as an sdist, and projects of this machine that requirements name by their path, are built into wheels
here, with a Python of the same version, and locked by the hash of that wheel.

Versions that are locked stay. Where neither requirements, site.toml nor such projects have changed,
nothing is asked and nothing written: newer versions come with --upgrade."""
EXAMPLES = (
    ("pannier site lock", "lock what is not locked yet, or has changed"),
    ("pannier site lock --upgrade", "take the newest versions of everything"),
    ("pannier site lock --upgrade numpy --environment lab-python36", "of one project, in one environment"),
    ("pannier site lock --check", "fail where a lock is not that of its requirements"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site lock`."""
    add_site_file(parser)
    add_environments(parser)
    parser.add_argument(
        "--upgrade",
        dest="upgrade",
        metavar="PROJECT",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="take the newest version of this project, or of everything, whatever is locked; may be repeated",
    )
    parser.add_argument(
        "--check", action="store_true", help="ask and write nothing: fail where a lock is not current"
    )
    add_resolution_options(parser)
    add_index_options(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Lock, and say what has changed."""
    from pannier import api

    # `--upgrade other/site.toml`: a path is no project.
    paths = [word for word in arguments.upgrade if word.endswith(".toml")]
    site_file = paths[0] if paths else arguments.site_file
    upgrade = tuple("" if word.endswith(".toml") else word for word in arguments.upgrade)
    options = api.SiteLockOptions(
        environments=tuple(arguments.environments), upgrade=upgrade, check=arguments.check
    )
    result = api.site_lock(Path(site_file), options, context.load_settings(), context.reporter)
    text = "" if arguments.quiet else _format(result, context.style)
    return Outcome(data=_data(result), text=text, summary=_summary(result))


def _data(result: "SiteLockResult") -> dict[str, object]:
    return {
        "site": result.site.name,
        "environments": [
            {
                "name": locked.inputs.environment.name,
                "path": str(locked.path),
                "target": str(locked.inputs.target),
                "kept": locked.is_kept,
                "projects": [
                    {"name": project.name, "version": project.version, "built": project.built is not None}
                    for project in locked.lock.projects
                ],
                "changes": locked.changes,
            }
            for locked in result.environments
        ],
    }


def _format(result: "SiteLockResult", style: Style) -> str:
    rows = [
        (locked.inputs.environment.name, change.project, change.kind, change.before, change.after)
        for locked in result.environments
        for change in locked.changes
    ]
    return format_table(("environment", "project", "change", "before", "after"), rows, style) if rows else ""


def _summary(result: "SiteLockResult") -> str:
    return "\n".join(_line(locked) for locked in result.environments)


def _line(locked: "EnvironmentLock") -> str:
    projects = format_count(len(locked.lock.projects), "project")
    built = sum(project.built is not None for project in locked.lock.projects)
    from_sdists = f", {built} built here" if built else ""
    if locked.is_kept:
        state = "is current (`--upgrade` asks for newer versions)"
    else:
        state = "is locked" if locked.changes else "is locked, and nothing has changed"
    target = locked.inputs.target
    machine = f"Python {target.python_version}, {target.platform}"
    return printable(f"{locked.path}: {state}: {projects}{from_sdists} for {machine}")
