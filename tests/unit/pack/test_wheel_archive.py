import os
import warnings
import zipfile
from pathlib import Path

import pytest

from pannier.model.errors import PackError
from pannier.pack.wheel_archive import WheelArchive


def archive_of(path: Path, members: dict[str, bytes], compression: int) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_members_of_any_size_are_read_whole_and_in_bounded_pieces(tmp_path: Path, compression: int) -> None:
    big = os.urandom(500_000) + bytes(4_500_000)
    members = {"empty": b"", "small": b"text", "big": big, "zeros": bytes(9_000_000), "dir/": b""}
    path = archive_of(tmp_path / "x-1-py3-none-any.whl", members, compression)
    with WheelArchive(path) as archive:
        assert list(archive.members) == ["empty", "small", "big", "zeros"]
        for name, info in archive.members.items():
            pieces = list(archive.pieces(info))
            assert b"".join(pieces) == members[name] == archive.read(info)
            assert all(len(piece) <= 4 << 20 for piece in pieces)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a//b", "./x", "a\0b", "x/.."])
def test_names_that_leave_the_prefix_are_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, b"")
    with pytest.raises(PackError, match="which no wheel may"):
        WheelArchive(path)


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    with pytest.raises(PackError, match="which no wheel may"):
        WheelArchive(path)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    path.write_bytes(data)
    with pytest.raises(PackError, match="damaged"):
        WheelArchive(path)


def test_a_local_header_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "x-1-py3-none-any.whl", {"a": b"data" * 100}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[:4] = b"ABCD"
    path.write_bytes(data)
    with WheelArchive(path) as archive, pytest.raises(PackError, match="damaged"):
        archive.read(archive.members["a"])
