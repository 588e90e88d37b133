"""Somebody else's index on loopback, as good or as bad as a test wants it."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from tests.end_to_end.local_index import wheel_bytes

Dialect = Literal["json", "html"]


@dataclass
class Offered:
    """One file of a project; what the page says of it may be a lie."""

    filename: str
    content: bytes
    hashes: dict[str, str] = field(default_factory=dict)
    requires_python: str = ""
    yanked: str | None = None
    metadata: bytes | None = None
    metadata_hash: str = ""
    upload_time: str = "2026-01-02T03:04:05.678900Z"

    def __post_init__(self) -> None:
        self.hashes = self.hashes or {"sha256": hashlib.sha256(self.content).hexdigest()}
        if self.metadata is not None and not self.metadata_hash:
            self.metadata_hash = hashlib.sha256(self.metadata).hexdigest()


@dataclass
class FakeUpstream:
    """An index that does as it is told.

    Attributes:
        projects: What there is, by normalized name.
        dialect: The best it speaks.
        status: Answered to everything, when set.
        delay: Seconds before each answer.
        gate: Answers wait for it.
        file_gate: Files stop in the middle until it is set.
        cut: Names of files whose next answer breaks off in the middle.
        credentials: `user:password` that every request must carry; empty for none.
        cache_control: Sent with pages.
        ranges: Whether it can continue a download.
        requests: The paths asked for, in order; `headers` holds what came with each.
    """

    projects: dict[str, list[Offered]] = field(default_factory=dict)
    dialect: Dialect = "json"
    status: int = 0
    delay: float = 0.0
    gate: threading.Event = field(default_factory=threading.Event)
    file_gate: threading.Event = field(default_factory=threading.Event)
    cut: set[str] = field(default_factory=set)
    credentials: str = ""
    cache_control: str = "max-age=600"
    ranges: bool = True
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self.gate.set()
        self.file_gate.set()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self.file_gate.set()
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before where there was one."""
        handler = type("Handler", (_Handler,), {"index": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on, and close those that are open."""
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def simple(self) -> str:
        """The index's URL."""
        return f"http://127.0.0.1:{self.port}/simple/"

    def offer(self, name: str, version: str, **about: Any) -> Offered:
        """Offer a wheel of a project."""
        filename, content = wheel_bytes(
            name.replace("-", "_"), version, python=about.get("requires_python", "")
        )
        offered = Offered(filename, about.pop("content", content), **about)
        self.projects.setdefault(name, []).append(offered)
        return offered

    def page(self, name: str, dialect: Dialect) -> bytes:
        """The page of a project."""
        files = self.projects[name]
        if dialect == "html":
            return f"<html><body>{''.join(map(_anchor, files))}</body></html>".encode()
        document = {"meta": {"api-version": "1.1"}, "name": name, "files": [_entry(file) for file in files]}
        return json.dumps(document).encode()

    def asked_for(self, part: str) -> int:
        """How many requests had this in their path."""
        return sum(part in path for path in self.requests)


def _anchor(file: Offered) -> str:
    fragment = "#" + "&".join(f"{name}={digest}" for name, digest in file.hashes.items() if digest)
    attributes = ""
    if file.requires_python:
        attributes += f' data-requires-python="{file.requires_python.replace(">", "&gt;")}"'
    if file.yanked is not None:
        attributes += f' data-yanked="{file.yanked}"'
    if file.metadata is not None:
        attributes += f' data-core-metadata="sha256={file.metadata_hash}"'
    return f'<a href="../../files/{file.filename}{fragment}"{attributes}>{file.filename}</a><br>\n'


def _entry(file: Offered) -> dict[str, object]:
    return {
        "filename": file.filename,
        "url": f"/files/{file.filename}",
        "hashes": {name: digest for name, digest in file.hashes.items() if digest},
        "requires-python": file.requires_python or None,
        "yanked": file.yanked or file.yanked is not None,
        "core-metadata": {"sha256": file.metadata_hash} if file.metadata is not None else False,
        "size": len(file.content),
        "upload-time": file.upload_time,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close every open connection, as a dying host does."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that give up are no news."""


class _Handler(BaseHTTPRequestHandler):
    index: FakeUpstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        index = self.index
        index.requests.append(self.path)
        index.headers.append({name.lower(): value for name, value in self.headers.items()})
        index.gate.wait(30)
        time.sleep(index.delay)
        expected = "Basic " + base64.b64encode(index.credentials.encode()).decode()
        if index.credentials and self.headers.get("Authorization") != expected:
            self._answer(401, b"")
        elif index.status:
            self._answer(index.status, b"out of order", {"Retry-After": "7"})
        elif self.path.startswith("/simple/"):
            self._page(self.path.split("/")[2])
        else:
            self._file(self.path.rpartition("/")[2])

    def _page(self, name: str) -> None:
        index = self.index
        if not name:
            links = "".join(f'<a href="{project}/">{project}</a>' for project in index.projects)
            self._answer(200, links.encode(), {"Content-Type": "text/html"})
            return
        normalized = re.sub(r"[-_.]+", "-", name).lower()
        if name != normalized:
            self._answer(301, b"", {"Location": f"/simple/{normalized}/"})
            return
        if name not in index.projects:
            self._answer(404, b"no such project", {"Cache-Control": index.cache_control})
            return
        speaks_json = index.dialect == "json" and "json" in self.headers.get("Accept", "")
        content = index.page(name, "json" if speaks_json else "html")
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": index.cache_control}
        headers["Content-Type"] = "application/vnd.pypi.simple.v1+json" if speaks_json else "text/html"
        if self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", headers)
        else:
            self._answer(200, content, headers)

    def _file(self, name: str) -> None:
        wanted = name.removesuffix(".metadata")
        found = [file for files in self.index.projects.values() for file in files if file.filename == wanted]
        if not found:
            self._answer(404, b"")
        elif name != wanted:
            self._answer(200, found[0].metadata or b"")
        else:
            self._send_file(name, found[0].content)

    def _send_file(self, name: str, content: bytes) -> None:
        start = 0
        range_header = self.headers.get("Range", "")
        if self.index.ranges and range_header:
            start = int(range_header.removeprefix("bytes=").split("-")[0])
        rest = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        half = len(rest) // 2
        self.wfile.write(rest[:half])
        self.wfile.flush()
        self.index.file_gate.wait(30)
        if name in self.index.cut:
            self.index.cut.discard(name)
            self.close_connection = True
            return
        self.wfile.write(rest[half:])

    def _answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET" and status != 304:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
