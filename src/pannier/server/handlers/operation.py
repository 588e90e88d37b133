"""For whoever operates the index: `/health`."""

from collections.abc import Sequence

from pannier.server.messages import Request, Response, respond_json
from pannier.server.routing import Route
from pannier.server.services import Services


def health(request: Request, services: Services, _: Sequence[str]) -> Response:
    """Whether the store can be read."""
    services.catalogue.version()
    return respond_json(200, {"status": "ok"})


ROUTES = (Route(("GET",), "/health", health, "open"),)
