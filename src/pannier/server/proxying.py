"""Answers from an upstream index: its pages with our links, its files from the cache, and honest failures.

Whoever calls has made sure that the project is not, and never was, local: upstream is not asked about a name
that somebody could take over there.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from pannier.formats import simple_api
from pannier.formats.distribution_names import is_project_name, parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.model.errors import HashMismatchError, PannierError, StorageError
from pannier.server.catalogue.catalogue import sorted_versions
from pannier.server.messages import Request, Response, make_headers, respond
from pannier.server.negotiation import choose_type
from pannier.server.page_cache import content_type
from pannier.server.pages import Page, answer_page, make_page
from pannier.server.sending import media_type, send_path
from pannier.store.upstream.client import UpstreamUnavailableError
from pannier.store.upstream.kept import KeptPage, file_key
from pannier.store.upstream.mirror import Beside, Mirror, belonging_files
from pannier.store.upstream.state import UpstreamState

Result = TypeVar("Result")
_log = logging.getLogger("pannier.server")
_LONGEST_NAME = 200
_TO_ROOT = "../../"
_RENDERED_LIMIT = 16 << 20
_BESIDE: dict[str, tuple[Beside, str]] = {
    ".metadata": ("metadata", "text/plain; charset=utf-8"),
    ".provenance": ("provenance", "application/vnd.pypi.integrity.v1+json"),
}


class UpstreamProxy:
    """The upstream index as clients of ours see it. All methods belong on the event loop."""

    def __init__(self, make_mirror: Callable[[], Mirror]) -> None:
        self._make_mirror = make_mirror
        self._mirror: Mirror | None = None
        self._rendered: OrderedDict[tuple[str, str], tuple[str, Page]] = OrderedDict()
        self._size = 0

    @property
    def mirror(self) -> Mirror:
        """The mirror, which is made on the loop that it is used on."""
        if self._mirror is None:
            self._mirror = self._make_mirror()
        return self._mirror

    @property
    def state(self) -> UpstreamState:
        """How the upstream index does."""
        return self.mirror.state

    async def close(self) -> None:
        """Stop what is on its way."""
        if self._mirror is not None:
            await self._mirror.close()

    async def project_page(self, request: Request, project: str) -> Response:
        """The Simple API's page of a project."""
        kind = choose_type(request)
        if not _is_askable(project):
            return respond(404, f"`{project}` cannot be the name of a project\n")
        return await _or_failure(self._project_page(request, project, kind))

    async def _project_page(self, request: Request, project: str, kind: str) -> Response:
        kept = await self.mirror.page(project)
        if kept.page is None:
            return respond(404, f"there is no project {project} here, nor upstream\n")
        known = self._rendered.get((project, kind))
        if known is None or known[0] != kept.revision:
            page = await asyncio.to_thread(_render, kept.page, project, kind)
            self._keep_rendered(project, kind, kept, page)
        else:
            page = known[1]
        return answer_page(request, page)

    def _keep_rendered(self, project: str, kind: str, kept: KeptPage, page: Page) -> None:
        before = self._rendered.pop((project, kind), None)
        self._size += _weight(page) - (_weight(before[1]) if before else 0)
        self._rendered[project, kind] = kept.revision, page
        while self._size > _RENDERED_LIMIT and self._rendered:
            self._size -= _weight(self._rendered.popitem(last=False)[1][1])

    async def find_project(self, project: str) -> ProjectPage | None:
        """What upstream says of a project, its links as upstream has them; `None` for no such project.

        Raises:
            UpstreamUnavailableError: It does not answer, and nothing about the project is kept.
        """
        if not _is_askable(project):
            return None
        kept = await self.mirror.page(project)
        return kept.page and kept.page._replace(files=belonging_files(kept.page, project))

    async def find_metadata(self, project: str, file: FileLink) -> bytes | None:
        """The metadata of a file as upstream has it; `None` where that cannot be had."""
        if file.metadata is None:
            return None
        try:
            place = await self.mirror.fetch_beside(project, file, "metadata")
        except PannierError:
            return None
        return await asyncio.to_thread(place.read_bytes) if place else None

    def our_links(self, files: Sequence[FileLink], project: str, to_root: str) -> list[FileLink]:
        """Files of a project as we link them, from a page for which `to_root` is the index."""
        return [_rewritten(file, project, to_root) for file in files]

    async def file(self, request: Request, project: str, key: str, filename: str) -> Response:
        """A file of the project, or its `.metadata` or `.provenance`.

        Args:
            request: What the client asks.
            project: Normalized name.
            key: What the page's link says of the content, see `file_key`.
            filename: What the page's link ends in.
        """
        for suffix, (kind, media) in _BESIDE.items():
            if filename.endswith(suffix):
                named = filename.removesuffix(suffix)
                return await _or_failure(self._beside(project, key, named, kind, media))
        return await _or_failure(self._file(request, project, key, filename))

    async def _file(self, request: Request, project: str, key: str, filename: str) -> Response:
        if not _is_safe(project, key, filename):
            return _no_file(filename)
        place = self.mirror.kept_file(project, key, filename)
        if place is None:
            file = await self.mirror.find_file(project, key, filename)
            if file is None:
                return _no_file(filename)
            if request.method == "HEAD" and file.size is not None:
                return Response(200, _file_headers(filename, key, file.size))
            arrival = self.mirror.fetch_file(project, file)
            # A part of a file is cut from the whole: it can only be had when that is here.
            place = await (arrival.wait() if "range" in request.headers else arrival.begin())
            if place is None:
                return Response(200, _file_headers(filename, key, arrival.size), arrival.blocks())
        self.mirror.cache.note_use(place)
        return send_path(request, place, filename, key) or _no_file(filename)

    async def _beside(self, project: str, key: str, filename: str, kind: Beside, media: str) -> Response:
        if not _is_safe(project, key, filename):
            return _no_file(filename)
        place = self.mirror.kept_file(project, key, f"{filename}.{kind}")
        if place is None:
            file = await self.mirror.find_file(project, key, filename)
            is_offered = file is not None and (
                file.metadata is not None if kind == "metadata" else bool(file.provenance)
            )
            place = await self.mirror.fetch_beside(project, file, kind) if file and is_offered else None
        if place is None:
            return _no_file(f"{filename}.{kind}")
        return respond(200, await asyncio.to_thread(place.read_bytes), media)


async def _or_failure(pending: Awaitable[Response]) -> Response:
    """The answer, or what says why there is none: 503 is never a no, and says when to come again."""
    try:
        return await pending
    except UpstreamUnavailableError as error:
        _log.warning("%s: %s (%s)", error.message, error.facts.get("reason"), error.facts.get("url"))
        text = f"{error.message}: {error.facts.get('reason')}\n{error.hint}\n"
        return respond(503, text, retry_after=str(max(1, error.retry_after)), cache_control="no-store")
    except HashMismatchError as error:
        _log.error("%s: %s", error.message, error.facts)
        return respond(502, f"{error.message}; {error.hint}\n", cache_control="no-store")
    except (StorageError, OSError) as error:
        _log.error("what upstream sent cannot be kept: %s", error)
        return respond(503, "this server has no room for files from upstream\n", retry_after="60")
    except PannierError as error:
        _log.error("%s: %s", error.message, error.facts)
        return respond(502, f"{error.message}\n")


def _render(page: ProjectPage, project: str, kind: str) -> Page:
    rendered = _rewritten_page(page, project)
    is_json = kind == simple_api.JSON_TYPE
    data = simple_api.format_project_json(rendered) if is_json else simple_api.format_project_html(rendered)
    return make_page(data, content_type(kind))


def _rewritten_page(page: ProjectPage, project: str) -> ProjectPage:
    files = [_rewritten(file, project, _TO_ROOT) for file in belonging_files(page, project)]
    versions = page.versions or _versions_of(files)
    # Where upstream says that it is also elsewhere is no business of our clients': for them, it is here.
    return page._replace(name=project, files=files, versions=versions, tracks=(), alternate_locations=())


def _rewritten(file: FileLink, project: str, to_root: str) -> FileLink:
    url = f"{to_root}upstream/{project}/{file_key(file)}/{quote(file.filename, safe='!+~')}"
    return file._replace(url=url, provenance=f"{url}.provenance" if file.provenance else "")


def _versions_of(files: Sequence[FileLink]) -> list[str]:
    names = (parse_distribution_filename(file.filename) for file in files)
    return sorted_versions([name.version for name in names if name and name.version])


def _is_askable(project: str) -> bool:
    """What becomes part of a URL and of a file's name is what can be a project's."""
    return is_project_name(project) and len(project) <= _LONGEST_NAME


def _is_safe(project: str, key: str, filename: str) -> bool:
    """What becomes part of a path on disk is what our own links can hold."""
    is_key = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return _is_askable(project) and is_key and "/" not in filename and not filename.startswith(".")


def _file_headers(filename: str, key: str, size: int | None) -> tuple[tuple[bytes, bytes], ...]:
    fields = {"content-type": media_type(filename), "etag": f'"{key}"', "cache-control": "no-cache"}
    if size is not None:
        fields["content-length"] = str(size)
    return make_headers(fields)


def _no_file(filename: str) -> Response:
    return respond(404, f"there is no file {filename} here, nor upstream\n")


def _weight(page: Page) -> int:
    return len(page.plain) + len(page.compressed) + 1000
