"""`pannier serve` as a process of its own, and clients of it."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.commands import Commands


class Served(NamedTuple):
    """A server that runs.

    Attributes:
        url: Where it is, without a slash at its end.
        process: Its first process.
        log: What it wrote.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def simple(self) -> str:
        """What pip's `--index-url` takes."""
        return f"{self.url}/simple/"


@contextmanager
def served(
    commands: Commands, *arguments: str | Path, env: dict[str, str] | None = None, prefix: str = ""
) -> Iterator[Served]:
    """Serve, for as long as the block lasts; below a path, if one is given."""
    port = free_port()
    log = commands.directory / f"serve-{port}.log"
    words = [commands.bin / "pannier", "serve", *arguments, "--host", "127.0.0.1", "--port", str(port)]
    words += ["--prefix", prefix] if prefix else []
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(word) for word in words],
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            cwd=commands.directory,
            env=commands.environment(env),
        )
    url = f"http://127.0.0.1:{port}{prefix}"
    try:
        wait_for(url, process, log)
        yield Served(url, process, log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{url}/health", timeout=10).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no answer: {log.read_text()}")


def installed_version(output: str, name: str) -> str:
    """The version of a project in what `pip install` said."""
    match = re.search(rf"Would install.*?\b{name}-(\S+)", output)
    assert match, output
    return match[1]
