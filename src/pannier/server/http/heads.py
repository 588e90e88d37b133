"""The first lines of messages: requests taken apart, responses put together (RFC 9112)."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from pannier.server.messages import HeaderFields

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_date = (0, b"")


class BadTargetError(Exception):
    """What is asked for cannot be a path."""


@lru_cache(maxsize=1024)
def parse_target(target: bytes) -> tuple[str, str]:
    """The decoded path and the query of a request's target.

    Raises:
        BadTargetError: It is neither a path nor a URL, or not UTF-8.
    """
    if not target.startswith(b"/"):
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise BadTargetError
        target = b"/" + rest.partition(b"/")[2]
    raw_path, _, query = target.partition(b"?")
    try:
        path = (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode()
        return path, query.partition(b"#")[0].decode("ascii")
    except UnicodeDecodeError:
        raise BadTargetError from None


def format_head(status: int, headers: HeaderFields, extra: bytes) -> bytes:
    """A response's head, with the date.

    Args:
        status: HTTP status.
        headers: The response's own fields.
        extra: More fields, each with its line's end.
    """
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
    fields = b"".join([b"%b: %b\r\n" % field for field in headers])
    return b"%b%b%b%b\r\n" % (line, _date_field(), fields, extra)


def _date_field() -> bytes:
    global _date  # noqa: PLW0603 - the same for every connection of this second
    now = int(time.time())
    if _date[0] != now:
        _date = (now, f"date: {formatdate(now, usegmt=True)}\r\n".encode())
    return _date[1]


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a request has a body (RFC 9112, section 6)."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
