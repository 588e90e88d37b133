import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pannier.formats.frames import Codec, FrameWriter
from pannier.model.errors import CorruptPackError, StorageError
from pannier.pack import reader
from pannier.pack.writer import write_pack
from pannier.runtime.archive import ArchiveError
from pannier.store.directories import CacheDirectories


@pytest.fixture(scope="module")
def frames() -> dict[Codec, bytes]:
    content = bytes(40_000_000) + bytes(range(256)) * 2000
    return {codec: frame(content, codec) for codec in ("gzip", "zstd")}


def frame(content: bytes, codec: Codec) -> bytes:
    stream = io.BytesIO()
    writer = FrameWriter(stream, codec)
    writer.write(content)
    writer.close()
    return stream.getvalue()


def cut(data: bytes, size: int) -> Any:
    return iter([data[start : start + size] for start in range(0, len(data), size)])


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [7000, 1 << 20])
def test_frames_are_decompressed_in_pieces_of_bounded_size(
    frames: dict[str, bytes], codec: str, size: int
) -> None:
    pieces = list(reader.decompress(codec, cut(frames[codec], size)))
    assert sum(map(len, pieces)) == 40_512_000
    assert max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_damaged_frames_are_refused(frames: dict[str, bytes], codec: str) -> None:
    data = bytearray(frames[codec])
    data[len(data) // 2] ^= 0xFF
    data[-3] ^= 0xFF
    with pytest.raises(ArchiveError):
        list(reader.decompress(codec, cut(bytes(data), 5000)))


def test_gzip_frames_are_neither_short_nor_long(frames: dict[str, bytes]) -> None:
    for data in (frames["gzip"][:-9], frames["gzip"] + b"more"):
        with pytest.raises(ArchiveError):
            list(reader.decompress("gzip", cut(data, 5000)))


@pytest.fixture
def written(
    make_plan: Callable[..., Any], make_wheel: Callable[..., Any], runtime: Path, tmp_path: Path
) -> Path:
    path = tmp_path / "demo.tar.gz"
    plan = make_plan(make_wheel("aa", {"aa.py": "x = 1\n"}), codec="gzip")
    write_pack(plan, path, CacheDirectories(tmp_path / "cache"), runtime=runtime)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_byte_anywhere_is_found(written: Path, data: st.DataObject) -> None:
    whole = written.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = written.with_name("changed.tar.gz")
    changed.write_bytes(whole[:position] + bytes([whole[position] ^ flip]) + whole[position + 1 :])
    with pytest.raises(CorruptPackError):
        reader.verify(changed)


@pytest.mark.parametrize("left", [0, 1, 10, 0.5, -1, -20])
def test_a_pack_cut_short_is_refused(written: Path, left: float) -> None:
    whole = written.read_bytes()
    size = int(len(whole) * left) if left == 0.5 else int(left)
    written.write_bytes(whole[:size])
    with pytest.raises(CorruptPackError):
        reader.inspect(written)


def test_unpacking_gives_a_whole_prefix_or_none(written: Path, tmp_path: Path) -> None:
    target = tmp_path / "a préfix"
    facts = reader.unpack(written, target, workers=1)
    assert (target / ".pannier" / "complete").read_text().strip() == facts.pack_id
    assert (target / "program" / "hello.py").exists()
    with pytest.raises(StorageError, match="not an empty directory"):
        reader.unpack(written, target)
    whole = written.read_bytes()
    written.write_bytes(whole[:-3000] + b"x" + whole[-2999:])
    with pytest.raises(CorruptPackError):
        reader.unpack(written, tmp_path / "other", workers=1)
    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".other*"))


def test_what_stands_behind_a_zstd_frame_is_not_hidden() -> None:
    data = frame(b"one", "zstd") + frame(b"two", "zstd")
    assert b"".join(reader.decompress("zstd", cut(data, 5000))) == b"onetwo"
    with pytest.raises(ArchiveError):
        list(reader.decompress("zstd", cut(frame(b"one", "zstd") + b"more bytes that are no frame", 5000)))


def test_what_is_no_file_is_told_as_such(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none", "no-such-file"), (tmp_path, "is-a-directory")):
        for read in (reader.inspect, reader.verify):
            with pytest.raises(StorageError) as caught:
                read(path)
            assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_a_script_is_no_pack_rather_than_a_damaged_one(tmp_path: Path) -> None:
    script = tmp_path / "fit.py"
    script.write_text("#!/usr/bin/env python3\nprint(1)\n")
    for look in (reader.verify, reader.inspect):
        with pytest.raises(CorruptPackError, match="no pack, or its head"):
            look(script)


def test_a_package_of_the_system_is_for_its_own_tools(tmp_path: Path) -> None:
    package = tmp_path / "a.deb"
    package.write_bytes(b"!<arch>\n")
    with pytest.raises(CorruptPackError) as caught:
        reader.verify(package)
    assert "dpkg-deb" in caught.value.hint


def test_a_directory_filled_meanwhile_is_left_alone(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"

    def fill(*_: object) -> None:
        (target / "other").mkdir(parents=True)

    monkeypatch.setattr(reader, "_finish", fill)
    with pytest.raises(StorageError, match="not an empty directory"):
        reader.unpack(written, target, workers=1)
    assert [path.name for path in target.iterdir()] == ["other"]
    assert not list(tmp_path.glob(".target*"))
