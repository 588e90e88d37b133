"""What `pannier analyze --explain` shows of one project: every place, and how each answer was found."""

import difflib
from collections.abc import Iterator, Sequence

from pannier.cli.render import Style, format_count, format_table, printable
from pannier.model.analysis import Analysis, FoundProject, Import
from pannier.model.declarations import Check, Checked
from pannier.model.errors import AnalysisError

_KNOWN = {
    "declared": "a file of the project, or the source itself, declares it",
    "mapped": "you say so, with `--pkg-mapping` or in the settings",
    "installed": "the environment analysed has it, and it provides the import",
    "locked": "a lock of the project holds it",
    "known": "the data shipped with Pannier name it",
    "guess": "only a guess: its name fits, and nobody vouches for it",
}
_NEEDED = ("required", "dynamic", "backend", "declared")
_WHY_KIND = {
    "required": "nothing makes it optional",
    "dynamic": "imported by its name, which the source tells",
    "backend": "what a library imports because a text in the source names it",
    "declared": "the source installs or declares it",
    "optional": "a missing one is foreseen",
    "typing": "only type checkers import it",
    "development": "in tests, documentation or build files",
}


def format_explanation(analysis: Analysis, check: Check | None, asked: str, style: Style) -> str:
    """Everything that is known of a project, or of an import that has none.

    Raises:
        AnalysisError: Nothing imports or declares it.
    """
    wanted = _comparable(asked)
    row = next((one for one in check.projects if _comparable(one.name) == wanted), None) if check else None
    for project in analysis.projects:
        imported = {_comparable(found.name) for found in project.imports}
        if wanted == _comparable(project.name) or wanted in imported:
            own = row or _row_of(check, project.name)
            return _project(project, own, style)
    unknown = [found for found in analysis.unknown if _comparable(found.name.partition(".")[0]) == wanted]
    if unknown:
        head = f"{style.paint(asked, 'bold')}  unknown: nothing installed, declared or known provides it\n"
        return head + _places(unknown, style)
    if row is not None:
        return (
            f"{style.paint(row.name, 'bold')}  {row.state}: {printable(row.reason)}\n{_declared(row, style)}"
        )
    raise _nothing(analysis, check, asked)


def _nothing(analysis: Analysis, check: Check | None, asked: str) -> AnalysisError:
    names = [project.name for project in analysis.projects]
    names += [one.name for one in check.projects] if check else []
    near = difflib.get_close_matches(asked, names, n=1)
    return AnalysisError(
        f"nothing here imports or declares `{asked}`",
        code="not-imported",
        facts={"imported": sorted(set(names), key=str.lower) or ["nothing"]},
        hint=f"did you mean `{near[0]}`?" if near else "name one of these",
    )


def _project(project: FoundProject, row: Checked | None, style: Style) -> str:
    lines = [f"{style.paint(project.name, 'bold')}  {_verdict(project)}"]
    lines += [f"  {label:<13}{printable(text)}" for label, text in _facts(project, row)]
    return "\n".join(lines) + "\n" + _places(project.imports, style) + (_declared(row, style) if row else "")


def _verdict(project: FoundProject) -> str:
    """Whether it is needed, and why."""
    if project.role_reason and project.role == "optional":
        return f"not needed: {project.role_reason}"
    if project.optional:
        kinds = list(dict.fromkeys(_WHY_KIND[found.kind] for found in project.imports))
        return f"not needed: {'; '.join(kinds)}"
    needed = [found for found in project.imports if found.kind in _NEEDED]
    if len(needed) == len(project.imports):
        return "needed: " + "; ".join(dict.fromkeys(_WHY_KIND[found.kind] for found in needed))
    return f"needed: {len(needed)} of {format_count(len(project.imports), 'place')} cannot do without"


def _facts(project: FoundProject, row: Checked | None) -> Iterator[tuple[str, str]]:
    requirement = f"-e {project.editable_path}" if project.editable_path else project.requirement
    yield "requirement", requirement
    yield "known as", f"{project.confidence}: {_KNOWN[project.confidence]}"
    if project.conda_name:
        yield "conda-forge", project.conda_name
    if project.role != "runtime":
        yield "role", project.role
    if project.reasons:
        yield "evidence", ", ".join(project.reasons)
    if project.alternatives:
        yield "alternatives", f"{', '.join(project.alternatives)} (choose one with `--pkg-mapping`)"
    if row is not None:
        yield "declared", f"{row.state}{': ' + row.reason if row.reason else ''}"


def _places(imports: Sequence[Import], style: Style) -> str:
    rows = [
        (found.name, found.kind, f"{found.location}:{found.location.column}", _WHY_KIND[found.kind])
        for found in imports
    ]
    return "\n" + format_table(("import", "kind", "where", "why"), rows, style)


def _declared(row: Checked, style: Style) -> str:
    if not row.declared:
        return ""
    rows = [(item.requirement, item.group, str(item.location), item.place) for item in row.declared]
    return "\n" + format_table(("declaration", "for", "where", "place"), rows, style)


def _row_of(check: Check | None, name: str) -> Checked | None:
    rows = check.projects if check else ()
    return next((one for one in rows if _comparable(one.name) == _comparable(name)), None)


def _comparable(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
