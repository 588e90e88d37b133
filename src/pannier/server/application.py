"""From a request to a response: finds the route, asks the gate, calls the handler. Knows of no sockets."""

import logging
import re
from collections.abc import Iterable

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.wheels import normalize_project
from pannier.server.forwarding import apply_forwarded
from pannier.server.messages import Answer, Request, Response, respond
from pannier.server.routing import Match, Route, Router
from pannier.server.services import Services, Verdict

_log = logging.getLogger("pannier.server")
_SIDE_SUFFIXES = (".metadata", ".provenance", ".asc")
_BAD_PATH = re.compile(r"(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f\x7f\\]")


class Application:
    """The index, for a shell to serve."""

    def __init__(self, routes: Iterable[Route], services: Services) -> None:
        self._router = Router(routes)
        self.services = services
        self._forwarded = apply_forwarded(services.settings.trusted_proxies)

    def answer(self, request: Request) -> Answer:
        """The response, or an awaitable of it where something has to be waited for."""
        request = self._forwarded(request)
        if _BAD_PATH.search(request.path):
            return respond(404, "there is no such path here\n")
        match = self._router.find(request.method, request.path)
        if not isinstance(match, Match):
            return _no_route(request, match)
        verdict = self.services.gate.check(request, match.route.right, project_of(match))
        if isinstance(verdict, tuple):
            return self._handle(request, match, verdict)
        return self._wait(request, match, verdict)

    async def _wait(self, request: Request, match: Match, pending: object) -> Response:
        verdict: Verdict = await pending  # type: ignore[misc]
        answer = self._handle(request, match, verdict)
        return answer if isinstance(answer, Response) else await answer

    def _handle(self, request: Request, match: Match, verdict: Verdict) -> Answer:
        if isinstance(verdict, Response):
            return verdict
        if verdict is not request.identity:
            request = request._replace(identity=verdict)
        return match.route.handler(request, self.services, match.values)


def project_of(match: Match) -> str:
    """The normalized name of the project that a request is about; empty where its path names none."""
    if match.route.names_project:
        return normalize_project(match.values[0])
    if match.route.names_file:
        filename = match.values[-1].rpartition("/")[2]
        for suffix in _SIDE_SUFFIXES:
            filename = filename.removesuffix(suffix)
        name = parse_distribution_filename(filename)
        # What no project has: who may not read everything may not read a file of nobody knows what.
        return name.project if name else "/"
    return ""


def _no_route(request: Request, allowed: tuple[str, ...]) -> Response:
    if not allowed:
        return respond(404, "there is no such path here\n")
    names = ", ".join((*allowed, *(("HEAD",) if "GET" in allowed else ())))
    return respond(405, f"{request.method} cannot be done here\n", allow=names)
