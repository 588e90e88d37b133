"""Downloads: `/packages/PATH`, and beside each file its `.metadata`, `.provenance` and `.asc`."""

import os
import stat
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.server.catalogue.records import FileRecord
from pannier.server.messages import Answer, FileRange, Request, Response, make_headers, respond
from pannier.server.routing import Route
from pannier.server.services import Services

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


async def download(request: Request, services: Services, values: Sequence[str]) -> Response:
    """A distribution, or what goes with one."""
    path = values[0]
    for suffix, handler in _SIDES.items():
        if path.endswith(suffix):
            return await services.off_loop(handler, request, services, path.removesuffix(suffix))
    record = await services.off_loop(services.catalogue.file, path)
    if record is None:
        return await _elsewhere(request, services, path)
    return send_file(request, services, record)


async def _elsewhere(request: Request, services: Services, path: str) -> Response:
    name = parse_distribution_filename(path.rpartition("/")[2])
    if services.upstream is not None and name is not None and not services.catalogue.is_local(name.project):
        answer: Answer = services.upstream.file(request, path)
        return answer if isinstance(answer, Response) else await answer
    return not_found(path)


def send_file(request: Request, services: Services, record: FileRecord) -> Response:
    """The response with a file's bytes, or the part that the client asks for."""
    location = str(services.catalogue.location(record))
    try:
        descriptor = os.open(location, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return not_found(record.path)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (
        record.size,
        record.mtime,
    ):
        os.close(descriptor)
        return not_found(record.path)
    headers = {
        "content-type": _TYPES.get(Path(record.filename).suffix, "application/octet-stream"),
        "content-length": str(record.size),
        "etag": f'"{record.sha256}"',
        "last-modified": formatdate(record.mtime // 1_000_000_000, usegmt=True),
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
    }
    return Response(200, make_headers(headers), FileRange(location, 0, record.size, descriptor))


def _metadata(request: Request, services: Services, path: str) -> Response:
    record = services.catalogue.file(path)
    data = services.catalogue.metadata(record) if record else None
    if record is None or data is None:
        return not_found(path)
    return respond(200, data, "text/plain; charset=utf-8", etag=f'"{record.metadata_sha256}"')


def _provenance(request: Request, services: Services, path: str) -> Response:
    return _side_file(services, path, ".provenance", "application/vnd.pypi.integrity.v1+json")


def _signature(request: Request, services: Services, path: str) -> Response:
    return _side_file(services, path, ".asc", "application/pgp-signature")


def _side_file(services: Services, path: str, suffix: str, kind: str) -> Response:
    record = services.catalogue.file(path)
    if record is None:
        return not_found(path)
    location = services.catalogue.location(record)
    try:
        data = location.with_name(location.name + suffix).read_bytes()
    except OSError:
        return not_found(path + suffix)
    return respond(200, data, kind)


def not_found(path: str) -> Response:
    """There is no such file."""
    return respond(404, f"there is no file {path} here\n")


_SIDES = {".metadata": _metadata, ".provenance": _provenance, ".asc": _signature}
ROUTES = (Route(("GET",), "/packages/{*}", download, "download"),)
