"""`pannier site diff`: what has changed in a site's locks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import Style, format_table, printable

if TYPE_CHECKING:
    from pannier.api import SiteDiffResult

DESCRIPTION = """Say what has changed in a site's locks, environment by environment: added, upgraded,
downgraded, removed, rebuilt.

Each side is a directory, a bundle, or a revision of git. Without any, the last commit is compared
with what is there now."""
EXAMPLES = (
    ("pannier site diff", "what has changed since the last commit?"),
    ("pannier site diff v1.2", "and since the tag v1.2?"),
    ("pannier site diff old.run new.run", "between two bundles"),
    ("pannier site diff HEAD~1 HEAD --json", "between two commits, for a program to read"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site diff`."""
    parser.add_argument(
        "sides", metavar="SIDE", nargs="*", help="what to compare (default: HEAD), and with what"
    )
    parser.add_argument(
        "--site",
        dest="site_file",
        metavar="SITE",
        default="site.toml",
        help="the site's file (default: site.toml)",
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Compare, and show it."""
    from pannier import api
    from pannier.cli.errors import usage_error

    if len(arguments.sides) > 2:
        raise usage_error("`pannier site diff` compares two sides", hint="name at most two")
    result = api.site_diff(Path(arguments.site_file), *arguments.sides)
    return Outcome(data=_data(result), text=_format(result, context.style), summary=_summary(result))


def _data(result: "SiteDiffResult") -> dict[str, object]:
    return {
        "before": result.before,
        "after": result.after,
        "environments": [{"name": name, "changes": changes} for name, changes in result.environments],
    }


def _format(result: "SiteDiffResult", style: Style) -> str:
    rows = [
        (name, change.project, change.kind, change.before, change.after)
        for name, changes in result.environments
        for change in changes
    ]
    return format_table(("environment", "project", "change", "before", "after"), rows, style) if rows else ""


def _summary(result: "SiteDiffResult") -> str:
    counts: dict[str, int] = {}
    for _, changes in result.environments:
        for change in changes:
            counts[change.kind] = counts.get(change.kind, 0) + 1
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing has changed"
    return printable(f"{result.before} to {result.after}: {told}")
