"""The setuptools that an old sdist was written for.

An sdist without a pyproject.toml is built with the newest setuptools, which has dropped what setup.py files
of its time ask for. What the build then says tells which versions still have it.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

_SETUPTOOLS = "setuptools<"
# What a build says, and the first release that says it.
_SIGNS: Mapping[str, int] = {
    "cannot import name 'Feature' from 'setuptools'": 46,
    "use_2to3 is invalid": 58,
    "Expected end or semicolon": 66,
    "Invalid dash-separated key": 78,
    "No module named 'pkg_resources'": 82,
}
# From this Python on the setuptools of before this release do not start.
_LAST_PYTHON, _NEEDS_OLD_PYTHON = (3, 11), 66
# What Python 3 says of the setup.py of a project for Python 2.
_PYTHON_2_SIGNS = (
    "Missing parentheses in call to 'print'",
    "No module named 'ConfigParser'",
    "No module named 'urllib2'",
)
# The constraint and what the sdist itself asks for exclude each other.
_CONFLICT = "Failed to resolve requirements from"


class _Ended(Protocol):
    @property
    def exit_status(self) -> int: ...

    @property
    def stdout(self) -> str: ...

    @property
    def stderr(self) -> str: ...


_Result = TypeVar("_Result", bound=_Ended)


def build_as_of_old(build: Callable[[str], _Result], python_minor: str) -> _Result:
    """Build with what the sdists themselves ask for; where that is too new, with the setuptools they know.

    Args:
        build: Builds under a constraint on what builds require; empty for none.
        python_minor: The Python that builds.

    Returns:
        How the last build ended, or the first where the constraint itself was in the way.
    """
    first = result = build("")
    constraint = ""
    while result.exit_status != 0:
        older = older_setuptools(result.stdout + result.stderr, constraint, python_minor)
        if not older:
            break
        constraint = older
        result = build(constraint)
    return first if _CONFLICT in result.stderr else result


def older_setuptools(said: str, constraint: str, python_minor: str) -> str:
    """The constraint that mends a build, by what it said; empty where none older than `constraint` does."""
    wanted = [release for sign, release in _SIGNS.items() if sign in said]
    before = min(wanted, default=0)
    if not before or (constraint and _release(constraint) <= before):
        return ""
    if before < _NEEDS_OLD_PYTHON and _pair(python_minor) > _LAST_PYTHON:
        return ""
    return f"{_SETUPTOOLS}{before}"


def _release(constraint: str) -> int:
    return int(constraint.removeprefix(_SETUPTOOLS))


def _pair(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def build_hint(said: str) -> str:
    """What to do about a build that is for other Pythons, by what it said; empty where nothing tells that."""
    if any(sign in said for sign, release in _SIGNS.items() if release < _NEEDS_OLD_PYTHON):
        newest = ".".join(map(str, _LAST_PYTHON))
        return (
            f"its setup.py wants a setuptools older than Python {newest}: choose `--python {newest}` or older"
        )
    if any(sign in said for sign in _PYTHON_2_SIGNS):
        return (
            "its setup.py is written for Python 2: choose `--python 2.7`, or a project that has replaced it"
        )
    return ""
