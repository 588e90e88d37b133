"""What a bundle of changes leaves out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.site.bundle_making import environment, plan_of, planned_interpreter, planned_wheel

from pannier.formats.site_inventories import parse_inventory
from pannier.model.errors import CorruptPackError, StorageError
from pannier.site.bundle import write_bundle
from pannier.site.bundle_reading import verify_bundle
from pannier.site.delta import ServerContent, leave_out, read_server_content

SOME_ID = "a" * 64


def inventory_of(**changes: object) -> dict[str, object]:
    whole = {
        "format": "pannier-site-inventory",
        "version": 1,
        "id": SOME_ID,
        "prefix": "/opt/lab/envs",
        "platform": "linux-x86_64-glibc2.36",
        "pythons": {"3.6": {"version": "3.6.15", "abi": "cp36m", "path": "/usr/bin/python3.6"}},
        "wheels": [["b" * 64, "3.6"]],
        "interpreters": [],
    }
    return {**whole, **changes}


def test_a_delta_of_one_changed_wheel_holds_that_wheel_alone(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    large = planned_wheel(cache, "large", body="# " + "x" * 200_000)
    old, new = planned_wheel(cache, "small", "1.0"), planned_wheel(cache, "small", "1.1")
    first = write_bundle(plan_of(environment("a", "3.11.7", large, old)), tmp_path / "first.run")
    there = read_server_content(tmp_path / "first.run")
    plan = leave_out(plan_of(environment("a", "3.11.7", large, new)), there)
    write_bundle(plan, tmp_path / "second.run")
    manifest = verify_bundle(tmp_path / "second.run").manifest
    assert manifest.since == first.manifest.id
    assert {wheel.project: wheel.included for wheel in manifest.wheels.values()} == {
        "large": False,
        "small": True,
    }
    assert [file.name for file in manifest.files if file.name.startswith("wheels/")] == [
        "wheels/small-1.1-py2.py3-none-any.whl"
    ]
    # After it, the server has the large one too, though this bundle did not bring it.
    assert (large.sha256, "3.11") in read_server_content(tmp_path / "second.run").wheels


def test_a_wheel_that_one_python_lacks_is_carried(tmp_path: Path) -> None:
    wheel = planned_wheel(tmp_path, "demo")
    plan = plan_of(environment("a", "2.7.18", wheel), environment("b", "3.6.15", wheel))
    half = ServerContent(SOME_ID, frozenset({(wheel.sha256, "3.6")}), frozenset())
    assert not leave_out(plan, half).left_wheels
    whole = half._replace(wheels=half.wheels | {(wheel.sha256, "2.7")})
    assert leave_out(plan, whole).left_wheels == {wheel.sha256}


def test_an_interpreter_that_is_there_is_left_out(tmp_path: Path) -> None:
    copy = planned_interpreter(tmp_path / "cache", content=b"x" * 10_000)
    plan = plan_of(environment("a", "3.11.7", interpreter=copy))
    write_bundle(plan, tmp_path / "first.run")
    left = leave_out(plan, read_server_content(tmp_path / "first.run"))
    written = write_bundle(left, tmp_path / "second.run")
    assert left.left_interpreters == {copy.sha256}
    assert not any(file.name.startswith("interpreters/") for file in written.manifest.files)
    assert copy.sha256 not in (tmp_path / "second.run").read_bytes().split(b"PK\3\4")[0].decode()
    assert verify_bundle(tmp_path / "second.run").manifest.environments[0].interpreter.kind == "bundled"


def test_a_server_with_nothing_in_force_gets_everything(tmp_path: Path) -> None:
    wheel = planned_wheel(tmp_path, "demo")
    plan = plan_of(environment("a", "3.6.15", wheel))
    (tmp_path / "inventory.json").write_text(
        json.dumps(inventory_of(id=None, wheels=[[wheel.sha256, "3.6"]]))
    )
    assert leave_out(plan, read_server_content(tmp_path / "inventory.json")) == plan


def test_an_inventory_is_read(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(inventory_of()))
    assert read_server_content(path) == ServerContent(SOME_ID, frozenset({("b" * 64, "3.6")}), frozenset())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": "other"}, "inventory-invalid"),
        ({"version": 2}, "unknown-format"),
        ({"wheels": [["b"]]}, "inventory-invalid"),
        ({"wheels": [["../b", "3.6"]]}, "inventory-invalid"),
        ({"id": "x"}, "inventory-invalid"),
        ({"interpreters": None}, "inventory-invalid"),
    ],
)
def test_what_is_no_inventory_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(CorruptPackError) as caught:
        parse_inventory(json.dumps(inventory_of(**changes)).encode(), "inventory.json")
    assert caught.value.code == code


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_junk_is_no_inventory(data: bytes) -> None:
    with pytest.raises(CorruptPackError):
        parse_inventory(data, "inventory.json")


def test_a_missing_inventory_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_server_content(tmp_path / "none.json")
