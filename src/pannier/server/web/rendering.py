"""Values to HTML: the templates, and how they write numbers and times; only `Markup` is not escaped."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pannier import __version__
from pannier.server.messages import Request, Response
from pannier.server.pages import Page, answer_page, make_page

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
# Nothing runs, nothing loads from elsewhere, nobody frames us, no form leads away.
SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    # Browsers name the origin of a form to us, by which those of other sites are told, and to nobody else.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_")


class Asset(NamedTuple):
    """A file of the pages' own.

    Attributes:
        name: With the hash of its content, so that it can be kept for ever.
        content: Its bytes.
        kind: Media type.
    """

    name: str
    content: bytes
    kind: str


@cache
def style_sheet() -> Asset:
    """How pages look."""
    content = (_HERE / "static" / "style.css").read_bytes()
    return Asset(f"style-{hashlib.sha256(content).hexdigest()[:12]}.css", content, "text/css; charset=utf-8")


@cache
def icon() -> Asset:
    """What stands for the index among a browser's tabs."""
    return Asset("icon.svg", (_HERE / "static" / "icon.svg").read_bytes(), "image/svg+xml")


def render_page(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    """Render a template for who asks.

    Args:
        request: Tells where the index is for this client.
        template: Name of the template.
        status: HTTP status.
        values: What the template shows.
    """
    page = make_html(request, template, **values)
    if status == 200:
        return answer_page(request, page)
    return Response(status, page.plain_headers, page.plain)


def make_html(request: Request, template: str, **values: object) -> Page:
    """Render a template for where the index is for this client."""
    given = {
        "root": request.prefix,
        "place": place_of(request),
        "index_url": index_url(request),
        "style": style_sheet().name,
        "pannier_version": __version__,
        **values,
    }
    text = _templates().get_template(template).render(given)
    return make_page(text.encode("utf-8", "replace"), "text/html; charset=utf-8", SECURITY)


def index_url(request: Request) -> str:
    """The Simple API as this client reaches it, safe to be pasted into a shell."""
    return f"{base_url(request)}/simple/"


def base_url(request: Request) -> str:
    """Where the index is for this client, without a slash at its end."""
    is_plain = bool(request.host) and set(request.host) <= _HOST
    return request.base_url if is_plain else f"{request.scheme}://HOST{request.prefix}"


def place_of(request: Request) -> str:
    """What the index is called: the host that serves it."""
    return urlsplit(base_url(request)).netloc


def asset_response(request: Request, asset: Asset) -> Response:
    """A file of the pages' own."""
    page = make_page(
        asset.content, asset.kind, {**SECURITY, "cache-control": "public, max-age=31536000, immutable"}
    )
    return answer_page(request, page)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        day=format_day, minute=format_minute, iso=format_iso, size=format_size, number=format_number
    )
    return environment


def format_day(value: str | int) -> str:
    """A date as people write it: `2 Nov 2026`."""
    moment = _moment(value)
    return f"{moment.day} {moment:%b %Y}" if moment else str(value)


def format_minute(value: str | int) -> str:
    """A time to the minute: `2 Nov 2026, 14:05 UTC`."""
    moment = _moment(value)
    return f"{format_day(value)}, {moment:%H:%M} UTC" if moment else str(value)


def format_iso(value: str | int) -> str:
    """A time for machines."""
    moment = _moment(value)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else str(value)


def _moment(value: str | int) -> datetime | None:
    """A time from nanoseconds since 1970 or from ISO 8601; `None` for what is neither."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / 1e9, UTC)
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def format_size(size: int) -> str:
    """A size for people: `1.2 MB`."""
    if size < 1000:
        return f"{size} bytes"
    power = min(4, (len(str(size)) - 1) // 3)
    value, unit = size / 1000**power, ("kB", "MB", "GB", "TB")[power - 1]
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def format_number(value: int) -> str:
    """A number for people: `12 345`, with narrow spaces that do not break."""
    return f"{value:,}".replace(",", "\u202f")
