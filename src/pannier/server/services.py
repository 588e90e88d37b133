"""What handlers reach: the catalogue, the gate, the upstream, worker threads, as one value."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.server.audit import AuditLog
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.counting import Counters
from pannier.server.messages import Identity, Request, Response, Right, respond
from pannier.server.page_cache import PageCache
from pannier.server.settings import ServeSettings
from pannier.server.web.overview import Overview
from pannier.store.upstream.state import UpstreamState

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Verdict = Identity | Response


class Gate(Protocol):
    """Finds out who asks, and whether they may."""

    def check(self, request: Request, right: Right, project: str) -> Verdict | Awaitable[Verdict]:
        """Who asks, when they may do it; otherwise the response that refuses.

        Args:
            request: With its headers; its identity is not known yet.
            right: What the route asks for; `open` is granted to everybody.
            project: Normalized name of the project it is about; empty where the path names none. An upload
                names its project in the body: its handler asks `permits` with the name.
        """

    def permits(self, identity: Identity, right: Right, project: str) -> bool:
        """Whether somebody whom `check` let in may do this to a project. May be called from any thread."""

    def is_limited(self, identity: Identity, right: Right) -> bool:
        """Whether somebody has a right on some projects only, so that a list must leave others out."""


class Upstream(Protocol):
    """Another index, asked for what was never local, which each method's caller has checked."""

    def project_page(self, request: Request, project: str) -> Awaitable[Response]:
        """The Simple API's page of a project that is not local."""

    def find_project(self, project: str) -> Awaitable[ProjectPage | None]:
        """What the index says of a project that is not local; `None` for no such project."""

    def find_metadata(self, project: str, file: FileLink) -> Awaitable[bytes | None]:
        """The metadata of one of its files; `None` where that cannot be had."""

    def our_links(self, files: Sequence[FileLink], project: str, to_root: str) -> Sequence[FileLink]:
        """The files of a project as we link them, from a page for which `to_root` is the index."""

    def file(self, request: Request, project: str, key: str, filename: str) -> Awaitable[Response]:
        """A file of a project that is not local, by what the links of its page hold."""

    @property
    def state(self) -> UpstreamState:
        """How the index does."""


class ReadOnlyGate:
    """Everybody may read, nobody may write: the gate without a password file."""

    def check(self, request: Request, right: Right, project: str) -> Verdict:  # noqa: ARG002
        """Grant reading."""
        if right in ("open", "list", "download"):
            return request.identity
        return respond(403, "this index is read-only: start it with --htpasswd FILE to let users publish\n")

    def permits(self, identity: Identity, right: Right, project: str) -> bool:  # noqa: ARG002
        """Grant reading."""
        return right in ("open", "list", "download")

    def is_limited(self, identity: Identity, right: Right) -> bool:  # noqa: ARG002
        """Nobody's reading is limited."""
        return False


class Services(NamedTuple):
    """What handlers reach.

    Attributes:
        settings: The settings in force.
        catalogue: The files and projects.
        pages: Pages kept ready.
        overview: Every project at a glance.
        gate: Who may do what.
        audit: Where every change is written down.
        pool: Threads for what would block the event loop.
        counters: What has been answered so far.
        upstream: Where there is one.
    """

    settings: ServeSettings
    catalogue: Catalogue
    pages: PageCache
    overview: Overview
    gate: Gate
    audit: AuditLog
    pool: ThreadPoolExecutor
    counters: Counters
    upstream: Upstream | None = None

    def off_loop(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Awaitable[Result]:
        """Call a function in a worker's thread."""
        return asyncio.get_running_loop().run_in_executor(self.pool, lambda: function(*args, **kwargs))
