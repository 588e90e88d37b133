import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.model.errors import PackError
from pannier.pack.clashes import find_clashes
from pannier.pack.contents import Trace


def test_of_files_that_are_the_same_the_first_stays() -> None:
    clashes = find_clashes(["a", "b"], [[Trace("tests/__init__.py", "0")], [Trace("tests/__init__.py", "0")]])
    assert clashes.excluded == {1: {"tests/__init__.py"}}
    assert clashes.notices == []


def test_of_files_that_differ_the_last_stays_and_the_user_is_told() -> None:
    members = [
        [Trace("x.py", "1"), Trace("__pycache__/x.pyc", "5")],
        [Trace("x.py", "2")],
        [Trace("x.py", "3")],
    ]
    clashes = find_clashes(["a", "b", "c"], members)
    assert clashes.excluded == {0: {"x.py"}, 1: {"x.py"}}
    assert [dict(notice.facts) for notice in clashes.notices] == [{"files": ["x.py"]}, {"files": ["x.py"]}]
    assert "`a` and `b`" in clashes.notices[0].message


@pytest.mark.parametrize("name", ["bin/python3", "bin/run_in_env", ".pannier/runtime/archive.py"])
def test_what_is_the_packs_own_is_nobody_elses(name: str) -> None:
    with pytest.raises(PackError, match="`runtime` and `evil`"):
        find_clashes(["runtime", "evil"], [[Trace(name, "1")], [Trace(name, "2")]])


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_where_another_layer_has_a_directory_is_refused(order: int) -> None:
    layers = [[Trace("a/b", "1")], [Trace("a/b/c/d", "1")]][::order]
    with pytest.raises(PackError, match="`a/b`"):
        find_clashes(["one", "two"], layers)


@given(
    layers=st.lists(
        st.lists(
            st.builds(Trace, st.sampled_from("abc"), st.sampled_from("12")), unique_by=lambda one: one.name
        ),
        max_size=4,
    )
)
def test_afterwards_each_name_is_in_one_layer_only(layers: list[list[Trace]]) -> None:
    clashes = find_clashes([str(number) for number in range(len(layers))], layers)
    left = [
        member.name
        for number, members in enumerate(layers)
        for member in members
        if member.name not in clashes.excluded.get(number, set())
    ]
    assert sorted(left) == sorted({member.name for members in layers for member in members})
