"""Which Pythons besides its own a set of distributions is right for, by what their metadata say.

Core metadata: `Requires-Python` and the markers of `Requires-Dist` (PEP 345, PEP 508). A distribution may
need others on an older or a newer Python; where those are not in the set, the set does not reach that Python.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pannier.formats.python_bounds import allows, is_bound
from pannier.formats.wheels import normalize_project

_OLDEST = 6
# Nobody knows what comes later; what nothing speaks against up to here is taken to be without bound.
_HORIZON = 40
_PATCH = 20


class Reach(NamedTuple):
    """A run of minor versions of Python 3.

    Attributes:
        first: The least minor.
        end: The minor behind the last; `None` for no bound.
    """

    first: int
    end: int | None


def reach_of(metadata: Iterable[Mapping[str, Any]], bounds: Iterable[str], python_version: str) -> Reach:
    """Find the minor versions around a Python that a set of distributions is right for.

    Args:
        metadata: Of each, as `parse_full_metadata` reads it.
        bounds: More bounds on the version of Python; those that are none are left out.
        python_version: The whole version that the set was chosen for.
    """
    documents = list(metadata)
    specifiers = [*bounds, *(document.get("requires_python") or "" for document in documents)]
    specifiers = [text for text in specifiers if text and is_bound(text)]
    present = {normalize_project(document.get("name", "")) for document in documents}
    conditions = [one for document in documents for one in _conditions(document, present, python_version)]

    def fits(minor: int) -> bool:
        version = f"3.{minor}.{_PATCH}"
        return all(allows(text, version) for text in specifiers) and not any(
            marker.evaluate(_environment(version, extra)) for marker, extra in conditions
        )

    own = int(python_version.split(".")[1])
    first = own
    while first > _OLDEST and fits(first - 1):
        first -= 1
    end = own + 1
    while end < _HORIZON and fits(end):
        end += 1
    return Reach(first, None if end == _HORIZON else end)


def _conditions(
    document: Mapping[str, Any], present: set[str], python_version: str
) -> "list[tuple[Any, str]]":
    """The markers under which a distribution needs what is not in the set, each with its extra."""
    requirements = list(_requirements(document.get("requires_dist", ())))
    found = []
    for extra in ("", *document.get("provides_extra", ())):
        environment = _environment(python_version, extra)
        needed = [one for one in requirements if one.marker is None or one.marker.evaluate(environment)]
        # Which extras were asked for is written nowhere: one whose needs are all there may have been.
        if extra and not all(normalize_project(one.name) in present for one in needed):
            continue
        found += [
            (one.marker, extra)
            for one in requirements
            if one.marker is not None and normalize_project(one.name) not in present and one not in needed
        ]
    return found


def _requirements(lines: Sequence[str]) -> "Iterable[Any]":
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue  # the lock was made without it too


def _environment(version: str, extra: str) -> dict[str, str]:
    minor = ".".join(version.split(".")[:2])
    return {
        "python_version": minor,
        "python_full_version": version,
        "implementation_name": "cpython",
        "implementation_version": version,
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "extra": extra,
    }
