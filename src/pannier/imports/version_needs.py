"""Bounds on versions that follow from what a program uses, each with its place."""

from collections.abc import Mapping
from typing import NamedTuple

from pannier.imports.declarations import project_name
from pannier.imports.uses import Use
from pannier.imports.version_rules import VersionBound, version_rules
from pannier.model.analysis import Bound, Location
from pannier.model.names import normalized_name

_PYTHON = "python"


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
        found: dict[str, Bound] = {}
        for project, shown in projects.items():
            for item in self._deciding(project):
                for companion in item.bound.companions:
                    requirement = companion.removeprefix("?")
                    is_needed = normalized_name(project_name(requirement)) in projects
                    if is_needed or requirement == companion:
                        reason = f"with `{shown}{item.bound.specifier}`"
                        found.setdefault(requirement, Bound(requirement, reason))
        return tuple(found[requirement] for requirement in sorted(found))

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


def _version(found: _Found) -> tuple[int, ...]:
    return tuple(int(part) for part in found.bound.specifier.strip("<>=").split("."))


def _reason(found: _Found) -> str:
    return f"`{found.name}` at {found.location}"
