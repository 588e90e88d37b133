"""A site's bundle in the hands of clients that know nothing of Pannier."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.site.bundle_making import environment, plan_of, planned_wheel

from pannier.site import signing
from pannier.site.bundle import write_bundle

NAME = "lab"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen")
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    wheel = planned_wheel(directory / "cache", "shared", fields="License: MIT\n")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    plan = plan_of(environment(NAME, version, wheel))
    write_bundle(plan, directory / "site.run", sign=lambda data: signing.sign(data, key))
    return directory / "site.run"


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    if shutil.which("unzip") is None:
        pytest.skip("there is no unzip")
    subprocess.run(["unzip", "-tq", bundle], check=True)
    subprocess.run(["unzip", "-q", bundle, "-d", tmp_path / "out"], check=True)
    return tmp_path / "out"


@pytest.mark.parametrize("manner", ["find-links", "index", "requirements"])
def test_plain_pip_installs_from_a_bundle(unpacked: Path, tmp_path: Path, manner: str) -> None:
    arguments = {
        "find-links": ["--no-index", "--find-links", str(unpacked / "wheels"), "shared"],
        "index": ["--index-url", (unpacked / "simple").as_uri(), "shared"],
        "requirements": [
            "--no-index", "--require-hashes",
            "-r", str(unpacked / f"requirements.{NAME}.txt"),
        ],
    }[manner]  # fmt: skip
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "-q", "--no-cache-dir", "--target"]
    subprocess.run([*pip, str(tmp_path / "there"), *arguments], check=True)
    assert (tmp_path / "there" / "shared.py").is_file()


def test_uv_installs_from_the_lock_in_a_bundle(unpacked: Path, tmp_path: Path) -> None:
    from uv import find_uv_bin

    command = [find_uv_bin(), "pip", "install", "--offline", "--no-config", "--preview", "-q"]
    command += ["--python", sys.executable, "--target", str(tmp_path / "there"), "-r"]
    subprocess.run([*command, str(unpacked / f"pylock.{NAME}.toml")], check=True)
    assert (tmp_path / "there" / "shared.py").is_file()


def test_openssh_verifies_a_signed_bundle_and_refuses_a_changed_manifest(
    unpacked: Path, tmp_path: Path, key: Path
) -> None:
    signers = tmp_path / "signers"
    signers.write_text("anna " + key.with_suffix(".pub").read_text())
    command = ["ssh-keygen", "-Y", "verify", "-n", "pannier-site", "-f", str(signers), "-I", "anna"]
    command += ["-s", str(unpacked / "site.json.sig")]
    manifest = (unpacked / "site.json").read_bytes()
    assert subprocess.run(command, input=manifest, capture_output=True).returncode == 0
    assert subprocess.run(command, input=manifest + b" ", capture_output=True).returncode != 0


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_every_shell_starts_the_installer(bundle: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    words = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run([*words, str(bundle), "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "install" in done.stdout


def test_pip_takes_the_build_of_its_own_environment(tmp_path: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    builds = {name: planned_wheel(tmp_path / name, "shared", fields=f"License: {name}\n") for name in "ab"}
    plan = plan_of(*(environment(name, version, build) for name, build in builds.items()))
    write_bundle(plan, tmp_path / "site.run")
    subprocess.run(["unzip", "-q", tmp_path / "site.run", "-d", tmp_path / "out"], check=True)
    for name in builds:
        pip = [sys.executable, "-m", "pip", "--isolated", "install", "-q", "--no-cache-dir", "--no-index"]
        there = tmp_path / "there" / name
        listed = tmp_path / "out" / f"requirements.{name}.txt"
        subprocess.run([*pip, "--require-hashes", "-r", listed, "--target", there], check=True)
        assert f"License: {name}" in next(there.glob("*.dist-info/METADATA")).read_text()
