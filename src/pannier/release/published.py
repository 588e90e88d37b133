"""What an index serves of a project, through its Simple API, and whether that is what was built."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink
from pannier.formats.simple_api_pages import ACCEPT, parse_project_page, strongest_hash
from pannier.formats.wheels import normalize_project
from pannier.model.errors import FetchError
from pannier.model.release import Distribution, ReleaseIndex

if TYPE_CHECKING:
    import httpx

_ATTEMPTS = 4
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = 5
_ABSENT = (404, 410)


class Published(NamedTuple):
    """What an index has of a project.

    Attributes:
        simple_url: Its Simple API; empty while the project is nowhere to be seen.
        files: Every file of the project.
    """

    simple_url: str
    files: Sequence[FileLink]

    def of_version(self, version: str) -> tuple[FileLink, ...]:
        """The files of one version."""
        from pannier.release.readiness import is_same_version

        parsed = ((file, parse_distribution_filename(file.filename)) for file in self.files)
        return tuple(file for file, name in parsed if name and is_same_version(name.version, version))

    def named(self, filename: str) -> FileLink | None:
        """The file of this name."""
        return next((file for file in self.files if file.filename == filename), None)


@dataclass(frozen=True, slots=True)
class IndexReader:
    """Reads one index.

    Attributes:
        index: The index.
        client: An HTTP client that knows the user's certificates and proxies.
        pause: Seconds before the second attempt; doubled each time.
    """

    index: ReleaseIndex
    client: "httpx.Client"
    pause: float = 0.5

    def read(self, project: str) -> Published:
        """Read the project's page.

        Raises:
            FetchError: The index does not answer, or not with a project page.
        """
        for simple_url in self.index.simple_urls:
            url = f"{simple_url}{normalize_project(project)}/"
            response = self._get(url, {"Accept": ACCEPT, "Cache-Control": "no-cache"})
            if response is not None:
                kind = response.headers.get("Content-Type", "")
                return Published(
                    simple_url, parse_project_page(response.content, kind, str(response.url)).files
                )
        return Published("", ())

    def is_same(self, file: FileLink, path: Path) -> bool:
        """Whether a file of the index has the bytes of one of ours; without any hash it is downloaded.

        Raises:
            FetchError: It cannot be had.
        """
        known = strongest_hash(file.hashes)
        algorithm = known[0] if known else "sha256"
        with path.open("rb") as stream:
            ours = hashlib.file_digest(stream, algorithm).hexdigest()
        return ours == (known[1] if known else hashlib.sha256(self.download(file.url)).hexdigest())

    def download(self, url: str) -> bytes:
        """The bytes of a file.

        Raises:
            FetchError: It cannot be had.
        """
        response = self._get(url, {})
        if response is None:
            raise _no_answer(self.index, url, "it is not there")
        return response.content

    def _get(self, url: str, headers: dict[str, str]) -> "httpx.Response | None":
        """The answer to a request; `None` for nothing there."""
        for attempt in range(_ATTEMPTS):
            response, reason = self._attempt(url, headers)
            if response is not None and response.status_code == 200:
                return response
            if response is not None and response.status_code in _ABSENT:
                return None
            if response is not None and response.status_code not in _PASSING:
                raise _no_answer(self.index, url, reason)
            if attempt < _ATTEMPTS - 1:
                time.sleep(self.pause * 2**attempt)
        raise _no_answer(self.index, url, reason)

    def _attempt(self, url: str, headers: dict[str, str]) -> "tuple[httpx.Response | None, str]":
        """One answer, redirects within the index followed, and what is wrong with it.

        An index may send on to another for what it does not have: what that one has is not what this one has.
        """
        import httpx

        credentials = self.index.credentials
        known = (
            (credentials.username, credentials.password) if credentials.password else httpx.USE_CLIENT_DEFAULT
        )
        host = urlsplit(url).netloc
        for _ in range(_REDIRECTS):
            try:
                own = urlsplit(url).netloc == urlsplit(self.index.simple_urls[0]).netloc
                auth = known if own else httpx.USE_CLIENT_DEFAULT
                response = self.client.get(url, headers=headers, auth=auth, follow_redirects=False)
            except httpx.TransportError as error:
                return None, str(error) or type(error).__name__
            except httpx.InvalidURL as error:
                raise _no_answer(self.index, url, str(error)) from None
            if not response.has_redirect_location:
                return response, f"HTTP status {response.status_code}"
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).netloc != host and "Accept" in headers:
                return httpx.Response(404, request=response.request), "it sends on to another index"
        return None, "it redirects without end"


def _no_answer(index: ReleaseIndex, url: str, reason: str) -> FetchError:
    hint = "check the network and the URL of the index"
    if reason.endswith((" 401", " 403")):
        hint = "check the user name and the password or token, and that the user may read the index"
    return FetchError(
        f"the index `{index.name}` does not answer as it should",
        code="index-unreachable",
        facts={"url": url, "reason": reason, "named by": index.where},
        hint=hint,
    )


def wait_for(reader: IndexReader, project: str, distributions: Sequence[Distribution]) -> Published:
    """Read the project's page until it lists every distribution, for a while: some indexes take a moment.

    Raises:
        FetchError: The index does not answer.
    """
    for attempt in range(2 * _ATTEMPTS):
        published = reader.read(project)
        if all(published.named(distribution.filename) for distribution in distributions):
            break
        time.sleep(min(reader.pause * 2**attempt, 8))
    return published
