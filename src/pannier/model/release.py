"""The nouns of releasing a project: what it says of itself, what was built of it, the index it goes to."""

from pathlib import Path
from typing import Literal, NamedTuple


class Statement(NamedTuple):
    """A value, and the place that states it.

    Attributes:
        value: As written there.
        where: For people, such as `pyproject.toml`.
    """

    value: str
    where: str


class Problem(NamedTuple):
    """One reason why a project cannot be released now.

    Attributes:
        subject: What it is about, in a word or two; the name of the fact that tells it.
        sentence: What is so.
        remedy: What to do about it.
    """

    subject: str
    sentence: str
    remedy: str = ""


class Distribution(NamedTuple):
    """A file that was built to be released.

    Attributes:
        path: Where it is.
        kind: `sdist` or `wheel`.
        sha256: Hex digest.
        size: In bytes.
    """

    path: Path
    kind: Literal["sdist", "wheel"]
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """Its name on an index."""
        return self.path.name


class Credentials(NamedTuple):
    """Who an index knows us as. Never shown, not even by mistake.

    Attributes:
        username: May be empty.
        password: Or token.
    """

    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Credentials({'known' if self.password else 'none'})"


class ReleaseIndex(NamedTuple):
    """An index to release to.

    Attributes:
        name: As the user's configuration names it.
        upload_url: Where files are posted to (the legacy upload API).
        simple_urls: Where its Simple API may be; the first that answers is it.
        credentials: For both.
        where: What names it, for people.
        certificate: File of the certificate authorities to trust for it; empty for the usual ones.
    """

    name: str
    upload_url: str
    simple_urls: tuple[str, ...]
    credentials: Credentials = Credentials()
    where: str = ""
    certificate: str = ""
