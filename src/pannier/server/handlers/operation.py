"""For whoever operates the index: `/health` and `/metrics`."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pannier import __version__
from pannier.server.counting import BUCKETS
from pannier.server.messages import Answer, Request, Response, respond, respond_json
from pannier.server.routing import Route
from pannier.server.services import Services
from pannier.store.redaction import redact
from pannier.store.upstream.state import UpstreamState

_LEAST_SPACE = 64 << 20
_SERVED = (("files", "Files", 0), ("projects", "Projects", 1), ("bytes", "Bytes of the files", 2))
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """Whether the index can do what it is for: 200 or 503, with what was found in JSON."""
    return services.off_loop(_check, services)


def _check(services: Services) -> Response:
    checks = {
        "store": _check_store(services),
        "directories": _check_directories(services),
        "space": _check_space(services),
    }
    document: dict[str, Any] = {
        "status": "ok" if all(check == "ok" for check in checks.values()) else "failing",
        "version": __version__,
        "checks": checks,
    }
    if services.upstream is not None:
        # That upstream is down does not make the index fail: what is kept is served.
        document["upstream"] = _describe(services.upstream.state)
    return respond_json(200 if document["status"] == "ok" else 503, document, cache_control="no-store")


def _describe(state: UpstreamState) -> dict[str, object]:
    answered = state.last_answer
    return {
        "url": redact(state.url),
        "is_down": state.is_down,
        "seconds_since_answer": None if answered is None else round(time.time() - answered, 1),
    }


def _check_store(services: Services) -> str:
    try:
        services.catalogue.database.connection.execute("SELECT count(*) FROM reserved").fetchone()
    except sqlite3.Error as error:
        return f"the store cannot be read: {error}"
    return "ok"


def _check_directories(services: Services) -> str:
    wrong = [str(path) for path in services.catalogue.directories if not os.access(path, os.R_OK | os.X_OK)]
    return f"cannot be read: {', '.join(wrong)}" if wrong else "ok"


def _check_space(services: Services) -> str:
    try:
        free = shutil.disk_usage(services.catalogue.own).free
    except OSError as error:
        return f"cannot be found out: {error.strerror}"
    return "ok" if free >= _LEAST_SPACE else f"only {free >> 20} MB are free"


def metrics(request: Request, services: Services, _: Sequence[str]) -> Answer:
    """What Prometheus collects."""
    return services.off_loop(_measure, services)


def _measure(services: Services) -> Response:
    return respond(200, "".join(_lines(services)), _METRICS_TYPE, cache_control="no-store")


def _lines(services: Services) -> Iterator[str]:
    counters = services.counters
    yield from _head("pannier_requests_total", "counter", "Requests answered, by status.")
    for status, count in counters.statuses().items():
        yield f'pannier_requests_total{{status="{status}"}} {count}\n'
    yield from _head("pannier_sent_bytes_total", "counter", "Bytes of the bodies sent.")
    yield f"pannier_sent_bytes_total {counters.size()}\n"
    yield from _head(
        "pannier_request_seconds", "histogram", "Seconds from a request's head to its last byte."
    )
    buckets = counters.buckets()
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
        yield f'pannier_request_seconds_bucket{{le="{bound}"}} {count}\n'
    yield f"pannier_request_seconds_sum {counters.seconds():.6f}\n"
    yield f"pannier_request_seconds_count {buckets[-1]}\n"
    yield from _catalogue_lines(services)


def _catalogue_lines(services: Services) -> Iterator[str]:
    query = "SELECT state, count(*), count(DISTINCT project), coalesce(sum(size), 0) FROM file GROUP BY state"
    rows = {row[0]: row[1:] for row in services.catalogue.database.connection.execute(query)}
    for name, what, place in _SERVED:
        yield from _head(f"pannier_{name}", "gauge", f"{what} that are served.")
        yield f"pannier_{name} {rows.get(1, (0, 0, 0))[place]}\n"
    yield from _head("pannier_files_waiting", "gauge", "Files that have been found and not yet read.")
    yield f"pannier_files_waiting {rows.get(0, (0,))[0]}\n"
    yield from _head("pannier_files_broken", "gauge", "Files that are not served since they are not whole.")
    yield f"pannier_files_broken {rows.get(2, (0,))[0]}\n"
    yield from _head("pannier_free_bytes", "gauge", "Free space where uploads go.")
    yield f"pannier_free_bytes {shutil.disk_usage(services.catalogue.own).free}\n"
    yield from _head("pannier_time_seconds", "gauge", "The time by the server's clock.")
    yield f"pannier_time_seconds {time.time():.3f}\n"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}\n# TYPE {name} {kind}\n"


ROUTES = (
    Route(("GET",), "/health", health, "open"),
    Route(("GET",), "/metrics", metrics, "open"),
)
