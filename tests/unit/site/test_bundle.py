"""What is written into a bundle, and that it is the same each time."""

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path

import pytest
from tests.unit.site.bundle_making import (
    environment,
    plan_of,
    planned_interpreter,
    planned_wheel,
    small_bundle,
)

from pannier.formats.pylock import parse_lock
from pannier.formats.site_manifests import format_site_manifest, parse_site_manifest
from pannier.model.errors import DistributionError, HashMismatchError
from pannier.runtime.site.manifest import compute_id
from pannier.site.bundle import write_bundle


def test_every_member_is_in_the_manifest_with_its_digest(tmp_path: Path) -> None:
    written = small_bundle(tmp_path)
    with zipfile.ZipFile(tmp_path / "site.run") as archive:
        listed = [(file.name, file.size, file.sha256) for file in written.manifest.files]
        found = [
            (info.filename, info.file_size, hashlib.sha256(archive.read(info)).hexdigest())
            for info in archive.infolist()
        ]
        assert found[:-1] == listed
        assert found[-1][0] == "site.json"
        assert json.loads(archive.read("site.json")) == written.manifest.value


def test_the_manifest_says_what_each_environment_is(tmp_path: Path) -> None:
    manifest = small_bundle(tmp_path).manifest
    old, new = manifest.environments
    assert (old.name, old.python, old.abi, old.aliases) == (
        "lab-python27", "2.7.18", "none", ("lab-python2",),
    )  # fmt: skip
    assert (new.abi, new.platform, new.lock) == (
        "none",
        "linux-x86_64-glibc2.17",
        "pylock.lab-python36.toml",
    )
    assert [manifest.wheels[digest].project for digest in old.wheels] == ["shared", "old"]
    assert [wheel.built for wheel in manifest.wheels.values()] == [True, False]
    assert manifest.id == compute_id(manifest.value)


def test_the_same_plan_gives_the_same_bytes_in_another_directory(tmp_path: Path) -> None:
    small_bundle(tmp_path / "one")
    small_bundle(tmp_path / "two", "other-name.run")
    assert (tmp_path / "one/site.run").read_bytes() == (tmp_path / "two/other-name.run").read_bytes()


def test_a_lock_in_the_bundle_names_wheels_beside_it(tmp_path: Path) -> None:
    small_bundle(tmp_path)
    with zipfile.ZipFile(tmp_path / "site.run") as archive:
        archive.extractall(tmp_path / "out")
    path = tmp_path / "out" / "pylock.lab-python27.toml"
    lock = parse_lock(path.read_text(), filename=str(path))
    files = [file for project in lock.projects for file in project.wheels]
    assert [Path(file.url.removeprefix("file://")).is_file() for file in files] == [True, True]
    assert tomllib.loads(path.read_text())["packages"][1]["requires-python"] == ">=2.7"


def test_links_of_the_index_lead_to_the_wheels(tmp_path: Path) -> None:
    small_bundle(tmp_path)
    with zipfile.ZipFile(tmp_path / "site.run") as archive:
        page = archive.read("simple/shared/index.html").decode()
        digest = hashlib.sha256(archive.read("wheels/shared-1.0-py2.py3-none-any.whl")).hexdigest()
    assert f'href="../../wheels/shared-1.0-py2.py3-none-any.whl#sha256={digest}"' in page


def test_a_wheel_changed_in_the_cache_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    wheel = planned_wheel(tmp_path / "cache", "demo")
    data = wheel.path.read_bytes()
    wheel.path.write_bytes(data.replace(b"VERSION", b"VERSIOM"))
    with pytest.raises(HashMismatchError, match="has changed in the cache"):
        write_bundle(plan_of(environment("a", "3.11.7", wheel)), tmp_path / "out" / "site.run")
    assert not any((tmp_path / "out").iterdir())


def test_what_is_no_wheel_is_refused_by_name(tmp_path: Path) -> None:
    wheel = planned_wheel(tmp_path / "cache", "demo")
    wheel.path.write_bytes(b"no zip")
    with pytest.raises(DistributionError, match=r"`demo-1\.0-py2\.py3-none-any\.whl`"):
        write_bundle(plan_of(environment("a", "3.11.7", wheel)), tmp_path / "site.run")


def test_the_shell_script_knows_where_interpreters_lie(tmp_path: Path) -> None:
    one = planned_interpreter(tmp_path / "cache", "3.11.7", b"newer interpreter")
    other = planned_interpreter(tmp_path / "cache", "3.6.15", b"older")
    plan = plan_of(environment("a", "3.6.15", interpreter=other), environment("b", "3.11.7", interpreter=one))
    written = write_bundle(plan, tmp_path / "site.run")
    data = (tmp_path / "site.run").read_bytes()
    lines = data[: data.index(b"PK\3\4")].decode().split("_bundled='")[1].split("'")[0].split("\n")[:-1]
    for line, content in zip(lines, [b"newer interpreter", b"older"], strict=True):
        offset, size, sha256, executable, machine = line.split()
        assert data[int(offset) : int(offset) + int(size)] == content
        assert sha256 == hashlib.sha256(content).hexdigest()
        assert machine == "x86_64"
    assert executable == "bin/python3.6"
    with zipfile.ZipFile(tmp_path / "site.run") as archive:
        kinds = [name.partition("/")[0] for name in archive.namelist()]
    assert kinds[:2] == ["interpreters", "interpreters"], "BusyBox's tail knows no offset above 4 GiB"
    assert written.manifest.environments[0].interpreter.file == f"interpreters/{other.sha256}.tar.gz"


def test_two_builds_with_one_file_name_are_both_carried(tmp_path: Path) -> None:
    one = planned_wheel(tmp_path / "cache", "twice", body="A = 1\n")
    other = planned_wheel(tmp_path / "cache", "twice", body="A = 2\n")
    plan = plan_of(environment("a", "2.7.18", one), environment("b", "3.6.15", other))
    written = write_bundle(plan, tmp_path / "site.run")
    with zipfile.ZipFile(tmp_path / "site.run") as archive:
        wheels = [name for name in archive.namelist() if name.endswith(".whl")]
        digests = {hashlib.sha256(archive.read(name)).hexdigest() for name in wheels}
    assert digests == {one.sha256, other.sha256}
    name = "twice-1.0-py2.py3-none-any.whl"
    assert set(wheels) == {f"wheels/{digest[:16]}/{name}" for digest in digests}
    assert parse_site_manifest(format_site_manifest(written.manifest)) == written.manifest
