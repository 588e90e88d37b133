"""Forms with files as clients send them: `multipart/form-data` (RFC 7578), in pieces of any size.

Stricter than the standard where leniency helps only who wants two programs to read one body differently (no
preamble, no padding, no stray line ends in headers), and laxer in one point: lines may end in a bare LF
throughout, as the `register` command of distutils, and in old Pythons `upload`, ends them.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from pannier.model.errors import RequestError

MAX_HEADER_SIZE = 16 * 1024
"""Bytes of headers before one part."""
MAX_PARTS = 10_000
"""Parts of one form; a project with hundreds of requirements and classifiers sends each as its own."""

_BOUNDARY = re.compile(
    r'multipart/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE
)
_PARAMETER = re.compile(r""";[ \t]*([A-Za-z]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*""")
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE)


class PartBegin(NamedTuple):
    """A part starts.

    Attributes:
        name: Of the form's field.
        filename: As the client names it, and not to be trusted; `None` where the part is no file.
    """

    name: str
    filename: str | None


class PartData(NamedTuple):
    """Some more of the content of the part that started last.

    Attributes:
        data: Never empty.
    """

    data: bytes


class PartEnd(NamedTuple):
    """The part that started last is whole."""


Event = PartBegin | PartData | PartEnd


def parse_boundary(content_type: str) -> bytes:
    """Find the boundary in a `Content-Type` header.

    Raises:
        RequestError: The header is not that of a form with parts, or names no boundary.
    """
    match = _BOUNDARY.match(content_type.strip())
    if match is None:
        raise RequestError(
            "the body is not a form",
            code="bad-form",
            facts={"Content-Type": content_type[:200], "wanted": "multipart/form-data with a boundary"},
        )
    return (match[1] or match[2]).encode("latin-1", "replace")


class MultipartParser:
    """Takes a body apart as it comes in; holds no more of it than one piece and a part's headers.

    Args:
        boundary: As `parse_boundary` gives it.
    """

    def __init__(self, boundary: bytes) -> None:
        self._dashes = b"--" + boundary
        self._newline = b""
        self._delimiter = b""
        self._buffer = b""
        self._position = 0
        self._parts = 0
        self._state: Literal["start", "delimited", "headers", "blank", "content", "end"] = "start"

    def feed(self, data: bytes) -> Iterator[Event]:
        """Give what a further piece of the body completes; take all of it before the next piece.

        Raises:
            RequestError: The body is not a form, or one of unreasonable shape.
        """
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        steps = {
            "start": self._read_start,
            "delimited": self._read_delimited,
            "headers": self._read_headers,
            "blank": self._read_blank,
            "content": self._read_content,
            "end": self._read_end,
        }
        while True:
            before = self._state, self._position
            event = steps[self._state]()
            if event is not None:
                yield event
            if before == (self._state, self._position):
                return

    def finish(self) -> None:
        """Say that the body is over.

        Raises:
            RequestError: It ends before the form does.
        """
        if self._state != "end":
            raise _bad_form("it ends in the middle")

    def _skip(self, *prefixes: bytes) -> bytes | None:
        """Step over one of `prefixes`; give `None` while none is there, but more to come may make it one.

        Raises:
            RequestError: Something else is there.
        """
        for prefix in prefixes:
            if self._buffer.startswith(prefix, self._position):
                self._position += len(prefix)
                return prefix
        left = self._buffer[self._position : self._position + max(map(len, prefixes))]
        if any(prefix.startswith(left) for prefix in prefixes):
            return None
        raise _bad_form("there is something else where a boundary should be")

    def _read_start(self) -> None:
        # distutils puts a line end before the first boundary.
        if self._skip(self._dashes, b"\n" + self._dashes, b"\r\n" + self._dashes):
            self._state = "delimited"

    def _read_delimited(self) -> None:
        """Read what follows a boundary: a line end, or the two dashes that close the form."""
        newlines = (self._newline,) if self._newline else (b"\r\n", b"\n")
        found = self._skip(b"--", *newlines)
        if found == b"--":
            self._state = "end"
        elif found is not None:
            self._newline, self._delimiter = found, found + self._dashes
            self._state = "headers"

    def _read_headers(self) -> Event | None:
        start = self._position
        end = self._buffer.find(self._newline * 2, start)
        if (end if end >= 0 else len(self._buffer)) - start > MAX_HEADER_SIZE:
            raise _bad_form(f"a part has more than {MAX_HEADER_SIZE} bytes of headers")
        if end < 0:
            return None
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _bad_form(f"it has more than {MAX_PARTS} parts")
        self._position = end + len(self._newline)
        self._state = "blank"
        return _parse_part(self._buffer[start:end].split(self._newline))

    def _read_blank(self) -> None:
        """Read the empty line after headers; where there is none, it belongs to the next boundary."""
        left = self._buffer[self._position : self._position + len(self._delimiter)]
        if left == self._delimiter or not self._delimiter.startswith(left):
            self._position += 0 if left == self._delimiter else len(self._newline)
            self._state = "content"

    def _read_content(self) -> Event | None:
        start = self._position
        end = self._buffer.find(self._delimiter, start)
        if end == start:
            self._position += len(self._delimiter)
            self._state = "delimited"
            return PartEnd()
        # What is left may be the beginning of a boundary.
        self._position = max(start, end if end >= 0 else len(self._buffer) - len(self._delimiter) + 1)
        return PartData(self._buffer[start : self._position]) if self._position > start else None

    def _read_end(self) -> None:
        if self._buffer[self._position :].strip(b"\r\n"):
            raise _bad_form("something follows its end")
        self._position = len(self._buffer)


def _parse_part(lines: list[bytes]) -> PartBegin:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = decode_text(line).partition(":")
        if not colon or "\r" in value or "\n" in value or "\0" in value or name.lower() in headers:
            raise _bad_form("a part has a header that is none")
        headers[name.lower()] = value.strip()
    if headers.get("content-transfer-encoding", "binary").lower() not in {"binary", "8bit", "7bit"}:
        raise _bad_form("a part is encoded once more, which forms may not be (RFC 7578, 4.7)")
    kind, parameters = _parse_disposition(headers.get("content-disposition", ""))
    if kind != "form-data" or "name" not in parameters:
        raise _bad_form("a part has no name")
    return PartBegin(parameters["name"], parameters.get("filename*", parameters.get("filename")))


def _parse_disposition(text: str) -> tuple[str, dict[str, str]]:
    kind, semicolon, rest = text.partition(";")
    parameters: dict[str, str] = {}
    rest, position = semicolon + rest, 0
    while match := _PARAMETER.match(rest, position):
        position = match.end()
        name = match[1].lower()
        if name in parameters:
            raise _bad_form(f"a part has two values for `{name}`")
        value = re.sub(r'\\(["\\])', r"\1", match[2]) if match[2] is not None else match[3]
        parameters[name] = _extended(value) if name.endswith("*") else value
    if rest[position:].strip(" \t;"):
        raise _bad_form("a part has a Content-Disposition that is none")
    return kind.strip().lower(), parameters


def _extended(value: str) -> str:
    """Decode a value as RFC 5987 writes it, which older versions of a common library do."""
    from urllib.parse import unquote

    match = _EXTENDED.fullmatch(value)
    if match is None:
        raise _bad_form("a part has a file name in an unknown encoding")
    return unquote(match[2], encoding=match[1], errors="replace")


def decode_text(data: bytes) -> str:
    """Decode the value of a field: UTF-8, and else what old clients on old systems send."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _bad_form(why: str) -> RequestError:
    return RequestError("the form cannot be read", code="bad-form", facts={"reason": why})
