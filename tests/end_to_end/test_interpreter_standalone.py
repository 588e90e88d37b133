"""Standalone builds through the real uv, from a server on loopback."""

import hashlib
import http.server
import json
import os
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pannier.environment.choose import choose_interpreter
from pannier.environment.find import InterpreterRequest
from pannier.environment.probe import machine_platform, probe
from pannier.environment.relocatable import plan_interpreter, write_tree
from pannier.environment.standalone import find_standalone, last_refusal
from pannier.model.errors import InterpreterError
from pannier.store.directories import CacheDirectories

VERSION = ".".join(map(str, sys.version_info[:3]))
MINOR = ".".join(map(str, sys.version_info[:2]))

pytestmark = pytest.mark.xdist_group("standalone")  # the build is made once


class Server:
    """Serves a directory and counts what it was asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[str] = []
        owner = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object, **options: object) -> None:
                super().__init__(*arguments, directory=str(directory), **options)  # type: ignore[arg-type]

            def do_GET(self) -> None:
                owner.asked.append(self.path)
                super().do_GET()

            def log_message(self, *_arguments: object) -> None:
                return

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


def _listing(url: str, sha256: str) -> str:
    """uv's list of downloads with one build in it."""
    architecture = machine_platform().architecture
    major, minor, patch = sys.version_info[:3]
    entry = {
        "name": "cpython",
        "arch": {"family": architecture, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": url,
        "sha256": sha256,
        "variant": None,
        "build": "20260101",
    }
    return json.dumps({f"cpython-{VERSION}-linux-{architecture}-gnu": entry})


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one build, laid out as python-build-standalone's, and the list that names it."""
    directory = tmp_path_factory.mktemp("builds")
    interpreter = probe(sys.executable)
    tree = plan_interpreter(interpreter, directory / "kept")
    write_tree(tree, directory / "python")
    for variables in Path(interpreter.stdlib).glob("_sysconfigdata*.py"):
        # uv rewrites these, and takes only what CPython's own build writes.
        text = variables.read_text().replace(interpreter.base_prefix, "/install")
        (directory / "python" / "lib" / f"python{MINOR}" / variables.name).write_text(text)
    archive = directory / "build.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as writer:
        writer.add(directory / "python", "python")
    return directory


@pytest.fixture
def server(builds: Path) -> Iterator[Server]:
    served = Server(builds)
    digest = hashlib.sha256((builds / "build.tar.gz").read_bytes()).hexdigest()
    (builds / "downloads.json").write_text(_listing(f"{served.url}/build.tar.gz", digest))
    threading.Thread(target=served.http.serve_forever, daemon=True).start()
    yield served
    served.http.shutdown()
    served.http.server_close()


def _environ(tmp_path: Path, **more: str) -> dict[str, str]:
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "XDG_", "VIRTUAL_ENV", "CONDA"))
    }
    return {**keep, "HOME": str(tmp_path / "home"), **more}


def test_a_build_is_fetched_once_and_found_again_offline(
    server: Server, builds: Path, tmp_path: Path
) -> None:
    environ = _environ(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(builds / "downloads.json"))
    found = find_standalone(f"=={MINOR}.*", tmp_path / "kept", environ=environ)
    assert found is not None
    assert found.version == VERSION
    assert Path(found.base_prefix).resolve().is_relative_to((tmp_path / "kept").resolve())
    assert server.asked == ["/build.tar.gz"]
    again = find_standalone(f"=={MINOR}.*", tmp_path / "kept", offline=True, environ=environ)
    assert again is not None
    assert again.version == VERSION
    assert len(server.asked) == 1


def test_a_fetched_build_is_copied_like_any_other(server: Server, builds: Path, tmp_path: Path) -> None:
    environ = _environ(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(builds / "downloads.json"))
    directories = CacheDirectories(tmp_path / "cache")
    chosen = choose_interpreter(InterpreterRequest("auto"), f"=={MINOR}.*", directories, environ=environ)
    assert chosen.origin == "standalone"
    tree = plan_interpreter(chosen.interpreter, directories.interpreters)
    assert tree.version == VERSION
    secret = str(tmp_path).encode()
    assert [
        entry.name for entry in tree.entries if entry.source and secret in entry.source.read_bytes()
    ] == []


def test_a_server_out_of_reach_is_asked_once_in_hours(builds: Path, tmp_path: Path) -> None:
    listing = tmp_path / "downloads.json"
    gone = Server(builds)
    gone.http.server_close()
    listing.write_text(_listing(f"{gone.url}/build.tar.gz", "0" * 64))
    environ = _environ(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(listing))
    specifier = f"=={MINOR}.*"
    directories = CacheDirectories(tmp_path / "cache")
    assert find_standalone(specifier, directories.interpreters, environ=environ) is None
    assert "127.0.0.1" in last_refusal(specifier, directories.interpreters, environ)
    refusal = next((directories.interpreters / "refused").iterdir())
    written = refusal.stat().st_mtime_ns
    assert find_standalone(specifier, directories.interpreters, environ=environ) is None
    assert refusal.stat().st_mtime_ns == written
    chosen = choose_interpreter(InterpreterRequest("auto"), specifier, directories, environ=environ)
    assert chosen.origin == "machine"
    with pytest.raises(InterpreterError) as caught:
        choose_interpreter(InterpreterRequest("standalone"), specifier, directories, environ=environ)
    assert caught.value.code == "standalone-unreachable"
    assert any("127.0.0.1" in line for line in caught.value.facts["reason"])


@pytest.mark.parametrize("variable", [{"UV_PYTHON_DOWNLOADS": "never"}, {"UV_OFFLINE": "1"}])
def test_uv_settings_that_forbid_downloads_hold(
    variable: dict[str, str], server: Server, builds: Path, tmp_path: Path
) -> None:
    environ = _environ(tmp_path, UV_PYTHON_DOWNLOADS_JSON_URL=str(builds / "downloads.json"), **variable)
    assert find_standalone(f"=={MINOR}.*", tmp_path / "kept", environ=environ) is None
    assert server.asked == []
