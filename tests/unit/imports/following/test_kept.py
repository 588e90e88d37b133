"""What is kept of a directory gives the same answer as reading it again, or is not used."""

import os
import shutil
import time
from pathlib import Path

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.imports.following import kept

_OPTIONS = AnalysisOptions(target_python="3.11")
_FILLER = "def unused():\n    return 1\n" * 30


class _Keeper:
    def __init__(self):
        self.contents = {}

    def load(self, name):
        return self.contents.get(name, b"")

    def save(self, name, content):
        self.contents[name] = content


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project whose files look old enough to be kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept, "_COARSEST_NS", -(10**18))
    for name, text in {
        "pyproject.toml": "",
        "app/__init__.py": "",
        "app/main.py": "import numpy\nfrom . import helper\n",
        "app/helper.py": f"{_FILLER}import yaml\n",
        "app/broken.py": "import requests\nx = (\n",
        "tests/test_app.py": "import pytest\nfrom tests import extra\n",
        "tests/extra.py": "import lxml\n",
        ".gitignore": "ignored.py\n",
        "ignored.py": "import redis\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def _projects(analysis):
    return {project.name for project in analysis.projects}


class _Counted:
    """Counts the files that are scanned one by one and those scanned together."""

    def __init__(self, monkeypatch):
        self.again = []
        real = kept.scan_file
        monkeypatch.setattr(
            kept, "scan_file", lambda path, options: self.again.append(path) or real(path, options)
        )
        self.whole = 0
        taken = kept._taken

        def count(*arguments):
            self.whole += 1
            return taken(*arguments)

        monkeypatch.setattr(kept, "_taken", count)


@pytest.fixture
def counted(monkeypatch):
    return _Counted(monkeypatch)


def _analyze(keeper):
    analysis = analyze(["."], _OPTIONS, keeper=keeper)
    assert analysis == analyze(["."], _OPTIONS)
    return analysis


def test_a_directory_that_did_not_change_is_not_read_again(project, counted):
    keeper = _Keeper()
    assert _projects(_analyze(keeper)) == {"numpy", "PyYAML", "requests", "pytest", "lxml"}
    _analyze(keeper)
    assert (counted.whole, counted.again) == (1, [])


def test_what_imports_what_is_kept_with_the_rest(project, counted):
    keeper = _Keeper()
    (project / "app/helper.py").write_text("from app import redis_cache, memory_cache\n")
    (project / "app/redis_cache.py").write_text("import redis\n")
    (project / "app/memory_cache.py").write_text("")
    for _ in range(2):
        role = {item.name: item.role for item in _analyze(keeper).projects}["redis"]
        assert role == "runtime"
    assert counted.whole == 1


def test_only_a_file_that_changed_is_read_again(project, counted):
    keeper = _Keeper()
    _analyze(keeper)
    (project / "app/helper.py").write_text("import scipy\n")
    assert "scipy" in _projects(_analyze(keeper))
    assert (counted.whole, counted.again) == (1, ["app/helper.py"])
    _analyze(keeper)
    assert counted.again == ["app/helper.py"]


def test_an_editor_that_replaces_files_and_leaves_hidden_ones_costs_no_more(project, counted):
    keeper = _Keeper()
    _analyze(keeper)
    (project / "app/.helper.py.swp").write_text("")
    (project / "app/__pycache__").mkdir()
    (project / "app/helper.new").write_text("import scipy\n")
    (project / "app/helper.new").replace(project / "app/helper.py")
    assert "scipy" in _projects(_analyze(keeper))
    assert (counted.whole, counted.again) == (1, ["app/helper.py"])


@pytest.mark.parametrize(
    ("path", "text", "project_name"),
    [
        ("app/new.py", "import flask\n", "Flask"),
        ("numpy.py", "import attr\n", "attrs"),
        (".gitignore", "", "redis"),
        ("tests/test_app.py", "import app.extra\nimport pytest, tests.extra\n", "lxml"),
        ("app/main.py", "import tests.extra\n", "lxml"),
        ("script", "#!/usr/bin/env python\nimport tornado\n", "tornado"),
    ],
)
def test_what_changes_more_than_one_file_is_read_anew(project, path, text, project_name):
    keeper = _Keeper()
    _analyze(keeper)
    (project / path).write_text(text)
    assert project_name in _projects(_analyze(keeper))


@pytest.mark.parametrize("path", ["app/helper.py", "app/broken.py", "tests/extra.py"])
def test_a_file_that_went_is_gone(project, path):
    keeper = _Keeper()
    _analyze(keeper)
    (project / path).unlink()
    _analyze(keeper)


def test_a_file_changed_within_the_grain_of_clocks_is_read_again(project, counted, monkeypatch):
    monkeypatch.setattr(kept, "_COARSEST_NS", 10**12)
    keeper = _Keeper()
    _analyze(keeper)
    path = project / "app/helper.py"
    status = path.stat()
    path.write_text(path.read_text().replace("yaml", "cffi"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "cffi" in _projects(_analyze(keeper))


def test_a_change_that_hides_its_time_and_size_is_seen(project):
    keeper = _Keeper()
    _analyze(keeper)
    time.sleep(0.02)
    path = project / "app/helper.py"
    status = path.stat()
    path.write_text(path.read_text().replace("yaml", "cffi"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert "cffi" in _projects(_analyze(keeper))


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-1], lambda content: b"x" + content[1:], lambda _: b""]
)
def test_what_is_damaged_is_not_used(project, counted, damage):
    keeper = _Keeper()
    _analyze(keeper)
    keeper.contents = {name: damage(content) for name, content in keeper.contents.items()}
    _analyze(keeper)
    assert counted.whole == 2


@pytest.mark.parametrize(
    "name",
    [
        "imports/data/backends.txt",
        "imports/data/ranked_names.txt",
        "imports/scanning/scan.py",
        "model/analysis.py",
    ],
)
def test_another_pannier_reads_anew(project, counted, monkeypatch, tmp_path_factory, name):
    """Whatever is edited or put in its place, though version, size and time of change stay."""
    package = tmp_path_factory.mktemp("installed")
    for part in ("imports", "model"):
        shutil.copytree(Path(kept.__file__).parents[2] / part, package / part)
    monkeypatch.setattr(kept, "__file__", str(package / "imports/following/kept.py"))
    keeper = _Keeper()
    analyze(["."], _OPTIONS, None, keeper)
    analyze(["."], _OPTIONS, None, keeper)
    assert len(keeper.contents) == 1
    file = package / name
    before = file.stat()
    (package / "new").write_bytes(file.read_bytes()[:-1] + b"#")
    (package / "new").replace(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _projects(analyze(["."], _OPTIONS, None, keeper)) == _projects(analyze(["."], _OPTIONS))
    assert len(keeper.contents) == 2


def test_other_options_are_another_analysis(project):
    keeper = _Keeper()
    analyze(["."], _OPTIONS, keeper=keeper)
    analyze(["."], _OPTIONS._replace(mapping={"yaml": "ruamel.yaml"}), keeper=keeper)
    analyze(["."], _OPTIONS._replace(target_python="3.9"), keeper=keeper)
    analyze(["app"], _OPTIONS, keeper=keeper)
    assert len(keeper.contents) == 4
