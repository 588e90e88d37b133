"""One lock out of several: what holds for every target, and markers for what does not (PEP 751)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from pannier.model.errors import LockError
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.target import Target


@dataclass(frozen=True, slots=True)
class _Cell:
    """What a marker can tell of a target: its Python and its architecture, but not its C library."""

    python: str
    architecture: str


def merge_locks(resolved: Sequence[tuple[Target, Lock]]) -> Lock:
    """Merge what was locked target by target.

    Raises:
        LockError: Two targets that no marker tells apart need different versions of a project.
    """
    cells = _cells([target for target, _ in resolved])
    found: dict[tuple[str, str], list[int]] = {}
    merged: dict[tuple[str, str], LockedProject] = {}
    for index, (_, lock) in enumerate(resolved):
        for project in lock.projects:
            key = (project.name, project.version)
            found.setdefault(key, []).append(index)
            merged[key] = _join(merged[key], project) if key in merged else project
    _refuse_indistinguishable(found, cells, [target for target, _ in resolved])
    projects = [
        replace(merged[key], marker=_marker({cells[index] for index in found[key]}, cells))
        for key in sorted(merged)
    ]
    return Lock(
        projects=tuple(projects),
        targets=tuple(target for target, _ in resolved),
        requires_python=_requires_python([target for target, _ in resolved]),
    )


def _cells(targets: Sequence[Target]) -> list[_Cell]:
    minors = {target.python_version: target.python_minor for target in targets}
    by_patch = len(set(minors.values())) < len(minors)
    return [
        _Cell(target.python_version if by_patch else target.python_minor, target.platform.architecture)
        for target in targets
    ]


def _join(one: LockedProject, other: LockedProject) -> LockedProject:
    wheels: dict[str, LockedFile] = {wheel.filename: wheel for wheel in (*other.wheels, *one.wheels)}
    return replace(one, wheels=tuple(wheels[name] for name in sorted(wheels)), sdist=one.sdist or other.sdist)


def _refuse_indistinguishable(
    found: dict[tuple[str, str], list[int]], cells: Sequence[_Cell], targets: Sequence[Target]
) -> None:
    problems: list[str] = []
    for (name, version), indexes in found.items():
        inside = {cells[index] for index in indexes}
        torn = [index for index, cell in enumerate(cells) if cell in inside and index not in indexes]
        problems.extend(f"`{name}` {version} is not for `{targets[index]}`" for index in torn)
    if problems:
        raise LockError(
            "targets that differ only in their C library need different versions, which one lock cannot say",
            code="targets-indistinguishable",
            facts={"found": problems},
            hint="write one lock for each of these targets",
        )


def _marker(inside: set[_Cell], cells: Sequence[_Cell]) -> str:
    everywhere = set(cells)
    if inside == everywhere:
        return ""
    pythons, architectures = {cell.python for cell in inside}, {cell.architecture for cell in inside}
    all_pythons, all_architectures = (
        {cell.python for cell in everywhere},
        {cell.architecture for cell in everywhere},
    )
    # Who stands outside the targets does not matter, so a whole row or column needs no second condition.
    if everywhere & {_Cell(*pair) for pair in product(pythons, all_architectures)} == inside:
        return _any_of(_python_name(pythons), pythons)
    if everywhere & {_Cell(*pair) for pair in product(all_pythons, architectures)} == inside:
        return _any_of("platform_machine", architectures)
    ordered = sorted(inside, key=lambda cell: (_version_key(cell.python), cell.architecture))
    name = _python_name(pythons)
    return " or ".join(
        f'({name} == "{cell.python}" and platform_machine == "{cell.architecture}")' for cell in ordered
    )


def _any_of(name: str, values: set[str]) -> str:
    key = _version_key if name.startswith("python") else None
    ordered = sorted(values, key=key) if key else sorted(values)
    return " or ".join(f'{name} == "{value}"' for value in ordered)


def _python_name(pythons: set[str]) -> str:
    return "python_full_version" if any(python.count(".") > 1 for python in pythons) else "python_version"


def _version_key(version: str) -> tuple[str, ...]:
    return tuple(part.zfill(4) for part in version.split("."))


def _requires_python(targets: Sequence[Target]) -> str:
    minors = sorted({target.python_minor for target in targets}, key=_version_key)
    return f"=={minors[0]}.*" if len(minors) == 1 else f">={minors[0]}"
