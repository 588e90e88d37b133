"""Start and stop a server over directories."""

import asyncio
import contextlib
import signal
import socket

from pannier.server.application import Application
from pannier.server.http.connection import Connection, Hub
from pannier.server.settings import ServeSettings
from pannier.server.wiring import make_application

_BACKLOG = 1024
_IDLE_SECONDS = 75
_STALLED_SECONDS = 60
_SWEEP_SECONDS = 5
_GRACE_SECONDS = 30


def serve(settings: ServeSettings) -> None:
    """Serve until the process is told to stop."""
    listener = socket.create_server((settings.host, settings.port), backlog=_BACKLOG)
    application = make_application(settings)
    asyncio.run(_serve(application, listener, settings))


async def _serve(application: Application, listener: socket.socket, settings: ServeSettings) -> None:
    loop = asyncio.get_running_loop()
    hub = Hub(application.answer, prefix=settings.prefix)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(hub, loop), sock=listener, backlog=_BACKLOG)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
        hub.sweep(loop.time(), _IDLE_SECONDS, _STALLED_SECONDS)
    server.close()
    hub.stop()
    deadline = loop.time() + _GRACE_SECONDS
    while hub.connections and loop.time() < deadline:  # noqa: ASYNC110 - once in a process's life
        await asyncio.sleep(0.05)
