"""What is fetched on demand from behind proxies, with certificates of one's own, and with passwords."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import LocalIndex, wheel_bytes
from tests.end_to_end.proxies import Proxy

SCRIPT = '# /// script\n# dependencies = ["leaf"]\n# ///\nimport leaf\nprint(leaf.version)\n'
_NETWORK = ("_proxy", "_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


def served(index: LocalIndex) -> LocalIndex:
    index.add(wheel_bytes("leaf", "1.0"))
    return index


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as one:
        yield served(one)


class Certificates(NamedTuple):
    """Of an authority that no system knows, and of a server with its key."""

    authority: Path
    server: Path


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-subj", "/CN=Lab", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(
        "req", "-x509", *key, "-subj", "/CN=localhost", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext",
        "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE", "-keyout", "server.key",
        "-out", "server.crt",
    )  # fmt: skip
    server = tmp_path / "server.pem"
    server.write_text((tmp_path / "server.crt").read_text() + (tmp_path / "server.key").read_text())
    return Certificates(tmp_path / "ca.pem", server)


def vendor(commands: Commands, index_url: str, **env: str) -> Path:
    """Vendor a script whose dependency is left to the first start; give its launcher."""
    commands.script("tool.py", SCRIPT)
    commands.run(
        "pannier", "vendor", "tool.py", "--wrapper", "--on-demand", "--index-url", index_url, env=env
    )
    return commands.directory / "tool"


def start(launcher: Path, home: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Start it as a user whose home this is, told of no network but by `variables`."""
    home.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PANNIER", "PIP_", "UV_", "XDG_"))
        and not name.endswith(_NETWORK)
        and name not in _CERTIFICATES
    }
    environment = {**kept, "HOME": str(home), "PIP_CONFIG_FILE": os.devnull, **variables}
    return subprocess.run([launcher], cwd="/", env=environment, capture_output=True, text=True)


def test_a_proxy_of_the_environment_is_used_unless_no_proxy_names_the_host(
    commands: Commands, index: LocalIndex, tmp_path: Path
) -> None:
    launcher = vendor(commands, index.simple)
    with Proxy(credentials="ann:secret") as proxy:
        variables = {"http_proxy": proxy.url, "PIP_INDEX_URL": index.simple}
        assert start(launcher, tmp_path / "home", **variables).stdout == "1.0\n"
        assert [line.rpartition("/")[2] for line in proxy.requests] == ["", "leaf-1.0-py3-none-any.whl"]
        remove_fetched(launcher)
        proxy.requests.clear()
        assert start(launcher, tmp_path / "home", no_proxy="127.0.0.1", **variables).stdout == "1.0\n"
        assert proxy.requests == []


def test_a_proxy_that_pip_is_configured_with_is_used(
    commands: Commands, index: LocalIndex, tmp_path: Path
) -> None:
    launcher = vendor(commands, index.simple)
    with Proxy() as proxy:
        configuration = tmp_path / "pip.conf"
        configuration.write_text(f"[global]\nproxy = {proxy.url}\n")
        assert start(launcher, tmp_path / "home", PIP_CONFIG_FILE=str(configuration)).stdout == "1.0\n"
        assert len(proxy.requests) == 1


def test_a_proxy_that_refuses_is_told_in_one_line_without_the_password(
    commands: Commands, index: LocalIndex, tmp_path: Path
) -> None:
    launcher = vendor(commands, index.simple)
    with Proxy(credentials="ann:secret") as proxy:
        wrong = proxy.url.replace("secret", "hunter2")
        refused = start(launcher, tmp_path / "home", http_proxy=wrong)
    assert refused.returncode == 1
    assert "407" in refused.stderr
    assert "hunter2" not in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("way", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "pip.conf"])
def test_an_own_authority_is_trusted_where_the_user_names_it(
    commands: Commands, certificates: Certificates, tmp_path: Path, way: str
) -> None:
    authority = str(certificates.authority)
    with LocalIndex(certificate=certificates.server) as index, Proxy() as proxy:
        launcher = vendor(commands, served(index).simple, SSL_CERT_FILE=authority, PIP_CERT=authority)
        through = {"https_proxy": proxy.url}
        refused = start(launcher, tmp_path / "home", **through)
        assert refused.returncode == 1
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
        assert "Traceback" not in refused.stderr
        told = {way: authority}
        if way == "pip.conf":
            configuration = tmp_path / "pip.conf"
            configuration.write_text(f"[install]\ncert = {authority}\n")
            told = {"PIP_CONFIG_FILE": str(configuration)}
        assert start(launcher, tmp_path / "home", **through, **told).stdout == "1.0\n"
        assert set(proxy.requests) == {f"CONNECT {index.url.removeprefix('https://')}"}


@pytest.mark.parametrize("way", [".netrc", "NETRC", "PIP_INDEX_URL"])
def test_passwords_come_from_netrc_and_from_urls(
    commands: Commands, index: LocalIndex, tmp_path: Path, way: str
) -> None:
    launcher = vendor(commands, index.simple)
    index.credentials = "ann:s3cret:x"
    home = tmp_path / "home"
    refused = start(launcher, home)
    assert refused.returncode == 1
    assert "401" in refused.stderr
    variables = {}
    if way == "PIP_INDEX_URL":
        variables = {way: index.simple.replace("//", "//ann:s3cret%3Ax@")}
    else:
        path = home / way
        path.write_text("machine 127.0.0.1 login ann password s3cret:x\n")
        path.chmod(0o600)
        variables = {way: str(path)} if way == "NETRC" else {}
    assert start(launcher, home, **variables).stdout == "1.0\n"


def remove_fetched(launcher: Path) -> None:
    for path in launcher.parent.glob("python_deps/tree-*/fetched/*/"):
        path.rename(launcher.parent / "removed")
