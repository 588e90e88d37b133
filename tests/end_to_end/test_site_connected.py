"""A small site before it is sent: its locks compared, its bundle rehearsed, its bill held to the standard."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.site_bundles import wheel

from pannier.cli.main import main

_MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
_CAN_ISOLATE = os.geteuid() == 0 and shutil.which("unshare") is not None


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "wheels").mkdir()
    _add(tmp_path, "steady", "1.0", "value = 1\n")
    _add(tmp_path, "moving", "1.0", "value = 1\n")
    (tmp_path / "requirements.txt").write_text("steady\nmoving\n")
    _write_site(tmp_path, "import steady, moving")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PANNIER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PANNIER_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path


def _write_site(directory: Path, smoke: str) -> None:
    (directory / "site.toml").write_text(
        '[site]\nprefix = "/opt/small/envs"\nbin = "/usr/local/bin"\n[environment.small]\n'
        f'python = "{_MINOR}"\nrequirements = ["requirements.txt"]\nsmoke = ["{smoke}"]\n'
    )


def _add(directory: Path, project: str, version: str, text: str) -> None:
    name, data = wheel(project, version, {f"{project}.py": text}, tag="py3-none-any")
    (directory / "wheels" / name).write_bytes(data)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == status
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said["result"] if status == 0 else said["error"]


def _changes(told: dict[str, Any]) -> list[str]:
    return [change["project"] for environment in told["environments"] for change in environment["changes"]]


def _move(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _add(site, "moving", "2.0", "value = 2\n")
    _run(capsys, "site", "lock", "--upgrade", "moving")


def test_locks_are_compared_with_revisions_directories_and_bundles(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, "site", "lock")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q", "."], check=True)
    subprocess.run([*git, "add", "site.toml", "requirements.txt", "pylock.small.toml"], check=True)
    subprocess.run([*git, "commit", "-qm", "First"], check=True)
    _run(capsys, "site", "bundle", "-o", "old.run")
    shutil.copytree(site, site.parent / "elsewhere", ignore=shutil.ignore_patterns("cache", ".git"))
    assert _changes(_run(capsys, "site", "diff")) == []
    _move(site, capsys)
    subprocess.run([*git, "commit", "-qam", "Second"], check=True)
    for sides in (["HEAD~1"], ["HEAD~1", "HEAD"], ["old.run"], [str(site.parent / "elsewhere")]):
        assert _changes(_run(capsys, "site", "diff", *sides)) == ["moving"], sides
    assert _changes(_run(capsys, "site", "diff")) == []
    assert "no-such" in str(_run(capsys, "site", "diff", "no-such", status=2))


@pytest.mark.skipif(not _CAN_ISOLATE, reason="taking the network away needs root here, and `unshare`")
def test_a_rehearsal_is_told_in_the_manifest_and_a_failing_one_writes_nothing(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, "site", "lock")
    assert _run(capsys, "site", "bundle", "--rehearse", "-o", "whole.run")["rehearsed"] is True
    assert _manifest(site / "whole.run")["rehearsed"]["environments"] == ["small"]
    _move(site, capsys)
    _run(capsys, "site", "bundle", "--rehearse", "--since", "whole.run", "-o", "changes.run")
    manifest = _manifest(site / "changes.run")
    assert manifest["rehearsed"]["environments"] == ["small"]
    carried = {one["project"] for one in manifest["wheels"].values() if one["included"]}
    assert carried == {"moving"}
    _write_site(site, "import not_there_at_all")
    _run(capsys, "site", "lock")
    error = _run(capsys, "site", "bundle", "--rehearse", "-o", "failing.run", status=1)
    assert error["code"] == "rehearsal-failed"
    assert "not_there_at_all" in str(error["facts"])
    assert not (site / "failing.run").exists()


def test_a_misspelt_environment_is_named_right(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = _run(capsys, "site", "lock", "--environment", "smal", status=2)
    assert error["hint"] == "did you mean `small`?"


def test_what_the_server_has_is_not_written_over(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "site", "lock")
    _run(capsys, "site", "bundle", "-o", "site.run")
    before = (site / "site.run").read_bytes()
    error = _run(capsys, "site", "bundle", "--since", "site.run", "-o", "./site.run", status=2)
    assert error["code"] == "usage"
    assert (site / "site.run").read_bytes() == before


def _rehearse_as(unshare: list[str]) -> "subprocess.CompletedProcess[str]":
    """Rehearse in a user namespace made for it."""
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this kernel does not let this user make user namespaces")
    program = "import sys; from pannier.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ["site", "bundle", "--rehearse", "-o", "rehearsed.run"]
    return subprocess.run([*unshare, sys.executable, "-c", program, *words], capture_output=True, text=True)


def test_a_rehearsal_needs_no_root(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "site", "lock")
    # Root becomes somebody else, who has none of root's rights but to root's own files.
    done = _rehearse_as(["unshare", "--user", "--map-user=1000", "--map-group=1000"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert _manifest(site / "rehearsed.run")["rehearsed"]["environments"] == ["small"]


def test_a_kernel_that_forbids_a_rehearsal_is_told_by_its_setting(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, "site", "lock")
    forbid = "echo 0 > /proc/sys/user/max_net_namespaces && echo 0 > /proc/sys/user/max_user_namespaces"
    done = _rehearse_as(["unshare", "--user", "--map-root-user", "sh", "-c", f'{forbid} && exec "$@"', "sh"])
    assert done.returncode == 1
    assert "does not allow a process without a network" in done.stderr
    assert "user.max_user_namespaces = 0" in done.stderr
    assert "user.max_net_namespaces = 0" in done.stderr
    assert not (site / "rehearsed.run").exists()


def test_the_bill_of_materials_is_one_of_cyclonedx(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    _run(capsys, "site", "lock")
    _run(capsys, "site", "bundle", "-o", "site.run")
    with zipfile.ZipFile(site / "site.run") as archive:
        bill = archive.read("sbom.cdx.json").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert {one["name"] for one in json.loads(bill)["components"]} >= {"steady", "moving"}


def _manifest(bundle: Path) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as archive:
        manifest: dict[str, Any] = json.loads(archive.read("site.json"))
    return manifest
