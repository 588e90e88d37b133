"""Start and stop a server: its socket, its workers, its logs."""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from pannier.model.errors import StorageError, UsageError
from pannier.server.access_log import FORMATTERS, AccessLog
from pannier.server.catalogue.keeper import Keeper
from pannier.server.counting import Counters
from pannier.server.forwarding import apply_forwarded
from pannier.server.gate import make_gate
from pannier.server.http.connection import Connection, Hub
from pannier.server.messages import Request
from pannier.server.settings import ServeSettings
from pannier.server.tokens import Tokens
from pannier.server.wiring import make_application, make_catalogue
from pannier.server.workers import supervise

_log = logging.getLogger("pannier.server")
_BACKLOG = 1024
_IDLE_SECONDS = 75
_STALLED_SECONDS = 60
_SWEEP_SECONDS = 5
_GRACE_SECONDS = 30
_LISTEN_HINTS = {
    errno.EADDRINUSE: "stop what is listening there, or name another port with `--port`",
    errno.EACCES: "only root may listen on low ports: name one from 1024 on with `--port`",
    errno.EADDRNOTAVAIL: "this machine has no such address: name one of its own with `--host`",
}


def serve(settings: ServeSettings, started: Callable[[str], None] = lambda _: None) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: What to serve, and how.
        started: Hears of the index's address, once it listens.

    Raises:
        UsageError: The address cannot be listened on, or the password file or that of rights cannot be used.
        SpecError: The file of rights is not valid.
        StorageError: The log file cannot be written.
    """
    # Only to find what is wrong with it, while there is somebody to tell: workers can but end.
    make_gate(settings, Tokens.beside(settings.directories[0]))
    log = _open_log(settings)
    listener = _listen(settings)
    _allow_many_files()
    # Before there are several processes: they find a store that is up to date.
    catalogue = make_catalogue(settings)
    catalogue.open()
    catalogue.database.close()
    counters = Counters(settings.workers)
    started(_address(listener, settings))

    def work(number: int) -> None:
        counters.take(number)
        asyncio.run(_serve(listener, settings, counters, log))

    if settings.workers == 1:
        work(0)
    else:
        supervise(work, settings.workers, _GRACE_SECONDS)


async def _serve(listener: socket.socket, settings: ServeSettings, counters: Counters, log: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    application = make_application(settings, counters)
    lines = AccessLog(FORMATTERS[settings.access_log], log) if settings.access_log != "off" else None
    forwarded = apply_forwarded(settings.trusted_proxies)

    def finished(request: Request, status: int, size: int, seconds: float) -> None:
        counters.count(status, size, seconds)
        if lines is not None:
            lines.add(forwarded(request), status, size, seconds)

    hub = Hub(application.answer, finished, settings.prefix)
    keeper = Keeper(application.services.catalogue)
    keeper.start()
    server = await loop.create_server(lambda: Connection(hub, loop), sock=listener, backlog=_BACKLOG)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
        hub.sweep(loop.time(), _IDLE_SECONDS, _STALLED_SECONDS)
    server.close()
    hub.stop()
    deadline = loop.time() + _GRACE_SECONDS
    while hub.connections and loop.time() < deadline:  # noqa: ASYNC110 - once in a process's life
        await asyncio.sleep(0.02)
    if lines is not None:
        lines.flush()
    await loop.run_in_executor(None, keeper.stop)
    application.services.pool.shutdown(wait=False, cancel_futures=True)


def _listen(settings: ServeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.host, settings.port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=settings.host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise UsageError(
            f"nothing can listen on `{settings.host}` port {settings.port}",
            code="cannot-listen",
            facts={"reason": os.strerror(error.errno) if error.errno else str(error)},
            hint=_LISTEN_HINTS.get(error.errno or 0, "name another address with `--host`, or another port"),
        ) from error


def _address(listener: socket.socket, settings: ServeSettings) -> str:
    """The URL of the index, as somebody on this machine reaches it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only compared
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.prefix}"


def _open_log(settings: ServeSettings) -> int:
    """Where logs go; also sets up the logger of everything else that is worth saying."""
    descriptor = sys.stderr.fileno()
    if settings.log_file:
        try:
            Path(settings.log_file).parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(settings.log_file, flags, 0o640)
        except OSError as error:
            raise StorageError(
                f"the log `{settings.log_file}` cannot be written",
                code="not-writable",
                facts={"reason": error.strerror or str(error)},
            ) from error
    handler = logging.StreamHandler(os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="replace"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.handlers = [handler]
    _log.propagate = False
    _log.setLevel(settings.log_level.upper())
    return descriptor


def _allow_many_files() -> None:
    """Each client takes a descriptor, and each download another."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
