"""pip and uv through `pannier serve --upstream`: one index URL for what is ours and for everything else."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.end_to_end.clients import client_python
from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import wheel_bytes
from tests.end_to_end.serving import Served, served
from tests.fake_upstream import FakeUpstream


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as index:
        yield index


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Our tool, which needs a library that only upstream has."""
    directory = tmp_path / "packages"
    directory.mkdir()
    name, data = wheel_bytes("our_tool", "1.0", requires=("library>=1",))
    (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def pip() -> Path:
    """The Python of an environment with a pip of its own."""
    return client_python("pip-25")


def pip_install(pip: Path, index: Served, target: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [pip, "-m", "pip", "--isolated", "install", "--no-cache-dir", "--disable-pip-version-check"]
    command += ["--retries", "0", "--index-url", index.simple, "--target", target, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)


def uv_install(index: Served, target: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "uv", "pip", "install", "--no-config", "--no-cache"]
    command += ["--python", sys.executable, "--index-url", index.simple, "--target", str(target), *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


def names_in(target: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in target.glob("*.dist-info")}


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_one_index_url_serves_ours_and_the_rest_and_takes_no_namesake(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path, client: str
) -> None:
    upstream.offer("our-tool", "99.0")
    upstream.offer("library", "1.5")
    with served(commands, packages, "--upstream", upstream.simple, "--workers", "2") as index:
        target = tmp_path / "target"
        done = (
            pip_install(pip, index, target, "our-tool")
            if client == "pip"
            else uv_install(index, target, "our-tool")
        )
        assert done.returncode == 0, done.stderr + index.log.read_text()
    assert names_in(target) == {"our_tool-1.0", "library-1.5"}
    assert upstream.asked_for("our") == 0
    assert upstream.asked_for("library") > 0


@pytest.mark.parametrize("dialect", ["json", "html"])
def test_what_was_fetched_once_installs_while_upstream_is_gone(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path, dialect: str
) -> None:
    upstream.dialect = dialect  # type: ignore[assignment]
    upstream.cache_control = "max-age=0"
    upstream.offer("library", "1.5")
    with served(commands, packages, "--upstream", upstream.simple) as index:
        assert pip_install(pip, index, tmp_path / "first", "our-tool").returncode == 0
        upstream.stop()
        done = pip_install(pip, index, tmp_path / "second", "our-tool")
        assert done.returncode == 0, done.stderr
        done = uv_install(index, tmp_path / "third", "our-tool")
        assert done.returncode == 0, done.stderr
        # Nobody knows whether there is such a project: that is no 404.
        done = uv_install(index, tmp_path / "fourth", "unknown")
        assert done.returncode != 0
        assert "503" in done.stderr
    # Neither does a restart lose anything.
    with served(commands, packages, "--upstream", upstream.simple) as index:
        assert pip_install(pip, index, tmp_path / "fifth", "our-tool").returncode == 0
    upstream.start()


def test_clients_refuse_nothing_and_get_nothing_of_a_wrong_file(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path
) -> None:
    offered = upstream.offer("library", "1.5")
    offered.hashes = {"sha256": "0" * 64}
    with served(commands, packages, "--upstream", upstream.simple) as index:
        done = pip_install(pip, index, tmp_path / "target", "our-tool")
        assert done.returncode != 0
        # The server notices first: what pip sees is a download that broke off, not a wrong hash.
        assert "HASH" not in done.stderr.upper().replace("HASHES", "")
        assert "not what its page promises" in index.log.read_text()
    assert not list((packages / ".pannier").rglob("library*.whl*"))


def test_many_clients_of_many_workers_make_one_request(
    commands: Commands, packages: Path, upstream: FakeUpstream
) -> None:
    """Each gets every byte, also those who come in the middle of the download."""
    content = os.urandom(5_000_000)
    offered = upstream.offer("library", "1.5", content=content)
    upstream.file_gate.clear()
    with served(commands, packages, "--upstream", upstream.simple, "--workers", "3") as index:
        path = f"/upstream/library/sha256-{offered.hashes['sha256']}/{offered.filename}"

        def fetch(number: int) -> bytes:
            if number == 25:
                upstream.file_gate.set()
            with urllib.request.urlopen(index.url + path, timeout=120) as answer:
                data: bytes = answer.read()
                return data

        with ThreadPoolExecutor(30) as pool:
            assert all(data == content for data in pool.map(fetch, range(60)))
    assert upstream.asked_for("/files/") == 1
    assert upstream.asked_for("/simple/") == 1


def test_a_server_behind_a_server_behind_an_index(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path
) -> None:
    """Upstream is another `pannier serve`, which has an upstream itself."""
    upstream.offer("library", "1.5", requires_python=">=3.6")
    far = tmp_path / "far"
    far.mkdir()
    name, data = wheel_bytes("middle", "3.0", requires=("library",))
    (far / name).write_bytes(data)
    with (
        served(commands, far, "--upstream", upstream.simple) as first,
        served(commands, packages, "--upstream", first.simple) as second,
    ):
        done = pip_install(pip, second, tmp_path / "target", "our-tool", "middle")
        assert done.returncode == 0, done.stderr
        assert names_in(tmp_path / "target") == {"our_tool-1.0", "middle-3.0", "library-1.5"}


def test_a_password_for_upstream_is_in_no_log(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path
) -> None:
    upstream.credentials = "anna:topsecret"
    upstream.offer("library", "1.5")
    url = upstream.simple.replace("//", "//anna:topsecret@")
    with served(commands, packages, env={"PANNIER_SERVE_UPSTREAM": url}) as index:
        assert pip_install(pip, index, tmp_path / "target", "our-tool").returncode == 0
        upstream.credentials = "anna:changed"
        assert pip_install(pip, index, tmp_path / "other", "unknown").returncode != 0
        log = index.log.read_text()
    assert "topsecret" not in log
    assert "topsecret" not in "".join(
        path.read_text(errors="replace") for path in packages.rglob("*") if path.is_file()
    )


def test_killed_in_a_download_nothing_hinders_the_next(
    commands: Commands, packages: Path, upstream: FakeUpstream, pip: Path, tmp_path: Path
) -> None:
    upstream.offer("library", "1.5")
    with served(commands, packages, "--upstream", upstream.simple) as index:
        upstream.file_gate.clear()
        command = [str(pip), "-m", "pip", "--isolated", "download", "--retries", "0", "-d", str(tmp_path)]
        client = subprocess.Popen(
            [*command, "--index-url", index.simple, "library"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not upstream.asked_for(".whl"):
            assert client.poll() is None
        index.process.send_signal(signal.SIGKILL)
        index.process.wait()
        upstream.file_gate.set()
        assert client.wait(60) != 0
    with served(commands, packages, "--upstream", upstream.simple) as index:
        done = pip_install(pip, index, tmp_path / "target", "library")
        assert done.returncode == 0, done.stderr
    assert not list((packages / ".pannier").rglob("*.part"))
