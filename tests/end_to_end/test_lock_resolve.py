"""Resolving and building with the real uv against an index of our own."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.local_index import LocalIndex, sdist_bytes, wheel_bytes

from pannier.environment.probe import probe
from pannier.formats.pylock import format_lock, parse_lock, projects_for
from pannier.formats.requirements_files import References, parse_requirements
from pannier.formats.tags import best_wheel
from pannier.lock.build import BuildOptions, build_wheel
from pannier.lock.engine import ResolveOptions
from pannier.lock.resolve import resolve
from pannier.model.errors import BuildError, FetchError, LockError, NoCompatibleWheelError
from pannier.model.events import Notice, SilentReporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.spec import LocalProject, Spec
from pannier.model.target import Platform, Target
from pannier.store.directories import CacheDirectories
from pannier.store.distributions import DistributionStore
from pannier.store.index_settings import IndexSettings, read_index_settings

# A build backend without requirements, so that building needs no index.
BACKEND = """\
import base64, hashlib, os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "NAME-1.0-py3-none-any.whl"
    stamp = os.environ["SOURCE_DATE_EPOCH"]
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in {
            "NAME.py": open("NAME.py").read(),
            "NAME-1.0.dist-info/METADATA": open("METADATA").read(),
            "NAME-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "NAME-1.0.dist-info/RECORD": "",
        }.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def _source(name: str) -> dict[str, str]:
    return {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND.replace("NAME", name),
        f"{name}.py": "x = 1\n",
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: leaf\n",
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
    }


def _target(python: str = "3.11.7", platform: str = "linux-x86_64-glibc2.28") -> Target:
    return Target(python_version=python, platform=Platform.parse(platform))


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        index.add(
            wheel_bytes("leaf", "1.0"),
            wheel_bytes("leaf", "2.0", python=">=3.10"),
            wheel_bytes("leaf", "3.0rc1"),
            wheel_bytes("tree", "1.0", requires=("leaf", "old; python_version < '3.10'")),
            wheel_bytes("old", "1.0"),
            wheel_bytes("native", "1.0", tag="cp311-cp311-manylinux_2_28_x86_64"),
            wheel_bytes("native", "1.0", tag="cp311-cp311-manylinux_2_17_aarch64"),
            sdist_bytes("source", "1.0", _source("source")),
        )
        yield index


@pytest.fixture
def directories(tmp_path: Path) -> CacheDirectories:
    return CacheDirectories(tmp_path / "cache")


@pytest.fixture
def environ() -> dict[str, str]:
    foreign = {
        "VIRTUAL_ENV": "/nowhere",
        "UV_PYTHON": "9.9",
        "UV_RESOLUTION": "lowest",
        "PYTHONPATH": "/nowhere",
    }
    return {**{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}, **foreign}


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    return probe(sys.executable, tmp_path / "probe")


def _resolve(
    index: LocalIndex,
    directories: CacheDirectories,
    environ: Mapping[str, str],
    *requirements: str,
    **more: Any,
) -> Lock:
    targets: list[Target] = more.pop("targets", [_target()])
    spec: Spec = more.pop("spec", Spec(requirements=requirements))
    options = ResolveOptions(
        directories=directories, indexes=IndexSettings(index_url=index.simple), environ=environ, **more
    )
    return resolve(spec, targets, options, SilentReporter())


def _names(lock: Lock) -> list[tuple[str, str, str]]:
    return [(project.name, project.version, project.marker) for project in lock.projects]


def test_targets_are_merged_and_told_apart_by_markers(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    targets = [_target("3.9.18"), _target("3.11.7"), _target("3.11.7", "linux-aarch64")]
    lock = _resolve(index, directories, environ, "tree", targets=targets)
    assert _names(lock) == [
        ("leaf", "1.0", 'python_version == "3.9"'),
        ("leaf", "2.0", 'python_version == "3.11"'),
        ("old", "1.0", 'python_version == "3.9"'),
        ("tree", "1.0", ""),
    ]
    assert lock.targets == tuple(targets)
    again = parse_lock(format_lock(lock), filename="pylock.toml")
    assert again == lock
    assert [project.version for project in projects_for(again, targets[1])] == ["2.0", "1.0"]


def test_the_wheels_of_every_target_are_locked(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    targets = [_target(), _target(platform="linux-aarch64-glibc2.17")]
    lock = _resolve(index, directories, environ, "native", targets=targets)
    (project,) = lock.projects
    found = [best_wheel(project, target) for target in targets]
    assert [wheel.filename.rsplit("_", 1)[1] for wheel in found if wheel] == ["64.whl", "aarch64.whl"]
    assert DistributionStore(directories).fetch([wheel for wheel in found if wheel])


def test_the_same_again_offline_and_what_was_never_seen_is_named(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    lock = _resolve(index, directories, environ, "tree")
    asked = len(index.requests)
    assert format_lock(_resolve(index, directories, environ, "tree", offline=True)) == format_lock(lock)
    with pytest.raises(FetchError) as caught:
        _resolve(index, directories, environ, "native", offline=True)
    assert caught.value.code == "offline-not-cached"
    assert caught.value.facts["not in the cache"] == ["`native`"]
    assert len(index.requests) == asked


def test_nothing_is_warned_of_when_nothing_is_wrong(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    class Strict(SilentReporter):
        def warn(self, warning: Notice) -> None:
            raise AssertionError(warning)

    options = ResolveOptions(
        directories=directories, indexes=IndexSettings(index_url=index.simple), environ=environ
    )
    assert resolve(Spec(requirements=("tree",)), [_target(), _target("3.9.18")], options, Strict()).projects


def test_every_unknown_project_is_named(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    with pytest.raises(LockError) as caught:
        _resolve(index, directories, environ, "Nope_One", "tree", "nope-two>1")
    assert caught.value.code == "project-unknown"
    assert sorted(caught.value.facts["unknown"]) == ["`nope-one`", "`nope-two`"]


def test_what_cannot_be_satisfied_comes_with_uvs_explanation(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    with pytest.raises(LockError) as caught:
        _resolve(index, directories, environ, "tree", "leaf>5")
    assert caught.value.code == "requirements-unsatisfiable"
    assert "leaf" in str(caught.value.facts["uv says"])


def test_a_project_without_a_wheel_for_the_target_is_refused(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    with pytest.raises(NoCompatibleWheelError):
        _resolve(index, directories, environ, "native", targets=[_target("3.12.1")])
    with pytest.raises(NoCompatibleWheelError):
        _resolve(index, directories, environ, "source", targets=[_target("3.7.17")])


def test_prereleases_constraints_and_preferences_bound_the_versions(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    assert _names(_resolve(index, directories, environ, "leaf", prereleases=True))[0][1] == "3.0rc1"
    old = _resolve(index, directories, environ, "leaf", constraints=("leaf<2",))
    assert _names(old)[0][1] == "1.0"
    assert _names(_resolve(index, directories, environ, "leaf", prefer=old))[0][1] == "1.0"
    assert _names(_resolve(index, directories, environ, "leaf"))[0][1] == "2.0"


def test_an_index_that_is_not_there_is_named_without_its_password(
    directories: CacheDirectories, environ: dict[str, str]
) -> None:
    settings = IndexSettings(index_url="http://me:secret@127.0.0.1:9/simple")
    options = ResolveOptions(
        directories=directories, indexes=settings, environ={**environ, "UV_HTTP_RETRIES": "0"}
    )
    with pytest.raises(FetchError) as caught:
        resolve(Spec(requirements=("leaf",)), [_target()], options, SilentReporter())
    assert caught.value.code == "index-unreachable"
    assert caught.value.facts["host"] == "127.0.0.1:9"
    assert "--offline" in caught.value.hint
    assert "secret" not in f"{caught.value.message}{caught.value.facts}"


def test_an_index_that_wants_credentials_says_so_and_takes_them(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    index.credentials = "me:secret"
    with pytest.raises((FetchError, LockError)) as caught:
        _resolve(index, directories, environ, "leaf")
    assert "credentials" in caught.value.hint
    url = index.simple.replace("//", "//me:secret@")
    options = ResolveOptions(directories=directories, indexes=IndexSettings(index_url=url), environ=environ)
    lock = resolve(Spec(requirements=("leaf",)), [_target()], options, SilentReporter())
    assert "secret" not in format_lock(lock)
    store = DistributionStore(directories, options.indexes)
    assert store.fetch([lock.projects[0].wheels[0]])


def test_a_requirements_file_brings_its_hashes_and_find_links(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str], tmp_path: Path
) -> None:
    name, data = wheel_bytes("mine", "1.0")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / name).write_bytes(data)
    good = hashlib.sha256(data).hexdigest()
    for digest, is_fine in ((good, True), ("0" * 64, False)):
        text = f"-f links\nmine==1.0 --hash=sha256:{digest}\n"
        filename = str(tmp_path / "requirements.txt")
        spec = parse_requirements(text, filename=filename, references=References(str))
        if is_fine:
            (project,) = _resolve(index, directories, environ, spec=spec).projects
            assert project.wheels[0].sha256 == good
        else:
            with pytest.raises(LockError) as caught:
                _resolve(index, directories, environ, spec=spec)
            assert caught.value.code == "hashes-refuse-all"


def test_conda_packages_and_other_pythons_are_refused(
    index: LocalIndex, directories: CacheDirectories, environ: dict[str, str]
) -> None:
    for spec, target, code in (
        (Spec(matchspecs=("numpy=1",)), _target(), "conda-packages-unsupported"),
        (Spec(python=">=3.12"), _target(), "python-version-conflict"),
        (Spec(), _target("3.4.10"), "python-too-old"),
    ):
        with pytest.raises(LockError) as caught:
            _resolve(index, directories, environ, spec=spec, targets=[target])
        assert caught.value.code == code


def test_an_sdist_and_a_local_project_are_resolved_by_building_and_built_once(
    index: LocalIndex,
    directories: CacheDirectories,
    environ: dict[str, str],
    interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    for path, text in _source("local").items():
        (project / path).write_text(text)
    before = sorted(os.listdir(project))
    spec = Spec(requirements=("source",), local_projects=(LocalProject(path=str(project)),))
    lock = _resolve(
        index, directories, environ, spec=spec, targets=[interpreter.target], interpreters=(interpreter,)
    )
    assert [name for name, _, _ in _names(lock)] == ["leaf", "source"]
    sdist = lock.projects[1].sdist
    assert sdist is not None
    archive = DistributionStore(directories).fetch([sdist])[sdist.sha256]
    options = BuildOptions(directories=directories, environ=environ)
    for source in (archive, project):
        wheel = build_wheel(source, interpreter, options)
        first = wheel.stat().st_mtime_ns
        assert build_wheel(source, interpreter, options) == wheel
        assert wheel.stat().st_mtime_ns == first
    (project / "local.py").write_text("x = 2\n")
    assert build_wheel(project, interpreter, options) != wheel
    assert [name for name in sorted(os.listdir(project)) if name != "__pycache__"] == before


def test_a_build_that_fails_shows_what_it_said(
    directories: CacheDirectories, environ: dict[str, str], interpreter: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "p" / "backend.py").write_text("raise SystemExit('no compiler today')\n")
    with pytest.raises(BuildError) as caught:
        build_wheel(tmp_path / "p", interpreter, BuildOptions(directories=directories, environ=environ))
    assert "no compiler today" in "\n".join(caught.value.facts["output"])


@pytest.mark.network
def test_the_users_own_index_is_asked_as_pip_is_told_to(shared_cache: Path) -> None:
    directories = CacheDirectories(shared_cache)
    options = ResolveOptions(directories=directories, indexes=read_index_settings(os.environ))
    lock = resolve(Spec(requirements=("six==1.17.0",)), [_target("3.6.15")], options, SilentReporter())
    wheel = best_wheel(lock.projects[0], _target("3.6.15"))
    assert wheel is not None
    store = DistributionStore(directories, options.indexes)
    assert store.fetch([wheel])[wheel.sha256].is_file()


@pytest.mark.network
def test_a_bare_minor_version_would_lock_an_old_pandas(shared_cache: Path) -> None:
    options = ResolveOptions(
        directories=CacheDirectories(shared_cache), indexes=read_index_settings(os.environ)
    )
    lock = resolve(Spec(requirements=("pandas",)), [_target("3.6.15")], options, SilentReporter())
    assert {project.name: project.version for project in lock.projects}["pandas"] == "1.1.5"
