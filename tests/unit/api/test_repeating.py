"""A lock packed again is copied, with the same bytes, and only while everything is as it was."""

import errno
import hashlib
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pannier.api import packing, repeating, targets
from pannier.api.packing import PackOptions
from pannier.api.settings import Settings
from pannier.model.errors import InterpreterError

LOCK = """\
lock-version = "1.0"
created-by = "pannier"

[[packages]]
name = "demo"
version = "1.0"
wheels = [{{ path = "demo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{}" }} }}]
"""
Pack = Callable[..., bytes]


class LongWayError(Exception):
    """The lock was read."""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("demo/__init__.py", "x = 1\n")
        archive.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    path = tmp_path / "pylock.toml"
    path.write_text(LOCK.format(hashlib.sha256(wheel.read_bytes()).hexdigest()))
    return path


@pytest.fixture
def pack(lock: Path, tmp_path: Path) -> Pack:
    """Pack the lock; the options given replace those of the first time."""
    settings = Settings(cache_dir=str(tmp_path / "cache"), environ=dict(os.environ), offline=True)
    version = ".".join(map(str, sys.version_info[:2]))

    def run(output: str = "out.tar.zst", **options: str) -> bytes:
        given = {"interpreter": "none", "python": version, **options}
        packing.pack(str(lock), PackOptions(output=tmp_path / output, **given), settings)
        return (tmp_path / output).read_bytes()

    return run


@pytest.fixture
def packed(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What came out the first time; from then on, whoever reads the lock fails."""
    first = pack()

    def refuse(*_: object) -> None:
        raise LongWayError

    monkeypatch.setattr(packing, "_needs", refuse)
    return first


def test_the_same_again_is_copied_and_has_the_same_bytes(packed: bytes, pack: Pack) -> None:
    assert pack() == packed
    assert pack("elsewhere.tar.zst") == packed


def test_the_bytes_are_those_of_the_long_way(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    pack()
    again = pack()
    monkeypatch.setattr(packing, "write_again", lambda *_: None)
    assert pack() == again


@pytest.mark.parametrize(
    "options",
    [
        {"name": "other"},
        {"output": "out.tar.gz"},
        {"python": "3.7"},
        {"platform": "linux-aarch64"},
        {"interpreter": "auto"},
        {"program": "demo"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_asked_for_otherwise_is_made(packed: bytes, pack: Pack, options: dict[str, str]) -> None:
    with pytest.raises(LongWayError):
        pack(**options)


def test_an_edited_lock_is_read(packed: bytes, pack: Pack, lock: Path) -> None:
    lock.write_text(lock.read_text() + "# edited\n")
    with pytest.raises(LongWayError):
        pack()


def test_another_interpreter_or_target_is_noticed(
    packed: bytes, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "_name_of", lambda _: "another")
    with pytest.raises(LongWayError):
        pack("elsewhere.tar.zst")
    assert not list(tmp_path.glob("*elsewhere*")), "what was copied meanwhile is gone"


def test_no_interpreter_leaves_no_pack(
    packed: bytes, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InterpreterError("none", code="interpreter-not-found")

    monkeypatch.setattr(targets, "surroundings_of", refuse)
    with pytest.raises(InterpreterError):
        pack("elsewhere.tar.zst")
    assert not list(tmp_path.glob("*elsewhere*"))


def test_a_failing_disk_leaves_no_pack(
    packed: bytes, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with pytest.raises(OSError, match="Input/output"):
        pack("elsewhere.tar.zst")
    assert not list(tmp_path.glob("*elsewhere*"))


def test_other_code_makes_its_own(packed: bytes, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "_code_stamps", lambda: iter([("newer.py", 1, 1)]))
    with pytest.raises(LongWayError):
        pack()


@pytest.mark.parametrize("change", ["removed", "cut", "touched"])
def test_a_layer_that_is_not_as_it_was_is_made_again(
    packed: bytes, pack: Pack, tmp_path: Path, change: str
) -> None:
    frame = next((tmp_path / "cache" / "layers").glob("??/*.zst"))
    if change == "removed":
        frame.unlink()
    elif change == "cut":
        frame.write_bytes(frame.read_bytes()[:-1])
    else:
        os.utime(frame, ns=(0, 0))
    with pytest.raises(LongWayError):
        pack()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"manifest": "{}", "frames": [[1]]}'])
def test_a_damaged_memory_is_none(packed: bytes, pack: Pack, tmp_path: Path, text: str) -> None:
    for kept in (tmp_path / "cache" / "layers" / "repeats").iterdir():
        kept.write_text(text)
    with pytest.raises(LongWayError):
        pack()
