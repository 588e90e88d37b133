"""Start and stop a server over directories."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pannier.server.application import Application
from pannier.server.asgi import Shell
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.page_cache import PageCache
from pannier.server.routes import ROUTES
from pannier.server.services import ReadOnlyGate, Services
from pannier.server.settings import ServeSettings

_THREADS = 8


def make_application(settings: ServeSettings) -> Application:
    """The index over the settings' directories, ready to answer."""
    catalogue = Catalogue(settings.directories, Path(settings.store) if settings.store else None)
    catalogue.refresh()
    services = Services(
        settings=settings,
        catalogue=catalogue,
        pages=PageCache(catalogue),
        gate=ReadOnlyGate(),
        pool=ThreadPoolExecutor(_THREADS, thread_name_prefix="pannier"),
    )
    return Application(ROUTES, services)


def serve(settings: ServeSettings) -> None:
    """Serve until the process is told to stop."""
    import uvicorn

    application = make_application(settings)
    logging.getLogger("pannier.server").setLevel(logging.INFO)
    uvicorn.run(
        Shell(application), host=settings.host, port=settings.port, log_level="warning", access_log=False
    )
