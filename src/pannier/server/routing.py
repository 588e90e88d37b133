"""Which handler answers which path: one table, made of the handlers' own."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pannier.server.messages import Answer, Request, Right
from pannier.server.services import Services

Handler = Callable[[Request, Services, Sequence[str]], Answer]


class Route(NamedTuple):
    """A path pattern, and what answers it.

    Attributes:
        methods: In upper case; `GET` answers HEAD too.
        pattern: Segments of which `{}` stands for one and a last `{*}` for all that follow, such as
            `/simple/{}/`. A pattern that ends in a slash matches with it only.
        handler: Called with the request, the services and what the placeholders matched. It runs on the event
            loop, so it gives an awaitable (`services.off_loop(function, ...)`) when it would block.
        right: What the gate asks for before the handler is called.
        names_project: The first placeholder is a project, which rights may be limited to.
        names_file: The last placeholder is the path of a file, whose name tells the project.
    """

    methods: tuple[str, ...]
    pattern: str
    handler: Handler
    right: Right
    names_project: bool = False
    names_file: bool = False


class Match(NamedTuple):
    """A route that fits, and what its placeholders stand for."""

    route: Route
    values: tuple[str, ...]


class Router:
    """Finds routes by a path's first segment, then in the table's order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_head: dict[str, list[tuple[Route, tuple[str, ...]]]] = {}
        self._generic: list[tuple[Route, tuple[str, ...]]] = []
        for route in routes:
            segments = tuple(route.pattern.split("/")[1:])
            if segments[0].startswith("{"):
                self._generic.append((route, segments))
            else:
                self._by_head.setdefault(segments[0], []).append((route, segments))

    def find(self, method: str, path: str) -> Match | tuple[str, ...]:
        """The route for a request, or the methods that this path has instead; none for an unknown path."""
        segments = path.split("/")[1:]
        wanted = "GET" if method == "HEAD" else method
        allowed: list[str] = []
        for route, pattern in (*self._by_head.get(segments[0], ()), *self._generic):
            values = _match(pattern, segments)
            if values is None:
                continue
            if wanted in route.methods:
                return Match(route, values)
            allowed.extend(route.methods)
        return tuple(dict.fromkeys(allowed))


def _match(pattern: tuple[str, ...], segments: list[str]) -> tuple[str, ...] | None:
    if pattern[-1] == "{*}":
        count = len(pattern) - 1
        if len(segments) <= count:
            return None
        tail: tuple[str, ...] = ("/".join(segments[count:]),)
        pattern, segments = pattern[:-1], segments[:count]
    elif len(pattern) != len(segments):
        return None
    else:
        tail = ()
    values = []
    for expected, segment in zip(pattern, segments, strict=True):
        if expected == "{}":
            if not segment:
                return None
            values.append(segment)
        elif expected != segment:
            return None
    return (*values, *tail)
