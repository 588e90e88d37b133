import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from pannier.formats.python_bounds import allows, is_bound

releases = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
clauses = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), releases).map(
    "".join
) | releases.map("=={}.*".format)
bounds = st.lists(clauses, max_size=3).map(",".join)


@given(bound=bounds, version=releases)
def test_a_bound_allows_what_packaging_says_it_allows(bound: str, version: str) -> None:
    assert is_bound(bound)
    assert allows(bound, version) == SpecifierSet(bound).contains(version, prereleases=True)


@pytest.mark.parametrize("version", ["3.9.0rc1", "3.13.0a1", "3.9.0.post1"])
@pytest.mark.parametrize("bound", ["<3.9", ">3.9", ">=3.9", "==3.9.*", "~=3.8", ""])
def test_other_versions_and_bounds_are_packagings_to_judge(bound: str, version: str) -> None:
    assert allows(bound, version) == SpecifierSet(bound).contains(version, prereleases=True)


@pytest.mark.parametrize("text", [">=3.9", ">=3.9,<4", ">=3.9, <4", "~=3.9", "==3.*", "", ">= 3.9", ">=3.9,"])
def test_a_bound_is_one(text: str) -> None:
    SpecifierSet(text)
    assert is_bound(text)


@pytest.mark.parametrize("text", ["3.9", ">=", "=>3.9", ">=three", ">=3.9 <4", ">=3.9;<4"])
def test_other_text_is_no_bound(text: str) -> None:
    assert not is_bound(text)


def test_a_plain_bound_loads_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert is_bound(">=3.9,<4")
    assert allows(">=3.9,<4", "3.11.7")
