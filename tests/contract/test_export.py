"""An exported index is complete, follows the index, and touches nothing else."""

from pathlib import Path
from typing import get_args

import pytest
from tests.end_to_end.local_index import wheel_bytes

from pannier.formats.simple_api_pages import parse_project_page
from pannier.model.errors import StorageError
from pannier.model.events import SilentReporter
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.exporting import Export, Manner, export

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    packages = tmp_path / "packages"
    (packages / "deep").mkdir(parents=True)
    for place, name in ((packages, "demo"), (packages / "deep", "other")):
        filename, data = wheel_bytes(name, "1.0", python=">=3.8")
        (place / filename).write_bytes(data)
    found = Catalogue((packages,))
    found.refresh()
    return found


def run(catalogue: Catalogue, output: Path, manner: Manner = "link") -> Export:
    catalogue.refresh()
    return export(catalogue, output, SilentReporter(), manner=manner)


@pytest.mark.parametrize("manner", get_args(Manner))
def test_everything_that_pages_name_is_there(catalogue: Catalogue, tmp_path: Path, manner: Manner) -> None:
    output = tmp_path / "out"
    assert run(catalogue, output, manner)[:2] == (2, 2)
    content = (output / "simple" / "other" / "index.v1_json").read_bytes()
    page = parse_project_page(content, JSON, "https://index.example/simple/other/")
    location = output / page.files[0].url.removeprefix("https://index.example/")
    assert location.read_bytes() == (tmp_path / "packages" / "deep" / page.files[0].filename).read_bytes()
    assert Path(f"{location}.metadata").read_text().startswith("Metadata-Version")
    assert location.is_symlink() == (manner == "symlink")
    assert (location.stat().st_nlink > 1) == (manner == "link")
    assert run(catalogue, output, manner) == (2, 2, 0, 0)


def test_exporting_again_writes_what_is_new_and_removes_what_is_gone(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run(catalogue, output)
    before = (output / "simple" / "other" / "index.html").stat().st_mtime_ns
    name, data = wheel_bytes("demo", "2.0")
    (tmp_path / "packages" / name).write_bytes(data)
    next((tmp_path / "packages").glob("demo-1.0*")).unlink()
    done = run(catalogue, output)
    assert (done.projects, done.files, done.removed) == (2, 2, 2)
    assert not list((output / "packages").glob("demo-1.0*"))
    assert (output / "simple" / "other" / "index.html").stat().st_mtime_ns == before
    next((tmp_path / "packages").glob("demo-2.0*")).unlink()
    run(catalogue, output)
    assert not (output / "simple" / "demo").exists()


def test_a_file_that_was_replaced_is_exported_anew(catalogue: Catalogue, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(catalogue, output, "copy")
    name, data = wheel_bytes("demo", "1.0", python=">=3.12")
    fresh = tmp_path / "fresh"
    fresh.write_bytes(data)
    fresh.replace(tmp_path / "packages" / name)
    run(catalogue, output, "copy")
    assert (output / "packages" / name).read_bytes() == data


def test_a_directory_with_something_else_in_it_is_left_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (output / "packages").mkdir(parents=True)
    (output / "packages" / "precious").write_text("x")
    with pytest.raises(StorageError) as caught:
        run(catalogue, output)
    assert caught.value.code == "directory-not-empty"
    assert (output / "packages" / "precious").read_text() == "x"
