import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pannier.formats.python_reach import Reach
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image_needs import BinaryNeeds, binary_needs, metadata_of, newest_date, python_reach

Make = Callable[..., Any]
MINOR = sys.version_info.minor


def test_text_and_links_need_nothing_of_the_machine() -> None:
    items = [item_of_bytes("a.py", b"x" * 100), item_of_bytes("b", b"x" * 100), Item("c", link_target="b")]
    assert binary_needs(items, "x86_64") == BinaryNeeds(is_compiled=False)


def test_what_only_looks_compiled_says_nothing() -> None:
    assert binary_needs([item_of_bytes("a", b"\x7fELF" + bytes(100))], "x86_64").libraries == ()


@pytest.mark.skipif(sys.platform != "linux", reason="reads a program of this machine")
def test_a_program_needs_its_libraries_and_those_beside_it_it_has() -> None:
    import math
    import os

    library = Path(math.__file__) if hasattr(math, "__file__") else Path(sys.executable).resolve()
    item = item_of_bytes("lib/thing.so", library.read_bytes())
    needs = binary_needs([item], os.uname().machine)
    assert needs.is_compiled
    assert needs.glibc.startswith("2.")
    assert "libc.so.6" not in needs.libraries
    assert "libm.so.6" not in needs.libraries
    foreign = binary_needs([item], "s390x")
    assert foreign.is_compiled
    assert (foreign.libraries, foreign.glibc) == ((), "")


def test_metadata_come_in_the_order_of_the_wheels(make_plan: Make, make_wheel: Make) -> None:
    wheels = [make_wheel("b", {"b.py": ""}), make_wheel("a", {"a.py": ""})]
    assert [document["name"] for document in metadata_of(make_plan(*wheels))] == ["b", "a"]
    assert metadata_of(make_plan(make_wheel("c", {"c.py": ""}, metadata=False))) == [{}]


def test_the_newest_file_dates_a_package_but_none_is_older_than_the_least(
    make_plan: Make, make_wheel: Make
) -> None:
    plan = make_plan(make_wheel("a", {"a.py": ""}))
    assert newest_date(plan, 946_684_800) == 946_684_800
    assert newest_date(plan, 0) == 315_532_800, "1980, where a zip's dates begin"


def test_a_wheel_for_one_minor_ties_all_to_it(make_plan: Make, make_wheel: Make) -> None:
    pure = make_wheel("a", {"a.py": ""})
    free = python_reach(make_plan(pure, interpreter=None), [{"name": "a"}], ">=3.8")
    assert free.first == 8
    assert free.end is None
    compiled = make_wheel("b", {"b.py": ""}, platform="manylinux_2_17_x86_64")
    renamed = compiled.path.rename(
        compiled.path.with_name(f"b-1.0-cp3{MINOR}-cp3{MINOR}-manylinux_2_17_x86_64.whl")
    )
    plan = make_plan(pure, type(compiled)(path=renamed, sha256=compiled.sha256), interpreter=None)
    assert python_reach(plan, [{"name": "a"}, {"name": "b"}], ">=3.8") == Reach(MINOR, MINOR + 1)
