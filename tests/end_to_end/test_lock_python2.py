"""Locking for Python 2.7, and installing from the lock with the pip that a Python 2.7 came with."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.local_index import LocalIndex, sdist_bytes, wheel_bytes

from pannier.environment.probe import probe
from pannier.lock.engine import ResolveOptions
from pannier.lock.resolve import resolve
from pannier.model.errors import PannierError
from pannier.model.events import SilentReporter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

ROOT = Path(__file__).parents[2]
PYTHON = find_python("2.7") or ""
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not PYTHON, reason="there is no Python 2.7 here"),
]


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("spectrum_2012.py", "a 50 Hz"),
        ("links_2013.py", "http://example.org/a True\nhttp://example.org/x/b True"),
    ],
)
def test_a_script_of_python_2_is_analyzed_locked_installed_and_run(
    commands: Commands, script: str, printed: str
) -> None:
    shutil.copy(ROOT / "examples" / "old" / script, commands.directory)
    commands.run("pannier", "lock", script, "-o", "requirements.lock.txt")
    site = commands.directory / "site"
    install = [PYTHON, "-m", "pip", "install", "--target", str(site), "--require-hashes"]
    subprocess.run([*install, "-r", "requirements.lock.txt"], cwd=commands.directory, check=True)
    ran = subprocess.run(
        [PYTHON, script],
        cwd=commands.directory,
        env={**os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == printed


@pytest.fixture(scope="module")
def pip_wheel(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The last pip for Python 2.7, for the index of these tests to offer."""
    directory = tmp_path_factory.mktemp("pip")
    command = [PYTHON, "-m", "pip", "download", "--no-deps", "--dest", str(directory), "pip==20.3.4"]
    subprocess.run(command, check=True)
    (wheel,) = directory.iterdir()
    return wheel.name, wheel.read_bytes()


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    setup = "from setuptools import setup\nprint 'two'\n"
    setup += "setup(name='source', version='1.0', install_requires=['leaf'])\n"
    with LocalIndex() as index:
        index.add(
            wheel_bytes("leaf", "1.0", tag="py2.py3-none-any"),
            sdist_bytes("leaf", "1.0", {"leaf.py": ""}),
            wheel_bytes("leaf", "2.0", tag="py2.py3-none-any"),
            wheel_bytes("leaf", "3.0", python=">=3.6"),
            sdist_bytes("source", "1.0", {"setup.py": setup, "source.py": ""}),
        )
        yield index


def _resolve(index: LocalIndex, root: Path, *requirements: str, **more: Any) -> Lock:
    interpreter = probe(PYTHON)
    options = ResolveOptions(
        directories=CacheDirectories(root / "cache"),
        indexes=IndexSettings(index_url=index.simple),
        environ={"PATH": os.environ["PATH"], "HOME": str(root), "PIP_CONSTRAINT": "/nowhere"},
        **{"interpreters": (interpreter,), **more},
    )
    return resolve(Spec(requirements=requirements), [interpreter.target], options, SilentReporter())


def _names(lock: Lock) -> list[tuple[str, str]]:
    return [(project.name, project.version) for project in lock.projects]


def test_pip_takes_what_python_2_can_have_and_keeps_what_is_locked(
    index: LocalIndex, pip_wheel: tuple[str, bytes], tmp_path: Path
) -> None:
    index.add(pip_wheel)
    first = _resolve(index, tmp_path, "source", constraints=("leaf<2",))
    assert _names(first) == [("leaf", "1.0"), ("source", "1.0")]
    assert first.requires_python == "==2.7.*"
    leaf, sdist = first.projects[0].sdist, first.projects[1].sdist
    assert leaf is not None
    assert leaf.filename == "leaf-1.0.tar.gz"
    assert sdist is not None
    assert sdist.url == f"{index.url}/files/source-1.0.tar.gz"
    assert _names(_resolve(index, tmp_path, "source", prefer=first)) == _names(first)
    assert _names(_resolve(index, tmp_path, "source", "leaf>1", prefer=first))[0] == ("leaf", "2.0")


def test_what_cannot_be_locked_is_an_error(
    index: LocalIndex, pip_wheel: tuple[str, bytes], tmp_path: Path
) -> None:
    def code(*requirements: str, **more: Any) -> str:
        with pytest.raises(PannierError) as caught:
            _resolve(index, tmp_path, *requirements, **more)
        return caught.value.code

    assert code("leaf") == "pip-missing"
    index.add(pip_wheel)
    assert code("nope") == "project-unknown"
    assert code("leaf>2") == "requirements-unsatisfiable"
    assert code("leaf", interpreters=()) == "interpreter-not-found"
    assert code("leaf", exclude_newer="2015-01-01") == "exclude-newer-unsupported"


def test_packing_names_the_way_there_is(commands: Commands) -> None:
    commands.script("two.py", "import urllib2\n")
    refused = commands.run("pannier", "pack", "two.py", "-o", "two.tar.zst", status=1)
    assert "code: pack-python-too-old" in refused.stderr
    assert "-o requirements.lock.txt" in refused.stderr


def test_a_requirements_file_of_the_user_is_left_alone(commands: Commands) -> None:
    own = commands.directory / "requirements.txt"
    own.write_text("six\n")
    refused = commands.run("pannier", "lock", "requirements.txt", "-o", "requirements.txt", status=2)
    assert "code: output-exists" in refused.stderr
    assert own.read_text() == "six\n"
