"""A site's changes over a real ssh: sent, installed by the installer itself, and nothing sent twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.end_to_end.site_bundles import wheel
from tests.end_to_end.ssh_server import ssh_server, why_no_sshd

from pannier.cli.main import main
from pannier.site.bundle_reading import read_bundle
from pannier.site.delta import content_of
from pannier.site.thinning import thin_bundle

pytestmark = pytest.mark.skipif(bool(why_no_sshd()), reason=why_no_sshd())

_MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(name="site")
def _site(tmp_path, monkeypatch):
    """A site of two wheels, large and small, and a server to take it."""
    (tmp_path / "wheels").mkdir()
    _add(tmp_path, "large", "1.0", {"large.py": "", "large.dat": os.urandom(4_000_000)})
    _add(tmp_path, "small", "1.0", {"small.py": "version = 1\n"})
    (tmp_path / "requirements.txt").write_text("large\nsmall\n")
    (tmp_path / "site.toml").write_text(
        f'[site]\nprefix = "{tmp_path}/there"\nbin = "{tmp_path}/bin"\n[environment.lab]\n'
        f'python = "{_MINOR}"\nrequirements = ["requirements.txt"]\nsmoke = ["import large, small"]\n'
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "sshd").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PANNIER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PANNIER_FIND_LINKS", str(tmp_path / "wheels"))
    path = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
    with ssh_server(tmp_path / "sshd", tmp_path, path) as reached:
        monkeypatch.setenv("PANNIER_SSH", reached.command)
        yield tmp_path, reached.destination


def _add(directory: Path, project: str, version: str, files: dict[str, str | bytes]) -> None:
    name, data = wheel(project, version, files, tag="py3-none-any")
    (directory / "wheels" / name).write_bytes(data)


def _run(capsys, *arguments: str) -> dict:
    status = main([*arguments, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert status == 0, said
    return said["result"]


def test_a_server_gets_what_it_lacks(site, capsys):
    directory, server = site
    assert _run(capsys, "site", "pull", server)["installed"] is False
    _run(capsys, "site", "lock")
    first = _run(capsys, "site", "push", server)
    assert first["since"] == ""
    called = [directory / "bin/lab", "-c", "import small; print(small.version)"]
    assert subprocess.check_output(called, text=True) == "1\n"
    assert not list((directory / ".cache/pannier/sites").iterdir())

    _add(directory, "small", "2.0", {"small.py": "version = 2\n"})
    _run(capsys, "site", "lock", "--upgrade", "small")
    second = _run(capsys, "site", "push", server)
    assert second["since"] == first["id"]
    assert second["size"] < first["size"] / 10
    assert subprocess.check_output(called, text=True) == "2\n"
    told = _run(capsys, "site", "pull", server, "-o", "there.json")
    assert told["inventory"]["id"] == second["id"] == json.loads(Path("there.json").read_text())["id"]


def test_what_the_installer_refuses_is_told_and_changes_nothing(site, capsys):
    directory, server = site
    _run(capsys, "site", "lock")
    shutil.copy(shutil.which("true"), directory / "bin/lab")  # a name that is somebody else's
    assert main(["site", "push", server, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["result"]["status"] == 1
    assert not (directory / "there/current").exists()


def _signed_bundle(capsys, name: str, directory: Path) -> dict:
    """A bundle signed with a key that the site on the server trusts."""
    key = directory / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (directory / "signers").write_text(f"lab@example {key.with_suffix('.pub').read_text()}")
    return _run(capsys, "site", "bundle", "-o", name, "--sign", str(key))


def test_a_signed_bundle_goes_without_what_the_server_has(site, capsys):
    directory, server = site
    trusted = f"--install-option=--allowed-signers={directory / 'signers'}"
    _run(capsys, "site", "lock")
    made = _signed_bundle(capsys, "one.run", directory)
    pushed = _run(capsys, "site", "push", server, "one.run", trusted)
    assert (pushed["id"], pushed["size"], pushed["since"]) == (made["id"], Path("one.run").stat().st_size, "")
    _add(directory, "small", "2.0", {"small.py": "version = 2\n"})
    _run(capsys, "site", "lock", "--upgrade", "small")
    second = _signed_bundle(capsys, "two.run", directory)
    pushed = _run(capsys, "site", "push", server, "two.run", trusted)
    assert (pushed["id"], pushed["since"]) == (second["id"], made["id"])
    assert pushed["size"] < second["size"] / 10
    called = [directory / "bin/lab", "-c", "import large, small; print(small.version)"]
    assert subprocess.check_output(called, text=True) == "2\n"
    log = subprocess.check_output(["sh", directory / "there/site", "log"], text=True)
    assert log.count("lab@example") == 2
    # Kept there, it is the whole file.
    kept = _run(capsys, "site", "push", server, "two.run", trusted, "--keep")
    assert kept["size"] == second["size"]


def test_a_thinned_bundle_is_refused_where_its_wheels_are_not(site, capsys, tmp_path):
    directory, _ = site
    _run(capsys, "site", "lock")
    made = _signed_bundle(capsys, "one.run", directory)
    has_all = content_of(read_bundle(Path("one.run")).manifest)
    thin = thin_bundle(Path("one.run"), has_all, tmp_path / "thin.run")
    assert thin is not None
    assert thin.path.stat().st_size < made["size"] / 10
    assert main(["verify", str(thin.path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "corrupt-bundle"
    refused = subprocess.run(["sh", thin.path, "install"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "2 wheels" in refused.stderr
    assert "not-in-pool" in refused.stderr
    assert not (directory / "there/current").exists()
    # What is there is still held against the signed manifest.
    content = bytearray(thin.path.read_bytes())
    content[content.index(b"CycloneDX")] ^= 1
    thin.path.write_bytes(content)
    refused = subprocess.run(["sh", thin.path, "install"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "corrupt-bundle" in refused.stderr
