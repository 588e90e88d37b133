"""Routes are found by method and path."""

import pytest

from pannier.server.messages import Request, Response, respond
from pannier.server.routing import Match, Route, Router


def _handler(request: Request, services: object, values: object) -> Response:
    return respond(200, "")


ROUTER = Router(
    (
        Route(("GET",), "/simple/", _handler, "list"),
        Route(("GET",), "/simple/{}/", _handler, "list"),
        Route(("POST",), "/simple/", _handler, "update"),
        Route(("GET",), "/packages/{*}", _handler, "download"),
        Route(("GET",), "/", _handler, "open"),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "pattern", "values"),
    [
        ("GET", "/simple/", "/simple/", ()),
        ("HEAD", "/simple/", "/simple/", ()),
        ("POST", "/simple/", "/simple/", ()),
        ("GET", "/simple/demo/", "/simple/{}/", ("demo",)),
        ("GET", "/packages/a/b.whl", "/packages/{*}", ("a/b.whl",)),
        ("GET", "/", "/", ()),
    ],
)
def test_a_route_is_found(method: str, path: str, pattern: str, values: tuple[str, ...]) -> None:
    match = ROUTER.find(method, path)
    assert isinstance(match, Match)
    assert (match.route.pattern, match.values) == (pattern, values)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/simple/", ("GET", "POST")),
        ("GET", "/simple/demo", ()),
        ("GET", "/simple//", ()),
        ("GET", "/packages", ()),
        ("GET", "/elsewhere/", ()),
    ],
)
def test_what_has_no_route_says_what_could_be_done(method: str, path: str, allowed: tuple[str, ...]) -> None:
    assert ROUTER.find(method, path) == allowed
