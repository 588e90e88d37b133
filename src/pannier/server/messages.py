"""Requests and responses as values; nothing here knows of sockets.

A handler takes a `Request` and gives a `Response`. Header names are in lower case; a value that could break
out of its header (CWE-113) is refused when the response is made.
"""

import json
import re
from collections.abc import AsyncIterable, Awaitable, Iterable, Mapping
from typing import Literal, NamedTuple, Protocol
from urllib.parse import parse_qsl

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
# What a client must be allowed to do; `open` is for everybody.
Right = Literal["open", "list", "download", "update", "remove"]
HeaderFields = tuple[tuple[bytes, bytes], ...]


class Body(Protocol):
    """The bytes a client sends, read once, from a worker's thread."""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, or all of them; empty at the end. Blocks: never call it on the event loop."""


class NoBody:
    """What requests without a body carry."""

    def read(self, size: int = -1) -> bytes:
        """Nothing."""
        return b""[:size]


NO_BODY = NoBody()


class Identity(NamedTuple):
    """Who asks.

    Attributes:
        name: The user, or empty for nobody in particular.
        groups: What groups the user belongs to.
        token: Name of the token that acts for the user, whose limits hold too; empty for a password.
    """

    name: str = ""
    groups: tuple[str, ...] = ()
    token: str = ""


ANONYMOUS = Identity()


class Request(NamedTuple):
    """What a client asks.

    Attributes:
        method: In upper case.
        path: Decoded, below the prefix, starting with `/`.
        query: As sent, without the question mark.
        headers: Names in lower case; repeated ones joined by `, `.
        body: What is sent with it.
        peer: The client's address, as the trusted proxy says where there is one.
        scheme: `http` or `https`, likewise.
        host: Host and port as the client wrote them, likewise; empty when it did not.
        prefix: The path that the proxy in front serves the index under, without a slash at its end.
        identity: Who asks, as the gate found out.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: Body = NO_BODY
    peer: str = ""
    scheme: str = "http"
    host: str = ""
    prefix: str = ""
    identity: Identity = ANONYMOUS

    @property
    def parameters(self) -> dict[str, str]:
        """The query's fields; the last of repeated ones, broken ones left out."""
        return dict(parse_qsl(self.query, keep_blank_values=True, max_num_fields=100)) if self.query else {}

    @property
    def base_url(self) -> str:
        """Where the index is for this client, without a slash at its end; relative when it named no host."""
        return f"{self.scheme}://{self.host}{self.prefix}" if self.host else self.prefix


class FileRange(NamedTuple):
    """A part of a file, sent by the kernel where it can.

    Attributes:
        path: The file.
        offset: Where the part begins.
        length: How many bytes it has.
        descriptor: The file opened, which whoever sends it closes.
    """

    path: str
    offset: int
    length: int
    descriptor: int


Content = bytes | FileRange | Iterable[bytes] | AsyncIterable[bytes]


class Response(NamedTuple):
    """What a client gets.

    Attributes:
        status: HTTP status.
        headers: Names in lower case, encoded; `make_headers` makes them.
        content: Bytes, a file's range, or chunks (those of a plain iterable are made in a worker's thread).
    """

    status: int
    headers: HeaderFields = ()
    content: Content = b""


Answer = Response | Awaitable[Response]


def make_headers(fields: Mapping[str, str]) -> HeaderFields:
    """Encode header fields.

    Raises:
        ValueError: A value has a control character in it, such as a line break.
    """
    for name, value in fields.items():
        if _UNSAFE.search(value):
            raise ValueError(f"the header {name!r} cannot be {value!r}")
    return tuple((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in fields.items())


def respond(
    status: int, content: bytes | str = b"", kind: str = "text/plain; charset=utf-8", **headers: str
) -> Response:
    """A response with its whole body at hand.

    Args:
        status: HTTP status.
        content: The body; text is sent as UTF-8.
        kind: Its media type.
        headers: More header fields; an underscore stands for a hyphen.
    """
    data = content.encode() if isinstance(content, str) else content
    fields = {"content-type": kind, "content-length": str(len(data))}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, make_headers(fields), data)


def respond_json(status: int, value: object, **headers: str) -> Response:
    """A response with a JSON document."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return respond(status, data, "application/json", **headers)


def redirect(location: str, *, status: int = 301) -> Response:
    """Send the client elsewhere; `location` is percent-encoded by the caller and may be relative."""
    return respond(status, "this is elsewhere\n", location=location)
