"""Which index stands behind, and how far it is trusted with our time and disk."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from pannier.model.errors import UsageError

MIB = 1 << 20


class Upstream(NamedTuple):
    """An index to ask for what is not local.

    Attributes:
        url: Its Simple API, ending in a slash and free of credentials, so that it can be shown and logged.
        username: For Basic authentication; empty for none.
        password: Goes with it.
        ttl: Seconds for which a page is fresh where the index does not say (`Cache-Control`).
        patience: Seconds to wait for a fresh page while an old one is at hand.
        timeout: Seconds without a byte after which the index counts as down.
        page_limit: Bytes that a page or a metadata file may have.
        file_limit: Bytes that a file may have; 0 for any number.
    """

    url: str
    username: str = ""
    password: str = ""
    ttl: int = 600
    patience: float = 3.0
    timeout: float = 20.0
    page_limit: int = 64 * MIB
    file_limit: int = 0

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port: nobody else is sent the credentials."""
        return origin_of(self.url)

    def page_url(self, name: str) -> str:
        """Where the page of a project is, by its normalized name."""
        return f"{self.url}{name}/"

    def __repr__(self) -> str:
        """Without the password, wherever it ends up."""
        return f"Upstream({self.url!r})"


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Give scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def parse_upstream(text: str) -> Upstream:
    """Read the URL of an index, which may carry a user name and a password.

    Raises:
        UsageError: It is no URL of a web server. The message does not repeat it: it may hold a password.
    """
    try:
        parts = urlsplit(text.strip())
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise UsageError(
            "an index has to be named by an http or https URL",
            code="upstream-invalid",
            hint="write it as for pip's `--index-url`, for example https://index.example.org/simple/",
        )
    place = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme, place, parts.path.rstrip("/") + "/", "", ""))
    return Upstream(url, unquote(parts.username or ""), unquote(parts.password or ""))
