"""Downloads: `/packages/PATH`, and beside each file its `.metadata`, `.provenance` and `.asc`."""

from collections.abc import Sequence

from pannier.server.catalogue.records import FileRecord
from pannier.server.messages import Answer, Request, Response, respond
from pannier.server.pages import answer_page, make_page
from pannier.server.routing import Route
from pannier.server.sending import send_path
from pannier.server.services import Services


def download(request: Request, services: Services, values: Sequence[str]) -> Answer:
    """A distribution, or what goes with one."""
    path = values[0]
    for suffix, handler in _SIDES.items():
        if path.endswith(suffix):
            return services.off_loop(handler, request, services, path.removesuffix(suffix))
    record = services.pages.ready_file(path)
    if record is not None:
        return send_file(request, services, record)
    return _search(request, services, path)


async def _search(request: Request, services: Services, path: str) -> Response:
    record = await services.off_loop(services.catalogue.file, path)
    if record is None:
        return not_found(path)
    return send_file(request, services, record)


def send_file(request: Request, services: Services, record: FileRecord) -> Response:
    """The response with a file's bytes, or the part that the client asks for."""
    location = services.catalogue.location(record)
    response = send_path(request, location, record.filename, record.sha256, (record.size, record.mtime))
    return response or not_found(record.path)


def _metadata(request: Request, services: Services, path: str) -> Response:
    record = services.catalogue.file(path)
    data = services.catalogue.metadata(record) if record else None
    if record is None or data is None:
        return not_found(path)
    return answer_page(request, make_page(data, "text/plain; charset=utf-8"))


def _provenance(request: Request, services: Services, path: str) -> Response:
    return _side_file(request, services, path, ".provenance", "application/vnd.pypi.integrity.v1+json")


def _signature(request: Request, services: Services, path: str) -> Response:
    return _side_file(request, services, path, ".asc", "application/pgp-signature")


def _side_file(request: Request, services: Services, path: str, suffix: str, kind: str) -> Response:
    record = services.catalogue.file(path)
    if record is None:
        return not_found(path)
    location = services.catalogue.location(record)
    try:
        data = location.with_name(location.name + suffix).read_bytes()
    except OSError:
        return not_found(path + suffix)
    return answer_page(request, make_page(data, kind))


def not_found(path: str) -> Response:
    """There is no such file."""
    return respond(404, f"there is no file {path} here\n")


_SIDES = {".metadata": _metadata, ".provenance": _provenance, ".asc": _signature}
ROUTES = (Route(("GET",), "/packages/{*}", download, "download", names_file=True),)
