"""A package index of tiny distributions over HTTP, with faults to order."""

import base64
import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


def wheel_bytes(
    name: str, version: str, *, tag: str = "py3-none-any", requires: tuple[str, ...] = (), python: str = ""
) -> tuple[str, bytes]:
    """Make a valid wheel with one module; give its name and its bytes."""
    information = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    metadata += f"Requires-Python: {python}\n" if python else ""
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{information}/METADATA": metadata,
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},sha256={_hash(text)},{len(text)}\n" for path, text in files.items())
    files[f"{information}/RECORD"] = record + f"{information}/RECORD,,\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-{tag}.whl", stream.getvalue()


def sdist_bytes(name: str, version: str, files: dict[str, str]) -> tuple[str, bytes]:
    """Make an sdist of these files; give its name and its bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", gzip.compress(stream.getvalue(), mtime=0)


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass
class LocalIndex:
    """Serves what it is given.

    Attributes:
        files: File name to content.
        refusals: File name to the statuses that its next requests get.
        cut: Files whose next answer breaks off after half.
        credentials: `user:password` that every request must carry; empty for none.
        denial: The status that whoever does not carry them gets.
        upload_times: File name to when it was uploaded (RFC 3339); with any, pages are JSON (PEP 700).
        certificate: PEM file with a certificate and its key, to speak HTTPS with as `localhost`.
        requests: What was asked, in order: path and Range header.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    credentials: str = ""
    denial: int = 401
    upload_times: dict[str, str] = field(default_factory=dict)
    certificate: Path | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def simple(self) -> str:
        """The index's URL."""
        return f"{self.url}/simple"

    def add(self, *distributions: tuple[str, bytes]) -> None:
        """Offer distributions."""
        self.files.update(distributions)

    def project_page(self, project: str) -> bytes:
        """Give the page of a project in the Simple API; nothing for one that is not here."""
        names = [name for name in self.files if name.split("-")[0].replace("_", "-") == project]
        digests = {name: hashlib.sha256(self.files[name]).hexdigest() for name in names}
        links = [f'<a href="/files/{name}#sha256={digests[name]}">{name}</a>\n' for name in names]
        return f"<html><body>{''.join(links)}</body></html>".encode() if names else b""

    def dated_page(self, project: str) -> bytes:
        """Give the page of a project in JSON, with upload times."""
        files = [
            {
                "filename": name,
                "url": f"/files/{name}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "size": len(content),
                **({"upload-time": self.upload_times[name]} if name in self.upload_times else {}),
            }
            for name, content in self.files.items()
            if name.split("-")[0].replace("_", "-") == project
        ]
        versions = sorted({str(file["filename"]).split("-")[1] for file in files})
        document = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files}
        return json.dumps(document).encode()

    def is_allowed(self, authorization: str | None) -> bool:
        """Check what a request carries."""
        expected = base64.b64encode(self.credentials.encode()).decode()
        return not self.credentials or authorization == f"Basic {expected}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"index": self})


class _Handler(BaseHTTPRequestHandler):
    index: LocalIndex

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        index = self.index
        index.requests.append((self.path, self.headers.get("Range", "")))
        if not index.is_allowed(self.headers.get("Authorization")):
            self._answer(index.denial, b"")
        elif self.path.startswith("/simple/"):
            project = self.path.split("/")[2]
            page, kind = index.project_page(project), "text/html"
            if index.upload_times and page:
                page, kind = index.dated_page(project), "application/vnd.pypi.simple.v1+json"
            self._answer(200 if page else 404, page, kind)
        else:
            self._file(self.path.rpartition("/")[2])

    def _file(self, name: str) -> None:
        data = self.index.files.get(name)
        if data is None:
            self._answer(404, b"")
        elif self.index.refusals.get(name):
            self._answer(self.index.refusals[name].pop(0), b"")
        elif wanted := self.headers.get("Range", "").removeprefix("bytes="):
            first, last = wanted.split("-")
            part = data[int(first) :] if not last else data[int(first) : int(last) + 1]
            self._answer(206, part, "application/octet-stream")
        else:
            half = name in self.index.cut
            self.index.cut.discard(name)
            self._answer(200, data, "application/octet-stream", half=half)

    def _answer(self, status: int, data: bytes, kind: str = "text/plain", *, half: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if half else data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
