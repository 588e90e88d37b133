"""What is published: the sdist, the wheel, and the commands that an installation puts on PATH."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("distribution"),  # built once
]
SHELL_COMMANDS = ("pannier", "python_package_run", "poncho_package_run")
PYTHON_COMMANDS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`sdist/` holds the sdist and the wheel built from it, `tree/` the wheel built from the work tree."""
    directory = tmp_path_factory.mktemp("built")
    uv = Path(sys.executable).with_name("uv")
    for options in (["--out-dir", directory / "sdist"], ["--wheel", "--out-dir", directory / "tree"]):
        subprocess.run([uv, "build", "--quiet", *options, ROOT], check=True)
    return directory


@pytest.fixture(scope="module")
def sdist(built: Path) -> dict[str, tarfile.TarInfo]:
    """The members of the sdist, without its top directory."""
    (path,) = (built / "sdist").glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2]: member for member in archive}


def wheel_files(directory: Path) -> dict[str, bytes]:
    (path,) = directory.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """The files of the wheel built from the work tree."""
    return wheel_files(built / "tree")


def scripts(wheel: dict[str, bytes]) -> dict[str, bytes]:
    return {name.rpartition("/")[2]: data for name, data in wheel.items() if ".data/scripts/" in name}


def test_the_wheel_holds_every_source_its_data_and_nothing_else(wheel: dict[str, bytes]) -> None:
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "pannier").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {
        "pannier/py.typed",
        "pannier/imports/data/import_names.txt",
        "pannier/runtime/launcher.sh",
    } < expected
    assert {name for name in wheel if name.startswith("pannier/")} == expected
    others = {name.partition("/")[0] for name in wheel} - {"pannier"}
    assert all(other.endswith((".data", ".dist-info")) for other in others), others


def test_the_license_is_in_the_wheel(wheel: dict[str, bytes]) -> None:
    (license_file,) = (name for name in wheel if name.endswith("licenses/LICENSE"))
    assert wheel[license_file] == (ROOT / "LICENSE").read_bytes()


def test_the_two_names_of_the_launcher_are_the_same_bytes(wheel: dict[str, bytes]) -> None:
    found = scripts(wheel)
    assert sorted(found) == sorted(SHELL_COMMANDS)
    assert found["python_package_run"] == found["poncho_package_run"] == wheel["pannier/runtime/launcher.sh"]
    assert all(data.startswith(b"#!/bin/sh\n") for data in found.values())


def test_the_wheel_of_the_sdist_is_the_wheel_of_the_tree(built: Path, wheel: dict[str, bytes]) -> None:
    assert wheel_files(built / "sdist") == wheel


def test_the_sdist_holds_what_building_testing_and_reading_takes(sdist: dict[str, tarfile.TarInfo]) -> None:
    tracked = ("README.md", "LICENSE", "CHANGELOG.md", "Makefile", "pyproject.toml", "examples/weather.csv")
    for name in (*tracked, "src/pannier/py.typed", "docs/reference/cli.md", "tests/conftest.py", "PKG-INFO"):
        assert name in sdist, name
    for name in ("src/pannier/runtime/launcher.sh", "src/pannier/runtime/pannier.sh", "scripts/test.sh"):
        assert sdist[name].mode & 0o111 == 0o111, name
    left_out = {".git", ".venv", "build", "demo", "dist", ".hypothesis", "__pycache__"}
    assert not [name for name in sdist if left_out & set(name.split("/"))]


def test_every_command_is_installed_and_can_be_started(pannier_bin: Path) -> None:
    for name in (*SHELL_COMMANDS, *PYTHON_COMMANDS):
        assert os.access(pannier_bin / name, os.X_OK), name
    for name in ("python_package_run", "poncho_package_run"):
        installed = (pannier_bin / name).read_bytes()
        assert installed == (ROOT / "src/pannier/runtime/launcher.sh").read_bytes()
