"""A site whose requirements name projects, wheels and sdists that lie beside it, for Python 2.7 and 3."""

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.commands import MINOR, Commands
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.isolation import without_network
from tests.end_to_end.local_index import LocalIndex, sdist_bytes, wheel_bytes

OLD = [minor for minor in ("2.7", "3.6") if find_python(minor)]
SETUP = """\
from setuptools import setup
setup(
    name="lab-tools", version="1.0", packages=["lab_tools"], install_requires=["labtiny"],
    entry_points={"console_scripts": ["lab = lab_tools:main"]}, extras_require={"more": ["labextra"]},
)
"""
TOOLS = """\
import sys, labtiny

VALUE = %d


def main():
    print('%%s %%s %%s' %% (VALUE, labtiny.version, sys.version_info[0]))
"""
SETUP_OF_RAW = 'from setuptools import setup\nsetup(name="raw", version="4.0", py_modules=["raw"])\n'
MODERN = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "modern-lib"
version = "2.5"
dependencies = ["lab-tools[more]"]
[tool.setuptools]
py-modules = ["modern_lib"]
"""


def write_tools(directory: Path, value: int = 1) -> None:
    (directory / "lab_tools").mkdir(parents=True, exist_ok=True)
    (directory / "setup.py").write_text(SETUP)
    (directory / "lab_tools" / "__init__.py").write_text(TOOLS % value)


def write_site(root: Path, server: Path, **environments: tuple[str, str]) -> Path:
    """Write a site in `root`: each environment's Python and requirements."""
    text = f'[site]\nname = "lab"\nprefix = "{server}/envs"\nbin = "{server}/bin"\n'
    for name, (python, requirements) in environments.items():
        (root / f"{name}.txt").write_text(requirements)
        text += f'[environment.{name}]\npython = "{python}"\nrequirements = ["{name}.txt"]\n'
    (root / "site.toml").write_text(text)
    return root


@pytest.fixture
def place(commands: Commands) -> Path:
    """Projects of setup.py and of pyproject.toml, a wheel, an sdist, and two wheels to find."""
    root = commands.directory / "work"
    (root / "site").mkdir(parents=True)
    write_tools(root / "site" / "tools")
    modern = root / "modern lib"
    modern.mkdir()
    (modern / "pyproject.toml").write_text(MODERN)
    (modern / "modern_lib.py").write_text("import lab_tools, labextra\n")
    (root / "files").mkdir()
    for name, content in (
        wheel_bytes("ready", "3.0", tag="py2.py3-none-any"),
        sdist_bytes(
            "raw",
            "4.0",
            {"setup.py": SETUP_OF_RAW, "raw.py": ""},
        ),
        wheel_bytes("labtiny", "0.1", tag="py2.py3-none-any"),
        wheel_bytes("labextra", "0.2", tag="py2.py3-none-any"),
    ):
        (root / "files" / name).write_bytes(content)
    return root


def requirements(*lines: str) -> str:
    return "\n".join(["--find-links ../files", *lines, ""])


def result_of(commands: Commands, *words: str, cwd: Path, status: int = 0, **env: str) -> dict[str, Any]:
    done = commands.run("pannier", "site", *words, "--json", cwd=cwd, status=status, env=env)
    answer = json.loads(done.stdout)
    found: dict[str, Any] = answer["result"] if answer["ok"] else answer["error"]
    return found


def packages_of(site: Path, name: str) -> dict[str, dict[str, Any]]:
    document = tomllib.loads((site / f"pylock.{name}.toml").read_text())
    return {package["name"]: package for package in document["packages"]}


def run_site(bundle: Path, *words: str, before: tuple[str, ...] = ()) -> str:
    env = {**os.environ, "PATH": f"{Path(str(find_python(MINOR))).parent}:{os.environ['PATH']}"}
    done = subprocess.run([*before, "sh", str(bundle), *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.network
def test_projects_beside_a_site_reach_the_server(commands: Commands, place: Path, tmp_path: Path) -> None:
    server = tmp_path / "server"
    server.mkdir()
    old = {f"lab{minor.replace('.', '')}": (minor, requirements("-e ./tools")) for minor in OLD}
    everything = requirements(
        "./tools[more] ; python_version >= '3'",
        "raw @ file:../files/raw-4.0.tar.gz",
        "../files/ready-3.0-py2.py3-none-any.whl",
        "modern-lib @ file:../modern%20lib",
    )
    site = write_site(place / "site", server, lab3=(MINOR, everything), **old)
    commands.run("pannier", "site", "lock", cwd=site)
    locked = packages_of(site, "lab3")
    assert {name: package.get("directory") for name, package in locked.items()} == {
        "lab-tools": {"path": "tools"},
        "labextra": None,
        "labtiny": None,
        "modern-lib": {"path": "../modern lib"},
        "raw": None,
        "ready": None,
    }
    assert locked["ready"]["wheels"][0]["path"] == "../files/ready-3.0-py2.py3-none-any.whl"
    assert locked["raw"]["sdist"]["path"] == "../files/raw-4.0.tar.gz"
    assert (locked["modern-lib"]["version"], locked["lab-tools"]["version"]) == ("2.5", "1.0")
    commands.run("pannier", "site", "bundle", "-o", "lab.run", cwd=site)
    run_site(site / "lab.run", "install", before=without_network())
    for name in ("lab3", *old):
        major = "2" if name == "lab27" else "3"
        said = subprocess.run(
            [server / "bin" / name, "-c", "import lab_tools; lab_tools.main()"],
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert said.stdout == f"1 0.1 {major}\n", said.stderr
    # A site's lock is one like any other.
    commands.run("pannier", "vendor", "--lock", "pylock.lab3.toml", "--wrapper", "lab", cwd=site)
    assert subprocess.run([site / "lab"], capture_output=True, text=True, cwd="/").stdout == "1 0.1 3\n"
    imported = "import raw, ready, modern_lib"
    assert subprocess.run([server / "bin" / "lab3", "-c", imported], cwd="/").returncode == 0


@pytest.mark.network
def test_a_changed_source_is_built_anew_and_nothing_else_is(commands: Commands, place: Path) -> None:
    site = write_site(
        place / "site",
        Path("/opt/x"),
        one=(MINOR, requirements("./tools", "../files/ready-3.0-py2.py3-none-any.whl")),
        two=(MINOR, requirements("ready")),
    )
    commands.run("pannier", "site", "lock", cwd=site)
    before = packages_of(site, "one")
    nowhere = ("--index-url", "http://127.0.0.1:9/simple")
    kept = result_of(commands, "lock", *nowhere, cwd=site)
    assert [environment["kept"] for environment in kept["environments"]] == [True, True]
    # What other commands leave in a project is none of its source.
    (site / "tools" / "lab_tools" / "__pycache__").mkdir()
    (site / "tools" / "lab_tools" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (site / "tools" / "build").mkdir()
    (site / "tools" / "build" / "left").write_text("")
    commands.run("pannier", "site", "lock", "--check", cwd=site)

    write_tools(site / "tools", value=2)
    refused = result_of(commands, "bundle", "-o", "x.run", cwd=site, status=1)
    assert refused["code"] == "site-lock-stale"
    assert refused["facts"] == {"pylock.one.toml": "the source of `lab-tools` has changed since"}
    planned = result_of(commands, "plan", cwd=site)["environments"][0]
    (directory,) = [file for file in planned["files"] if file["kind"] == "directory"]
    assert (directory["filename"], directory["version"]) == ("tools", "")
    changed = result_of(commands, "lock", cwd=site)["environments"]
    assert [(one["name"], one["kept"]) for one in changed] == [("one", False), ("two", True)]
    assert [(one["project"], one["kind"]) for one in changed[0]["changes"]] == [("lab-tools", "rebuilt")]
    after = packages_of(site, "one")
    assert {name for name in after if after[name] != before[name]} == {"lab-tools"}


@pytest.mark.network
def test_another_machine_builds_the_same_and_takes_the_lock_as_it_is(
    commands: Commands, place: Path, tmp_path: Path
) -> None:
    site = write_site(place / "site", Path("/opt/x"), one=(MINOR, requirements("./tools")))
    commands.run("pannier", "site", "lock", cwd=site)
    other = tmp_path / "elsewhere" / "deep"
    shutil.copytree(place, other)
    for path in (other / "site" / "tools").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)  # another umask
    elsewhere = {"PANNIER_CACHE_DIR": str(tmp_path / "cache")}
    commands.run("pannier", "site", "lock", "--check", cwd=other / "site", env=elsewhere)
    commands.run("pannier", "site", "bundle", "-o", "lab.run", cwd=other / "site", env=elsewhere)
    built = packages_of(site, "one")["lab-tools"]["tool"]["pannier"]["built"]
    shown = json.loads(commands.run("pannier", "inspect", other / "site" / "lab.run", "--json").stdout)
    assert built["sha256"] in json.dumps(shown)


@pytest.mark.network
def test_a_site_may_lie_inside_the_project_that_it_asks_for(commands: Commands, place: Path) -> None:
    write_tools(place / "site")
    site = write_site(place / "site", Path("/opt/x"), one=(MINOR, requirements("-e .")))
    commands.run("pannier", "site", "lock", cwd=site)
    commands.run("pannier", "site", "bundle", "-o", "lab.run", cwd=site)
    commands.run("pannier", "site", "lock", "--check", cwd=site)


@pytest.mark.network
def test_a_version_that_comes_from_git_counts_as_source(commands: Commands, place: Path) -> None:
    tools = place / "site" / "tools"
    (tools / "setup.py").write_text(
        "import subprocess\nfrom setuptools import setup\n"
        "tag = subprocess.check_output(['git', 'describe', '--tags']).decode().strip()\n"
        "setup(name='lab-tools', version=tag, packages=['lab_tools'], install_requires=['labtiny'])\n"
    )
    identity = ["-c", "user.name=Lab", "-c", "user.email=lab@lab.example"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"], ["tag", "1.5"]):
        subprocess.run(["git", *identity, *words], cwd=tools, check=True)
    site = write_site(place / "site", Path("/opt/x"), one=(MINOR, requirements("./tools")))
    commands.run("pannier", "site", "lock", cwd=site)
    assert packages_of(site, "one")["lab-tools"]["version"] == "1.5"
    subprocess.run(["git", "branch", "other"], cwd=tools, check=True)
    commands.run("pannier", "site", "lock", "--check", cwd=site)
    subprocess.run(["git", "tag", "1.5.1"], cwd=tools, check=True)
    subprocess.run(["git", "tag", "-d", "1.5"], cwd=tools, check=True, capture_output=True)
    commands.run("pannier", "site", "lock", cwd=site)
    assert packages_of(site, "one")["lab-tools"]["version"] == "1.5.1"


def test_what_is_wrong_with_requirements_is_told_at_once(commands: Commands, place: Path) -> None:
    (place / "site" / "empty").mkdir()
    (place / "site" / "notes.txt").write_bytes(b"six\n# \xe9t\xe9\n")
    text = (
        "./gone\n./empty\n-r notes.txt\n--index-url https://${LAB_TOKEN}@i.example/s\n"
        "-e git+https://g.example/x\n-f gone\n"
    )
    site = write_site(place / "site", Path("/opt/x"), one=(MINOR, text), two=(MINOR, "-c three.txt\nsix==\n"))
    (site / "three.txt").write_text("six\n./tools\n")
    refused = result_of(commands, "lock", cwd=site, status=1)
    assert refused["code"] == "site-requirements"
    assert [line.split(": ")[0] for line in refused["facts"]["problems"]] == [
        "one.txt:1",
        "one.txt:2",
        "one.txt:3",
        "one.txt:4",
        "one.txt:5",
        "one.txt:6",
        "three.txt:2",
        "two.txt:2",
    ]


@pytest.mark.network
def test_without_a_python_for_it_a_project_is_named(commands: Commands, place: Path) -> None:
    site = write_site(place / "site", Path("/opt/x"), new=("3.14.0", requirements("./tools")))
    refused = result_of(commands, "lock", cwd=site, status=1)
    assert refused["code"] == "site-no-builder"
    assert refused["facts"]["projects"][0].startswith(f"new: {site / 'tools'}, for ")


@pytest.mark.network
def test_options_of_requirements_files_hold(commands: Commands, place: Path) -> None:
    with LocalIndex(credentials="ann:secret") as index:
        setup = 'from setuptools import setup\nsetup(name="labthing", version="1.0", py_modules=[])\n'
        index.add(
            wheel_bytes("labthing", "1.0"),
            sdist_bytes("labthing", "1.0", {"setup.py": setup}),
            wheel_bytes("labthing", "2.0rc1"),
            wheel_bytes("labother", "1.0"),
        )
        url = index.simple.replace("//", "//ann:${LAB_TOKEN}@")
        lines = (
            "\ufeff# coding: utf-8",
            f"--extra-index-url {url}",
            "--no-binary labthing",
            "--only-binary labother",
            "labthing  # why",
            "labother ; sys_platform == 'linux'",
            "-c limits.txt",
        )
        site = write_site(place / "site", Path("/opt/x"), one=(MINOR, "\r\n".join(lines)))
        (site / "limits.txt").write_text("labthing<1.5\n")
        token = {"LAB_TOKEN": "secret"}
        commands.run("pannier", "site", "lock", cwd=site, env=token)
        locked = packages_of(site, "one")
        assert locked["labthing"]["tool"]["pannier"]["built"]["name"] == "labthing-1.0-py3-none-any.whl"
        assert list(locked) == ["labother", "labthing"]
        assert "secret" not in (site / "pylock.one.toml").read_text()
        commands.run("pannier", "site", "bundle", "-o", "lab.run", cwd=site, env=token)
        (site / "one.txt").write_text(f"--extra-index-url {url}\n--pre\nlabthing\n")
        commands.run("pannier", "site", "lock", "--upgrade", cwd=site, env=token)
        assert packages_of(site, "one")["labthing"]["version"] == "2.0rc1"
