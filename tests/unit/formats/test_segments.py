import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pannier.formats.segments import (
    END_OF_ARCHIVE,
    MEMBER_TIME,
    Member,
    format_header,
    link_problem,
    name_problem,
    padding,
)
from pannier.model.errors import PackError

part = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=90)
names = st.lists(part, min_size=1, max_size=5).map("/".join)


def segment(*members: tuple[Member, bytes]) -> bytes:
    blocks = [format_header(member) + data + padding(len(data)) for member, data in members]
    return b"".join(blocks) + END_OF_ARCHIVE


def read(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return archive.getmembers()


@given(name=names, data=st.binary(max_size=1500), is_executable=st.booleans())
def test_tarfile_reads_any_name_back(name: str, data: bytes, is_executable: bool) -> None:
    assume(not name_problem(name))
    member = Member(name, len(data), is_executable)
    archive = segment((member, data))
    assert len(archive) % 512 == 0
    (info,) = read(archive)
    assert (info.name, info.size, info.mtime) == (name, len(data), MEMBER_TIME)
    assert info.mode == (0o755 if is_executable else 0o644)
    assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        stream = opened.extractfile(info)
        assert stream is not None
        assert stream.read() == data


@given(target=names)
def test_tarfile_reads_any_link_back(target: str) -> None:
    assume(not link_problem("bin/python", f"../{target}"))
    (info,) = read(segment((Member("bin/python", link_target=f"../{target}"), b"")))
    assert info.issym()
    assert (info.linkname, info.mode) == (f"../{target}", 0o777)


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
def test_gnu_tar_unpacks_long_names_links_modes_and_empty_directories(tmp_path: Path) -> None:
    long_name = "/".join(["Übergrößenträger" * 4] * 4) + "/end.txt"
    archive = segment(
        (Member(long_name, 5), b"hello"),
        (Member("bin/run me", 3, is_executable=True), b"run"),
        (Member("bin/link", link_target="../" + long_name), b""),
        (Member("empty/inside", is_directory=True), b""),
    )
    subprocess.run(["tar", "-x"], input=archive, cwd=tmp_path, check=True)
    assert (tmp_path / long_name).read_bytes() == b"hello"
    assert (tmp_path / "bin/link").read_bytes() == b"hello"
    assert (tmp_path / "bin/run me").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "empty/inside").is_dir()
    assert (tmp_path / "bin/run me").stat().st_mtime == MEMBER_TIME


def test_sizes_of_eight_gibibytes_and_more_are_written_in_base_256() -> None:
    for size in (8**11 - 1, 8**11, 50 * 2**30):
        header = format_header(Member("big", size))
        assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == size


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".", "a\0b", "a\udc80"]
)
def test_names_that_leave_the_prefix_are_not_written(name: str) -> None:
    with pytest.raises(PackError):
        format_header(Member(name, 0))


@pytest.mark.parametrize(
    ("name", "target"),
    [("a", "/etc/passwd"), ("a", "../b"), ("a/b", "../../c"), ("a/b", "c/../d"), ("a", "b//c"), ("a", "./b")],
)
def test_links_that_leave_the_prefix_are_not_written(name: str, target: str) -> None:
    assert link_problem(name, target)
    with pytest.raises(PackError):
        format_header(Member(name, link_target=target))


@pytest.mark.parametrize(
    ("name", "target"), [("a/b", ".."), ("a/b", "../c"), ("a", "b"), ("a/b/c", "../../d/e")]
)
def test_links_inside_the_prefix_are_written(name: str, target: str) -> None:
    assert not link_problem(name, target)
