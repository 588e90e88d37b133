"""A web proxy as closed networks have one: it forwards HTTP, tunnels HTTPS, and may ask who is there."""

import base64
import contextlib
import http.client
import select
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """A proxy on the loopback interface.

    Attributes:
        credentials: `user:password` that every request must carry; empty for none.
        requests: What was asked of it, in order, such as `GET http://...` and `CONNECT host:port`.
    """

    credentials: str = ""
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        login = f"{self.credentials}@" if self.credentials else ""
        self.url = f"http://{login}127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        parts = urlsplit(self.path)
        connection = http.client.HTTPConnection(parts.netloc.rpartition("@")[2], timeout=30)
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
        connection.request("GET", parts.path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "text/html"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self) -> None:
        if not self._is_allowed():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as other:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                self._tunnel(other)
        self.close_connection = True

    def _tunnel(self, other: socket.socket) -> None:
        pairs = {self.connection: other, other: self.connection}
        while readable := select.select(list(pairs), [], [], 30)[0]:
            for one in readable:
                block = one.recv(1 << 16)
                if not block:
                    return
                pairs[one].sendall(block)

    def _is_allowed(self) -> bool:
        expected = base64.b64encode(self.proxy.credentials.encode()).decode()
        if self.proxy.credentials and self.headers.get("Proxy-Authorization") != f"Basic {expected}":
            self.send_error(407)
            return False
        self.proxy.requests.append(f"{self.command} {self.path}")
        return True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
