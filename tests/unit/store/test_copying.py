import errno
import os
from pathlib import Path

import pytest

from pannier.store import copying
from pannier.store.copying import copy_content


@pytest.fixture(params=["by copy_file_range", "by sendfile"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, and a file system that does or does not copy by itself."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "not between these")

    monkeypatch.setattr(copying, "_PIECE", 3)
    if request.param == "by sendfile":
        monkeypatch.setattr(os, "copy_file_range", refuse)


def copied(directory: Path, size: int, stopping_at: int = 100) -> tuple[int, bytes]:
    (directory / "source").write_bytes(b"0123456789")
    with (directory / "source").open("rb") as source, (directory / "target").open("w+b") as target:
        source.seek(1)

        def is_stopped() -> bool:
            return os.fstat(target.fileno()).st_size >= stopping_at

        count = copy_content(source.fileno(), target.fileno(), size, is_stopped)
    return count, (directory / "target").read_bytes()


def test_what_is_asked_for_is_copied_from_where_the_file_stands(tmp_path: Path) -> None:
    assert copied(tmp_path, 7) == (7, b"1234567")
    assert copied(tmp_path, 0) == (0, b"")


def test_a_file_that_ends_before_gives_what_it_has(tmp_path: Path) -> None:
    assert copied(tmp_path, 20) == (9, b"123456789")


def test_it_stops_between_two_pieces(tmp_path: Path) -> None:
    assert copied(tmp_path, 9, stopping_at=4) == (6, b"123456")


def test_any_other_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with pytest.raises(OSError, match="full"):
        copied(tmp_path, 5)
