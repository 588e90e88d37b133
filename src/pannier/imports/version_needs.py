"""Bounds on versions that follow from what a program uses, each with its place."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pannier.imports.projects.declarations import project_name
from pannier.imports.scanning.uses import Use
from pannier.imports.scanning.version_rules import VersionBound, version_rules
from pannier.model.analysis import Bound, Location
from pannier.model.names import normalized_name

_PYTHON = "python"
# What bounds versions from above, in a requirement.
_UPPER = r"(===?|<=?|~=)\s*(\d+(?:\.\d+)*)(\.\*)?"


class _Found(NamedTuple):
    bound: VersionBound
    name: str
    location: Location


class VersionNeeds:
    """Collects uses, and says what versions they leave."""

    def __init__(self) -> None:
        self._found: dict[str, list[_Found]] = {}

    def add(self, use: Use, location: Location) -> None:
        """Note one use that the program cannot do without."""
        rules = version_rules()
        if use.token not in rules.bounds:
            # Another process read the file, and this one has not met the project yet.
            rules.read_all()
        bound = rules.bounds[use.token]
        found = _Found(bound, use.name, location)
        self._found.setdefault(normalized_name(bound.project), []).append(found)

    def of_project(self, project: str) -> tuple[Bound, ...]:
        """The bounds of one project, one in each direction; none when they exclude each other.

        Code that uses both what went and what came after it chooses by itself.
        """
        return tuple(Bound(found.bound.specifier, _reason(found)) for found in self._decisive(project))

    def of_python(self, projects: Mapping[str, str]) -> tuple[Bound, ...]:
        """The bounds on Python: by the standard library, and by what the versions of projects run on.

        Args:
            projects: Normalized names of those whose versions are bounded here, and how to name them.
        """
        bounds = list(self.of_project(_PYTHON))
        for project, shown in projects.items():
            for found in self._deciding(project):
                if found.bound.python:
                    wanted = f"{shown}{found.bound.specifier}"
                    bounds.append(Bound(found.bound.python, f"`{wanted}` for {_reason(found)}"))
        return tuple(bounds)

    def companions(self, projects: Mapping[str, str]) -> tuple[Bound, ...]:
        """Requirements that hold beside the bounded projects: what these leave to others to keep old.

        Args:
            projects: Normalized names of those whose versions are bounded here, and how to name them.
        """
        found: dict[tuple[str, str], Bound] = {}
        for project, shown in projects.items():
            for item in self._accompanied(project):
                for companion in item.bound.companions:
                    requirement, *others = companion.removeprefix("?").split("|")
                    other = normalized_name(project_name(requirement))
                    if others and not projects.keys().isdisjoint((other, *others)):
                        continue
                    if other in projects or not companion.startswith("?"):
                        reason = f"with `{shown}{item.bound.specifier}`"
                        found.setdefault((project, other), Bound(requirement, reason))
        return tuple(sorted(dict.fromkeys(found.values())))

    def _accompanied(self, project: str) -> list[_Found]:
        """What brings companions: first what bounds the project, then what is used of it besides."""
        deciding = self._deciding(project)
        above = [found for found in self._found.get(project, ()) if found.bound.specifier[:1] == "<"]
        return [*reversed(deciding), *(above if deciding else ())]

    def _deciding(self, project: str) -> list[_Found]:
        """What bounds a project from above, and what is said of it whatever its version."""
        always = [found for found in self._found.get(project, ()) if not found.bound.specifier]
        return always[:1] + [found for found in self._decisive(project) if found.bound.specifier[0] == "<"]

    def _decisive(self, project: str) -> list[_Found]:
        found = sorted(self._found.get(project, ()), key=lambda item: (item.location, item.name))
        above = [item for item in found if item.bound.specifier.startswith("<")]
        below = [item for item in found if item.bound.specifier.startswith(">=")]
        least = min(above, key=_version, default=None)
        most = max(below, key=_version, default=None)
        if least is not None and most is not None and _version(least) <= _version(most):
            return []
        return [item for item in (most, least) if item is not None]


def python_of_requirement(requirement: str) -> Bound | None:
    """Which Pythons the versions run on that a requirement leaves (`Django==1.8.3`), where the rules know."""
    newest = _newest(requirement)
    if newest is None:
        return None
    project = normalized_name(project_name(requirement))
    loosest: dict[str, tuple[int, ...]] = {}
    for bound in version_rules().bounds.values():
        is_upper = bound.python.startswith("<") and bound.specifier.startswith("<")
        if is_upper and normalized_name(bound.project) == project:
            # A name may be there for some Pythons alone; what the whole version runs on is the most of them.
            python = _numbers(bound.python[1:])
            loosest[bound.specifier] = max(python, loosest.get(bound.specifier, python))
    pythons = [python for specifier, python in loosest.items() if _is_below(newest, _numbers(specifier[1:]))]
    if not pythons:
        return None
    return Bound(f"<{'.'.join(map(str, min(pythons)))}", f"`{requirement}` as declared")


class _Newest(NamedTuple):
    """The end of the versions that a requirement leaves."""

    version: tuple[int, ...]
    is_included: bool


def _newest(requirement: str) -> _Newest | None:
    found: list[_Newest] = []
    for sign, number, star in re.findall(_UPPER, requirement.partition(";")[0]):
        version = _numbers(number)
        if sign == "~=" and len(version) > 1:
            version = version[:-1]
        if star or sign == "~=":
            found.append(_Newest((*version[:-1], version[-1] + 1), is_included=False))
        else:
            found.append(_Newest(version, is_included=sign != "<"))
    return min(found, default=None)


def _is_below(newest: _Newest, version: tuple[int, ...]) -> bool:
    return newest.version < version if newest.is_included else newest.version <= version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _version(found: _Found) -> tuple[int, ...]:
    return _numbers(found.bound.specifier.strip("<>="))


def _reason(found: _Found) -> str:
    return f"`{found.name}` at {found.location}"
