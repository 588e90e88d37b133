"""Files as responses: their headers, and the part of them that a client asks for."""

import os
import stat
from email.utils import formatdate
from pathlib import Path, PurePath

from pannier.server.messages import FileRange, Request, Response, make_headers

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
    request: Request,  # noqa: ARG001
    location: Path,
    filename: str,
    etag: str,
    expected: tuple[int, int] | None = None,
) -> Response | None:
    """The response with the bytes of a file on disk.

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
    headers = {
        "content-type": media_type(filename),
        "content-length": str(status.st_size),
        "etag": f'"{etag}"',
        "last-modified": formatdate(status.st_mtime, usegmt=True),
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
    }
    return Response(200, make_headers(headers), FileRange(str(location), 0, status.st_size, descriptor))
