"""What the index knows of a file and of a project."""

from collections.abc import Sequence
from typing import NamedTuple


class FileRecord(NamedTuple):
    """One distribution.

    Attributes:
        path: Relative to the directory it lies in, with slashes; its URL is `/packages/` and this.
        root: Index of that directory among those served.
        filename: The last part of the path.
        project: Normalized project name.
        name: The project's name as the distribution writes it.
        version: As its metadata, or else its file name, writes it.
        kind: `wheel`, `sdist`, `egg` or `other`.
        size: In bytes.
        mtime: Nanoseconds since 1970; also what is said to be the upload time.
        inode: With size and mtime, what tells whether the file is still the one that was read.
        sha256: Hex digest; empty while the file has not been read.
        md5: Hex digest, likewise.
        blake2: Hex digest of BLAKE2b with 32 bytes, likewise.
        metadata_sha256: Hex digest of its core metadata; empty where it has none that can be read.
        requires_python: The bound on the interpreter; empty for none.
        summary: One line on what it is.
        yanked: The reason it is yanked for, which may be empty; `None` for not yanked.
        has_provenance: Attestations lie beside it as `PATH.provenance` (PEP 740).
        has_signature: A signature lies beside it as `PATH.asc`.
    """

    path: str
    root: int
    filename: str
    project: str
    name: str
    version: str
    kind: str
    size: int
    mtime: int
    inode: int
    sha256: str = ""
    md5: str = ""
    blake2: str = ""
    metadata_sha256: str = ""
    requires_python: str = ""
    summary: str = ""
    yanked: str | None = None
    has_provenance: bool = False
    has_signature: bool = False


class ProjectRecord(NamedTuple):
    """One project.

    Attributes:
        name: Normalized (PEP 503).
        files: Sorted by version, then file name; only files that are whole.
        status: `active`, `archived`, `quarantined` or `deprecated` (PEP 792).
        status_reason: Why; may be empty.
        tracks: URLs of the projects that this one follows (PEP 708).
        alternate_locations: URLs of the same project elsewhere (PEP 708).
    """

    name: str
    files: Sequence[FileRecord]
    status: str = "active"
    status_reason: str = ""
    tracks: tuple[str, ...] = ()
    alternate_locations: tuple[str, ...] = ()

    @property
    def display_name(self) -> str:
        """The name as the newest distribution writes it."""
        return self.files[-1].name if self.files else self.name


class SearchRow(NamedTuple):
    """What a search looks through: a project's name, newest version and summary."""

    name: str
    version: str
    summary: str


class GlanceRow(NamedTuple):
    """What a list of projects needs of a file."""

    project: str
    version: str
    summary: str
    mtime: int
    yanked: str | None
