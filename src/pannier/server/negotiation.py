"""Which representation of a Simple API page a client wants (PEP 691, RFC 9110 section 12)."""

from functools import lru_cache

from pannier.formats.simple_api import HTML_TYPE, JSON_TYPE
from pannier.server.messages import Request

TEXT_HTML = "text/html"
_OFFERED = (JSON_TYPE, HTML_TYPE, TEXT_HTML)
_ALIASES = {
    "application/vnd.pypi.simple.latest+json": JSON_TYPE,
    "application/vnd.pypi.simple.latest+html": HTML_TYPE,
}


def choose_type(request: Request) -> str:
    """The media type to answer with; empty when the client takes none of ours.

    `?format=` in the query comes before the `Accept` field, and a client that names neither gets HTML.
    """
    if request.query:
        wanted = request.parameters.get("format")
        if wanted:
            kind = _ALIASES.get(wanted, wanted)
            return kind if kind in _OFFERED else ""
    return choose_accepted(request.headers.get("accept", ""))


@lru_cache(maxsize=256)
def choose_accepted(accept: str) -> str:
    """The type of ours that an Accept field likes best; of equals, the one named most exactly, then first."""
    if not accept.strip():
        return TEXT_HTML
    ranges = [_parse_range(item, place) for place, item in enumerate(accept.split(",")) if item.strip()]
    best, chosen = (0.0, 0, 0), ""
    # `*/*` alone is what browsers and curl send: HTML is offered first.
    for kind in (TEXT_HTML, HTML_TYPE, JSON_TYPE):
        rank = _rank(kind, ranges)
        if rank > best:
            best, chosen = rank, kind
    return chosen


def _parse_range(item: str, place: int) -> tuple[str, float, int]:
    kind, *parameters = (part.strip().lower() for part in item.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = _parse_quality(value.strip())
    return _ALIASES.get(kind, kind), quality, place


def _parse_quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def _rank(kind: str, ranges: list[tuple[str, float, int]]) -> tuple[float, int, int]:
    """Quality, exactness and earliness of the most exact range that covers a type; zero quality for none."""
    covering = [
        (exactness, quality, -place)
        for exactness, pattern in ((3, kind), (2, kind.partition("/")[0] + "/*"), (1, "*/*"))
        for named, quality, place in ranges
        if named == pattern
    ]
    if not covering:
        return (0.0, 0, 0)
    exactness, quality, earliness = max(covering)
    return (quality, exactness, earliness) if quality else (0.0, 0, 0)
