import gzip
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.pack.system_making import DATE, facts

from pannier.formats.python_reach import Reach
from pannier.formats.wheels import parse_record, record_digest
from pannier.model.errors import PackError, UsageError
from pannier.model.target import Platform
from pannier.pack.contents import Item, item_of_bytes
from pannier.pack.image import check_unique, directories_of, opened_image, prefix_of
from pannier.pack.image_commands import Command, command_items, commands_of_plan
from pannier.pack.plan import PackPlan, PlannedProgram
from pannier.pack.system_package import opened_contents

Make = Callable[..., Any]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ENTRY_POINTS = "[console_scripts]\ndemo = demo:main\n"


def bytes_of(item: Item) -> bytes:
    return b"".join(item.pieces()) if item.pieces else b""


@pytest.fixture
def wheel(make_wheel: Make) -> Any:
    files = {
        "demo/__init__.py": "def main(): pass\n",
        "demo/fast.so": b"\x7fELF",
        "demo-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
        "demo-1.0.data/data/share/man/man1/demo.1": ".TH demo\n",
    }
    return make_wheel("demo", files, executable=("demo/fast.so",))


@pytest.fixture
def host_plan(make_plan: Make, wheel: Any) -> PackPlan:
    plan: PackPlan = make_plan(wheel, interpreter=None, compiler=None)
    return plan


@pytest.fixture
def whole_plan(make_plan: Make, wheel: Any) -> PackPlan:
    plan: PackPlan = make_plan(wheel)
    return plan


def items_of(plan: PackPlan, reach: Reach | None) -> dict[str, Item]:
    with opened_image(plan, "tool", reach) as image:
        for item in image.items:
            content = bytes_of(item)
            item.pieces = (lambda content=content: (content,)) if item.pieces else None  # type: ignore[misc]
        return {item.name.removeprefix(f"{image.prefix}/"): item for item in image.items}


def test_the_prefixes_of_the_two_kinds_are_apart(host_plan: PackPlan, whole_plan: PackPlan) -> None:
    assert prefix_of("tool", host_plan) == "usr/lib/tool/environment"
    assert prefix_of("tool", whole_plan) == "usr/lib/tool/bundle"


def test_without_an_interpreter_it_is_a_virtual_environment_of_the_systems_python(
    host_plan: PackPlan,
) -> None:
    items = items_of(host_plan, Reach(9, 12))
    assert b"home = /usr/bin\n" in bytes_of(items["pyvenv.cfg"])
    assert items["bin/python3"].link_target == "../../../../bin/python3"
    links = {name: item.link_target for name, item in items.items() if name.startswith("lib/python3.")}
    assert links == {f"lib/python3.{minor}": "python3" for minor in (9, 10, 11)}
    assert "lib/python3/site-packages/demo/__init__.py" in items
    assert "program/hello.py" in items


def test_what_nothing_speaks_against_is_linked_for_pythons_to_come(host_plan: PackPlan) -> None:
    items = items_of(host_plan, Reach(12, None))
    assert "lib/python3.12" in items
    assert "lib/python3.25" in items


def test_with_an_interpreter_its_names_lead_to_it(whole_plan: PackPlan) -> None:
    items = items_of(whole_plan, None)
    assert items["bin/python3"].link_target == items["bin/python"].link_target == f"python{PYTHON}"
    assert items[f"bin/python{PYTHON}"].executable
    assert "pyvenv.cfg" not in items
    assert not [name for name in items if name.startswith(".pannier/runtime")], "nothing unpacks"


def test_libraries_are_not_to_be_started(whole_plan: PackPlan) -> None:
    assert not items_of(whole_plan, None)[f"lib/python{PYTHON}/site-packages/demo/fast.so"].executable


def test_a_command_is_parted_into_shell_and_python_and_the_record_tells_it(host_plan: PackPlan) -> None:
    items = items_of(host_plan, Reach(9, None))
    shell = bytes_of(items["bin/demo"])
    assert shell.startswith(b"#!/bin/sh\n")
    assert b"/usr/lib/tool/environment/libexec/demo" in shell
    assert b"import" in bytes_of(items["libexec/demo"])
    assert not items["libexec/demo"].executable
    record = parse_record(bytes_of(items["lib/python3/site-packages/demo-1.0.dist-info/RECORD"]).decode())
    (entry,) = [entry for entry in record if entry.path.endswith("bin/demo")]
    assert (entry.digest, entry.size) == (record_digest(shell), str(len(shell)))


def test_directories_come_parents_first_and_are_no_files() -> None:
    items = [Item("usr/lib/a/b"), Item("usr/bin/c")]
    assert directories_of(items) == ["usr", "usr/bin", "usr/lib", "usr/lib/a"]
    with pytest.raises(PackError) as caught:
        directories_of([*items, Item("usr/lib/a")])
    assert caught.value.code == "file-clash"


def test_no_name_stands_twice() -> None:
    check_unique([Item("a"), Item("b")])
    with pytest.raises(PackError) as caught:
        check_unique([Item("a"), Item("b"), Item("b")])
    assert caught.value.code == "member-twice"


# The commands.


def commands_of(plan: PackPlan, *installed: str) -> list[Command]:
    with opened_image(plan, "tool", Reach(9, None)) as image:
        return commands_of_plan(plan, image, installed)


def test_a_program_is_the_only_command_and_starts_its_own_file(host_plan: PackPlan) -> None:
    (command,) = commands_of(host_plan, "demo")
    assert command.name == "hello"
    assert command.start[-1].endswith("/program/hello.py")


def test_without_a_program_the_commands_of_distributions_are_there(make_plan: Make, wheel: Any) -> None:
    plan = make_plan(wheel, interpreter=None, compiler=None, program=None)
    (command,) = commands_of(plan, "demo")
    assert command.name == "demo"
    assert command.start[-1] == "/usr/lib/tool/environment/libexec/demo"
    (other,) = commands_of(plan, "compiled")
    assert other.start == ("/usr/lib/tool/environment/bin/compiled",)


def test_a_package_without_a_command_or_with_one_of_the_systems_is_refused(
    make_plan: Make, wheel: Any
) -> None:
    plan = make_plan(wheel, interpreter=None, compiler=None, program=None)
    with pytest.raises(UsageError) as caught:
        commands_of(plan)
    assert caught.value.code == "package-without-command"
    with pytest.raises(UsageError) as caught:
        commands_of(plan, "demo", "pip")
    assert caught.value.code == "program-name"
    assert "`pip`" in str(caught.value)


def test_each_command_has_a_manual_page_its_own_or_one_made_of_what_is_known(host_plan: PackPlan) -> None:
    commands = [Command("demo", ("/x/demo",)), Command("other", ("/x/other",))]
    with opened_image(host_plan, "tool", Reach(9, None)) as image:
        items = {item.name: bytes_of(item) for item in command_items(commands, image, facts(), host_plan)}
    assert gzip.decompress(items["usr/share/man/man1/demo.1.gz"]) == b".TH demo\n"
    page = gzip.decompress(items["usr/share/man/man1/other.1.gz"]).decode()
    assert "It greets." in page
    assert "2023\\-11\\-14" in page, "the date of the package, whatever the day"
    assert b"/x/other" in items["usr/bin/other"]


# All of it.


def test_what_a_package_is_made_of_is_laid_out(host_plan: PackPlan, listener: Any) -> None:
    with opened_contents(host_plan, facts(date=0), [], listener) as laid:
        assert laid.commands == ("hello",)
        assert laid.facts.date == 946_684_800, "wheels without a date are no older than checkers believe"
        assert laid.inventory == "It has its own copies in /usr/lib/tool/environment: demo 1.0."
        assert laid.reach is not None
        assert {"usr/bin/hello", "usr/share/man/man1/hello.1.gz"} <= {item.name for item in laid.items}
    with opened_contents(host_plan, facts(date=DATE), [], listener) as laid:
        assert laid.facts.date == DATE


def test_with_an_interpreter_a_package_reaches_no_other_python(whole_plan: PackPlan, listener: Any) -> None:
    with opened_contents(whole_plan, facts(), [], listener) as laid:
        assert laid.reach is None
        assert laid.inventory.startswith("It has its own copies in /usr/lib/tool/bundle: Python 3.")


def test_a_target_with_musl_is_refused(host_plan: PackPlan, make_plan: Make, listener: Any) -> None:
    target = host_plan.target._replace(platform=Platform.parse("linux-x86_64-musl1.2"))
    plan = make_plan(interpreter=None, compiler=None, target=target)
    with pytest.raises(UsageError) as caught, opened_contents(plan, facts(), [], listener):
        pass
    assert caught.value.code == "package-platform"


def test_an_empty_prefix_is_only_named(make_plan: Make, tmp_path: Path, listener: Any) -> None:
    script = tmp_path / "only.py"
    script.write_text("print(1)\n")
    program = PlannedProgram(command="only", files=(("only.py", script),), script="only.py")
    plan = make_plan(interpreter=None, compiler=None, program=program)
    with opened_contents(plan, facts(), [], listener) as laid:
        assert laid.inventory == "It lies in /usr/lib/tool/environment."


def test_an_item_of_bytes_can_be_read_again() -> None:
    item = item_of_bytes("a", b"xy")
    assert (bytes_of(item), bytes_of(item), item.size) == (b"xy", b"xy", 2)
