"""The Simple API: `/simple/` and `/simple/PROJECT/`, in HTML and JSON."""

from collections.abc import Sequence

from pannier.formats import simple_api
from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.rows import ROOT
from pannier.server.messages import Answer, Request, Response, redirect, respond
from pannier.server.negotiation import choose_type
from pannier.server.page_cache import content_type, format_root
from pannier.server.pages import answer_page, make_page
from pannier.server.routing import Route
from pannier.server.services import Services


def root(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """The list of all projects."""
    kind = choose_type(request)
    if not kind:
        return _not_acceptable()
    if services.gate.is_limited(request.identity, "list"):
        return services.off_loop(_root_for, request, services, kind)
    page = services.pages.ready(ROOT, kind)
    return answer_page(request, page) if page is not None else _make_root(request, services, kind)


async def _make_root(request: Request, services: Services, kind: str) -> Response:
    page = await services.off_loop(services.pages.make, ROOT, kind)
    assert page is not None
    return answer_page(request, page)


def _root_for(request: Request, services: Services, kind: str) -> Response:
    """The list of those projects that somebody may list."""
    permits, identity = services.gate.permits, request.identity
    names = [name for name in services.catalogue.projects() if permits(identity, "list", name)]
    return answer_page(request, make_page(format_root(names, kind), content_type(kind)))


def project(request: Request, services: Services, values: Sequence[str]) -> Answer:
    """The page of one project."""
    name = values[0]
    normalized = normalize_project(name)
    if name != normalized:
        return redirect(f"../{normalized}/")
    kind = choose_type(request)
    if not kind:
        return _not_acceptable()
    page = services.pages.ready(name, kind)
    if page is not None:
        return answer_page(request, page)
    # Never for a name that is or ever was local, whatever there is of it now.
    if services.upstream is not None and not services.catalogue.is_local(name):
        return services.upstream.project_page(request, name)
    return _make_project(request, services, name, kind)


async def _make_project(request: Request, services: Services, name: str, kind: str) -> Response:
    page = await services.off_loop(services.pages.make, name, kind)
    if page is not None:
        return answer_page(request, page)
    return respond(404, f"there is no project {name} here\n")


def without_slash(request: Request, services: Services, values: Sequence[str]) -> Answer:
    """`/simple/PROJECT` is at `/simple/PROJECT/`."""
    return redirect(f"{normalize_project(values[0])}/")


def root_without_slash(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """`/simple` is at `/simple/`."""
    return redirect("simple/")


def _not_acceptable() -> Response:
    offered = f"{simple_api.JSON_TYPE}\n{simple_api.HTML_TYPE}\ntext/html\n"
    return respond(406, f"this page can be had as\n{offered}")


ROUTES = (
    Route(("GET",), "/simple/", root, "list"),
    Route(("GET",), "/simple", root_without_slash, "list"),
    Route(("GET",), "/simple/{}/", project, "list", names_project=True),
    Route(("GET",), "/simple/{}", without_slash, "list", names_project=True),
)
