"""Reading, verifying and unpacking packs by the Python that travels."""

import contextlib
import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.pack_building import (
    File,
    LayerPlan,
    build_pack,
    frames,
    host_plan,
    link,
    plain_plan,
    sample_layer,
    segment,
)

from pannier.runtime.archive import ArchiveError, parse_head, read_pack, verify_pack
from pannier.runtime.segment import SegmentReader
from pannier.runtime.unpack import unpack_pack

HEAD = (
    "\npannier-pack 1 {0}\nname a b\nsystem linux x86_64 glibc 2.28\npython cpython 3.11.7 "
    "inside bin/python3.11\nprogram x\nmanifest 600 10\nbootstrap 610 20 {0}\nunpacked 5 1\nend\n"
).format("a" * 64)


def unzstd(codec: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    assert codec == "zstd"
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    for chunk in chunks:
        yield decompressor.decompress(chunk)
        if decompressor.unused_data:
            raise ArchiveError("bytes after the end", "corrupt-pack")


def test_a_head_is_read() -> None:
    head = parse_head(HEAD.encode())
    assert (head.name, head.program, head.python_minor) == ("a b", "x", "3.11")
    assert (head.manifest, head.bootstrap, head.unpacked_files) == ((600, 10), (610, 20), 1)
    assert parse_head(HEAD.replace("program x\n", "").encode()).program == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\npannier", "pannier"),
        ("end\n", ""),
        ("end\n", "end"),
        ("aaa", "AAA"),
        ("600", "-6"),
        ("600", "006"),
        ("inside", "beside"),
        ("bin/python3.11", "../python"),
        ("program x", "program ../x"),
        ("program x", "program x y"),
        ("name a b\n", ""),
        ("name a b\n", "name a\nname b\n"),
    ],
)
def test_a_damaged_head_is_refused(old: str, new: str) -> None:
    with pytest.raises(ArchiveError, match="damaged"):
        parse_head(HEAD.replace(old, new, 1).encode())


def test_another_format_is_refused_by_its_number() -> None:
    with pytest.raises(ArchiveError, match="format 9") as caught:
        parse_head(HEAD.replace("pannier-pack 1", "pannier-pack 9").encode())
    assert caught.value.code == "unknown-format"


@given(st.binary(max_size=300))
def test_no_bytes_make_the_head_parser_fail_otherwise(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        parse_head(data)


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_no_bytes_make_the_segment_reader_fail_otherwise(data: bytes, size: int) -> None:
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    # Any other exception fails the test.
    with contextlib.suppress(ArchiveError):
        assert list(SegmentReader(chunks, len(data)).members()) == [] or data


@given(st.integers(0, 511), st.integers(0, 255), st.integers(1, 600))
def test_a_changed_header_byte_is_noticed(place: int, value: int, size: int) -> None:
    data = bytearray(segment([File("a/b", b"x" * 700)]))
    if data[place] == value:
        return
    data[place] = value
    chunks = (bytes(data[start : start + size]) for start in range(0, len(data), size))
    try:
        members = list(SegmentReader(chunks, len(data)).members())
    except ArchiveError:
        return
    # A blank and a NUL end a number alike, so one may stand for the other; all else is in the checksum.
    assert 148 <= place < 156
    assert [(member.name, member.size) for member in members] == [("a/b", 700)]


@given(st.lists(st.integers(0, 5000), max_size=8), st.integers(1, 3000))
def test_members_are_the_same_however_chunks_are_cut(sizes: list[int], cut: int) -> None:
    files = [
        File(f"d{number}/" + "n" * (number * 40) + "é", os.urandom(size)) for number, size in enumerate(sizes)
    ]
    data = segment(files)
    reader = SegmentReader((data[start : start + cut] for start in range(0, len(data), cut)), len(data))
    found = []
    for member in reader.members():
        pieces: list[bytes] = []
        reader.copy_data(lambda piece, pieces=pieces: pieces.append(bytes(piece)))  # type: ignore[misc]
        found.append((member.name, b"".join(pieces)))
    assert found == [(file.name, file.data) for file in files]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_pack_is_verified_and_unpacked(tmp_path: Path, codec: str, workers: int) -> None:
    plan = plain_plan(*(sample_layer(f"s{number}") for number in range(5)), codec=codec)
    path = build_pack(tmp_path / "x", plan)
    decompressor = unzstd if codec == "zstd" else None
    pack = verify_pack(str(path), decompressor)
    assert [layer.name for layer in pack.layers] == [layer.name for layer in plan.layers]
    where = tmp_path / "prefix"
    where.mkdir()
    unpack_pack(str(path), str(where), workers, decompressor)
    for layer in plan.layers:
        for member in layer.members:
            found = where / member.name
            if member.target:
                assert str(found.readlink()) == member.target
            elif not member.name.endswith("/"):
                assert found.read_bytes() == member.data
                assert found.stat().st_mode & 0o777 == member.mode
    assert hashlib.sha256((where / ".pannier" / "manifest.json").read_bytes()).hexdigest() == pack.head.id
    assert not (where / ".pannier" / "complete").exists()


def test_the_umask_is_respected(tmp_path: Path) -> None:
    path = build_pack(tmp_path / "x", plain_plan())
    (tmp_path / "prefix").mkdir()
    before = os.umask(0o077)
    try:
        unpack_pack(str(path), str(tmp_path / "prefix"))
    finally:
        os.umask(before)
    assert (tmp_path / "prefix" / "bin" / "hello").stat().st_mode & 0o777 == 0o700


def test_zstd_by_the_command(tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("there is no zstd here")
    path = build_pack(tmp_path / "x", plain_plan(codec="zstd"))
    verify_pack(str(path))


def test_a_host_pack(tmp_path: Path) -> None:
    assert verify_pack(str(build_pack(tmp_path / "x", host_plan()))).head.origin == "host"


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_every_cut_and_every_addition_is_found(tmp_path: Path, codec: str) -> None:
    decompressor = unzstd if codec == "zstd" else None
    parts = frames(plain_plan(codec=codec))
    data = b"".join(parts)
    path = tmp_path / "x"
    cuts = {sum(map(len, parts[:count])) + shift for count in range(len(parts)) for shift in (-1, 0, 1)}
    for cut in sorted(cut for cut in cuts if cut >= 0):
        path.write_bytes(data[:cut])
        with pytest.raises(ArchiveError) as caught:
            verify_pack(str(path), decompressor)
        assert caught.value.code == "corrupt-pack"
    for more in (b"\0", parts[-1], data):
        path.write_bytes(data + more)
        with pytest.raises(ArchiveError):
            verify_pack(str(path), decompressor)


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    data = b"".join(frames(plain_plan()))
    moments = random.Random(5)
    path = tmp_path / "x"
    header = {3, 4, 5, 6, 7, 8, 9}
    for place in [*range(0, 700, 7), *(moments.randrange(len(data)) for _ in range(150))]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << moments.randrange(8)
        path.write_bytes(damaged)
        if place in header:
            continue  # time, flags and system of a gzip member, which say nothing of its content
        with pytest.raises(ArchiveError):
            verify_pack(str(path))


HOSTILE: dict[str, list[File]] = {
    "an absolute name": [File("/etc/x", b"")],
    "a climbing name": [File("a/../../x", b"")],
    "a dot": [File("./x", b"")],
    "a double slash": [File("a//x", b"")],
    "a device": [File("null", kind=b"3")],
    "a block device": [File("sda", kind=b"4")],
    "a fifo": [File("fifo", kind=b"6")],
    "a hard link": [File("a", b"x"), File("b", kind=b"1", target="a")],
    "a pax record": [File("x", b"12 path=a\n", kind=b"x")],
    "an absolute link": [link("a", "/etc")],
    "an escaping link": [link("lib/a", "../../etc")],
    "a link that climbs later": [link("lib/a", "b/../../../etc")],
    "two of a name": [File("a", b"1"), File("a", b"2")],
    "a file in a file": [File("a", b"1"), File("a/b", b"2")],
    "a file in a link": [link("a", "bin"), File("a/b", b"2")],
    "the marker": [File(".pannier/complete", b"")],
    "a set-uid file": [File("a", b"", mode=0o4755)],
    "a name of the runtime's": [File(".pannier/runtime/errors.py", b"")],
    "another head": [File(".pannier/head", b"")],
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_hostile_members_are_refused_by_verifying_and_unpacking(tmp_path: Path, what: str) -> None:
    path = build_pack(tmp_path / "x", plain_plan(LayerPlan("distribution", "evil", HOSTILE[what])))
    where = tmp_path / "prefix"
    where.mkdir()
    with pytest.raises(ArchiveError) as caught:
        verify_pack(str(path))
    assert caught.value.code == "hostile-pack"
    for workers in (1, 2):
        with pytest.raises(ArchiveError) as caught:
            unpack_pack(str(path), str(where), workers)
        assert caught.value.code == "hostile-pack"
        shutil.rmtree(where)
        where.mkdir()


def test_counts_and_sizes_of_the_manifest_are_limits(tmp_path: Path) -> None:
    for key in ("files", "content_size"):
        for change in (-1, 1):

            def lie(manifest: dict[str, list[dict[str, int]]], key: str = key, change: int = change) -> None:
                manifest["layers"][2][key] += change

            path = build_pack(tmp_path / "x", replace(plain_plan(), change_manifest=lie))
            (tmp_path / "prefix").mkdir()
            with pytest.raises(ArchiveError):
                verify_pack(str(path))
            with pytest.raises(ArchiveError):
                unpack_pack(str(path), str(tmp_path / "prefix"))
            shutil.rmtree(tmp_path / "prefix")


def test_what_is_no_pack_is_called_so(tmp_path: Path) -> None:
    for data in (b"", b"PK\3\4", b"\x1f\x8b\x08", os.urandom(5000)):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(ArchiveError) as caught:
            read_pack(str(tmp_path / "x"))
        assert caught.value.code == "corrupt-pack"
        assert caught.value.facts["pack"] == str(tmp_path / "x")
