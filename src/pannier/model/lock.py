"""A lock: for named targets, exactly which files, by hash (PEP 751's nouns)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pannier.model.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedFile:
    """One wheel or sdist that a lock names.

    Attributes:
        filename: Its file name, which for a wheel holds its tags (PEP 427).
        url: Where it is fetched from; `file:` for a local one.
        hashes: Algorithm to hex digest; `sha256` is always there.
        size: In bytes; `None` where the index does not say.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    size: int | None = None

    @property
    def sha256(self) -> str:
        """The digest that names the file everywhere in the store."""
        return self.hashes["sha256"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltWheel:
    """The wheel that was built from a project's sdist or directory, and that every later build has to equal.

    Attributes:
        filename: Its file name, with the tags it was built for.
        sha256: Hex digest.
        size: In bytes.
        libc: The oldest C library with every symbol it needs, such as `2.17`; empty for none.
        source: Digest of the directory it was built from; empty for an sdist, which has a hash of its own.
    """

    filename: str
    sha256: str
    size: int
    libc: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedProject:
    """One project at one version, with the files offered for it.

    Attributes:
        name: Normalized project name (PEP 503).
        version: Its version as the index writes it.
        wheels: Every wheel offered.
        sdist: The sdist, where there is one.
        marker: When it is needed; empty for always.
        requires_python: The project's own bound on the interpreter.
        built: The wheel built from the sdist or directory, where the lock fixes that as well.
        directory: Absolute path of the project on this machine, where no index has it; empty for all others.
    """

    name: str
    version: str
    wheels: tuple[LockedFile, ...] = ()
    sdist: LockedFile | None = None
    marker: str = ""
    requires_python: str = ""
    built: BuiltWheel | None = None
    directory: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """Exact projects and files, and the targets they hold for.

    Attributes:
        projects: Sorted by name, then version.
        targets: What the lock was resolved for; never empty for a lock of ours.
        requires_python: Bound on the interpreter over all targets.
        inputs: Digest over what it was made from and what it says, by which a site's lock is known to be
            current; empty for other locks.
        digest: sha256 over the lock's text, where it was read from or written to a file.
    """

    projects: tuple[LockedProject, ...]
    targets: tuple[Target, ...] = ()
    requires_python: str = ""
    inputs: str = ""
    digest: str = field(default="", compare=False)
