import errno
import os
import stat
from pathlib import Path

import pytest

from pannier.model.errors import StorageError
from pannier.store.writing import whole_file, write_whole


def _write_and_raise(path: Path, error: BaseException) -> None:
    with whole_file(path) as stream:
        stream.write(b"new bytes!")
        stream.flush()
        raise error


def test_a_file_is_written_with_its_directories(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"hello")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"hello"
    assert os.listdir(tmp_path / "a") == ["b.txt"]


def test_permissions_honour_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "plain", b"")
        write_whole(tmp_path / "program", b"", mode=0o777)
    finally:
        os.umask(before)
    assert (tmp_path / "plain").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "program").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError, OSError])
def test_an_interruption_leaves_the_old_file_and_no_litter(tmp_path: Path, kind: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(kind):
        _write_and_raise(path, kind())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_named_with_what_was_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        _write_and_raise(tmp_path / "file", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert caught.value.code == "disk-full"
    assert caught.value.facts["file"] == str(tmp_path / "file")
    assert "10 bytes" in str(caught.value.facts["written"])
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        write_whole(tmp_path / "file" / "below", b"")
    assert caught.value.code == "not-writable"


def test_what_is_written_can_be_read_back_inside_the_block(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file", durable=True) as stream:
        stream.write(b"abc")
        stream.seek(0)
        assert stream.read() == b"abc"
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """Replacing `/dev/null`, as root can, would break the machine."""
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    write_whole(null, b"hello")
    assert null.readlink() == Path("/dev/null")
    assert stat.S_ISCHR(null.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["null"]


@pytest.mark.parametrize("place", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_what_is_open_already_gets_what_is_written(tmp_path: Path, place: str) -> None:
    file = tmp_path / "redirected"
    with file.open("ab") as stream:
        stream.write(b"before\n")
        stream.flush()
        target = Path(place.format(stream.fileno()))
        if place == "link":
            target = tmp_path / "link"
            target.symlink_to(f"/proc/self/fd/{stream.fileno()}")
        write_whole(target, b"after\n")
    assert file.read_bytes() == b"before\nafter\n"


def test_a_pipe_gets_nothing_of_what_fails(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(RuntimeError):
            _write_and_raise(pipe, RuntimeError())
        write_whole(pipe, b"whole")
        assert os.read(reader, 100) == b"whole"
        assert stat.S_ISFIFO(pipe.stat().st_mode)
    finally:
        os.close(reader)
