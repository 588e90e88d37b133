"""`pannier doctor`: look an index over."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.render import Colour, Style, format_count, printable

if TYPE_CHECKING:
    from pannier.api import DoctorResult
    from pannier.server.doctor.checks import Finding

DESCRIPTION = """Look a package index over as its clients see it, and say what to mend.

  names, mixing    private names that exist upstream too
  hashes, metadata, downloads, spellings and more
                   what pip and uv rely on
  extra-index-url, index-strategy
                   what pip and uv on this machine are set up for

Upstream is asked for each name, and so learns them. Exit status 0 says that nothing needs mending
(warnings allowed), 1 that something does, or that the index does not answer."""
EXAMPLES = (
    ("pannier doctor --index http://127.0.0.1:8080/simple/", "is everything served as it should be?"),
    (
        "pannier doctor --index URL --upstream URL",
        "which private names could somebody take over upstream?",
    ),
    ("pannier doctor --index URL --upstream URL --allow numpy --json", "numpy is meant to be in both"),
)
_SIGNS: dict[str, tuple[str, Colour]] = {
    "good": ("✓", "green"),
    "warning": ("!", "yellow"),
    "problem": ("✗", "red"),
    "skipped": ("-", "dim"),
}
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier doctor`."""
    parser.add_argument(
        "--index",
        metavar="URL",
        default="",
        help="the index, as pip's --index-url takes it (default: the one pip is set up for)",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        default="",
        help="where to look for the same names (default: the `upstream` of the settings of serve)",
    )
    parser.add_argument(
        "--project",
        dest="projects",
        metavar="NAME",
        action="append",
        default=[],
        help="look at this project only; may be repeated",
    )
    parser.add_argument(
        "--allow",
        dest="allowed",
        metavar="NAME",
        action="append",
        default=[],
        help="this name is meant to be in both; may be repeated",
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Look the index over, and show what was found."""
    from pannier import api

    options = api.DoctorOptions(
        index_url=arguments.index,
        upstream_url=arguments.upstream,
        projects=tuple(arguments.projects),
        allowed=tuple(arguments.allowed),
    )
    result = api.doctor(options, context.load_settings(), context.reporter)
    data = {
        "index": result.index_url,
        "upstream": result.upstream_url or None,
        "well": result.is_well,
        "findings": result.findings,
    }
    text = "".join(
        line
        for finding in result.findings
        for line in _format(finding, context.style, verbose=context.verbose)
    )
    return Outcome(data=data, text=text, summary=_summary(result), status=0 if result.is_well else 1)


def _format(finding: "Finding", style: Style, *, verbose: bool) -> Iterator[str]:
    sign, colour = _SIGNS[finding.state]
    yield f"{style.paint(sign, colour)} {printable(finding.message)}  {style.paint(finding.check, 'dim')}\n"
    shown = finding.subjects if verbose else finding.subjects[:_SHOWN]
    yield from (f"    {printable(subject)}\n" for subject in shown)
    if len(shown) < len(finding.subjects):
        yield f"    and {len(finding.subjects) - len(shown)} more: `--verbose` shows them\n"
    if finding.hint and finding.state != "good":
        yield f"  {style.paint('hint:', 'dim')} {finding.hint}\n"


def _summary(result: "DoctorResult") -> str:
    problems = sum(finding.state == "problem" for finding in result.findings)
    warnings = sum(finding.state == "warning" for finding in result.findings)
    if not problems and not warnings:
        return f"{result.index_url}: nothing to mend"
    return f"{result.index_url}: {format_count(problems, 'problem')}, {format_count(warnings, 'warning')}"
