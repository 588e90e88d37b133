"""Asks an upstream index over HTTP."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from pannier import __version__
from pannier.formats.simple_api import ProjectPage
from pannier.formats.simple_api_pages import ACCEPT, parse_project_page
from pannier.model.errors import FetchError
from pannier.store.redaction import redact
from pannier.store.upstream.address import Upstream, origin_of

if TYPE_CHECKING:
    import httpx

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})")
_LONGEST_FRESH = 24 * 3600
_CONNECT_TIMEOUT = 5.0
_CONNECTIONS = 32
_NOT_THERE = (404, 410)


class UpstreamUnavailableError(FetchError):
    """The index behind did not answer, or not with what was asked; nothing can be concluded from that.

    Attributes:
        retry_after: Seconds after which asking again makes sense.
        is_down: Nothing came from the host at all, so that others need not try either.
        is_broken: The connection did not last; what had come is good.
    """

    default_code = "upstream-unavailable"

    def __init__(
        self, url: str, reason: str, *, retry_after: int = 10, is_down: bool = False, is_broken: bool = False
    ) -> None:
        super().__init__(
            "the upstream index cannot answer",
            facts={"url": redact(url), "reason": redact(reason)},
            hint="try again later; what was fetched before is still served",
        )
        self.retry_after = retry_after
        self.is_down = is_down
        self.is_broken = is_broken


class PageAnswer(NamedTuple):
    """What the index said of a project.

    Attributes:
        unchanged: It is as the validators say.
        page: The page; `None` where there is no such project, or it is unchanged.
        etag: Validator for the next time; empty for none.
        last_modified: Validator for the next time; empty for none.
        max_age: Seconds it is fresh.
    """

    unchanged: bool = False
    page: ProjectPage | None = None
    etag: str = ""
    last_modified: str = ""
    max_age: int = 0


class UpstreamClient:
    """The connections of one process to one index."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._opened: httpx.AsyncClient | None = None

    @property
    def _client(self) -> "httpx.AsyncClient":
        if self._opened is None:
            import httpx

            self._opened = httpx.AsyncClient(
                follow_redirects=True,
                max_redirects=5,
                timeout=httpx.Timeout(
                    self.upstream.timeout, connect=min(_CONNECT_TIMEOUT, self.upstream.timeout)
                ),
                limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=8),
                headers={"User-Agent": f"pannier/{__version__}"},
            )
        return self._opened

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def fetch_page(self, name: str, etag: str = "", last_modified: str = "") -> PageAnswer:
        """Ask for the page of a project.

        Args:
            name: Its normalized name.
            etag: Validator of the page at hand.
            last_modified: Validator of the page at hand.

        Raises:
            UpstreamUnavailableError: There is no answer that says anything about the project.
        """
        headers = {"Accept": ACCEPT}
        if etag:
            headers["If-None-Match"] = etag
        elif last_modified:
            headers["If-Modified-Since"] = last_modified
        url = self.upstream.page_url(name)
        async with self._asked(url, headers) as response:
            max_age = _max_age(response.headers.get("cache-control", ""), self.upstream.ttl)
            if response.status_code == 304 and (etag or last_modified):
                return PageAnswer(unchanged=True, max_age=max_age)
            if response.status_code in _NOT_THERE:
                return PageAnswer(max_age=max_age)
            _check_status(response, url)
            content = await self._read(response, url)
            kind = response.headers.get("content-type", "")
            try:
                page = parse_project_page(content, kind, str(response.url))
            except FetchError as error:
                raise UpstreamUnavailableError(
                    url, f"no project page: {error.facts.get('reason', error)}"
                ) from error
            return PageAnswer(
                page=page,
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
                max_age=max_age,
            )

    async def fetch(self, url: str) -> "Answer":
        """Ask for anything, and take whatever comes.

        Raises:
            UpstreamUnavailableError: Nothing comes.
        """
        async with self._asked(url, {"Accept": ACCEPT + ", */*;q=0.05"}) as response:
            content = await self._read(response, url)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Answer(response.status_code, kind, content, str(response.url))

    async def fetch_small(self, url: str) -> bytes | None:
        """Bring a metadata or provenance file; `None` where it is not there after all.

        Raises:
            UpstreamUnavailableError: It cannot be had now.
        """
        async with self._asked(url, {}) as response:
            if response.status_code in _NOT_THERE:
                return None
            _check_status(response, url)
            return await self._read(response, url)

    @asynccontextmanager
    async def stream_file(self, url: str, start: int) -> AsyncIterator["FileAnswer | None"]:
        """Ask for a file, from byte `start` on; yields `None` where it is not there.

        Raises:
            UpstreamUnavailableError: It cannot be had now.
        """
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        async with self._asked(url, headers) as response:
            if response.status_code in _NOT_THERE:
                yield None
                return
            if response.status_code != 206:
                _check_status(response, url)
                start = 0
            length = response.headers.get("content-length", "")
            size = start + int(length) if length.isdecimal() else None
            yield FileAnswer(start, size, response.aiter_raw())

    @asynccontextmanager
    async def _asked(self, url: str, headers: Mapping[str, str]) -> AsyncIterator["httpx.Response"]:
        import httpx

        upstream = self.upstream
        # A file host that the index names is somebody else: it gets no password of ours.
        is_own = bool(upstream.username) and origin_of(url) == upstream.origin
        auth = httpx.BasicAuth(upstream.username, upstream.password) if is_own else httpx.USE_CLIENT_DEFAULT
        try:
            async with self._client.stream("GET", url, headers=headers, auth=auth) as response:
                yield response
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            is_down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ReadTimeout)
            raise UpstreamUnavailableError(url, reason, is_down=is_down, is_broken=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UpstreamUnavailableError(url, str(error) or type(error).__name__) from error

    async def _read(self, response: "httpx.Response", url: str) -> bytes:
        """The body, decompressed, as long as it is not larger than anything honest."""
        blocks: list[bytes] = []
        size = 0
        async for block in response.aiter_bytes():
            size += len(block)
            if size > self.upstream.page_limit:
                raise UpstreamUnavailableError(
                    url, f"the answer is larger than {self.upstream.page_limit} bytes"
                )
            blocks.append(block)
        return b"".join(blocks)


class Answer(NamedTuple):
    """What came.

    Attributes:
        status: HTTP status.
        kind: Media type.
        content: The body.
        url: Where it came from in the end.
    """

    status: int
    kind: str
    content: bytes
    url: str


class FileAnswer(NamedTuple):
    """A file that is coming.

    Attributes:
        start: Which byte comes first.
        size: Bytes of the whole file; `None` where the host does not say.
        blocks: The bytes.
    """

    start: int
    size: int | None
    blocks: AsyncIterator[bytes]


def _check_status(response: "httpx.Response", url: str) -> None:
    if response.status_code == 200:
        return
    wait = response.headers.get("retry-after", "")
    retry_after = min(int(wait), 300) if wait.isdecimal() else 10
    raise UpstreamUnavailableError(url, f"HTTP status {response.status_code}", retry_after=retry_after)


def _max_age(cache_control: str, otherwise: int) -> int:
    """Seconds of freshness that RFC 9111's `Cache-Control` grants a cache, within reason."""
    directives = cache_control.lower()
    if "no-store" in directives or "no-cache" in directives:
        return 0
    found = _MAX_AGE.search(directives)
    return min(int(found[1]), _LONGEST_FRESH) if found else otherwise
