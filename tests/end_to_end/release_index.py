"""A real index for releases: pypiserver from the registry, behind a door that can be told to misbehave."""

import base64
import fcntl
import hashlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

PASSWORD = "correct horse"


def install_pypiserver(root: Path) -> Path:
    """Its command, installed once into an environment of its own."""
    place = root / "build" / "pypiserver"
    place.parent.mkdir(exist_ok=True)
    uv = str(Path(sys.executable).with_name("uv"))
    with (place.parent / "pypiserver.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            subprocess.run(
                [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], check=True
            )
            command = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python")]
            subprocess.run([*command, "pypiserver>=2.4,<3", "passlib"], check=True)
            (place / "done").touch()
    return place / "bin" / "pypi-server"


@dataclass
class ReleaseIndex:
    """An index that takes uploads from `ann`.

    Attributes:
        files: Where it keeps them.
        on_upload: Asked of every upload by its number from 0: what happens to it, `pass`, `drop` before it
            arrives, `lose` the answer, `hang`.
        uploads: File names whose upload reached the door, in order.
    """

    command: Path
    place: Path
    on_upload: Callable[[int], str] = lambda _: "pass"
    uploads: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)

    @property
    def files(self) -> Path:
        return self.place / "packages"

    def __enter__(self) -> Self:
        self.files.mkdir(parents=True)
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
        (self.place / "htpasswd").write_text(f"ann:{{SHA}}{digest}\n")
        self.port = _free_port()
        options = ["-i", "127.0.0.1", "-p", str(self.port), "--disable-fallback"]
        options += ["-P", str(self.place / "htpasswd"), "-a", "update"]
        self._log = (self.place / "log").open("wb")
        self._process = subprocess.Popen(
            [str(self.command), "run", *options, str(self.files)], stdout=self._log, stderr=self._log
        )
        _wait(self.port)
        self._door = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"index": self}))
        self._door.daemon_threads = True
        self._thread = threading.Thread(target=self._door.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._door.server_port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self.hanging.set()
        self._door.shutdown()
        self._door.server_close()
        self._thread.join()
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def names(self) -> list[str]:
        """What it holds."""
        return sorted(path.name for path in self.files.iterdir())

    def digests(self) -> dict[str, str]:
        """The hash of each file it holds."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files.iterdir()}


class _Door(BaseHTTPRequestHandler):
    """Passes everything on to the index behind it, unless told otherwise."""

    index: ReleaseIndex

    def do_GET(self) -> None:
        self._answer(b"")

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = len(self.index.uploads)
        found = re.search(rb'name="content"; filename="([^"]+)"', body)
        self.index.uploads.append(found[1].decode() if found else "")
        what = self.index.on_upload(number)
        if what == "hang":
            self.index.hanging.wait(60)
        if what == "pass":
            self._answer(body)
            return
        if what == "lose":
            self._behind(body)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _behind(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.index.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        connection.request(self.command, self.path, body or None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def _answer(self, body: bytes) -> None:
        response, content = self._behind(body)
        self.send_response(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        length = response.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the index did not start")
