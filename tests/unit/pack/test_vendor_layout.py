"""Where the wheels of several targets go."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from pannier.formats.vendor_markers import VendorMarker, format_marker, parse_marker
from pannier.model.errors import UsageError
from pannier.model.target import Platform, Target
from pannier.pack.plan import PlannedWheel
from pannier.pack.vendor_layout import VendoredTarget, directories_of, label_targets, lay_out

X86 = Platform.parse("linux-x86_64-glibc2.28")
OLD = Platform.parse("linux-x86_64-glibc2.17")
ARM = Platform.parse("linux-aarch64")


def wheel(directory: Path, name: str, *members: str) -> PlannedWheel:
    path = directory / name
    with zipfile.ZipFile(path, "w") as archive:
        for member in members or (f"{name.partition('-')[0]}/__init__.py",):
            archive.writestr(member, "")
    return PlannedWheel(path=path, sha256=hashlib.sha256(name.encode()).hexdigest())


def target(python: str, platform: Platform, label: str, *wheels: PlannedWheel) -> VendoredTarget:
    return VendoredTarget(label, Target(python_version=python, platform=platform), wheels)


def test_labels_are_as_long_as_tells_targets_apart() -> None:
    targets = [Target("3.11.7", X86), Target("3.11.7", OLD), Target("3.6.15", ARM)]
    assert label_targets(targets) == ["cp311-x86_64-glibc2.28", "cp311-x86_64-glibc2.17", "cp36-aarch64"]


def test_what_is_shared_lies_once_and_what_is_compiled_with_its_target(tmp_path: Path) -> None:
    everywhere = wheel(tmp_path, "idna-3-py3-none-any.whl")
    newer = wheel(tmp_path, "requests-2-py3-none-any.whl")
    old = wheel(tmp_path, "requests-1-py3-none-any.whl")
    stable = wheel(tmp_path, "ext-1-cp36-abi3-manylinux_2_17_x86_64.whl")
    targets = [
        target("3.6.15", X86, "cp36-x86_64", everywhere, old, stable),
        target("3.8.1", X86, "cp38-x86_64", everywhere, newer, stable),
        target("3.11.1", X86, "cp311-x86_64", everywhere, newer, stable),
    ]
    groups = {group.directory: [one.path.name for one in group.wheels] for group in lay_out(targets)}
    assert groups == {
        "cp36-x86_64": ["ext-1-cp36-abi3-manylinux_2_17_x86_64.whl", "requests-1-py3-none-any.whl"],
        "cp38-x86_64": ["ext-1-cp36-abi3-manylinux_2_17_x86_64.whl"],
        "cp311-x86_64": ["ext-1-cp36-abi3-manylinux_2_17_x86_64.whl"],
        "pure-cp38-cp311": ["requests-2-py3-none-any.whl"],
        "pure": ["idna-3-py3-none-any.whl"],
    }
    assert directories_of(lay_out(targets), "cp38-x86_64") == ("cp38-x86_64", "pure-cp38-cp311", "pure")
    assert targets[0].least_libc == ("glibc", (2, 17))


def test_wheels_that_share_a_package_are_not_divided(tmp_path: Path) -> None:
    first = wheel(tmp_path, "a-1-py3-none-any.whl", "shared/__init__.py", "shared/a.py")
    second = wheel(tmp_path, "b-1-cp38-cp38-linux_x86_64.whl", "shared/b.so")
    third = wheel(tmp_path, "c-1-py3-none-any.whl", "space/c.py")
    fourth = wheel(tmp_path, "d-1-py3-none-any.whl", "space/d.py")
    targets = [
        target("3.8.1", X86, "cp38-x86_64", first, second, third, fourth),
        target("3.8.1", ARM, "cp38-aarch64", first, third, fourth),
    ]
    groups = {group.directory: len(group.wheels) for group in lay_out(targets)}
    assert groups == {"cp38-x86_64": 2, "cp38-aarch64": 1, "pure": 2}


def test_one_target_has_one_directory(tmp_path: Path) -> None:
    one = target("3.8.1", X86, "cp38-x86_64", wheel(tmp_path, "a-1-py3-none-any.whl"))
    assert [group.directory for group in lay_out([one])] == ["cp38-x86_64"]
    assert not one.is_compiled
    assert one.least_libc == ("", ())


def test_a_marker_is_read_as_it_was_written() -> None:
    marker = VendorMarker("a" * 64, "tree-1f", ("tree-1f", "tree-2e"))
    assert parse_marker(format_marker(marker), filename="m") == marker


@pytest.mark.parametrize("tree", ["../x", "tree-../x", "tree-", "other", 3])
def test_a_marker_that_leads_elsewhere_is_refused(tree: object) -> None:
    text = format_marker(VendorMarker("a", "tree-1f", ("tree-1f", tree)))  # type: ignore[arg-type]
    with pytest.raises(UsageError) as caught:
        parse_marker(text, filename="m")
    assert caught.value.code == "vendor-marker"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "pannier-vendor", "version": 2}', b"\xff"])
def test_what_is_no_marker_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        parse_marker(data, filename="m")
