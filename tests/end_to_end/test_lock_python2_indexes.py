"""Which indexes a lock for an old Python asks, and with what: passwords, dates, and no network at all."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.local_index import LocalIndex, sdist_bytes, wheel_bytes

from pannier.environment.probe import probe
from pannier.lock.engine import ResolveOptions
from pannier.lock.resolve import resolve
from pannier.model.errors import PannierError
from pannier.model.events import SilentReporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

PYTHON = find_python("2.7") or ""
pytestmark = [pytest.mark.network, pytest.mark.skipif(not PYTHON, reason="there is no Python 2.7 here")]
SETUP = "from setuptools import setup\nprint 'two'\nsetup(name='source', version='1.0', {more})\n".format(
    more="install_requires=['leaf']"
)


@pytest.fixture(scope="module")
def pip_wheel(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The last pip for Python 2.7, for the index of these tests to offer."""
    directory = tmp_path_factory.mktemp("pip")
    command = [PYTHON, "-m", "pip", "download", "--no-deps", "--dest", str(directory), "pip==20.3.4"]
    subprocess.run(command, check=True)
    (wheel,) = directory.iterdir()
    return wheel.name, wheel.read_bytes()


@pytest.fixture
def index(pip_wheel: tuple[str, bytes]) -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        index.add(
            pip_wheel,
            wheel_bytes("leaf", "1.0", tag="py2.py3-none-any"),
            wheel_bytes("leaf", "2.0", tag="py2.py3-none-any"),
            wheel_bytes("leaf", "3.0", tag="py2.py3-none-any", python=">=3.6"),
            sdist_bytes("source", "1.0", {"setup.py": SETUP, "source.py": ""}),
        )
        yield index


def lock(
    url: str, root: Path, *requirements: str, interpreter: Interpreter | None = None, **more: Any
) -> list[tuple[str, str]]:
    made = resolved(url, root, *requirements, interpreter=interpreter, **more)
    return [(project.name, project.version) for project in made.projects]


def resolved(
    url: str, root: Path, *requirements: str, interpreter: Interpreter | None = None, **more: Any
) -> Lock:
    interpreter = interpreter or probe(PYTHON)
    environ = {"PATH": os.environ["PATH"], "HOME": str(root)}
    options = ResolveOptions(
        directories=CacheDirectories(root / "cache"),
        indexes=IndexSettings(index_url=url),
        environ=environ,
        interpreters=(interpreter,),
        **more,
    )
    return resolve(Spec(requirements=requirements), [interpreter.target], options, SilentReporter())


def refused(url: str, root: Path, *requirements: str, **more: Any) -> PannierError:
    with pytest.raises(PannierError) as caught:
        resolved(url, root, *requirements, **more)
    return caught.value


@pytest.mark.parametrize("way", ["url", "netrc"])
def test_passwords_of_a_url_or_of_netrc_are_used_and_not_locked(
    index: LocalIndex, tmp_path: Path, way: str
) -> None:
    index.credentials = "ann:secret"
    url = index.simple
    if way == "url":
        url = url.replace("//", "//ann:secret@")
    else:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password secret\n")
        (tmp_path / ".netrc").chmod(0o600)
    made = resolved(url, tmp_path, "source")
    assert [(project.name, project.version) for project in made.projects] == [
        ("leaf", "2.0"),
        ("source", "1.0"),
    ]
    assert made.projects[0].wheels[0].url == f"{index.url}/files/leaf-2.0-py2.py3-none-any.whl"
    assert "secret" not in repr(made)
    assert index.requests.count(("/simple/leaf/", "")) == 1, "asked by our own client, and not by pip as well"


@pytest.mark.parametrize("denial", [401, 403])
def test_an_index_that_refuses_is_named_without_the_password(
    index: LocalIndex, tmp_path: Path, denial: int
) -> None:
    lock(index.simple, tmp_path, "leaf")  # pip itself is in the cache from now on
    index.credentials, index.denial = "ann:secret", denial
    error = refused(index.simple.replace("//", "//ann:wr0ng@"), tmp_path, "leaf")
    assert error.code == "index-refused"
    assert str(denial) in error.message
    assert "wr0ng" not in repr((error.message, error.facts, error.hint))


def test_what_was_locked_once_is_locked_again_without_a_network(index: LocalIndex, tmp_path: Path) -> None:
    first = lock(index.simple, tmp_path, "source")
    index.requests.clear()
    index.files.clear()
    assert lock(index.simple, tmp_path, "source", offline=True) == first
    for unseen in ("leaf<2", "nope"):
        assert refused(index.simple, tmp_path, unseen, offline=True).code == "offline-not-cached"
    assert index.requests == []


def test_what_was_uploaded_later_is_left_out_where_the_index_has_dates(
    index: LocalIndex, tmp_path: Path
) -> None:
    days = {"leaf-1.0-py2.py3-none-any.whl": "2015-05-01", "leaf-2.0-py2.py3-none-any.whl": "2016-05-01"}
    index.upload_times = {name: f"{day}T12:00:00Z" for name, day in days.items()}
    assert lock(index.simple, tmp_path, "leaf") == [("leaf", "2.0")]
    assert lock(index.simple, tmp_path, "leaf", exclude_newer="2015-12-31") == [("leaf", "1.0")]
    assert lock(index.simple, tmp_path, "leaf", exclude_newer="2015-05-01") == [("leaf", "1.0")]
    assert lock(index.simple, tmp_path, "leaf", exclude_newer="2016-05-01T12:00:01Z") == [("leaf", "2.0")]
    assert (
        refused(index.simple, tmp_path, "leaf", exclude_newer="2014-01-01").code
        == "requirements-unsatisfiable"
    )
    refusal = refused(index.simple, tmp_path, "source", exclude_newer="2016-12-31")
    assert (refusal.code, refusal.facts["project"]) == ("exclude-newer-unsupported", "`source`")


def test_releases_for_newer_pythons_that_do_not_say_so_are_passed_over(
    index: LocalIndex, tmp_path: Path
) -> None:
    for_3 = SETUP.replace("setup(", 'setup(classifiers=["Programming Language :: Python :: 3.5"], ')
    index.add(
        wheel_bytes("compiled", "1.0", tag="cp27-cp27mu-manylinux1_x86_64"),
        wheel_bytes("compiled", "2.0", tag="cp36-cp36m-manylinux1_x86_64"),
        sdist_bytes(
            "compiled", "2.0", {"setup.py": SETUP.replace("source", "compiled").replace("1.0", "2.0")}
        ),
        sdist_bytes("source", "2.0", {"setup.py": for_3.replace("1.0", "2.0"), "source.py": ""}),
    )
    for _ in range(2):  # the second time what was learned of the sdists is remembered
        assert lock(index.simple, tmp_path, "compiled", "source") == [
            ("compiled", "1.0"),
            ("leaf", "2.0"),
            ("source", "1.0"),
        ]
    asked_for = lock(index.simple, tmp_path, "compiled>=2")
    assert ("compiled", "2.0") in asked_for, "what is asked for is shown all the same"


DISGUISE = """\
import platform, sys
sys.version_info = (3, 5, 10, "final", 0)
platform.python_version = lambda: "3.5.10"
platform.python_version_tuple = lambda: ("3", "5", "10")
"""


def disguised_as_3_5(directory: Path) -> Interpreter:
    """A Python 3.6 that says it is a 3.5, of which there is none to be had any more."""
    python = find_python("3.6")
    if python is None:
        pytest.skip("there is no Python 3.6 here")
    (directory / "sitecustomize.py").write_text(DISGUISE)
    wrapper = directory / "python3.5"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{directory}" exec {python} "$@"\n')
    wrapper.chmod(0o755)
    return probe(python)._replace(version="3.5.10", python_executable=str(wrapper), site_packages=())


def test_a_lock_for_3_5_has_what_a_3_5_can_have(index: LocalIndex, tmp_path: Path) -> None:
    index.add(
        wheel_bytes("leaf", "2.5", tag="cp35-cp35m-manylinux1_x86_64"),
        wheel_bytes("leaf", "2.6", tag="cp36-cp36m-manylinux1_x86_64"),
        wheel_bytes("leaf", "2.7", tag="py2-none-any"),
        wheel_bytes("top", "1.0", requires=("leaf; python_version < '3.6'", "nope; python_version >= '3.6'")),
    )
    made = resolved(index.simple, tmp_path, "top", interpreter=disguised_as_3_5(tmp_path))
    assert [(project.name, project.version) for project in made.projects] == [("leaf", "2.5"), ("top", "1.0")]
    assert made.requires_python == "==3.5.*"
    assert made.targets[0].python_version == "3.5.10"
