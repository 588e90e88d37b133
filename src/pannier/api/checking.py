"""Imports compared with declarations: used, missing, unused, or only brought along by something else."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pannier.model.analysis import Analysis, FoundProject, Import
from pannier.model.declarations import Check, Checked, CheckState, Declarations, Declared, DeclaredGroup
from pannier.model.names import normalized_name

FAILING: frozenset[CheckState] = frozenset({"missing", "unknown", "misplaced", "transitive", "unused"})
_NEEDED = frozenset({"required", "dynamic", "backend"})
_FOR_MAKERS: frozenset[DeclaredGroup] = frozenset({"development", "build"})
_EXTRAS = r"\[([^\]]*)\]"
_GROUP_REASONS: dict[DeclaredGroup, str] = {
    "development": "declared for the project's makers",
    "build": "needed to build the project",
}


class _Facts(NamedTuple):
    """What a comparison looks things up in; names are normalized."""

    declared: Mapping[str, Sequence[Declared]]
    requires: Callable[[], Mapping[str, set[str]]]
    own: frozenset[str]
    target_python: str


def check(
    analysis: Analysis,
    declarations: Declarations,
    requires: Callable[[], Mapping[str, set[str]]],
    target_python: str,
) -> Check:
    """Compare what is imported with what is declared.

    Args:
        analysis: What the sources import.
        declarations: What files declare.
        requires: Tells who requires whom, from an environment or a lock; normalized names. Asked only where
            it matters: reading that of a large environment takes longer than a script.
        target_python: Version of the Python that will run the program, on Linux; decides markers.
    """
    facts = _Facts(
        _by_name(declarations.requirements),
        cache(requires),
        frozenset(map(normalized_name, declarations.project_names)),
        target_python,
    )
    used: set[str] = set()
    rows = []
    for project in analysis.projects:
        if normalized_name(project.name) in facts.own:
            continue
        names = _names_declared(project, facts)
        used |= names
        rows.append(_found(project, [item for name in sorted(names) for item in facts.declared[name]], facts))
    unknown = _unknown(analysis.unknown)
    rows += unknown
    rows += [
        _unused(items, facts, used, bool(unknown))
        for name, items in facts.declared.items()
        if name not in used and name not in facts.own
    ]
    rows.sort(key=lambda row: normalized_name(row.name))
    agrees = not any(row.state in FAILING for row in rows)
    return Check(agrees, tuple(rows), declarations.files, declarations.undecided)


def _by_name(requirements: Sequence[Declared]) -> dict[str, list[Declared]]:
    found: dict[str, list[Declared]] = {}
    for item in requirements:
        found.setdefault(normalized_name(item.name), []).append(item)
    return found


def _names_declared(project: FoundProject, facts: _Facts) -> set[str]:
    """Under which names a project is declared: its own, conda's, or one that provides the same."""
    from pannier.imports.known_projects import conda_name

    name = normalized_name(project.name)
    if name in facts.declared:
        return {name}
    packaged = normalized_name(conda_name(project.name))
    others = {normalized_name(other) for other in project.alternatives}
    return {other for other in (packaged, *sorted(others)) if other in facts.declared}


def _found(project: FoundProject, items: Sequence[Declared], facts: _Facts) -> Checked:
    """Where a project stands that is imported."""
    row = Checked(project.name, "used", imports=project.imports, declared=tuple(items))
    needed = [found for found in project.imports if found.kind in _NEEDED]
    if items:
        for_makers = all(item.group in _FOR_MAKERS for item in items)
        if needed and for_makers:
            return row._replace(state="misplaced", reason=f"declared only in {_places(items)}")
        return row
    if through := _extra_that_brings(project.name, facts):
        return row._replace(reason=f"comes with the extra `{through}`")
    if not needed:
        return row._replace(state="not-needed", reason=_why_not_needed(project.imports))
    bringer = _bringer(normalized_name(project.name), facts)
    if bringer:
        return row._replace(state="transitive", reason=f"there only because `{bringer}` requires it")
    return row._replace(state="missing", reason="declared nowhere")


def _places(items: Sequence[Declared]) -> str:
    return ", ".join(dict.fromkeys(f"{item.location.path} {item.place}" for item in items))


def _why_not_needed(imports: Sequence[Import]) -> str:
    kinds = sorted({found.kind for found in imports})
    words = {
        "optional": "the program does without",
        "typing": "only type checkers import it",
        "development": "only the project's makers import it",
        "declared": "the program installs it",
    }
    return "; ".join(words.get(kind, kind) for kind in kinds)


def _extra_that_brings(name: str, facts: _Facts) -> str:
    """A declared requirement whose extra is named like a project (`celery[redis]`)."""
    wanted = normalized_name(name)
    for items in facts.declared.values():
        for item in items:
            match = re.search(_EXTRAS, item.requirement.partition(";")[0])
            extras = {normalized_name(extra) for extra in match[1].split(",")} if match else set()
            if wanted in extras:
                return item.requirement
    return ""


def _bringer(name: str, facts: _Facts) -> str:
    """The declared project that brings another one along, by the shortest way."""
    groups = ("main", "optional", "development", "build")
    for start in sorted(facts.declared, key=lambda one: (groups.index(facts.declared[one][0].group), one)):
        seen = {start}
        pending = [start]
        while pending:
            for needed in sorted(facts.requires().get(pending.pop(0), ())):
                if needed == name:
                    return facts.declared[start][0].name
                if needed not in seen:
                    seen.add(needed)
                    pending.append(needed)
    return ""


def _unknown(imports: Sequence[Import]) -> list[Checked]:
    """Imports that the program needs and no known project provides, one for each top-level name."""
    found: dict[str, list[Import]] = {}
    for item in imports:
        if item.kind in _NEEDED:
            found.setdefault(item.name.partition(".")[0], []).append(item)
    return [Checked(name, "unknown", "no known project provides it", tuple(found[name])) for name in found]


def _unused(items: Sequence[Declared], facts: _Facts, used: set[str], are_unknown: bool) -> Checked:
    """Where a project stands that is declared and never imported."""
    why = "nothing imports it, unless it provides an unknown import" if are_unknown else "nothing imports it"
    row = Checked(items[0].name, "unused", why, declared=tuple(items))
    reason = next((reason for reason in _excuses(items, facts, used) if reason), "")
    return row._replace(state="excused", reason=reason) if reason else row


def _excuses(items: Sequence[Declared], facts: _Facts, used: set[str]) -> Iterator[str]:
    from pannier.imports.unimported import why_unimported

    name = normalized_name(items[0].name)
    if all(item.group in _FOR_MAKERS for item in items):
        yield _GROUP_REASONS[items[0].group]
    yield why_unimported(name)
    if not any(_holds(item, facts.target_python) for item in items):
        yield "for another Python or platform, by its marker"
    dependents = sorted(other for other in used if name in facts.requires().get(other, ()))
    if dependents:
        yield f"chooses the version of what `{dependents[0]}` requires"
    # `django-x` and `flask-x` are found by their framework; so is a part that its whole loads.
    host = next((other for other in sorted(used) if name.startswith(f"{other}-")), "")
    if host:
        yield f"a part or plug-in of `{host}`, by its name"


def _holds(item: Declared, target_python: str) -> bool:
    """Whether a requirement's marker (PEP 508) holds on the target; what is none holds."""
    marker = item.requirement.partition(";")[2].strip()
    if not marker:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    environment = {
        "python_version": ".".join(target_python.split(".")[:2]),
        "python_full_version": target_python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "extra": "",
    }
    try:
        return Marker(marker).evaluate(environment)
    except (InvalidMarker, UndefinedEnvironmentName):
        return True
