"""Planning, locking and comparing a site of real packages, for Pythons that this machine has and has not."""

import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Pylock
from tests.end_to_end.commands import Commands
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.local_index import sdist_bytes
from tests.end_to_end.site_locks import MINORS, copy_site, make_site_locks

MISSING = [minor for minor in MINORS if not find_python(minor)]
pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("site locks"),  # made once, by whoever comes first
    pytest.mark.skipif(bool(MISSING), reason=f"there is no Python {', '.join(MISSING)} here"),
]
SMALL = '[site]\nprefix = "/opt/x"\nbin = "/opt/bin"\n'


@pytest.fixture
def site(commands: Commands) -> Path:
    return copy_site(make_site_locks(commands), commands.directory / "site")


def write_site(directory: Path, **environments: tuple[str, str, str]) -> Path:
    """Write a site: name of each environment to its Python, platform and requirements."""
    text = SMALL
    for name, (python, platform, requirements) in environments.items():
        (directory / f"{name}.txt").write_text(requirements)
        text += f'[environment.{name}]\npython = "{python}"\nrequirements = ["{name}.txt"]\n'
        text += f'platform = "{platform}"\n' if platform else ""
    (directory / "site.toml").write_text(text)
    return directory


def result_of(commands: Commands, *words: str, cwd: Path, status: int = 0) -> dict[str, Any]:
    answer = json.loads(commands.run("pannier", "site", *words, "--json", cwd=cwd, status=status).stdout)
    found: dict[str, Any] = answer["result"] if answer["ok"] else answer["error"]
    return found


def git(directory: Path, *words: str) -> None:
    identity = ["-c", "user.name=Lab", "-c", "user.email=lab@lab.example"]
    subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True)


def test_locks_are_for_the_servers_pythons(commands: Commands, site: Path) -> None:
    locks = {path.name: tomllib.loads(path.read_text()) for path in sorted(site.glob("pylock.*.toml"))}
    assert list(locks) == [
        "pylock.lab-python27.toml",
        "pylock.lab-python313.toml",
        "pylock.lab-python36.toml",
    ]
    files: dict[str, list[str]] = {}
    for name, document in locks.items():
        packages = document["packages"]
        # PEP 625 has no word for `functools32-3.2.3-2.zip`, which is that project's only file.
        regular = [package for package in packages if package["name"] != "functools32"]
        Pylock.from_dict({**document, "packages": regular})
        files[name] = [wheel["name"] for package in packages for wheel in package.get("wheels", ())]
        files[name] += [
            f"built {package['tool']['pannier']['built']['name']}"
            for package in packages
            if "tool" in package
        ]
    old, newest, middle = (" ".join(names) for names in files.values())
    assert "numpy-1.16.6-cp27-cp27mu-" in old
    assert "built functools32-3.2.3.post2-py2-none-any.whl" in old
    assert "numpy-1.19.5-cp36-cp36m-" in middle
    assert "built crcmod-1.7-cp36-cp36m-linux_x86_64.whl" in middle
    assert "built docopt-0.6.2-py2.py3-none-any.whl" in newest


def test_what_has_not_changed_is_not_asked_for_again(commands: Commands, site: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.glob("pylock.*")}
    nowhere = ("--index-url", "http://127.0.0.1:9/simple")
    found = result_of(commands, "lock", *nowhere, cwd=site)
    assert [environment["kept"] for environment in found["environments"]] == [True, True, True]
    assert {path: path.stat().st_mtime_ns for path in site.glob("pylock.*")} == before
    commands.run("pannier", "site", "lock", "--check", cwd=site)
    planned = result_of(commands, "plan", *nowhere, cwd=site)
    assert all(
        environment["locked"] and not environment["problems"] for environment in planned["environments"]
    )
    assert planned["environments"][0]["size"] > 20_000_000


def test_a_changed_requirement_changes_no_more_than_it_must(commands: Commands, site: Path) -> None:
    git(site, "init", "-q")
    git(site, "add", "-A")
    git(site, "commit", "-qm", "one")
    (site / "requirements-py313.txt").write_text("PyYAML<6.0.2\nrequests\n")
    refused = result_of(commands, "lock", "--check", cwd=site, status=1)
    assert refused["code"] == "site-lock-stale"
    assert list(refused["facts"]) == ["pylock.lab-python313.toml"]
    name = ("--environment", "lab-python313")
    planned = result_of(commands, "plan", *name, cwd=site)
    assert not planned["environments"][0]["locked"]
    assert result_of(commands, "diff", cwd=site)["environments"][0]["changes"] == []
    commands.run("pannier", "site", "lock", *name, cwd=site)
    changes = {
        environment["name"]: [(change["project"], change["kind"]) for change in environment["changes"]]
        for environment in result_of(commands, "diff", cwd=site)["environments"]
    }
    assert changes == {
        "lab-python27": [],
        "lab-python36": [],
        "lab-python313": [("docopt", "removed"), ("pyyaml", "downgraded")],
    }
    (site / "requirements-py313.txt").write_text("PyYAML\nrequests\n")
    commands.run("pannier", "site", "lock", *name, cwd=site)
    assert "PyYAML-6.0.1" in (site / "pylock.lab-python313.toml").read_text(), "what fits stays"
    upgraded = result_of(commands, "lock", *name, "--upgrade", "pyyaml", cwd=site)
    assert [change["kind"] for change in upgraded["environments"][0]["changes"]] == ["upgraded"]


def test_what_nothing_here_can_build_is_named_for_all_environments_at_once(commands: Commands) -> None:
    directory = write_site(
        commands.directory,
        arm=("3.11", "linux-aarch64-glibc2.28", "docopt\nrequests\n"),
        new=("3.14.0", "linux-x86_64-glibc2.28", "docopt\ncrcmod\n"),
        good=("3.13.0", "linux-x86_64-musl1.2", "requests\n"),
    )
    refused = result_of(commands, "lock", cwd=directory, status=1)
    assert refused["code"] == "site-no-builder"
    assert [line.split(",")[0] for line in refused["facts"]["projects"]] == [
        "arm: docopt 0.6.2",
        "new: crcmod 1.7",
        "new: docopt 0.6.2",
    ]
    assert len(refused["facts"]["choices"]) == 4
    assert not list(directory.glob("pylock*")), "all of them or none"
    planned = result_of(commands, "plan", cwd=directory, status=1)
    problems = {one["name"]: [error["code"] for error in one["problems"]] for one in planned["environments"]}
    assert problems == {"arm": ["site-no-builder"], "new": ["site-no-builder"], "good": []}


def test_sites_for_other_machines_have_the_files_for_those(commands: Commands, tmp_path: Path) -> None:
    marked = "xlrd; platform_machine == 'aarch64'\ndocutils; platform_machine == 'x86_64'\n"
    others = {
        "arm": ("3.6.15", "linux-aarch64-glibc2.28", "cp36m-manylinux", "_aarch64.whl", "numpy 1.19.5"),
        "musl": ("3.13.0", "linux-x86_64-musl1.2", "cp313-musllinux_1_", "_x86_64.whl", "docutils "),
        "both": ("3.13.0", "linux-aarch64-musl1.2", "cp313-musllinux_1_", "_aarch64.whl", "xlrd "),
    }
    texts = {name: (python, platform, f"numpy\n{marked}") for name, (python, platform, *_) in others.items()}
    directory = write_site(commands.directory, **texts)
    planned = {one["name"]: one for one in result_of(commands, "plan", cwd=directory)["environments"]}
    assert [one["problems"] for one in planned.values()] == [[], [], []]
    commands.run("pannier", "site", "lock", cwd=directory)
    bundle = tmp_path / "site.run"
    commands.run("pannier", "site", "bundle", "-o", bundle, cwd=directory)
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("site.json"))
    for environment in manifest["environments"]:
        wheels = [manifest["wheels"][sha256] for sha256 in environment["wheels"]]
        _, platform, tag, architecture, project = others[environment["name"]]
        (numpy,) = (wheel["filename"] for wheel in wheels if wheel["project"] == "numpy")
        assert tag in numpy, environment["name"]
        assert numpy.endswith(architecture)
        assert any(f"{wheel['project']} {wheel['version']}".startswith(project) for wheel in wheels)
        is_arm = "aarch64" in platform
        assert {"xlrd": is_arm, "docutils": not is_arm} == {
            name: name in {wheel["project"] for wheel in wheels} for name in ("xlrd", "docutils")
        }
    refused = subprocess.run(
        ["sh", bundle, "install", "--prefix", tmp_path / "envs", "--bin", tmp_path / "bin"],
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "the wheels are for aarch64" in refused.stderr
    assert "its C library is glibc, and the wheels are for musl" in refused.stderr
    assert not (tmp_path / "envs").exists()


EXTENSION = """\
#include <Python.h>
#include <math.h>
static PyObject *power(PyObject *self, PyObject *arguments) {
    double base, exponent;
    if (!PyArg_ParseTuple(arguments, "dd", &base, &exponent)) return NULL;
    return PyFloat_FromDouble(pow(base, exponent));
}
static PyMethodDef methods[] = {{"power", power, METH_VARARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "powerful", "", -1, methods};
PyMODINIT_FUNC PyInit_powerful(void) { return PyModule_Create(&module); }
"""
SETUP = """\
from setuptools import Extension, setup
setup(name="powerful", version="1.0", ext_modules=[Extension("powerful", ["powerful.c"], libraries=["m"])])
"""


def test_a_wheel_built_here_is_not_locked_for_an_older_c_library(commands: Commands) -> None:
    name, content = sdist_bytes("powerful", "1.0", {"setup.py": SETUP, "powerful.c": EXTENSION})
    links = commands.directory / "links"
    links.mkdir()
    (links / name).write_bytes(content)
    # `pow` has had a version of its own since glibc 2.29.
    directory = write_site(
        commands.directory, lab=("3.13.0", "linux-x86_64-glibc2.17", f"--find-links {links}\npowerful\n")
    )
    refused = result_of(commands, "lock", cwd=directory, status=1)
    assert refused["code"] == "site-built-libc"
    needed = refused["message"].split("glibc ")[1].split(",")[0]
    assert tuple(map(int, needed.split("."))) >= (2, 29)
    site = directory / "site.toml"
    site.write_text(site.read_text().replace("glibc2.17", f"glibc{needed}"))
    commands.run("pannier", "site", "lock", cwd=directory)
    planned = result_of(commands, "plan", cwd=directory)
    assert planned["environments"][0]["libc"] == needed


def test_a_built_wheel_that_was_lost_is_built_again_the_same(commands: Commands, tmp_path: Path) -> None:
    from pannier.api.settings import Settings
    from pannier.api.site_locking import SiteLockOptions, locked_site, site_lock
    from pannier.api.workshop import Workshop
    from pannier.model.events import SilentReporter

    directory = write_site(commands.directory, lab=("3.13.0", "", "docopt\n"))
    for cache in ("one", "two"):
        environ = commands.environment({"PANNIER_CACHE_DIR": str(tmp_path / cache)})
        settings = Settings(cache_dir=str(tmp_path / cache), environ=environ)
        if cache == "one":
            site_lock(directory / "site.toml", SiteLockOptions(), settings)
        _, (environment,) = locked_site(directory / "site.toml", Workshop(settings, SilentReporter()))
        (wheel,) = environment.wheels
        assert (wheel.project, wheel.version, wheel.built) == ("docopt", "0.6.2", True)
        assert wheel.path.is_relative_to(tmp_path / cache)
        assert wheel.path.stat().st_size == wheel.size
