"""How an analysis is shown: tables of projects, unknown imports and unreadable sources."""

from collections import Counter
from collections.abc import Sequence

from pannier.cli.render import Style, format_count, format_table, printable
from pannier.model.analysis import Analysis, FoundProject, Import, PythonBound
from pannier.model.declarations import Check


def format_analysis(
    analysis: Analysis, requires_python: str, style: Style, *, verbose: bool, check: Check | None = None
) -> str:
    """The tables of projects, unknown imports and unreadable sources, and the Python that is asked for."""
    blocks = []
    if analysis.projects:
        rows = [_project_row(project, verbose=verbose) for project in analysis.projects]
        header: tuple[str, ...] = ("project", "requirement", "known", "kinds", "where")
        if check is not None:
            states = {row.name: row.state for row in check.projects}
            rows = [(*row[:3], states.get(row[0], "itself"), *row[3:]) for row in rows]
            header = ("project", "requirement", "known", "declared", "kinds", "where")
        blocks.append(format_table(header, rows, style))
    if bounds := _bound_rows(analysis):
        blocks.append(format_table(("bound", "because of"), bounds, style))
    if analysis.unknown:
        unknown = [
            (name, _places(found, verbose=verbose)) for name, found in _by_name(analysis.unknown).items()
        ]
        blocks.append(format_table(("unknown import", "where"), unknown, style))
    if analysis.problems:
        problems = [(str(problem.location), problem.message) for problem in analysis.problems]
        blocks.append(format_table(("unreadable", "why"), problems, style))
    if requires_python:
        reason = f"  ({analysis.python_reason})" if analysis.python_reason else ""
        blocks.append(f"{style.paint('python', 'bold')}  {printable(requires_python + reason)}\n")
    if contradictions := _contradictions(analysis):
        blocks.append(format_table(("contradicted", "by"), contradictions, style))
    if verbose and analysis.python_bounds:
        rows = [(bound.specifier, _python_reason(bound)) for bound in analysis.python_bounds]
        blocks.append(format_table(("python", "because of"), rows, style))
    return "\n".join(blocks)


def _project_row(project: FoundProject, *, verbose: bool) -> tuple[str, ...]:
    known = f"{project.confidence}, {project.role}" if project.optional else project.confidence
    requirement = f"-e {project.editable_path}" if project.editable_path else project.requirement
    return project.name, requirement, known, _kinds(project), _places(project.imports, verbose=verbose)


def _bound_rows(analysis: Analysis) -> list[tuple[str, str]]:
    rows = [
        (f"{project.name}{bound.specifier}", bound.reason)
        for project in analysis.projects
        for bound in project.bounds
    ]
    return rows + [(bound.specifier, bound.reason) for bound in analysis.companions]


def _contradictions(analysis: Analysis) -> list[tuple[str, str]]:
    """What is declared of the Python and does not hold, each with what belies it most."""
    declared = {
        bound.specifier: str(bound) for bound in reversed(analysis.python_bounds) if bound.origin != "code"
    }
    rows: dict[tuple[str, str], tuple[str, str]] = {}
    for bound in analysis.python_bounds:
        if bound.contradicts:
            row = (
                f"{bound.contradicts}  ({declared[bound.contradicts]})",
                f"{bound.specifier}: {_python_reason(bound)}",
            )
            rows.setdefault((bound.contradicts, bound.specifier[0]), row)
    return list(rows.values())


def _python_reason(bound: PythonBound) -> str:
    others = f" (+ {format_count(bound.others, 'other')})" if bound.others else ""
    return f"{bound}{others}"


def _kinds(project: FoundProject) -> str:
    """The kinds of its imports, each with how often it occurs, the most common first."""
    counts = Counter(found.kind for found in project.imports)
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in counts.most_common())


def _places(imports: Sequence[Import], *, verbose: bool) -> str:
    """The first place, and how many more there are."""
    places = list(dict.fromkeys(str(item.location) for item in imports))
    if verbose or len(places) <= 1:
        return ", ".join(places)
    return f"{places[0]} (+ {format_count(len(places) - 1, 'other')})"


def _by_name(imports: Sequence[Import]) -> dict[str, list[Import]]:
    found: dict[str, list[Import]] = {}
    for item in imports:
        found.setdefault(item.name, []).append(item)
    return found


def format_summary(analysis: Analysis) -> str:
    """One line: how many projects, and what is left for the user to do."""
    count = len(analysis.sources)
    source = analysis.sources[0] if count == 1 else format_count(count, "source")
    parts = [format_count(len(analysis.projects), "project")]
    unknown = len(_by_name(analysis.unknown))
    if unknown:
        parts.append(
            f"{format_count(unknown, 'import')} unknown; name the project with `--pkg-mapping IMPORT=NAME`"
        )
    guesses = [project for project in analysis.projects if project.confidence == "guess"]
    if guesses:
        name = guesses[0].imports[0].name.partition(".")[0]
        parts.append(
            f"{format_count(len(guesses), 'guess', 'guesses')}, not in the spec until confirmed, "
            f"as with `--pkg-mapping {name}={guesses[0].name}`"
        )
    if analysis.problems:
        parts.insert(1, f"{format_count(len(analysis.problems), 'source')} unreadable")
    return printable(f"{source}: {', '.join(parts)}")
