"""Imports compared with declarations: used, missing, unused, or only brought along by something else."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pannier.api.excuses import FOR_MAKERS, Surroundings, excuse
from pannier.api.own_metadata import is_of_metadata
from pannier.model.analysis import LATE, Analysis, FoundProject, Import
from pannier.model.declarations import Check, Checked, CheckState, Declarations, Declared
from pannier.model.names import normalized_name

FAILING: frozenset[CheckState] = frozenset({"missing", "unknown", "misplaced", "transitive", "unused"})
_NEEDED = frozenset({"required", "dynamic", "backend"})
_EXTRAS = r"\[([^\]]*)\]"


class _Facts(NamedTuple):
    """What a comparison looks things up in; names are normalized."""

    declared: Mapping[str, Sequence[Declared]]
    requires: Callable[[], Mapping[str, set[str]]]
    own: frozenset[str]
    target_python: str
    is_strict: bool


def check(
    analysis: Analysis,
    declarations: Declarations,
    requires: Callable[[], Mapping[str, set[str]]],
    target_python: str,
    find_mentions: Callable[[list[str]], Mapping[str, tuple[str, int]]] | None = None,
    *,
    is_strict: bool = False,
) -> Check:
    """Compare what is imported with what is declared.

    Args:
        analysis: What the sources import.
        declarations: What files declare.
        requires: Tells who requires whom, from an environment or a lock; normalized names. Asked only where
            it matters: reading that of a large environment takes longer than a script.
        target_python: Version of the Python that will run the program, on Linux; decides markers.
        find_mentions: Tells where projects are named that nothing imports; asked last of all.
        is_strict: What is imported in functions alone has to be declared, whatever tests and others tell.
    """
    facts = _Facts(
        _by_name(declarations.requirements),
        cache(requires),
        frozenset(map(normalized_name, declarations.project_names)),
        target_python,
        is_strict,
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
    has_metadata = any(item.group == "main" and is_of_metadata(item) for item in declarations.requirements)
    around = Surroundings(used, facts.requires, target_python, has_metadata)
    unused = [
        _unused(items, around, bool(unknown))
        for name, items in facts.declared.items()
        if name not in used and name not in facts.own
    ]
    rows += _without_mentioned(unused, find_mentions)
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
    from pannier.imports.projects.extras import stand_ins
    from pannier.imports.projects.known_projects import conda_name

    name = normalized_name(project.name)
    declared = {one for one in (name, *stand_ins(name)) if one in facts.declared}
    if declared:
        return declared
    packaged = normalized_name(conda_name(project.name))
    others = {normalized_name(other) for other in project.alternatives}
    return {other for other in (packaged, *sorted(others)) if other in facts.declared}


def _found(project: FoundProject, items: Sequence[Declared], facts: _Facts) -> Checked:
    """Where a project stands that is imported."""
    row = Checked(project.name, "used", imports=project.imports, declared=tuple(items))
    needed = [found for found in project.imports if found.kind in _NEEDED]
    if items:
        for_makers = all(item.group in FOR_MAKERS for item in items)
        is_done_without = any(found.kind == "optional" for found in project.imports)
        if needed and for_makers and project.role == "runtime" and not is_done_without:
            return row._replace(state="misplaced", reason=f"declared only in {_places(items)}")
        return row
    if through := _extra_that_brings(project.name, facts):
        return row._replace(reason=f"comes with the extra `{through}`")
    if not needed:
        return row._replace(state="not-needed", reason=_why_not_needed(project.imports))
    if project.role != "runtime" and not _may_be_forgotten(project, facts.is_strict):
        return row._replace(state="not-needed", reason=project.role_reason)
    bringer = _bringer(normalized_name(project.name), facts)
    if bringer:
        return row._replace(state="transitive", reason=f"there only because `{bringer}` requires it")
    return row._replace(state="missing", reason="declared nowhere")


def _may_be_forgotten(project: FoundProject, is_strict: bool) -> bool:
    """Whether only functions import a project, and no other place tells that its absence is meant."""
    is_told = any(found.kind not in _NEEDED for found in project.imports)
    return LATE in project.role_reason and (is_strict or not is_told)


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
    """A declared requirement whose extra brings a project, or is named like it (`celery[redis]`)."""
    from pannier.imports.projects.extras import brought_by

    wanted = normalized_name(name)
    for project, items in facts.declared.items():
        for item in items:
            match = re.search(_EXTRAS, item.requirement.partition(";")[0])
            extras = {normalized_name(extra) for extra in match[1].split(",")} if match else set()
            if wanted in extras or any(
                wanted in brought_by(project, extra)
                or wanted in facts.requires().get(f"{project}[{extra}]", ())
                for extra in extras
            ):
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


def _unused(items: Sequence[Declared], around: Surroundings, are_unknown: bool) -> Checked:
    """Where a project stands that is declared and never imported."""
    why = "nothing imports it, unless it provides an unknown import" if are_unknown else "nothing imports it"
    row = Checked(items[0].name, "unused", why, declared=tuple(items))
    reason = excuse(items, around)
    return row._replace(state="excused", reason=reason) if reason else row


def _without_mentioned(
    rows: Sequence[Checked], find_mentions: Callable[[list[str]], Mapping[str, tuple[str, int]]] | None
) -> list[Checked]:
    """The rows, those excused that a setting or a text of the program names."""
    unused = [normalized_name(row.name) for row in rows if row.state == "unused"]
    named = find_mentions(unused) if find_mentions is not None and unused else {}
    places = [named.get(normalized_name(row.name)) if row.state == "unused" else None for row in rows]
    return [
        row._replace(state="excused", reason=f"named in {place[0]}:{place[1]}") if place else row
        for row, place in zip(rows, places, strict=True)
    ]
