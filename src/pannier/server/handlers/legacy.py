"""What is POSTed: uploads as every client sends them, their other actions, and XML-RPC `search`.

Clients send it to the index's root, to `/legacy/`, to `/simple/` and to `/pypi`, as they were told to or as
they do it with the index that they were made for; XML-RPC also to `/RPC2`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from pannier.formats.wheels import normalize_project
from pannier.formats.xmlrpc_search import (
    MAX_SIZE,
    MethodError,
    SearchHit,
    format_fault,
    format_search_answer,
    parse_search_call,
)
from pannier.model.errors import PannierError, RequestError
from pannier.server.gate import forbidden
from pannier.server.handlers.changes import Selection, actor, change_release
from pannier.server.handlers.refusals import describe, refuse
from pannier.server.messages import Request, Response, Right, respond
from pannier.server.routing import Route
from pannier.server.search import search_projects
from pannier.server.services import Services, Verdict
from pannier.server.uploads.forms import Form, receive_form
from pannier.server.uploads.inspection import parse_upload_name
from pannier.server.uploads.publishing import publish

_log = logging.getLogger("pannier.server")
_CHUNK = 1 << 16
# Apart from the threads that pages are made in: whoever sends slowly holds up nobody who reads.
_RECEIVERS = ThreadPoolExecutor(32, thread_name_prefix="upload")
Action = Callable[[Request, Services, Form, Path], Response]


async def post(request: Request, services: Services, _: Sequence[str]) -> Response:
    """Take in whatever is POSTed: a call or a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/xml", "application/xml"):
        return await _call(request, services)
    if is_cross_site(request):
        return respond(403, "a form of another site is not taken\n")
    verdict = await _who_may_write(request, services)
    if isinstance(verdict, Response):
        return verdict
    known = request._replace(identity=verdict)
    return await asyncio.get_running_loop().run_in_executor(_RECEIVERS, _receive, known, services)


def is_cross_site(request: Request) -> bool:
    """Whether a browser says that another site's page made it send this; other clients say nothing."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc != request.host


async def _who_may_write(request: Request, services: Services) -> Verdict:
    """Who asks, before their form is read: they may upload something or else remove something."""
    verdict = await _check(request, services, "update")
    if isinstance(verdict, Response) and verdict.status == 403:
        other = await _check(request, services, "remove")
        return verdict if isinstance(other, Response) else other
    return verdict


async def _check(request: Request, services: Services, right: Right) -> Verdict:
    verdict = services.gate.check(request, right, "")
    return await verdict if isinstance(verdict, Awaitable) else verdict


def _receive(request: Request, services: Services) -> Response:
    """Read a form and do what it asks for. Runs in a thread of its own."""
    content_type = request.headers.get("content-type", "")
    try:
        with services.catalogue.receiving() as path:
            form = receive_form(request.body, content_type, path, limit=services.settings.max_size)
            name = form.get(":action") or ("file_upload" if form.content else "")
            action = _ACTIONS.get(name)
            if action is None:
                raise RequestError(
                    f"`{name[:100]}` is no action of this index",
                    code="no-such-action",
                    facts={"actions": ", ".join(_ACTIONS)},
                )
            return action(request, services, form, path)
    except (PannierError, OSError) as error:
        return refuse(request, error)


def _upload(request: Request, services: Services, form: Form, path: Path) -> Response:
    project = parse_upload_name(form.content.filename).project if form.content else ""
    if refusal := _refusal(request, services, "update", project):
        return refusal
    services.audit.check()
    published = publish(services.catalogue, form, path, overwrite=services.settings.overwrite)
    record = published.record
    if published.outcome == "same":
        return respond(200, f"{record.filename} is here already, byte for byte\n")
    services.audit.add(actor(request).change(published.outcome, record))
    _log.info("%s published %s", request.identity.name or "somebody", record.filename)
    return respond(200, f"{record.filename} is published\n")


def _submit(request: Request, services: Services, form: Form, _: Path) -> Response:
    """What `register` sends: an index of files has nothing to keep of it."""
    if refusal := _refusal(request, services, "update", normalize_project(form.get("name"))):
        return refusal
    return respond(200, "there is nothing to register here: upload a distribution\n")


def _refuse_documentation(*_: object) -> Response:
    return respond(400, "this index keeps no documentation: only distributions can be uploaded\n")


def _remove(request: Request, services: Services, form: Form, _: Path) -> Response:
    """What pypiserver calls `remove_pkg`: all files of one version, as there too both must be named."""
    if not form.get("version"):
        raise RequestError("the form names no version to remove", code="bad-form")
    selection = _selection(form)
    return change_release(request, services, "remove", selection)


def _yank(request: Request, services: Services, form: Form, _: Path) -> Response:
    return change_release(request, services, "yank", _selection(form), form.get("reason"))


def _unyank(request: Request, services: Services, form: Form, _: Path) -> Response:
    return change_release(request, services, "unyank", _selection(form))


def _selection(form: Form) -> Selection:
    if not form.get("name"):
        raise RequestError("the form names no project", code="bad-form")
    return Selection(form.get("name"), form.get("version"), form.get("filename"))


def _refusal(request: Request, services: Services, right: Right, project: str) -> Response | None:
    """The answer to who may not do this to a project; `None` for who may."""
    if services.gate.permits(request.identity, right, project):
        return None
    return forbidden(request.identity, right, project)


_ACTIONS: dict[str, Action] = {
    "file_upload": _upload,
    "submit": _submit,
    "submit_pkg_info": _submit,
    "verify": _submit,
    "doc_upload": _refuse_documentation,
    "remove_pkg": _remove,
    "yank": _yank,
    "unyank": _unyank,
}


async def _call(request: Request, services: Services) -> Response:
    """Answer an XML-RPC call; what is wrong is told in XML too, and so with status 200."""
    verdict = await _check(request, services, "list")
    if isinstance(verdict, Response):
        return verdict
    return await asyncio.get_running_loop().run_in_executor(
        _RECEIVERS, _search, request._replace(identity=verdict), services
    )


def _search(request: Request, services: Services) -> Response:
    data = b""
    while len(data) <= MAX_SIZE and (chunk := request.body.read(_CHUNK)):
        data += chunk
    try:
        call = parse_search_call(data)
    except MethodError as error:
        return respond(200, format_fault(describe(error)), "text/xml")
    except RequestError as error:
        return refuse(request, error)
    found = search_projects(services, request.identity, call.words)
    hits = [SearchHit(hit.row.name, hit.row.version, hit.row.summary, hit.rank) for hit in found]
    return respond(200, format_search_answer(hits), "text/xml")


async def _post_call(request: Request, services: Services, _: Sequence[str]) -> Response:
    return await _call(request, services)


ROUTES = (
    *(
        Route(("POST",), path, post, "open")
        for path in ("/", "/legacy/", "/legacy", "/simple/", "/simple", "/pypi", "/pypi/")
    ),
    Route(("POST",), "/RPC2", _post_call, "open"),
)
