"""One line for each answer: in the form that web servers' logs have, or as JSON."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from urllib.parse import quote

from pannier.server.messages import Request

_FLUSH_SECONDS = 0.2
_MANY_LINES = 200
Formatter = Callable[[Request, int, int, float], str]


def format_common(request: Request, status: int, size: int, seconds: float) -> str:
    """The combined log format, with the milliseconds at its end."""
    target = _target(request)
    agent = quote(request.headers.get("user-agent", "-"), safe=_PRINTABLE)
    now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    return (
        f'{request.peer or "-"} - {user_of(request) or "-"} [{now}] "{request.method} {target} HTTP/1.1" '
        f'{status} {size} "-" "{agent}" {seconds * 1000:.1f}ms\n'
    )


def format_json(request: Request, status: int, size: int, seconds: float) -> str:
    """One JSON object."""
    now = time.time()
    fields = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z",
        "peer": request.peer,
        "user": user_of(request),
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "status": status,
        "size": size,
        "seconds": round(seconds, 6),
        "agent": request.headers.get("user-agent", ""),
    }
    return json.dumps(fields) + "\n"


_PRINTABLE = "".join(chr(code) for code in range(32, 127) if chr(code) not in '"\\')
FORMATTERS: dict[str, Formatter] = {"common": format_common, "json": format_json}


def user_of(request: Request) -> str:
    """The name that a request's credentials claim, without anything that could end a line or a field."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        name = base64.b64decode(text).partition(b":")[0]
    except ValueError:
        return ""
    return quote(name, safe="@.+-_")


def _target(request: Request) -> str:
    path = quote(request.path, safe="/!$&'()*+,;=:@~-._")
    return f"{path}?{quote(request.query, safe=_PRINTABLE)}" if request.query else path


class AccessLog:
    """Writes lines, some at a time."""

    def __init__(self, formatter: Formatter, descriptor: int) -> None:
        self._format = formatter
        self._descriptor = descriptor
        self._lines: list[str] = []

    def add(self, request: Request, status: int, size: int, seconds: float) -> None:
        """Write a line about an answer, soon."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._lines.append(self._format(request, status, size, seconds))
        if len(self._lines) >= _MANY_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        data = "".join(self._lines).encode()
        self._lines.clear()
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:
                return  # a log that cannot be written stops no server
