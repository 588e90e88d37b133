"""Put an index together from its parts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pannier.server.application import Application
from pannier.server.audit import AuditLog
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.counting import Counters
from pannier.server.gate import make_gate
from pannier.server.page_cache import PageCache
from pannier.server.routes import ROUTES
from pannier.server.services import Services, Upstream
from pannier.server.settings import ServeSettings
from pannier.server.tokens import Tokens
from pannier.server.web.overview import Overview

_THREADS = 8


def make_catalogue(settings: ServeSettings) -> Catalogue:
    """The catalogue of the settings' directories."""
    return Catalogue(settings.directories, Path(settings.store) if settings.store else None)


def make_application(settings: ServeSettings, counters: Counters | None = None) -> Application:
    """The index over the settings' directories, ready to answer.

    Args:
        settings: What to serve, and how.
        counters: Where answers are counted, for its metrics.
    """
    catalogue = make_catalogue(settings)
    catalogue.open()
    for name in settings.reserve:
        catalogue.reserve(name)
    services = Services(
        settings=settings,
        catalogue=catalogue,
        pages=PageCache(catalogue),
        overview=Overview(catalogue),
        gate=make_gate(settings, Tokens.beside(settings.directories[0])),
        audit=AuditLog.beside(catalogue),
        pool=ThreadPoolExecutor(_THREADS, thread_name_prefix="pannier"),
        counters=counters or Counters(),
        upstream=_upstream(settings, catalogue.own) if settings.upstream else None,
    )
    return Application(ROUTES, services)


def _upstream(settings: ServeSettings, own: Path) -> Upstream:
    from pannier.server.proxying import UpstreamProxy
    from pannier.store.upstream.address import parse_upstream
    from pannier.store.upstream.client import UpstreamClient
    from pannier.store.upstream.kept import upstream_cache
    from pannier.store.upstream.mirror import Mirror

    address = parse_upstream(settings.upstream)._replace(
        ttl=settings.upstream_ttl,
        timeout=settings.upstream_timeout,
        file_limit=settings.upstream_file_limit,
    )
    cache = upstream_cache(
        Path(settings.upstream_cache) if settings.upstream_cache else own / "upstream", address.url
    )
    size_limit = settings.upstream_cache_size
    return UpstreamProxy(lambda: Mirror(UpstreamClient(address), cache, size_limit=size_limit))
