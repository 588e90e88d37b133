"""Removal by HTTP DELETE, and what it shares with the forms that remove and yank."""

from collections.abc import Awaitable, Sequence
from typing import Literal, NamedTuple

from pannier.formats.wheels import normalize_project
from pannier.model.errors import PannierError
from pannier.server.gate import forbidden
from pannier.server.handlers.refusals import refuse
from pannier.server.messages import Request, Response, respond
from pannier.server.routing import Route
from pannier.server.services import Services
from pannier.server.uploads.changes import Actor, remove, select, yank

Kind = Literal["yank", "unyank", "remove"]
_DONE = {"yank": "yanked", "unyank": "no longer yanked", "remove": "removed"}


class Selection(NamedTuple):
    """What is to be changed.

    Attributes:
        project: In any spelling.
        version: Empty for all.
        filename: Empty for all.
    """

    project: str
    version: str = ""
    filename: str = ""


def change_release(
    request: Request, services: Services, kind: Kind, selection: Selection, reason: str = ""
) -> Response:
    """Yank or remove, for who may. Blocks.

    Args:
        request: With who asks.
        services: Of the index.
        kind: What to do.
        selection: To which files.
        reason: Why they are yanked.
    """
    project = normalize_project(selection.project)
    if not services.gate.permits(request.identity, "remove", project):
        return forbidden(request.identity, "remove", project)
    try:
        files = select(services.catalogue, *selection)
        if kind == "remove":
            changed = remove(services.catalogue, services.audit, actor(request), files)
        else:
            why = None if kind == "unyank" else " ".join(reason.split())
            changed = yank(services.catalogue, services.audit, actor(request), files, why)
    except (PannierError, OSError) as error:
        return refuse(request, error)
    return respond(200, "".join(f"{record.filename} is {_DONE[kind]}\n" for record in changed))


def actor(request: Request) -> Actor:
    """Who makes a request, for the audit log."""
    client = request.headers.get("user-agent", "")[:200]
    return Actor(request.identity.name, request.identity.token, request.peer, client)


def delete_release(request: Request, services: Services, values: Sequence[str]) -> Awaitable[Response]:
    """Remove a version, or a whole project."""
    return services.off_loop(change_release, request, services, "remove", Selection(*values))


def delete_file(request: Request, services: Services, values: Sequence[str]) -> Awaitable[Response]:
    """Remove one file by its path."""
    return services.off_loop(_delete_file, request, services, values[0])


def _delete_file(request: Request, services: Services, path: str) -> Response:
    record = services.catalogue.file(path)
    if record is None:
        return respond(404, f"there is no file {path} here\n")
    if not services.gate.permits(request.identity, "remove", record.project):
        return forbidden(request.identity, "remove", record.project)
    try:
        remove(services.catalogue, services.audit, actor(request), [record])
    except OSError as error:
        return refuse(request, error)
    return respond(200, f"{record.filename} is removed\n")


ROUTES = (
    Route(("DELETE",), "/packages/{*}", delete_file, "remove", names_file=True),
    Route(("DELETE",), "/pypi/{}/", delete_release, "remove", names_project=True),
    Route(("DELETE",), "/pypi/{}/{}/", delete_release, "remove", names_project=True),
)
