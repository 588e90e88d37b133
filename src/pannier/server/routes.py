"""The one table of what the index answers. A part adds its module's `ROUTES` here."""

from pannier.server.handlers import (
    changes,
    files,
    legacy,
    operation,
    project_json,
    simple,
    upstream,
    web,
    web_changes,
    web_project,
)
from pannier.server.routing import Route

ROUTES: tuple[Route, ...] = (
    *simple.ROUTES,
    *files.ROUTES,
    *legacy.ROUTES,
    *changes.ROUTES,
    *operation.ROUTES,
    *project_json.ROUTES,
    *web.ROUTES,
    *web_project.ROUTES,
    *web_changes.ROUTES,
    *upstream.ROUTES,
)
