"""Files as responses: their headers, and the part of them that a client asks for."""

import os
import re
import stat
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path, PurePath

from pannier.server.messages import FileRange, Request, Response, make_headers, respond

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})", re.IGNORECASE)
_TYPES = {
    ".whl": "application/zip",
    ".zip": "application/zip",
    ".egg": "application/zip",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".tar": "application/x-tar",
}


def media_type(filename: str) -> str:
    """The media type of a distribution."""
    return _TYPES.get(PurePath(filename).suffix, "application/octet-stream")


def send_path(
    request: Request, location: Path, filename: str, etag: str, expected: tuple[int, int] | None = None
) -> Response | None:
    """The response with the bytes of a file on disk, or the part of them that the client asks for.

    Standard: RFC 9110, sections 13 and 14 (conditions, ranges). Several ranges give all of it.

    Args:
        request: What the client asks.
        location: The file.
        filename: What it is called to clients.
        etag: Strong validator of its content.
        expected: Size and time (in nanoseconds) that it has if it is still the one meant.

    Returns:
        `None` when the file is gone, or not the one expected.
    """
    try:
        descriptor = os.open(location, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or expected not in (None, (status.st_size, status.st_mtime_ns)):
        os.close(descriptor)
        return None
    modified = formatdate(status.st_mtime, usegmt=True)
    validators = {"etag": f'"{etag}"', "last-modified": modified, "cache-control": "no-cache"}
    size = status.st_size
    wanted = (0, size)
    if is_unchanged(request, etag, modified):
        os.close(descriptor)
        return Response(304, make_headers(validators))
    if "range" in request.headers and request.method == "GET" and _may_be_partial(request, etag, modified):
        wanted = parse_range(request.headers["range"], size) or wanted
        if wanted[0] >= size:
            os.close(descriptor)
            return respond(416, "the file has no such part\n", content_range=f"bytes */{size}")
    headers = {
        "content-type": media_type(filename),
        "content-length": str(wanted[1] - wanted[0]),
        "accept-ranges": "bytes",
        **validators,
    }
    if wanted != (0, size):
        headers["content-range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{size}"
    part = FileRange(str(location), wanted[0], wanted[1] - wanted[0], descriptor)
    return Response(206 if "content-range" in headers else 200, make_headers(headers), part)


def is_unchanged(request: Request, etag: str, modified: str) -> bool:
    """Whether the client has what it asks for already, by If-None-Match or else If-Modified-Since."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or f'"{etag}"' in known
    since = _parse_date(request.headers.get("if-modified-since", ""))
    changed = _parse_date(modified)
    return since is not None and changed is not None and changed <= since


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a Range field; `None` for one to be passed over.

    A range that begins behind the end gives a first byte that is not below `size`.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(size - length, 0), size) if length else (size, size)
    first = int(match[1])
    if match[2] and int(match[2]) < first:
        return None
    return first, min(int(match[2]) + 1, size) if match[2] else size


def _may_be_partial(request: Request, etag: str, modified: str) -> bool:
    """Whether If-Range, where there is one, means this very content."""
    condition = request.headers.get("if-range", "").strip()
    return not condition or condition in (f'"{etag}"', modified)


def _parse_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
