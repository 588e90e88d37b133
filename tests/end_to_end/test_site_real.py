"""A site of real packages of three times: 2.7 and 3.6 with what was current then, and 3.13.

It is locked, bundled, and carried to a server without a network on which nothing of the building side is in
sight. All tests share one bundle and one server, in the order in which they stand here.
"""

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.bare_machine import make_bare_machine, run_bare
from tests.end_to_end.commands import Commands
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.isolation import on_own_mounts
from tests.end_to_end.site_locks import MINORS, copy_site, make_site_locks
from tests.end_to_end.site_machine import NOBODY, SiteMachine

from pannier.environment.probe import machine_platform
from pannier.runtime.site.bundle import check_bytes, open_bundle
from pannier.runtime.site.layout import Site
from pannier.runtime.site.verifying import verify

MISSING = [minor for minor in MINORS if not find_python(minor)]
pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("site locks"),
    pytest.mark.skipif(bool(MISSING), reason=f"there is no Python {', '.join(MISSING)} here"),
]
PREFIX = "/opt/lab/envs"

OLD = r"""#!{bin}/{name}
# coding: utf-8
from __future__ import print_function
import json, os, shutil, sys, tempfile
import matplotlib
matplotlib.use("Agg")
import flask, matplotlib.pyplot, numpy, openpyxl, requests, xlrd, yaml
matplotlib.pyplot.plot(numpy.arange(4).dot(numpy.eye(4)))
place = tempfile.mkdtemp()
matplotlib.pyplot.savefig(os.path.join(place, "plot.png"))
book = openpyxl.Workbook()
book.active["A1"] = u"Größe"
book.save(os.path.join(place, "book.xlsx"))
application = flask.Flask("lab")
application.route("/")(lambda: "served")
modules = (flask, matplotlib, numpy, openpyxl, requests, xlrd, yaml)
print(json.dumps({{
    "versions": dict((module.__name__, getattr(module, "__version__", "?")) for module in modules),
    "outside": [module.__file__ for module in modules if not module.__file__.startswith(sys.prefix)],
    "prefix": sys.prefix,
    "cell": openpyxl.load_workbook(os.path.join(place, "book.xlsx")).active["A1"].value,
    "served": application.test_client().get("/").data.decode("ascii"),
    "yaml": yaml.load("[1, 2]", Loader=yaml.CSafeLoader),
    "wide": sys.maxunicode > 65535,
    "python": "%d.%d.%d" % sys.version_info[:3],
    "plotted": open(os.path.join(place, "plot.png"), "rb").read(4) == b"\x89PNG",
}}))
shutil.rmtree(place)
"""
NEW = """\
#!{bin}/{name}
import docopt, json, requests, sys, yaml
usage = docopt.docopt("Usage: x [--y]", ["--y"])["--y"]
print(json.dumps({{"prefix": sys.prefix, "usage": usage, "yaml": yaml.__version__}}))
"""


@pytest.fixture(scope="module")
def commands(pannier_bin: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    directory = tmp_path_factory.mktemp("connected")
    return Commands(bin=pannier_bin, home=directory, cache=shared_cache, directory=directory)


@pytest.fixture(scope="module")
def site(commands: Commands) -> Path:
    return copy_site(make_site_locks(commands), commands.directory / "site")


@pytest.fixture(scope="module")
def server() -> Iterator[SiteMachine]:
    on_own_mounts()
    directory = Path(tempfile.mkdtemp(prefix="pannier-server-"))
    directory.chmod(0o755)
    try:
        yield SiteMachine(directory, MINORS).make()
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def full(commands: Commands, site: Path, server: SiteMachine) -> Path:
    path = server.root / "site.run"
    commands.run("pannier", "site", "bundle", "-o", path, cwd=site)
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def installed(full: Path, server: SiteMachine) -> SiteMachine:
    server.run("sh", full, "install")
    return server


def run_script(
    server: SiteMachine, name: str, text: str, directory: str = "/usr/local/bin", **options: Any
) -> dict[str, Any]:
    """Run a script by its first line; give what it printed."""
    script = server.root / f"script-{name}"
    script.write_text(text.format(bin=directory, name=name))
    script.chmod(0o755)
    found: dict[str, Any] = json.loads(server.run(script, **options).stdout)
    return found


def result_of(server: SiteMachine, *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.run(*words, "--json").stdout)["result"]
    return found


@pytest.mark.parametrize(("name", "python"), [("lab-python2", "2.7.18"), ("lab-python36", "3.6.15")])
def test_old_packages_do_their_work_for_scripts_that_name_their_python(
    installed: SiteMachine, site: Path, name: str, python: str
) -> None:
    said = run_script(installed, name, OLD)
    environment = name.replace("python2", "python27")
    assert said["prefix"] == f"{PREFIX}/generations/1/{environment}"
    assert said["outside"] == []
    assert (said["python"], said["wide"]) == (python, True)
    assert (said["cell"], said["served"], said["yaml"]) == ("Größe", "served", [1, 2])
    lock = tomllib.loads((site / f"pylock.{environment}.toml").read_text())
    locked = {package["name"]: package["version"] for package in lock["packages"]}
    for project in ("numpy", "matplotlib", "requests", "openpyxl", "xlrd"):
        assert said["versions"][project] == locked[project]
    assert said["plotted"]


def test_projects_that_are_sdists_alone_were_built_for_their_python(installed: SiteMachine) -> None:
    assert run_script(installed, "lab-python313", NEW)["usage"] is True
    said = installed.run(
        "/usr/local/bin/lab-python36", "-c", "import crcmod._crcfunext as c; print(c.__file__)"
    ).stdout
    assert said.startswith(f"{PREFIX}/generations/1/lab-python36/")
    code = "import functools32; print(functools32.lru_cache()(len)('abc'))"
    assert installed.run("/usr/local/bin/lab-python27", "-c", code).stdout == "3\n"


def test_every_compiled_wheel_has_the_abi_of_its_python(full: Path) -> None:
    """uv takes `cp27m` for this Python without a word, and importing it fails."""
    with zipfile.ZipFile(full) as archive:
        manifest = json.loads(archive.read("site.json"))
    abis = {
        environment["name"]: {
            manifest["wheels"][key]["filename"].split("-")[-2] for key in environment["wheels"]
        }
        for environment in manifest["environments"]
    }
    assert abis["lab-python27"] == {"cp27mu", "none"}
    assert abis["lab-python36"] == {"cp36m", "none"}
    assert abis["lab-python313"] <= {"cp313", "none", "abi3"}


def test_all_that_was_installed_is_verified(installed: SiteMachine) -> None:
    found = result_of(installed, f"{PREFIX}/site", "verify")
    assert found["problems"] == []
    assert found["files"] > 10_000


def test_an_ordinary_user_installs_it_in_a_place_of_his_own(full: Path, server: SiteMachine) -> None:
    if os.getuid() != 0:
        pytest.skip("becoming another user needs root")
    assert "code: no-rights" in server.run("sh", full, "install", before=NOBODY, status=1).stderr
    home = server.root / "home"
    words = ["--prefix", home / "envs", "--bin", home / "bin", "--environment", "lab-python27"]
    server.run("sh", full, "install", *words, before=NOBODY)
    said = run_script(server, "lab-python2", OLD, str(home / "bin"), before=NOBODY)
    assert said["prefix"] == f"{home}/envs/generations/1/lab-python27"
    assert (said["outside"], said["served"]) == ([], "served")
    assert json.loads(server.run(home / "envs" / "site", "verify", "--json", before=NOBODY).stdout)["ok"]


def test_a_changed_byte_in_any_file_of_the_bundle_is_refused_by_its_name(
    full: Path, server: SiteMachine, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.run"
    shutil.copy(full, damaged)
    bundle = open_bundle(str(full))
    names = {file.name: bundle.contents[file.name] for file in bundle.manifest.files}
    os.close(bundle.descriptor)
    with damaged.open("r+b") as stream:
        for offset, size in names.values():
            stream.seek(offset + size // 2)
            byte = stream.read(1)
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte[0] ^ 1]) if size else byte)
    bundle = open_bundle(str(damaged))
    said = "\n".join(problem.message for problem in check_bytes(bundle))
    os.close(bundle.descriptor)
    assert [name for name, (_, size) in names.items() if size and f": {name} is not what" not in said] == []
    # Where the installer itself is whole, it says so on the server.
    wheel = next(name for name in names if "/matplotlib-2" in name)
    place = names[wheel][0] + 1000
    shutil.copy(full, server.root / "damaged.run")
    with (server.root / "damaged.run").open("r+b") as stream:
        stream.seek(place)
        stream.write(bytes([full.read_bytes()[place] ^ 1]))
    refused = server.run(
        "sh", server.root / "damaged.run", "install", "--prefix", "/opt/other", status=1
    ).stderr
    assert f"{wheel} is not what the manifest says" in refused
    assert not (server.root / "opt" / "other").exists()
    (server.root / "damaged.run").unlink()


def test_one_package_changed_is_a_tenth_of_the_bundle_and_can_be_taken_back(
    commands: Commands, site: Path, full: Path, installed: SiteMachine
) -> None:
    show = "import xlrd; print(xlrd.__version__)"
    before = installed.run("/usr/local/bin/lab-python36", "-c", show).stdout
    requirements = site / "requirements-py36.txt"
    requirements.write_text(requirements.read_text().replace("xlrd\n", "xlrd<2\n"))
    commands.run("pannier", "site", "lock", cwd=site)
    delta = installed.root / "delta.run"
    commands.run("pannier", "site", "bundle", "--since", full, "-o", delta, cwd=site)
    assert delta.stat().st_size < full.stat().st_size / 10
    installed.run("sh", delta, "install")
    assert before.startswith("2.")
    assert installed.run("/usr/local/bin/lab-python36", "-c", show).stdout == "1.2.0\n"
    assert run_script(installed, "lab-python36", OLD)["prefix"] == f"{PREFIX}/generations/2/lab-python36"
    assert result_of(installed, f"{PREFIX}/site", "verify")["problems"] == []
    installed.run(f"{PREFIX}/site", "rollback")
    assert installed.run("/usr/local/bin/lab-python36", "-c", show).stdout == before
    assert run_script(installed, "lab-python2", OLD)["prefix"] == f"{PREFIX}/generations/1/lab-python27"
    assert result_of(installed, f"{PREFIX}/site", "verify")["problems"] == []
    installed.run(f"{PREFIX}/site", "uninstall")
    assert os.listdir(installed.bin) == []


@pytest.fixture(scope="module")
def bundled(commands: Commands, site: Path) -> Path:
    """A bundle that brings its Python, for a server that has none."""
    directory = commands.directory / "bundled"
    directory.mkdir()
    shutil.copy(site / "requirements-py313.txt", directory)
    (directory / "site.toml").write_text(
        f'[site]\nprefix = "{PREFIX}"\nbin = "/usr/local/bin"\nplatform = "{machine_platform()}"\n'
        '[environment.lab-python313]\npython = "3.13.0"\nrequirements = ["requirements-py313.txt"]\n'
        'interpreter = "bundled"\nsmoke = ["import requests, yaml, docopt, ssl, sqlite3, ctypes"]\n'
    )
    commands.run("pannier", "site", "lock", cwd=directory)
    commands.run("pannier", "site", "bundle", "-o", directory / "site.run", cwd=directory)
    return directory / "site.run"


def test_a_machine_without_any_python_installs_and_runs_the_bundled_one(
    bundled: Path, tmp_path: Path
) -> None:
    root = make_bare_machine(tmp_path / "bare")
    shutil.copy(bundled, root / "home" / "site.run")
    assert run_bare(root, "command -v python3 python").stdout == ""
    script = root / "home" / "script"
    script.write_text(NEW.format(bin="/usr/local/bin", name="lab-python313"))
    script.chmod(0o755)
    done = run_bare(root, "sh /home/site.run install && /home/script && ls /tmp")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"usage": true' in done.stdout
    assert done.stdout.endswith("}\n"), "what the installer unpacked for itself is gone"
    # Without the bundle, the installed copy runs with the Python that came in it.
    done = run_bare(root, f"{PREFIX}/site verify && {PREFIX}/site status && sh /home/site.run install")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all as installed" in done.stdout
    assert "in force already" in done.stdout


def test_every_file_of_a_bundled_interpreter_is_verified(bundled: Path, tmp_path: Path) -> None:
    envs = tmp_path / "envs"
    subprocess.run(
        ["sh", bundled, "install", "--prefix", envs, "--bin", tmp_path / "bin"],
        check=True,
        capture_output=True,
    )
    assert verify(Site(str(envs)))["problems"] == []
    (interpreter,) = (envs / ".site" / "interpreters").iterdir()
    files = [path for path in interpreter.rglob("*") if path.is_file() and not path.is_symlink()]
    files.remove(interpreter / "files.json")
    for path in files:
        path.chmod(0o644 | path.stat().st_mode)
        with path.open("r+b") as stream:
            byte = stream.read(1)
            stream.seek(0)
            stream.write(bytes([byte[0] ^ 1]) if byte else b"x")
    links = [path for path in interpreter.rglob("*") if path.is_symlink()]
    for link in links:
        link.unlink()
        link.symlink_to("elsewhere")
    (interpreter / "lib" / "sitecustomize.py").write_text("import os\n")
    found = {problem["path"] for problem in verify(Site(str(envs)))["problems"]}
    assert {*map(str, files), *map(str, links), str(interpreter / "lib" / "sitecustomize.py")} <= found
    assert len(files) > 1000
