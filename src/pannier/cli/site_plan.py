"""`pannier site plan`: what each environment of a site would consist of."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.parsing import add_index_options, add_resolution_options
from pannier.cli.render import Style, format_count, format_size, format_table, printable
from pannier.cli.site_arguments import add_environments, add_site_file

if TYPE_CHECKING:
    from pannier.api import SitePlanResult
    from pannier.model.errors import PannierError
    from pannier.site.planning import EnvironmentPlan, PlannedFile

DESCRIPTION = """Say what each environment of a site would consist of, before anything is downloaded:
versions, wheels and sdists, how each sdist would be built, the size, the oldest glibc it runs on,
and what cannot be had and why.

A lock that is current is taken as it is; what is not locked is resolved, and nothing is written. All
environments are told of, also those with problems; with any, the exit status is 1."""
EXAMPLES = (
    ("pannier site plan", "plan every environment"),
    ("pannier site plan --environment lab-python27", "plan one of them"),
    ("pannier site plan --json", "for a program to read"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site plan`."""
    add_site_file(parser)
    add_environments(parser)
    add_resolution_options(parser)
    add_index_options(parser)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Plan, and show it."""
    from pannier import api

    result = api.site_plan(
        Path(arguments.site_file),
        tuple(arguments.environments),
        context.load_settings(),
        context.reporter,
    )
    text = "\n".join(_format(plan, context.style) for plan in result.environments)
    has_problems = any(plan.problems for plan in result.environments)
    return Outcome(data=_data(result), text=text, summary=_summary(result), status=int(has_problems))


def _data(result: "SitePlanResult") -> dict[str, object]:
    return {
        "site": result.site.name,
        "environments": [
            {
                "name": plan.inputs.environment.name,
                "target": str(plan.inputs.target),
                "locked": plan.is_locked,
                "size": plan.size,
                "size_is_whole": plan.is_size_whole,
                "libc": plan.libc,
                "files": plan.files,
                "problems": [
                    {"message": error.message, "code": error.code, "facts": error.facts, "hint": error.hint}
                    for error in plan.problems
                ],
            }
            for plan in result.environments
        ],
    }


def _format(plan: "EnvironmentPlan", style: Style) -> str:
    target = plan.inputs.target
    title = f"{plan.inputs.environment.name}: Python {target.python_version}, {target.platform}"
    blocks = [f"{style.paint(printable(title), 'bold')}\n"]
    if plan.files:
        rows = [
            (file.project, file.version, _size(file), file.libc or "any", _what(file)) for file in plan.files
        ]
        blocks.append(format_table(("project", "version", "size", "libc", "what"), rows, style, right="size"))
        blocks.append(printable(f"{_totals(plan)}\n"))
    blocks += [_format_problem(error, style) for error in plan.problems]
    return "".join(blocks)


def _what(file: "PlannedFile") -> str:
    if file.kind == "wheel":
        return file.filename
    if file.kind == "built":
        return f"{file.filename}, built here and locked"
    return (
        f"{file.filename}, to be built by {file.builder}" if file.builder else f"{file.filename}, not built"
    )


def _size(file: "PlannedFile") -> str:
    return "?" if file.size is None else format_size(file.size)


def _totals(plan: "EnvironmentPlan") -> str:
    kinds = ["wheel" if file.kind == "built" else file.kind for file in plan.files]
    names = {"wheel": "wheels", "sdist": "sdists", "directory": "directories"}
    counts = [
        format_count(kinds.count(one), one, many) for one, many in names.items() if one in {"wheel", *kinds}
    ]
    family = plan.inputs.target.platform.libc_family
    least = f"{family} {plan.libc} or later" if plan.libc else "no particular C library"
    size = f"{'' if plan.is_size_whole else 'at least '}{format_size(plan.size)}"
    return f"{' and '.join(counts)}, {size}, {least}, {'locked' if plan.is_locked else 'not locked yet'}"


def _format_problem(error: "PannierError", style: Style) -> str:
    lines = [f"{style.paint('problem', 'red')}: {printable(error.message)}"]
    for name, value in error.facts.items():
        values = [value] if isinstance(value, str) else list(value)
        lines += [f"  {printable(name)}: {printable(line)}" for line in values]
    if error.hint:
        lines.append(f"  hint: {printable(error.hint)}")
    return "".join(f"{line}\n" for line in lines)


def _summary(result: "SitePlanResult") -> str:
    bad = [plan.inputs.environment.name for plan in result.environments if plan.problems]
    environments = format_count(len(result.environments), "environment")
    if bad:
        return printable(f"{environments}, with problems in {', '.join(bad)}")
    files = {file.filename: file.size or 0 for plan in result.environments for file in plan.files}
    size = format_size(sum(files.values()))
    return printable(f"{environments}, {size} together, each file once; `pannier site lock` fixes this")
