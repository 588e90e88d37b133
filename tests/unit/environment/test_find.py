"""The interpreter that fits is found by a rule one can say."""

import sys
from pathlib import Path

import pytest

from pannier.environment import find
from pannier.environment.find import InterpreterRequest, find_interpreter, find_interpreters
from pannier.model.errors import InterpreterError, UsageError
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform

OWN = ".".join(map(str, sys.version_info[:3]))


class Machine:
    """A machine of empty files that stand for Pythons, and a record of which were started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions: dict[str, str] = {}
        self.started: list[str] = []
        self.environ = {"HOME": str(root), "PATH": f"{root}/bin", "PYENV_ROOT": f"{root}/pyenv"}

    def add(self, path: str, version: str) -> str:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        file.chmod(0o755)
        self.versions[str(file)] = version
        return str(file)

    def probe(self, path: str, _cache: Path | None) -> Interpreter:
        self.started.append(path)
        version = self.versions.get(path, "")
        if not version:
            raise InterpreterError("no")
        return Interpreter(
            python_executable=path,
            version=version,
            implementation="cpython",
            platform=Platform.parse("linux-x86_64"),
            prefix=path,
            base_prefix=path,
            base_executable=path,
            stdlib="",
            site_packages=(),
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(find, "probe", made.probe)
    monkeypatch.setattr(find, "_SYSTEM_DIRECTORIES", (f"{tmp_path}/usr/bin",))
    own = made.add("own/python3.11", "3.11.7")
    monkeypatch.setattr(find, "_running", lambda: find.Candidate(own, "3.11.7", "own"))
    return made


def _found(machine: Machine, specifier: str = "", **options: str) -> str:
    interpreter = find_interpreter(specifier, environ=machine.environ, **options)  # type: ignore[arg-type]
    return interpreter.python_executable.removeprefix(f"{machine.root}/")


def test_the_active_environment_comes_first(machine: Machine) -> None:
    machine.add("venv/bin/python", "3.9.18")
    (machine.root / "venv" / "pyvenv.cfg").write_text("version = 3.9.18\n")
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "venv")
    assert _found(machine) == "venv/bin/python"
    assert _found(machine, ">=3.10") == "own/python3.11"
    assert machine.started == [str(machine.root / "venv/bin/python"), str(machine.root / "own/python3.11")]


def test_a_conda_environment_tells_its_version_by_its_records(machine: Machine) -> None:
    machine.add("conda/bin/python", "3.8.18")
    (machine.root / "conda" / "conda-meta").mkdir()
    (machine.root / "conda" / "conda-meta" / "python-3.8.18-h955ad1f_0.json").write_text("{}")
    machine.environ["CONDA_PREFIX"] = str(machine.root / "conda")
    assert _found(machine, ">=3.9") == "own/python3.11"
    assert _found(machine) == "conda/bin/python"


def test_what_is_preferred_comes_before_all(machine: Machine) -> None:
    path = machine.add("mine/python", "3.10.1")
    assert _found(machine, preferred=path) == "mine/python"


def test_else_the_newest_patch_that_fits_is_taken(machine: Machine) -> None:
    machine.add("usr/bin/python3.9", "3.9.2")
    machine.add("pyenv/versions/3.9.18/bin/python3.9", "3.9.18")
    machine.add("pyenv/versions/3.9.7/bin/python3.9", "3.9.7")
    assert _found(machine, "==3.9.*") == "pyenv/versions/3.9.18/bin/python3.9"
    assert _found(machine, "==3.9.2") == "usr/bin/python3.9"
    assert not [path for path in machine.started if "3.9.7" in path]


def test_pyenv_shims_are_not_started(machine: Machine) -> None:
    machine.add("pyenv/shims/python3.9", "")
    machine.add("pyenv/versions/3.9.18/bin/python3.9", "3.9.18")
    machine.environ["PATH"] = f"{machine.root}/pyenv/shims"
    assert _found(machine, "==3.9.*") == "pyenv/versions/3.9.18/bin/python3.9"
    assert not [path for path in machine.started if path.startswith(f"{machine.root}/pyenv/shims")]


def test_a_python_that_does_not_work_is_passed_over(machine: Machine) -> None:
    machine.add("bin/python3.9", "")
    machine.add("usr/bin/python3.9", "3.9.2")
    assert _found(machine, "==3.9.*") == "usr/bin/python3.9"


def test_what_uv_installed_is_found(machine: Machine) -> None:
    machine.add(".local/share/uv/python/cpython-3.12.8-linux-x86_64-gnu/bin/python3.12", "3.12.8")
    assert "3.12.8" in _found(machine, ">=3.12")


def test_prereleases_come_last(machine: Machine) -> None:
    machine.add("bin/python3.14", "3.14.0rc1")
    machine.add("usr/bin/python3.13", "3.13.0")
    assert _found(machine, ">=3.12") == "usr/bin/python3.13"
    assert _found(machine, ">=3.14.0rc1") == "bin/python3.14"


def test_an_error_lists_every_interpreter(machine: Machine) -> None:
    machine.add("usr/bin/python3.9", "3.9.2")
    with pytest.raises(InterpreterError) as caught:
        _found(machine, "==3.20.*")
    assert caught.value.code == "interpreter-not-found"
    assert [line.split()[0] for line in caught.value.facts["found"]] == ["3.11.7", "3.9.2"]
    assert "uv python install 3.20" in caught.value.hint
    with pytest.raises(InterpreterError) as caught:
        _found(machine, ">=3.0,==3.20.*")
    assert "uv python install 3.20" in caught.value.hint


def test_an_installation_with_many_names_is_listed_once(machine: Machine) -> None:
    path = machine.add("usr/bin/python3.9", "3.9.2")
    (machine.root / "usr/bin/python3").symlink_to(path)
    listed = find_interpreters(environ=machine.environ)
    assert [item.version for item in listed] == ["3.11.7", "3.9.2"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("auto", "auto", ""),
        ("standalone", "standalone", ""),
        ("none", "none", ""),
        ("3.11", "version", "==3.11.*"),
        ("3", "version", "==3.*"),
        ("3.11.7", "version", "==3.11.7"),
        ("python3.9", "version", "==3.9.*"),
        (">=3.9,<3.12", "version", ">=3.9,<3.12"),
        ("/opt/python/bin/python3", "path", "/opt/python/bin/python3"),
    ],
)
def test_a_request_is_read(text: str, kind: str, value: str) -> None:
    request = InterpreterRequest.parse(text)
    assert (request.kind, request.value) == (kind, value)


@pytest.mark.parametrize("text", ["newest", "", "=>3"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        InterpreterRequest.parse(text)
    assert caught.value.code == "interpreter-request"
