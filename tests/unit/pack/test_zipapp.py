import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pannier.formats.pack_forms import form_of
from pannier.model.errors import PackError
from pannier.pack import reader, zipapp
from pannier.pack.forms import writer_of
from pannier.pack.plan import PackPlan, PlannedProgram
from pannier.pack.writer import write_pack
from pannier.runtime.zipapp.contents import find_pack
from pannier.store.directories import CacheDirectories

Make = Callable[..., Any]


@pytest.fixture
def write(make_plan: Make, make_wheel: Make, directories: CacheDirectories, tmp_path: Path) -> Make:
    """Write a plan as a file of some name, with this very runtime."""

    def make(output: str, **changes: object) -> Path:
        wheel = make_wheel("demo", {"demo/__init__.py": "x = 1\n"})
        plan: PackPlan = make_plan(wheel, codec="gzip", interpreter=None, **changes)
        write_pack(plan, tmp_path / output, directories, write=writer_of(form_of(output)))
        return tmp_path / output

    return make


def test_the_pack_inside_is_the_one_outside(write: Make) -> None:
    with zipfile.ZipFile(write("a.pyz")) as archive:
        assert archive.testzip() is None
        assert archive.read("environment.tar.gz") == write("a.tar.gz").read_bytes()
        names = archive.namelist()
    assert (names[0], names[-2:]) == ("__main__.py", ["environment.tar.gz", "seal"])
    assert len(names) == len(set(names)) < 30


def test_it_lies_where_the_archive_says_and_is_read_back(write: Make) -> None:
    path: Path = write("a.pyz")
    place = find_pack(str(path))
    assert path.read_bytes()[place.start :][: place.size] == write("a.tar.gz").read_bytes()
    assert reader.verify(path).pack_id == reader.verify(write("a.tar.gz")).pack_id


def test_it_may_be_started_and_its_header_is_shell(write: Make) -> None:
    path: Path = write("a.pyz", environment=(("MODEL", "data/MODEL"), ("A_PLACE", "data/it's")))
    assert path.stat().st_mode & 0o111
    header = path.read_bytes().partition(b"PK\3\4")[0]
    assert subprocess.run(["sh", "-n"], input=header).returncode == 0
    assert b"@" not in header.replace(b'"$@"', b"")
    assert b'export MODEL="$_prefix"/' in header


@pytest.mark.parametrize(
    ("program", "start"),
    [
        (None, ("python", "")),
        (PlannedProgram(command="python3"), ("python", "")),
        (PlannedProgram(command="tool"), ("command", "bin/tool")),
        (PlannedProgram(command="app", module="package.sub"), ("module", "package.sub")),
        (PlannedProgram(command="app", script="it's.py"), ("script", "program/it's.py")),
    ],
)
def test_what_is_started_is_the_packs_program(
    write: Make, program: PlannedProgram | None, start: tuple[str, str]
) -> None:
    path: Path = write("a.pyz", program=program)
    with zipfile.ZipFile(path) as archive:
        assert f"'start': {start!r}" in archive.read("__main__.py").decode()
    header = path.read_bytes().partition(b"PK\3\4")[0]
    assert subprocess.run(["sh", "-n"], input=header).returncode == 0


def test_what_python_could_not_start_is_refused(write: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipapp, "_MOST", 1 << 20)
    with pytest.raises(PackError) as caught:
        write("a.pyz")
    assert caught.value.code == "zipapp-too-large"
    assert json.dumps(caught.value.facts)


def test_any_other_byte_outside_of_the_pack_is_found(write: Make) -> None:
    path: Path = write("a.pyz")
    whole = path.read_bytes()
    place = find_pack(str(path))
    for offset in [*range(0, place.start, 997), *range(place.start + place.size, len(whole), 3)]:
        damaged = bytearray(whole)
        damaged[offset] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(reader.ArchiveError):
            find_pack(str(path))
    path.write_bytes(whole + b"\0")
    with pytest.raises(reader.ArchiveError):
        find_pack(str(path))
