"""Wheels in hand are asked whether they hold what the program imports."""

import zipfile
from pathlib import Path

import pytest

from pannier.api.provided import imports_to_check, modules_of, warn_of_missing
from pannier.model.analysis import Analysis, FoundProject, Import, Location

from .listening import Listener


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "plain.py",
            "google/cloud/storage/__init__.py",
            "fast.cpython-311-x86_64-linux-gnu.so",
            "a-1.data/purelib/moved/__init__.py",
            "a-1.dist-info/RECORD",
        ):
            archive.writestr(name, "")
    return path


def _imports(*names: str) -> list[Import]:
    return [Import(name, "required", Location("a.py", 1)) for name in names]


def test_modules_of_every_kind_are_seen(wheel: Path) -> None:
    assert {"plain", "google.cloud.storage", "fast", "moved"} <= set(modules_of(wheel))
    assert not {name for name in modules_of(wheel) if "RECORD" in name}


def test_what_is_held_gives_no_warning(wheel: Path) -> None:
    hearing = Listener()
    warn_of_missing(_imports("plain", "fast", "moved.deep.name", "google.cloud.storage"), [wheel], hearing)
    assert not hearing.notices


def test_what_nothing_holds_is_warned_of_with_its_place(wheel: Path) -> None:
    hearing = Listener()
    warn_of_missing(_imports("plain", "other.module", "google.cloud.bigquery"), [wheel], hearing)
    (notice,) = hearing.notices
    assert notice.code == "import-not-provided"
    assert dict(notice.facts) == {"other.module": "a.py:1", "google.cloud.bigquery": "a.py:1"}


def test_only_what_is_needed_is_checked() -> None:
    needed, optional = _imports("b", "a"), _imports("c")
    typing = Import("d", "typing", Location("a.py", 2))
    analysis = Analysis(
        sources=("a.py",),
        projects=(
            FoundProject("x", "x", "known", (*needed, typing)),
            FoundProject("y", "y", "known", tuple(optional), optional=True),
        ),
    )
    assert [item.name for item in imports_to_check(analysis)] == ["a", "b"]
