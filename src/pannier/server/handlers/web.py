"""Pages for people: the list of projects, search, and how the pages look."""

from collections.abc import Sequence

from pannier.formats.wheels import normalize_project
from pannier.server.messages import Answer, Request, Response, respond_json
from pannier.server.routing import Route
from pannier.server.search import search_projects
from pannier.server.services import ReadOnlyGate, Services
from pannier.server.web.overview import Glance
from pannier.server.web.rendering import asset_response, icon, render_page, style_sheet

_PER_PAGE = 100
_RECENT = 6
_MOST_FOUND = 200
_JSON = "application/json"


def home(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """The list of projects, or what was searched for."""
    return services.off_loop(_home, request, services)


def _home(request: Request, services: Services) -> Response:
    glances = _listed(request, services)
    pages = max(1, -(-len(glances) // _PER_PAGE))
    page = min(max(1, _number(request.parameters.get("page", ""))), pages)
    # What is on one page anyway needs no list of its newest.
    recent = (
        sorted(glances, key=lambda glance: -glance.changed)[:_RECENT] if len(glances) > 2 * _RECENT else []
    )
    return render_page(
        request,
        "home.html",
        total=len(glances),
        glances=glances[(page - 1) * _PER_PAGE : page * _PER_PAGE],
        recent=recent if page == 1 else [],
        page=page,
        pages=pages,
        may_write=may_write(services),
        has_upstream=services.upstream is not None,
    )


def _listed(request: Request, services: Services) -> Sequence[Glance]:
    """The projects that this client may list."""
    glances = services.overview.projects()
    gate, identity = services.gate, request.identity
    if gate.is_limited(identity, "list"):
        return [glance for glance in glances if gate.permits(identity, "list", glance.name)]
    return glances


def search(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """Projects by name and summary, the best first; JSON for machines."""
    return services.off_loop(_search, request, services)


def _search(request: Request, services: Services) -> Response:
    query = request.parameters.get("q", "").strip()[:200]
    hits = search_projects(services, request.identity, query.split(), _MOST_FOUND) if query else []
    if _wants_json(request):
        found = [{"name": row.name, "version": row.version, "summary": row.summary} for row, _ in hits]
        return respond_json(200, {"query": query, "projects": found}, vary="Accept")
    # The list says when each was last changed, which a search does not.
    known = {glance.name: glance for glance in services.overview.projects()}
    names = [normalize_project(hit.row.name) for hit in hits]
    return render_page(
        request,
        "search.html",
        query=query,
        glances=[known[name] for name in names if name in known],
        is_cut=len(hits) == _MOST_FOUND,
        may_write=may_write(services),
        has_upstream=services.upstream is not None,
    )


def _wants_json(request: Request) -> bool:
    if "format" in request.parameters:
        return request.parameters["format"] in ("json", _JSON)
    accept = request.headers.get("accept", "")
    return _JSON in accept and "text/html" not in accept


def may_write(services: Services) -> bool:
    """Whether anybody may upload here at all, so that pages say where."""
    return not isinstance(services.gate, ReadOnlyGate)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def style(request: Request, services: Services, _: Sequence[str]) -> Response:
    """How the pages look."""
    return asset_response(request, style_sheet())


def show_icon(request: Request, services: Services, _: Sequence[str]) -> Response:
    """What stands for the index among a browser's tabs."""
    return asset_response(request, icon())


ROUTES = (
    Route(("GET",), "/", home, "list"),
    Route(("GET",), "/search", search, "list"),
    Route(("GET",), f"/-/{style_sheet().name}", style, "open"),
    Route(("GET",), "/-/icon.svg", show_icon, "open"),
    Route(("GET",), "/favicon.ico", show_icon, "open"),
)
