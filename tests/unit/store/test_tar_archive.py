"""Tar archives as one finds them, and as an attacker would write them."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from pannier.store.tar_archive import unpack_tar


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mode = len(data), kind, link, mode
    return info, data


def symbolic(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.SYMTYPE, link=target)


def hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.LNKTYPE, link=target)


def unpacked(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(tmp_path / "x.tar", mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    place = tmp_path / "outer" / "place"
    place.mkdir(parents=True)
    unpack_tar(tmp_path / "x.tar", place)
    return place


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_files_directories_and_links_come_out(tmp_path: Path, mode: str) -> None:
    place = unpacked(
        tmp_path,
        member(".", kind=tarfile.DIRTYPE),
        member("./empty", kind=tarfile.DIRTYPE),
        member("deep/down/file", b"1" * 100_000),
        member("/rooted", b"2"),
        member("tool", b"3", mode=0o4755),
        symbolic("deep/link", "../tool"),
        hard("again", "tool"),
        mode=mode,
    )
    found = sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    assert found == ["again", "deep", "deep/down", "deep/down/file", "deep/link", "empty", "rooted", "tool"]
    assert (place / "deep" / "down" / "file").read_bytes() == b"1" * 100_000
    assert (place / "deep" / "link").read_bytes() == (place / "again").read_bytes() == b"3"
    modes = [(place / name).stat().st_mode & 0o7777 for name in ("tool", "again", "rooted")]
    assert modes == [0o755, 0o755, 0o644]


HOSTILE = {
    "a name that climbs": [member("../outside")],
    "a name that climbs later": [member("a/../../outside")],
    "an absolute link": [symbolic("a", "/etc/passwd")],
    "a link that climbs": [symbolic("a", "../outside")],
    "a file through a link": [symbolic("a", ".."), member("a/outside", b"x")],
    "a file in place of a link": [symbolic("a", "../outside"), member("a", b"x")],
    "a link that later links send out": [
        symbolic("a", "b/c/../../x"),
        member("b", kind=tarfile.DIRTYPE),
        symbolic("b/c", ".."),
    ],
    "a hard link that climbs": [hard("a", "../../x.tar")],
    "a hard link to nothing": [hard("a", "b")],
    "a file below a file": [member("a", b"x"), member("a/b", b"x")],
    "a pipe": [member("a", kind=tarfile.FIFOTYPE)],
    "a device": [member("a", kind=tarfile.CHRTYPE)],
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_what_is_hostile_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises((tarfile.TarError, OSError)):
        unpacked(tmp_path, *HOSTILE[what])
    assert os.listdir(tmp_path / "outer") == ["place"]


def test_what_ends_early_is_refused(tmp_path: Path) -> None:
    unpacked(tmp_path, member("a", os.urandom(50_000)), mode="w:gz")
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:30_000])
    (tmp_path / "again").mkdir()
    with pytest.raises((tarfile.TarError, EOFError)):
        unpack_tar(tmp_path / "x.tar", tmp_path / "again")
