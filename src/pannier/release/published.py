"""What an index serves of a project, through its Simple API, and whether that is what was built."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.simple_api_pages import ACCEPT, parse_project_page, strongest_hash
from pannier.formats.wheels import normalize_project
from pannier.model.errors import FetchError
from pannier.model.release import Distribution, ReleaseIndex

if TYPE_CHECKING:
    import httpx

_ATTEMPTS = 4
_PASSING = (0, 408, 425, 429, 500, 502, 503, 504)
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
        """Read the project's page, where one of the places has it.

        Raises:
            FetchError: The index does not answer, or not with a project page.
        """
        empty = Published("", ())
        errors: list[FetchError] = []
        for simple_url in self.index.simple_urls:
            try:
                page = self._read_page(f"{simple_url}{normalize_project(project)}/")
            except _HostError:
                raise  # which is the same for each place
            except FetchError as error:
                errors.append(error)
                continue
            if page is not None and page.files:
                return Published(simple_url, page.files)
            if page is not None and not empty.simple_url:
                empty = Published(simple_url, ())
        # A guess at where the Simple API is may be wrong; where all are, there is no answer.
        if len(errors) == len(self.index.simple_urls):
            raise errors[0]
        return empty

    def _read_page(self, url: str) -> "ProjectPage | None":
        answer = self._get(url, {"Accept": ACCEPT, "Cache-Control": "no-cache"})
        return parse_project_page(answer.content, answer.content_type, answer.url) if answer else None

    def is_same(self, file: FileLink, path: Path) -> bool:
        """Whether a file of the index has the bytes of one of ours; without any hash it is downloaded.

        Raises:
            FetchError: It cannot be had.
        """
        known = strongest_hash(file.hashes)
        algorithm = known[0] if known else "sha256"
        with path.open("rb") as stream:
            ours = hashlib.file_digest(stream, algorithm).hexdigest()
        return ours == (known[1] if known else self.digest(file.url))

    def digest(self, url: str) -> str:
        """The sha256 of a file, downloaded for that.

        Raises:
            FetchError: It cannot be had.
        """
        answer = self._get(url, {})
        if answer is None:
            raise _no_answer(self.index, url, "it is not there")
        return answer.sha256

    def _get(self, url: str, headers: dict[str, str]) -> "_Answer | None":
        """The answer to a request; `None` for nothing there."""
        for attempt in range(_ATTEMPTS):
            answer = self._attempt(url, headers)
            if answer.status == 200:
                return answer
            if answer.status in _ABSENT:
                return None
            if answer.status not in _PASSING:
                raise _no_answer(self.index, url, answer.reason)
            if attempt < _ATTEMPTS - 1:
                time.sleep(self.pause * 2**attempt)
        raise _no_answer(self.index, url, answer.reason, _HostError if answer.status == 0 else FetchError)

    def _attempt(self, url: str, headers: dict[str, str]) -> "_Answer":
        """One answer, redirects within the index followed.

        An index may send on to another for what it does not have: what that one has is not what this one has.
        """
        import httpx

        host = urlsplit(url).netloc
        for _ in range(_REDIRECTS):
            try:
                with self.client.stream(
                    "GET", url, headers=headers, auth=self._auth(url), follow_redirects=False
                ) as response:
                    if not response.has_redirect_location:
                        return _read_answer(response, keep="Accept" in headers)
            except httpx.TransportError as error:
                return _Answer(0, url, reason=str(error) or type(error).__name__)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _no_answer(self.index, url, str(error)) from None
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).netloc != host and "Accept" in headers:
                return _Answer(404, url, reason="it sends on to another index")
        return _Answer(508, url, reason="it redirects without end")

    def _auth(self, url: str) -> Any:
        """The index's credentials, for its own host alone; others' come from netrc."""
        import httpx

        known = self.index.credentials
        is_own = urlsplit(url).netloc == urlsplit(self.index.simple_urls[0]).netloc
        return (known.username, known.password) if known.password and is_own else httpx.USE_CLIENT_DEFAULT


class _Answer(NamedTuple):
    """What came back.

    Attributes:
        status: HTTP status; 0 for none, since the line broke.
        url: That answered in the end.
        content_type: Of the content.
        content: Empty where only its hash is wanted: a file may be larger than the memory.
        sha256: Of the content.
        reason: What is wrong with it.
    """

    status: int
    url: str
    content_type: str = ""
    content: bytes = b""
    sha256: str = ""
    reason: str = ""


def _read_answer(response: "httpx.Response", *, keep: bool) -> _Answer:
    digest = hashlib.sha256()
    kept = bytearray()
    for block in response.iter_bytes():
        digest.update(block)
        if keep:
            kept += block
    return _Answer(
        status=response.status_code,
        url=str(response.url),
        content_type=response.headers.get("Content-Type", ""),
        content=bytes(kept),
        sha256=digest.hexdigest(),
        reason=f"HTTP status {response.status_code}",
    )


class _HostError(FetchError):
    """The host of an index cannot be reached at all."""


def _no_answer(index: ReleaseIndex, url: str, reason: str, kind: type[FetchError] = FetchError) -> FetchError:
    hint = "check the network and the URL of the index"
    if reason.endswith((" 401", " 403")):
        hint = "check the user name and the password or token, and that the user may read the index"
    return kind(
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
