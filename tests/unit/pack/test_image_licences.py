from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.pack.system_making import facts

from pannier.pack.image import SystemImage
from pannier.pack.image_licences import copyright_parts
from pannier.pack.plan import PackPlan

Make = Callable[..., Any]
IMAGE = SystemImage(prefix="usr/lib/tool/environment", items=(), notices=())


@pytest.fixture
def plan(make_plan: Make, make_wheel: Make) -> PackPlan:
    files = {
        "demo/__init__.py": "",
        "demo extra.py": "",
        "demo-1.0.data/scripts/demo": "",
        "demo-1.0.dist-info/licenses/LICENSE": "Be kind.\n",
    }
    made: PackPlan = make_plan(make_wheel("demo", files), interpreter=None, compiler=None)
    return made


def test_the_programs_own_comes_first_then_that_of_each_distribution(plan: PackPlan) -> None:
    metadata = [{"name": "demo", "version": "1.0", "license_expression": "MIT AND (BSD-2-Clause OR ISC)"}]
    own, demo = copyright_parts(facts(authors=("Ann", "Bob")), IMAGE, plan, metadata)
    assert (own.files, own.holders, own.license) == (("*",), ("Ann", "Bob"), "MIT")
    assert own.text == "Licensed as MIT."
    top = "usr/lib/tool/environment/lib/python3*/site-packages"
    assert demo.files == (f"{top}/demo-1.0.dist-info/*", f"{top}/demo/*", f"{top}/demo?extra.py")
    assert demo.text == "Be kind.\n"
    assert demo.license == "MIT and BSD-2-Clause-or-ISC"


def test_what_nothing_is_known_of_is_said_to_be_unknown(make_plan: Make, make_wheel: Make) -> None:
    plan = make_plan(make_wheel("bare", {"bare.py": ""}), interpreter=None, compiler=None)
    own, bare = copyright_parts(facts(license=""), IMAGE, plan, [{"name": "bare", "version": "1.0"}])
    assert own.holders == (facts().maintainer,)
    assert own.license == bare.license == "unknown"
    assert "ask its authors" in own.text
    assert bare.holders == ("the authors of bare",)
    assert bare.text == "bare 1.0: The metadata name no licence; ask its authors."


def test_an_interpreter_inside_has_a_part_of_its_own(make_plan: Make) -> None:
    *_, last = copyright_parts(facts(), IMAGE, make_plan(), [])
    assert last.license == "Python-2.0"
    assert last.files[0] == "usr/lib/tool/environment/bin/python*"
