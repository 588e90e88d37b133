"""A bundle that was changed in any byte is refused, and the place is named."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.site.bundle_making import (
    environment,
    plan_of,
    planned_interpreter,
    planned_wheel,
    small_bundle,
)

from pannier.model.errors import CorruptPackError, StorageError
from pannier.site.bundle import write_bundle
from pannier.site.bundle_reading import is_bundle, read_bundle, verify_bundle

# Of what a zip's directory says of a member, before its name (APPNOTE 4.3.12).
_ENTRY_SIZE = 46


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    wheel = planned_wheel(directory / "cache", "demo")
    copy = planned_interpreter(directory / "cache")
    plan = plan_of(environment("a", "3.11.7", wheel, interpreter=copy))
    write_bundle(plan, directory / "site.run", sign=lambda data: b"-----BEGIN SSH SIGNATURE-----\n")
    return directory / "site.run"


def test_a_whole_bundle_is_read_and_verified(tmp_path: Path) -> None:
    written = small_bundle(tmp_path)
    facts = verify_bundle(tmp_path / "site.run")
    assert facts.manifest == written.manifest
    assert facts.size == written.size == (tmp_path / "site.run").stat().st_size
    assert read_bundle(tmp_path / "site.run") == facts
    assert not facts.signed


def _parts(data: bytes) -> Callable[[int], tuple[str, str]]:
    """Which part of a bundle a byte lies in, and in the directory, whose entry there."""
    import io

    starts = [(0, "shell", "")]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        starts += [(info.header_offset, info.filename, "") for info in archive.infolist()]
        place = archive.start_dir
        for info in archive.infolist():
            starts.append((place, "directory", info.filename))
            place += _ENTRY_SIZE + len(info.filename.encode()) + len(info.extra) + len(info.comment)
        starts.append((place, "directory", "its end"))
    return lambda offset: max(start for start in starts if start[0] <= offset)[1:]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_refused(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        directory = archive.start_dir
    # The directory is a hundredth of it, and can be wrong in most ways.
    offset = data.draw(st.integers(0, len(whole) - 1) | st.integers(directory, len(whole) - 1))
    changed = bytearray(whole)
    changed[offset] ^= data.draw(st.integers(1, 255))
    place = bundle.with_name("changed.run")
    place.write_bytes(changed)
    with pytest.raises(CorruptPackError) as caught:
        verify_bundle(place)
    said = " ".join([caught.value.message, *map(str, caught.value.facts.values())])
    part, entry = _parts(whole)(offset)
    words = {
        "shell": "shell",
        # A wrong place, size or sum in it makes the very member wrong that it speaks of.
        "directory": "director|manifest is not|no manifest|list of its files|cut short|its end|site.json"
        f"|{re.escape(entry)} is not what the manifest says",
        "site.json": "manifest|site.json|bundle of a site",
    }
    assert re.search(words.get(part, re.escape(part)), said), (part, said)


@pytest.mark.parametrize("keep", [0, 1, 22, 100, 5000, -1, -22, -100])
def test_a_bundle_cut_short_is_refused(bundle: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "site.run").write_bytes(bundle.read_bytes()[:keep])
    with pytest.raises(CorruptPackError):
        verify_bundle(tmp_path / "site.run")


def test_something_behind_the_end_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "site.run").write_bytes(bundle.read_bytes() + b"\0")
    with pytest.raises(CorruptPackError):
        verify_bundle(tmp_path / "site.run")


@settings(max_examples=100, deadline=None)
@given(junk=st.binary(max_size=400))
def test_junk_is_refused(bundle: Path, junk: bytes) -> None:
    place = bundle.with_name("junk.run")
    for data in (junk, bundle.read_bytes()[:60] + junk, junk + bundle.read_bytes()[-22:]):
        place.write_bytes(data)
        with pytest.raises(CorruptPackError):
            verify_bundle(place)


def test_an_unknown_version_is_refused_by_name(bundle: Path, tmp_path: Path) -> None:
    data = bundle.read_bytes()
    place = tmp_path / "site.run"
    with zipfile.ZipFile(bundle) as archive:
        manifest = archive.read("site.json")
    later = json.loads(manifest)
    later["version"] = 2
    text = json.dumps(later, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    place.write_bytes(data.replace(manifest, text))
    with pytest.raises(CorruptPackError) as caught:
        read_bundle(place)
    assert caught.value.code == "unknown-format"
    assert "format 2" in caught.value.message


def test_a_missing_bundle_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no bundle"):
        read_bundle(tmp_path / "none.run")
    assert not is_bundle(tmp_path / "none.run")


def test_a_bundle_is_told_by_its_beginning(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"#!/bin/sh\necho\n")
    assert is_bundle(bundle)
    assert not is_bundle(tmp_path / "other")
