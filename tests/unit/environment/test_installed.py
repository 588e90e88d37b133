"""What is installed is read from metadata alone."""

import json
from pathlib import Path

import pytest

from pannier.environment import installed
from pannier.environment.installed import installed_distributions
from pannier.model.interpreter import InstalledDistribution


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    directory = tmp_path / "lib" / "python3.11" / "site-packages"
    directory.mkdir(parents=True)
    return directory


def _dist_info(libraries: Path, name: str, version: str, record: str = "", **files: str) -> Path:
    place = libraries / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\n")
    (place / "RECORD").write_text(record)
    for file, text in files.items():
        (place / file.replace("__", ".")).write_text(text)
    return place


def _only(prefix: Path) -> InstalledDistribution:
    (found,) = installed_distributions(prefix)
    return found


def test_packages_modules_and_extension_modules_are_import_names(libraries: Path, tmp_path: Path) -> None:
    record = (
        "../../../bin/tool,,\nyaml/__init__.py,sha256=x,1\nyaml/_yaml.cpython-311-x86_64-linux-gnu.so,,\n"
        "_yaml/__init__.py,,\nsix.py,,\n_cffi_backend.cpython-311-x86_64-linux-gnu.so,,\nplain.abi3.so,,\n"
        "numpy.libs/libx.so,,\nbits.data/scripts/run.py,,\nPyYAML-6.0.dist-info/RECORD,,\n__pycache__/six.pyc,,\n"
        "__editable___x_finder.py,,\n"
    )
    _dist_info(libraries, "PyYAML", "6.0", record)
    found = _only(tmp_path)
    assert (found.name, found.version) == ("PyYAML", "6.0")
    assert found.import_names == ("_cffi_backend", "_yaml", "plain", "six", "yaml")


def test_namespace_packages_are_named_to_where_the_distribution_begins(
    libraries: Path, tmp_path: Path
) -> None:
    record = (
        "google/cloud/storage/__init__.py,,\ngoogle/cloud/storage/blob.py,,\ngoogle/cloud/storage/more/__init__.py,,\n"
        "google/cloud/_helper.py,,\n"
    )
    _dist_info(libraries, "google-cloud-storage", "3.0", record)
    assert _only(tmp_path).import_names == ("google.cloud._helper", "google.cloud.storage")


def test_quoted_record_paths_are_read(libraries: Path, tmp_path: Path) -> None:
    _dist_info(libraries, "odd", "1", '"odd,name/x.py",,\nodd.py,,\n')
    assert _only(tmp_path).import_names == ("odd",)


def test_top_level_txt_stands_in_for_a_record(libraries: Path, tmp_path: Path) -> None:
    place = _dist_info(libraries, "attrs", "26.1", top_level__txt="attr\nattrs\n\n")
    (place / "RECORD").unlink()
    assert _only(tmp_path).import_names == ("attr", "attrs")


def test_an_editable_install_names_its_directory_and_modules(libraries: Path, tmp_path: Path) -> None:
    project = tmp_path / "my projekt"
    (project / "src" / "mine").mkdir(parents=True)
    (project / "src" / "mine" / "__init__.py").write_text("")
    (libraries / "_mine.pth").write_text(f"{project}/src\n")
    origin = {"url": f"file://{str(project).replace(' ', '%20')}", "dir_info": {"editable": True}}
    _dist_info(libraries, "mine", "0.1", "_mine.pth,,\n", direct_url__json=json.dumps(origin))
    found = _only(tmp_path)
    assert found.editable_path == str(project)
    assert found.import_names == ("mine",)


def test_the_finder_of_an_editable_install_is_read(libraries: Path, tmp_path: Path) -> None:
    origin = json.dumps({"url": "file:///somewhere", "dir_info": {"editable": True}})
    (libraries / "__editable___mine_0_1_finder.py").write_text(
        "import sys\nMAPPING: dict[str, str] = {'mine': '/somewhere/mine', 'other': '/somewhere/other'}\n"
    )
    _dist_info(libraries, "mine", "0.1", "__editable___mine_0_1_finder.py,,\n", direct_url__json=origin)
    assert _only(tmp_path).import_names == ("mine", "other")


def test_an_archive_installed_from_a_url_is_not_editable(libraries: Path, tmp_path: Path) -> None:
    origin = json.dumps({"url": "file:///tmp/x.whl", "archive_info": {}})
    _dist_info(libraries, "x", "1", "x.py,,\n", direct_url__json=origin)
    assert _only(tmp_path).editable_path == ""


def test_egg_links_lead_to_their_project(libraries: Path, tmp_path: Path) -> None:
    project = tmp_path / "old"
    information = project / "src" / "old_style.egg-info"
    information.mkdir(parents=True)
    (information / "PKG-INFO").write_text("Name: old-style\nVersion: 2.0\n")
    (information / "top_level.txt").write_text("old_style\n")
    (libraries / "old-style.egg-link").write_text(f"{project}/src\n..\n")
    found = _only(tmp_path)
    assert (found.name, found.version, found.import_names) == ("old-style", "2.0", ("old_style",))
    assert found.editable_path == str(project)


def test_egg_info_files_and_directories_are_read(libraries: Path, tmp_path: Path) -> None:
    (libraries / "six-1.16.0.egg-info").write_text("Name: six\nVersion: 1.16.0\n")
    (libraries / "six.py").write_text("")
    place = libraries / "blinker-1.5.egg-info"
    place.mkdir()
    (place / "PKG-INFO").write_text("Name: blinker\nVersion: 1.5\n")
    (place / "installed-files.txt").write_text("../blinker/__init__.py\n../../../../bin/x\nPKG-INFO\n")
    found = {item.name: item.import_names for item in installed_distributions(tmp_path)}
    assert found == {"blinker": ("blinker",), "six": ("six",)}


def test_a_half_removed_distribution_is_passed_over(libraries: Path, tmp_path: Path) -> None:
    (libraries / "~umpy-1.0.dist-info").mkdir()
    assert installed_distributions(tmp_path) == ()


def test_the_directory_name_stands_in_for_lost_metadata(libraries: Path, tmp_path: Path) -> None:
    place = _dist_info(libraries, "lost", "1.2", "lost.py,,\n")
    (place / "METADATA").unlink()
    assert _only(tmp_path).version == "1.2"


def test_a_venv_sees_its_base_only_when_it_says_so(libraries: Path, tmp_path: Path) -> None:
    _dist_info(libraries, "base", "1", "base.py,,\n")
    venv = tmp_path / "venv"
    own = venv / "lib" / "python3.11" / "site-packages"
    own.mkdir(parents=True)
    _dist_info(own, "own", "1", "own.py,,\n")
    _dist_info(own, "base", "2", "base.py,,\n")
    for answer, expected in (
        ("false", [("base", "2"), ("own", "1")]),
        ("true", [("base", "2"), ("own", "1")]),
    ):
        (venv / "pyvenv.cfg").write_text(f"home = {tmp_path}/bin\ninclude-system-site-packages = {answer}\n")
        assert [(item.name, item.version) for item in installed_distributions(venv)] == expected
    _dist_info(libraries, "more", "1", "more.py,,\n")
    assert "more" in {item.name for item in installed_distributions(venv)}


def test_debian_packages_are_seen(tmp_path: Path) -> None:
    directory = tmp_path / "lib" / "python3" / "dist-packages"
    directory.mkdir(parents=True)
    _dist_info(directory, "requests", "2.28", "requests/__init__.py,,\n")
    assert _only(tmp_path).name == "requests"


def test_a_conda_prefix_tells_its_python(libraries: Path, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for name in ("python-3.11.7-hab00c5b_1_cpython.json", "python-dateutil-2.9.0-py_0.json", "history"):
        (tmp_path / "conda-meta" / name).write_text("{}")
    assert [(item.name, item.version) for item in installed_distributions(tmp_path)] == [("python", "3.11.7")]


def test_an_empty_place_has_nothing(tmp_path: Path) -> None:
    assert installed_distributions(tmp_path / "nowhere") == ()


def test_each_of_many_is_read_once(libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        _dist_info(libraries, f"project{number}", "1.0", f"package{number}/__init__.py,,\n")
    opened: list[str] = []

    def counting(file: str, *arguments: object, **options: object) -> object:
        opened.append(file)
        return open(file, *arguments, **options)  # type: ignore[call-overload]  # noqa: PTH123

    monkeypatch.setattr(installed, "open", counting, raising=False)
    assert len(installed_distributions(tmp_path)) == 100
    assert len(opened) == len(set(opened)) >= 200
