"""The pages of the user's indexes, kept between runs: asked again with the validators of the last answer."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pannier.formats.simple_api import ProjectPage
from pannier.formats.simple_api_pages import ACCEPT, parse_project_page
from pannier.model.errors import FetchError
from pannier.store.redaction import redact
from pannier.store.transfer import Transfer
from pannier.store.upstream.kept import KeptPage, UpstreamCache, upstream_cache

_NOT_THERE = (404, 410)
_REFUSED = (401, 403, 407)
_ATTEMPTS = 3
_LONGEST_FRESH = 600
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})")


class IndexPages:
    """What indexes say of projects; from any number of threads.

    Args:
        directory: Where answers are kept.
        transfer: The connections, with the user's certificates and credentials.
        offline: Believe what is kept, however old, and ask nobody.
    """

    def __init__(self, directory: Path, transfer: Transfer, *, offline: bool = False) -> None:
        self._directory = directory
        self._transfer = transfer
        self._offline = offline

    def fetch(self, index_url: str, name: str) -> ProjectPage | None:
        """Give the page of a project; `None` where the index has no such project, or offline is not known.

        Args:
            index_url: The index's Simple API, as pip takes it.
            name: The project's normalized name.

        Raises:
            FetchError: `index-refused` where the index wants other credentials; else it could not be asked.
        """
        cache = upstream_cache(self._directory, redact(index_url))
        kept = cache.read_page(name)
        if self._offline or (kept and kept.is_fresh(time.time())):
            return kept.page if kept else None
        return self._ask(f"{index_url.rstrip('/')}/{name}/", name, cache, kept)

    def fetch_beside(self, url: str) -> bytes:
        """Give what an index has at a URL that one of its pages names.

        Raises:
            FetchError: It could not be had.
        """
        response = self._get(url, {"Accept-Encoding": "identity"})
        if response.status_code != 200:
            raise _refusal(url, response.status_code)
        content: bytes = response.content
        return content

    def _ask(self, url: str, name: str, cache: UpstreamCache, kept: KeptPage | None) -> ProjectPage | None:
        headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"}
        if kept and kept.page and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept and kept.page and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        response = self._get(url, headers)
        if kept and response.status_code == 304:
            cache.confirm_page(name)
            return kept.page
        if response.status_code in _NOT_THERE:
            return None
        if response.status_code != 200:
            raise _refusal(url, response.status_code)
        kind = response.headers.get("content-type", "")
        page = parse_project_page(response.content, kind, str(response.url))._replace(name=name)
        said = response.headers
        answer = KeptPage(
            page, said.get("etag", ""), said.get("last-modified", ""), _max_age(said.get("cache-control", ""))
        )
        cache.write_page(name, answer)
        return page

    def _get(self, url: str, headers: Mapping[str, str]) -> Any:
        import httpx

        for attempt in range(_ATTEMPTS):
            try:
                response = self._transfer.client.get(
                    url, headers=dict(headers), auth=self._transfer.auth_for(url)
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if attempt == _ATTEMPTS - 1 or not isinstance(error, httpx.TransportError):
                    raise _unreachable(url, str(error) or type(error).__name__) from error
            else:
                if response.status_code < 500 or attempt == _ATTEMPTS - 1:
                    return response
            time.sleep(self._transfer.pause * 2**attempt)
        raise AssertionError("the last attempt returns or raises")


def _max_age(cache_control: str) -> int:
    """Seconds of freshness (RFC 9111); none where the index grants none."""
    if "no-store" in cache_control or "no-cache" in cache_control:
        return 0
    found = _MAX_AGE.search(cache_control.lower())
    return min(int(found[1]), _LONGEST_FRESH) if found else 0


def _refusal(url: str, status: int) -> FetchError:
    host = urlsplit(url).netloc.rpartition("@")[2]
    if status in _REFUSED:
        return FetchError(
            f"`{host}` refused with HTTP status {status}",
            code="index-refused",
            facts={"url": redact(url)},
            hint="check the index's URL and the credentials for it",
        )
    return _unreachable(url, f"HTTP status {status}")


def _unreachable(url: str, reason: str) -> FetchError:
    return FetchError(
        "an index could not be reached",
        code="index-unreachable",
        facts={"at": redact(url), "reason": redact(reason)},
        hint="check the network, and the index's URL",
    )
