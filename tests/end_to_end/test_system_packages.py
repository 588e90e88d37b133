"""Packages for Debian and RPM systems, with the real dpkg, lintian and rpm."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands

NAME = "pannier-test-greeter"
MAINTAINER = {"PANNIER_PACKAGE_MAINTAINER": "Jane Doe <jane@example.org>"}
SYSTEM_PYTHON = Path("/usr/bin/python3")
SCRIPT = '''#!/usr/bin/env python3
# /// script
# requires-python = ">=3.7"
# dependencies = [{dependency!r}]
# ///
"""Greets people.

A paragraph about it.
"""
import sys
import {module}
__version__ = "{version}"
print("{version}", {module}.__name__, sys.argv[1:], any("elsewhere" in one for one in sys.path))
'''

pytestmark = pytest.mark.network

_PATIENCE_SECONDS = 120


def script(commands: Commands, version: str, dependency: str = "six", module: str = "six") -> Path:
    text = SCRIPT.format(version=version, dependency=dependency, module=module)
    return commands.script(f"{NAME}.py", text)


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")


def run(*words: str | Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def system_minor() -> str:
    return run(SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()


def run_dpkg(*words: str | Path) -> str:
    """Run dpkg once whoever has its one lock lets go of it, as apt waits too."""
    for _ in range(_PATIENCE_SECONDS):
        done = subprocess.run(["dpkg", *words], capture_output=True, text=True, check=False)
        if "lock was locked" not in done.stderr:
            break
        time.sleep(1)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def dpkg() -> Iterator[None]:
    """The machine's own dpkg, which has none of ours in the end."""
    need("dpkg")
    if os.geteuid() != 0:
        pytest.skip("only root installs packages")
    if subprocess.run(["dpkg", "-s", "python3"], capture_output=True, check=False).returncode:
        pytest.skip("the python3 of this machine is no package")
    yield
    run_dpkg("--purge", NAME)


def pack(commands: Commands, output: str, version: str, *more: str, **of: str) -> dict[str, object]:
    words = ["pannier", "pack", str(script(commands, version, **of)), "-o", output, "--json", *more]
    done = commands.run(*words, env=MAINTAINER)
    result: dict[str, object] = json.loads(done.stdout)["result"]
    return result


@pytest.mark.xdist_group("dpkg")  # it has one lock, and waits for nobody
def test_a_pure_package_is_installed_upgraded_and_purged(commands: Commands, dpkg: None) -> None:
    first = pack(commands, "first.deb", "1.0rc1")
    assert first["architecture"] == "all"
    assert first["version"] == "1.0~rc1-1"
    assert first["depends"] == ["python3 (>= 3.7)"]
    pack(commands, "second.deb", "1.0")
    run_dpkg("-i", commands.directory / "first.deb")
    said = run(f"/usr/bin/{NAME}", "a b", environment={"PYTHONPATH": "/elsewhere"})
    assert said == "1.0rc1 six ['a b'] False\n"
    assert run_dpkg("-V", NAME) == ""
    assert list(Path(f"/usr/lib/{NAME}").rglob("*.pyc"))
    run_dpkg("-i", commands.directory / "second.deb")
    assert run(f"/usr/bin/{NAME}").startswith("1.0 six")
    assert run_dpkg("-V", NAME) == ""
    assert "Greets people" in gzip.decompress(Path(f"/usr/share/man/man1/{NAME}.1.gz").read_bytes()).decode()
    run_dpkg("--purge", NAME)
    left = [Path(f"/usr/lib/{NAME}"), Path(f"/usr/bin/{NAME}"), Path(f"/usr/share/doc/{NAME}")]
    assert not [path for path in left if path.exists()]


@pytest.mark.xdist_group("dpkg")  # it has one lock, and waits for nobody
def test_compiled_modules_tie_a_package_to_a_minor_version(commands: Commands, dpkg: None) -> None:
    minor = system_minor()
    result = pack(commands, "tool.deb", "1.0", "--python", minor, dependency="PyYAML", module="yaml")
    depends = result["depends"]
    assert isinstance(depends, list)
    following = f"3.{int(minor.split('.')[1]) + 1}"
    assert depends[:2] == [f"python3 (>= {minor})", f"python3 (<< {following})"]
    assert depends[2].startswith("libc6 (>= ")
    assert result["architecture"] == run_dpkg("--print-architecture").strip()
    run_dpkg("-i", commands.directory / "tool.deb")
    assert run(f"/usr/bin/{NAME}").startswith("1.0 yaml")
    assert run_dpkg("-V", NAME) == ""
    # In place of it a package of the other kind: what was a directory there is none that a link leads to.
    pack(commands, "pure.deb", "1.1")
    run_dpkg("-i", commands.directory / "pure.deb")
    assert run(f"/usr/bin/{NAME}").startswith("1.1 six")
    assert run_dpkg("-V", NAME) == ""


def test_lintian_finds_no_error(commands: Commands) -> None:
    need("lintian")
    pack(commands, "pure.deb", "1.0")
    pack(commands, "compiled.deb", "1.0", dependency="PyYAML", module="yaml")
    for name in ("pure.deb", "compiled.deb"):
        run("lintian", "--allow-root", "--fail-on", "error", commands.directory / name)


def test_the_same_script_gives_the_same_bytes(commands: Commands, tmp_path: Path) -> None:
    pack(commands, "one.deb", "1.0")
    other = Commands(commands.bin, commands.home, tmp_path / "cache", tmp_path / "elsewhere")
    other.directory.mkdir()
    pack(other, "two.deb", "1.0")
    assert (commands.directory / "one.deb").read_bytes() == (other.directory / "two.deb").read_bytes()


def test_what_a_package_cannot_be_without_is_asked_for(commands: Commands) -> None:
    script(commands, "")
    nobody = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "DEBEMAIL": ""}
    done = commands.run(
        "pannier", "pack", f"{NAME}.py", "-o", "x.deb", status=2, env={**MAINTAINER, **nobody}
    )
    assert "--package-version" in done.stderr
    words = ["pannier", "pack", f"{NAME}.py", "-o", "x.deb", "--package-version", "1.0"]
    done = commands.run(*words, status=2, env=nobody)
    assert "--maintainer" in done.stderr
    assert not (commands.directory / "x.deb").exists()


def test_an_rpm_is_installed_verified_and_erased(commands: Commands, tmp_path: Path) -> None:
    need("rpmbuild")
    busybox = shutil.which("busybox")
    if busybox is None or os.geteuid() != 0:
        pytest.skip("a root for rpm takes busybox, and root")
    result = pack(commands, "tool.rpm", "1.0.post1")
    assert (result["version"], result["architecture"]) == ("1.0^post1-1", "noarch")
    assert "python3 >= 3.7" in run("rpm", "-qpR", commands.directory / "tool.rpm").splitlines()
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(busybox, root / "bin" / "sh")
    shutil.copy(busybox, root / "bin" / "find")
    rpm = ("rpm", "--root", str(root))
    run(*rpm, "-i", "--nodeps", commands.directory / "tool.rpm")
    assert run(*rpm, "-V", "--nodeps", NAME) == ""
    assert (root / "usr/bin" / NAME).is_file()
    assert (root / "usr/lib" / NAME / "environment/bin/python3").is_symlink()
    run(*rpm, "-e", "--nodeps", NAME)
    assert not (root / "usr/lib" / NAME).exists()
    assert not (root / "usr/bin" / NAME).exists()


def test_a_machine_without_rpmbuild_is_told_what_to_install(commands: Commands, tmp_path: Path) -> None:
    script(commands, "1.0")
    few = tmp_path / "few"
    few.mkdir()
    for name in ("git", "sh", "env"):
        if found := shutil.which(name):
            (few / name).symlink_to(found)
    path = f"{commands.bin}:{few}:{Path(sys.executable).parent}"
    words = ["pannier", "pack", f"{NAME}.py", "-o", "x.rpm"]
    done = commands.run(*words, status=1, env={**MAINTAINER, "PATH": path})
    assert "rpm-build" in done.stderr
