"""Which files of a program's own travel, and what starts it."""

from pathlib import Path

import pytest

from pannier.api.programs import command_name, entry_named, program_files
from pannier.model.analysis import Analysis, LocalModule
from pannier.model.errors import PackError, UsageError


def analysis(*modules: LocalModule) -> Analysis:
    return Analysis(sources=(), projects=(), local_modules=modules)


def write(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def places(files: object) -> list[str]:
    return [place for place, _ in files.files]  # type: ignore[attr-defined]


def test_a_script_travels_with_its_local_modules_and_data(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "tools/text.py", "table.csv", "elsewhere/more.csv", "home/x.py")
    module = LocalModule(path=str(tmp_path / "tools/text.py"), name="tools.text", root=str(tmp_path))
    includes = (str(tmp_path / "table.csv"), str(tmp_path / "elsewhere"))
    found = program_files(tmp_path / "main.py", analysis(module), includes)
    assert places(found) == ["elsewhere/more.csv", "main.py", "table.csv", "tools/text.py"]
    assert (found.script, found.module) == ("main.py", "")


def test_what_lies_elsewhere_is_put_beside_the_script(tmp_path: Path) -> None:
    write(tmp_path, "a/main.py", "b/table.csv")
    found = program_files(tmp_path / "a/main.py", analysis(), (str(tmp_path / "b/table.csv"),))
    assert places(found) == ["main.py", "table.csv"]


def test_a_package_travels_whole_and_runs_as_a_module(tmp_path: Path) -> None:
    write(
        tmp_path, "app/__init__.py", "app/__main__.py", "app/data.json", "app/__pycache__/x.pyc", "app/.git/x"
    )
    found = program_files(tmp_path / "app", analysis(), ())
    assert places(found) == ["app/__init__.py", "app/__main__.py", "app/data.json"]
    assert (found.script, found.module) == ("", "app")


def test_a_directory_of_scripts_starts_by_the_one_named(tmp_path: Path) -> None:
    write(tmp_path, "bag/one.py", "bag/two/three.py", "bag/venv/pyvenv.cfg", "bag/venv/lib.py")
    found = program_files(tmp_path / "bag", analysis(), ())
    assert places(found) == ["one.py", "two/three.py"]
    assert (found.script, found.module) == ("", "")
    assert entry_named(found, "one.py").script == "one.py"
    assert entry_named(found, "two.three").module == "two.three"
    with pytest.raises(UsageError) as caught:
        entry_named(found, "four")
    assert caught.value.facts["scripts"] == ["one.py", "two/three.py"]


def test_two_files_for_one_place_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a/main.py", "b/util.py", "a/util.py")
    modules = [
        LocalModule(path=str(tmp_path / f"{root}/util.py"), name="util", root=str(tmp_path / root))
        for root in "ab"
    ]
    with pytest.raises(PackError) as caught:
        program_files(tmp_path / "a/main.py", analysis(*modules), ())
    assert caught.value.code == "program-clash"


def test_every_missing_include_is_named(tmp_path: Path) -> None:
    write(tmp_path, "main.py")
    with pytest.raises(PackError) as caught:
        program_files(tmp_path / "main.py", analysis(), ("one.csv", "two.csv"))
    assert caught.value.facts["missing"] == ["one.csv", "two.csv"]


@pytest.mark.parametrize("name", ["python", "python3.11", "run_in_env", "", "a/b", "-x"])
def test_a_command_may_hide_nothing_of_the_prefix(name: str) -> None:
    with pytest.raises(UsageError):
        command_name(name)


def test_an_ordinary_name_is_a_command() -> None:
    assert command_name("weather") == "weather"


def test_names_that_no_pack_can_hold_are_all_named(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "data/ü.csv")
    for name in ("a\udcff.csv", "b\udce4.csv"):
        (tmp_path / "data" / name).touch()
    with pytest.raises(PackError) as caught:
        program_files(tmp_path / "main.py", analysis(), (str(tmp_path / "data"),))
    assert caught.value.code == "name-not-utf8"
    assert caught.value.facts["files"] == ["data/a\udcff.csv", "data/b\udce4.csv"]
