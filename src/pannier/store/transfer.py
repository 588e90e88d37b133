"""One file from an index to the store: streamed, checked while it comes, resumed when the line breaks."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from pannier.model.errors import FetchError, HashMismatchError
from pannier.model.lock import LockedFile
from pannier.store.redaction import redact
from pannier.store.writing import whole_file

if TYPE_CHECKING:
    import httpx

    from pannier.store.index_settings import IndexSettings

_ATTEMPTS = 4
_FIRST_PAUSE = 0.5
_BLOCK = 1 << 18
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

Advance = Callable[[int], None]


@dataclass
class Transfer:
    """Brings files from where a lock says they are; one for many files, from any number of threads.

    Attributes:
        settings: Certificates and credentials of the user's indexes.
        environ: Environment variables: proxies, certificates.
        pause: Seconds before the second attempt; doubled each time.
    """

    settings: "IndexSettings"
    environ: Mapping[str, str]
    pause: float = _FIRST_PAUSE

    @cached_property
    def client(self) -> "httpx.Client":
        """The HTTP client; proxies and netrc come from the environment, as for pip and uv."""
        import httpx

        hosts = {urlsplit(f"//{host}").netloc for host in self.settings.trusted_hosts}
        certificate = self.settings.certificate or next(
            (self.environ[name] for name in _CERTIFICATE_VARIABLES if self.environ.get(name)), ""
        )
        verify: Any = _tls_context(certificate)
        mounts = {f"https://{host}": httpx.HTTPTransport(verify=False) for host in hosts}
        return httpx.Client(
            verify=verify,
            mounts=mounts,
            follow_redirects=True,
            timeout=httpx.Timeout(30.0, read=60.0),
            headers={"User-Agent": "pannier", "Accept-Encoding": "identity"},
            trust_env=True,
            auth=_netrc_auth(self.environ),
        )

    def close(self) -> None:
        """Close the connections, if any were opened."""
        if "client" in self.__dict__:
            self.client.close()

    def bring(self, file: LockedFile, destination: Path, advance: Advance) -> None:
        """Put `file` at `destination`, whole and checked.

        Raises:
            FetchError: It could not be had.
            HashMismatchError: It is not what was locked.
            StorageError: It could not be written.
        """
        if urlsplit(file.url).scheme == "file":
            self._copy(file, destination, advance)
        else:
            self._download(file, destination, advance)

    def _copy(self, file: LockedFile, destination: Path, advance: Advance) -> None:
        source = Path(unquote(urlsplit(file.url).path))
        digest = hashlib.sha256()
        try:
            with source.open("rb") as stream, whole_file(destination) as written:
                while block := stream.read(_BLOCK):
                    digest.update(block)
                    written.write(block)
                    advance(len(block))
                _check(file, digest.hexdigest())
        except OSError as error:
            reason = error.strerror or str(error)
            raise fetch_error(file, reason) from error

    def _download(self, file: LockedFile, destination: Path, advance: Advance) -> None:
        with whole_file(destination) as written:
            received = _Received(written, advance)
            for attempt in range(_ATTEMPTS):
                reason, passing = self._attempt(file, received)
                if not reason:
                    break
                if not passing or attempt == _ATTEMPTS - 1:
                    raise fetch_error(file, reason)
                time.sleep(self.pause * 2**attempt)
            _check(file, received.digest.hexdigest())

    def _attempt(self, file: LockedFile, received: "_Received") -> tuple[str, bool]:
        """Try once, from where the last try ended; give the reason it failed and whether that may pass."""
        import httpx

        headers = {"Range": f"bytes={received.size}-"} if received.size else {}
        try:
            with self.client.stream(
                "GET", file.url, headers=headers, auth=self.auth_for(file.url)
            ) as response:
                if response.status_code == 416 and received.size:
                    return "", False
                if response.status_code not in (200, 206):
                    return f"HTTP status {response.status_code}", response.status_code in _PASSING
                if response.status_code == 200:
                    received.restart()
                for block in response.iter_raw():
                    received.write(block)
        except httpx.TransportError as error:
            return str(error) or type(error).__name__, not isinstance(error, httpx.UnsupportedProtocol)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error), False
        return "", False

    def auth_for(self, url: str) -> Any:
        """What to say who asks: the URL's own user and password, the configuration's, or what netrc has."""
        import httpx

        parts = urlsplit(url)
        if parts.username:
            return unquote(parts.username), unquote(parts.password or "")
        # The client's default looks into netrc.
        return self.settings.credentials().get(parts.netloc, httpx.USE_CLIENT_DEFAULT)


@dataclass
class _Received:
    """What has come so far of one file."""

    stream: BinaryIO
    advance: Advance
    size: int = 0

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> None:
        self.stream.write(block)
        self.digest.update(block)
        self.size += len(block)
        self.advance(len(block))

    def restart(self) -> None:
        if self.size:
            self.advance(-self.size)
        self.stream.seek(0)
        self.stream.truncate()
        self.size = 0
        self.digest = hashlib.sha256()


def fetch_error(file: LockedFile, reason: str) -> FetchError:
    """Say that a file could not be had, and from which host."""
    url = redact(file.url)
    host = urlsplit(file.url).netloc.rpartition("@")[2] or "this machine"
    return FetchError(
        f"`{file.filename}` could not be fetched from `{host}`",
        facts={"url": url, "reason": redact(reason)},
        hint="check the network, or lock again if the index no longer has the file",
    )


def _check(file: LockedFile, found: str) -> None:
    if found != file.sha256:
        raise HashMismatchError(
            f"`{file.filename}` does not match its hash in the lock",
            facts={"locked": f"sha256:{file.sha256}", "found": f"sha256:{found}", "url": redact(file.url)},
            hint="if the index replaced this file on purpose, lock again with `pannier lock`",
        )


def _netrc_auth(environ: Mapping[str, str]) -> Any:
    """What takes credentials from the user's netrc; none where that is not there or cannot be read."""
    import netrc

    import httpx

    path = Path(environ.get("NETRC") or Path(environ.get("HOME") or "/", ".netrc"))
    try:
        return httpx.NetRCAuth(str(path)) if path.is_file() else None
    except (netrc.NetrcParseError, OSError):
        return None  # as the other clients of the file do


def _tls_context(certificate: str) -> Any:
    import ssl

    if not certificate:
        return ssl.create_default_context()
    try:
        if Path(certificate).is_dir():
            return ssl.create_default_context(capath=certificate)
        return ssl.create_default_context(cafile=certificate)
    except OSError as error:
        raise FetchError(
            "the certificate file that is configured cannot be read",
            code="certificate-unreadable",
            facts={"file": certificate, "reason": str(error)},
            hint="correct `SSL_CERT_FILE`, or `cert` in the configuration of pip",
        ) from error
