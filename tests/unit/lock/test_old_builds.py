from collections.abc import Callable

import pytest

from pannier.lock.old_builds import build_as_of_old, build_hint, older_setuptools
from pannier.lock.uv import UvResult

TWO_TO_THREE = "error in toro setup command: use_2to3 is invalid."
FEATURE = "ImportError: cannot import name 'Feature' from 'setuptools' (/x/setuptools/__init__.py)"
NO_RESOURCES = "ModuleNotFoundError: No module named 'pkg_resources'"


def builds_with(*said: str) -> tuple[list[str], Callable[[str], UvResult]]:
    """A build that ends with each of some errors in turn, and then well; and the constraints it was given."""
    given: list[str] = []

    def build(constraint: str) -> UvResult:
        given.append(constraint)
        error = said[len(given) - 1] if len(given) <= len(said) else ""
        return UvResult(int(bool(error)), "", error)

    return given, build


def test_what_builds_is_built_once_with_what_it_asks_for() -> None:
    given, build = builds_with()
    assert build_as_of_old(build, "3.9").exit_status == 0
    assert given == [""]


def test_an_older_setuptools_is_tried_until_nothing_asks_for_one() -> None:
    given, build = builds_with(NO_RESOURCES, TWO_TO_THREE, FEATURE)
    assert build_as_of_old(build, "3.9").exit_status == 0
    assert given == ["", "setuptools<82", "setuptools<58", "setuptools<46"]


def test_the_same_complaint_twice_ends_it() -> None:
    given, build = builds_with(TWO_TO_THREE, TWO_TO_THREE)
    assert build_as_of_old(build, "3.9").stderr == TWO_TO_THREE
    assert given == ["", "setuptools<58"]


def test_another_fault_is_told_as_it_is_after_the_change() -> None:
    _, build = builds_with(TWO_TO_THREE, "fatal error: lber.h")
    assert build_as_of_old(build, "3.9").stderr == "fatal error: lber.h"


def test_a_build_that_asks_for_a_new_setuptools_keeps_its_own_error() -> None:
    _, build = builds_with(NO_RESOURCES, "cause: Failed to resolve requirements from `build-system.requires`")
    assert build_as_of_old(build, "3.9").stderr == NO_RESOURCES


@pytest.mark.parametrize(
    ("said", "minor", "constraint"),
    [
        (TWO_TO_THREE, "3.11", "setuptools<58"),
        (TWO_TO_THREE, "3.12", ""),
        (NO_RESOURCES, "3.13", "setuptools<82"),
        ("fatal error: lber.h: No such file or directory", "3.9", ""),
    ],
)
def test_only_a_setuptools_that_runs_on_that_python_helps(said: str, minor: str, constraint: str) -> None:
    assert older_setuptools(said, "", minor) == constraint


def test_the_hint_says_which_python_an_old_build_is_for() -> None:
    assert "`--python 3.11`" in build_hint(TWO_TO_THREE)
    assert "`--python 2.7`" in build_hint("SyntaxError: Missing parentheses in call to 'print'. Did you mean")
    assert not build_hint("fatal error: lber.h: No such file or directory")
