from typing import Any

import pytest

from pannier.formats.python_reach import Reach, reach_of
from pannier.formats.wheel_reach import wheel_reach


def document(name: str, *requires: str, python: str = "", extras: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "name": name,
        "requires_dist": list(requires),
        "requires_python": python,
        "provides_extra": list(extras),
    }


def test_the_bounds_of_all_distributions_hold_together() -> None:
    documents = [document("a", python=">=3.8"), document("b", python=">=3.9,<3.13")]
    assert reach_of(documents, [">=3.7"], "3.11.7") == Reach(9, 13)


def test_without_bounds_there_is_no_upper_one() -> None:
    assert reach_of([document("a", python=">=3.9,<4")], [], "3.11.7") == Reach(9, None)


def test_what_an_older_or_newer_python_would_need_besides_is_a_bound() -> None:
    documents = [document("a", "tomli; python_version < '3.11'", "backport>=1; python_version >= '3.13'")]
    assert reach_of(documents, [], "3.11.7") == Reach(11, 13)


def test_what_is_there_anyway_bounds_nothing() -> None:
    documents = [document("a", "tomli; python_version < '3.11'", python=">=3.8"), document("tomli")]
    assert reach_of(documents, [], "3.11.7") == Reach(8, None)


def test_only_extras_whose_needs_are_there_count() -> None:
    line = "more; extra == 'x' and python_version < '3.10'"
    unused = document("a", line, "needed; extra == 'x'", extras=("x",))
    assert reach_of([unused], [">=3.8"], "3.11.7") == Reach(8, None)
    assert reach_of([unused, document("needed")], [">=3.8"], "3.11.7") == Reach(10, None)


def test_a_requirement_that_cannot_be_read_bounds_nothing() -> None:
    assert reach_of([document("a", "pytz (>dev)")], [">=3.8"], "3.11.7") == Reach(8, None)


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a-1.0-py3-none-any.whl", None),
        ("a-1.0-py2.py3-none-any.whl", None),
        ("a-1.0-py38-none-any.whl", Reach(8, None)),
        ("a-1.0-cp37-abi3-manylinux_2_17_x86_64.whl", Reach(7, None)),
        ("a-1.0-cp311-cp311-linux_x86_64.whl", Reach(11, 12)),
        ("a-1.0-py3-none-manylinux_2_17_x86_64.whl", None),
    ],
)
def test_tags_say_which_pythons_a_wheel_runs_on(filename: str, expected: Reach | None) -> None:
    assert wheel_reach(filename, 11) == expected
