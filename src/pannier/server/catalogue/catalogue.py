"""The catalogue: every file and project of the index, and the operations that change them.

The files are the truth, with these beside them: `F.yanked` (its text is the reason), `F.provenance`
(attestations), `F.asc`; and in `.pannier/` of the first directory `reserved` (names that are or ever were
local, one a line) and `projects.toml` (status and PEP 708 fields). The store in `.pannier/store/` only
remembers. All methods may be called from any thread and any process; those that say so block.
"""

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.database import Database, Version
from pannier.server.catalogue.examination import Examination, examine
from pannier.server.catalogue.facts import Facts, read_facts
from pannier.server.catalogue.incoming import receive
from pannier.server.catalogue.reading import Reader
from pannier.server.catalogue.reconciling import Outcome, is_unchanged, reconcile, unread_record
from pannier.server.catalogue.records import FileRecord, GlanceRow, ProjectRecord, SearchRow
from pannier.server.catalogue.reservations import Reservations
from pannier.server.catalogue.rows import (
    WHOLE,
    delete_file,
    read_changes,
    read_files,
    read_glance_rows,
    read_metadata,
    read_search_rows,
    write_file,
)
from pannier.server.catalogue.scanning import SIDE_SUFFIXES, FoundFile
from pannier.store.writing import write_whole

OWN_DIRECTORY = ".pannier"
_LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def _claim(temporary: Path, target: Path) -> None:
    """Give a file its name, unless there is one of that name.

    Raises:
        FileExistsError: There is.
    """
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _LINKLESS:
            raise
        # The file system knows no second names: an empty file, which is never listed, keeps this one.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        temporary.replace(target)


def sync_directory(directory: Path) -> None:
    """Wait until the disk knows the names in a directory, where its file system can say so."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_beside(location: Path) -> None:
    """Remove what lies beside a file and speaks of it."""
    for suffix in SIDE_SUFFIXES:
        location.with_name(location.name + suffix).unlink(missing_ok=True)


class Catalogue:
    """The catalogue of the directories served.

    Attributes:
        directories: Those served; what is uploaded goes to the first.
        own: Where the index keeps what belongs to it.
        incoming: Where files are received.
        database: The store.
        reader: Reads files that were only seen so far.
        reservations: Names that are never asked upstream.
    """

    def __init__(self, directories: tuple[Path, ...], store: Path | None = None) -> None:
        self.directories = directories
        self.own = own_directory(directories[0])
        self.incoming = self.own / "incoming"
        self.database = Database((store or self.own / "store") / "index.sqlite")
        self.reader = Reader(self.database, directories)
        self.reservations = Reservations(self.database, self.own / "reserved")

    # What there is.

    def projects(self) -> list[str]:
        """The normalized names of all projects that have a file, sorted."""
        rows = self.database.connection.execute(
            "SELECT DISTINCT project FROM file WHERE state < 2 ORDER BY project"
        )
        return [row[0] for row in rows]

    def project(self, name: str) -> ProjectRecord | None:
        """A project by its normalized name. Blocks while files found a moment ago are read."""
        for record, _ in read_files(self.database, "project = ? AND state = 0", (name,)):
            self.reader.read(record)
        files = [record for record, _ in read_files(self.database, "project = ? AND state = 1", (name,))]
        if not files:
            return None
        facts = read_facts(self.database, name)
        return ProjectRecord(
            name,
            sorted(files, key=lambda file: (version_key(file.version), file.filename)),
            facts.status,
            facts.status_reason,
            facts.tracks,
            facts.alternate_locations,
        )

    def has_pending(self, name: str) -> bool:
        """Whether `project(name)` would have to read files, and so take its time."""
        query = "SELECT 1 FROM file WHERE project = ? AND state = 0 LIMIT 1"
        return self.database.connection.execute(query, (name,)).fetchone() is not None

    def file(self, path: str) -> FileRecord | None:
        """A whole file by its path below `/packages/`. Blocks when it was found a moment ago."""
        return self._first("path = ? AND state < 2", path)

    def ready_file(self, path: str) -> FileRecord | None:
        """A file that is whole and has been read, by its path; does not block."""
        for record, _ in read_files(self.database, "path = ? AND state = 1", (path,)):
            return record
        return None

    def file_named(self, filename: str) -> FileRecord | None:
        """A whole file by its name, in whatever directory it lies. Blocks when it was found a moment ago."""
        return self._first("filename = ? AND state < 2", filename)

    def _first(self, where: str, value: str) -> FileRecord | None:
        for record, state in read_files(self.database, where, (value,)):
            whole = record if state == WHOLE else self.reader.read(record)
            if whole is not None:
                return whole
        return None

    def location(self, record: FileRecord) -> Path:
        """Where a file lies."""
        return self.directories[record.root] / record.path

    def metadata(self, record: FileRecord) -> bytes | None:
        """The core metadata inside a file; `None` where it has none."""
        return read_metadata(self.database, record.metadata_sha256)

    def search_rows(self) -> Iterator[SearchRow]:
        """Name, version and summary of every file, by project."""
        return read_search_rows(self.database)

    def glance_rows(self, projects: Sequence[str] = ()) -> Iterator[GlanceRow]:
        """What a list needs of every file of these projects; of all, when none is named."""
        return read_glance_rows(self.database, projects)

    def is_local(self, name: str) -> bool:
        """Whether a name is or ever was local, or is reserved: upstream is never asked for it."""
        return self.reservations.has(normalize_project(name))

    def version(self) -> Version:
        """What differs from before when anything has changed since, by whichever process."""
        return self.database.version()

    def changes_since(self, number: int) -> tuple[int, list[str]]:
        """The number of the newest change, and the projects changed after that of the number given."""
        return read_changes(self.database, number)

    # What changes it. Each blocks for as long as a disk takes.

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """A path for a file that is being received; what is left of it is removed at the end of the block.

        It lies in the file system of the first directory, so that `add` only has to link it.
        """
        with receive(self.incoming) as path:
            yield path

    def add(
        self, temporary: Path, filename: str, examination: Examination | None = None, *, replace: bool = False
    ) -> FileRecord:
        """Make a received file a distribution of the index, in one step.

        Args:
            temporary: The whole file, of `receiving`.
            filename: The name it gets, in the first directory.
            examination: What `examine` found, where the caller has read the file already.
            replace: Take the place of a file of that name.

        Raises:
            FileExistsError: There is a file of that name in the first directory, and `replace` is false.
            ValueError: It is not the name of a distribution.
            IncompleteError: The file is not whole, or not what its name says.
        """
        name = parse_distribution_filename(filename)
        if name is None or "/" in filename or filename.startswith("."):
            raise ValueError(f"{filename!r} is not the name of a distribution")
        examination = examination or examine(temporary, filename)
        target = self.directories[0] / filename
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        self.reserve(name.project)
        # Of a file that was here before: what it says is not said of this one.
        if replace or not target.exists():
            remove_beside(target)
        if replace:
            temporary.replace(target)
        else:
            _claim(temporary, target)
        sync_directory(target.parent)
        status = target.stat()
        seen = unread_record(FoundFile(filename, 0, status.st_size, status.st_mtime_ns, status.st_ino))
        assert seen is not None
        return self.reader.keep(seen, examination)

    def remove(self, record: FileRecord) -> None:
        """Remove a file and what lies beside it. Its name stays reserved."""
        location = self.location(record)
        location.unlink(missing_ok=True)
        remove_beside(location)
        with self.database.transaction() as connection:
            delete_file(connection, record.path)

    def yank(self, record: FileRecord, reason: str | None) -> FileRecord:
        """Yank a file (PEP 592), or take that back with `None` as reason; a reason may be empty."""
        if reason is None:
            self._beside(record, ".yanked").unlink(missing_ok=True)
        else:
            write_whole(self._beside(record, ".yanked"), reason.encode())
        return self._change(record, yanked=reason)

    def attest(self, record: FileRecord, provenance: bytes) -> FileRecord:
        """Keep a file's attestations (the JSON of a PEP 740 provenance object) beside it."""
        write_whole(self._beside(record, ".provenance"), provenance)
        return self._change(record, has_provenance=True)

    def sign(self, record: FileRecord, signature: bytes) -> FileRecord:
        """Keep the signature that somebody made of a file beside it."""
        write_whole(self._beside(record, ".asc"), signature)
        return self._change(record, has_signature=True)

    def reserve(self, name: str) -> None:
        """Never ask upstream for this name, from now on and for good; one that ends in `*` is many names."""
        self.reservations.add([name])

    def reserved(self) -> list[str]:
        """Every name that is never asked upstream, sorted."""
        return self.reservations.names()

    def _beside(self, record: FileRecord, suffix: str) -> Path:
        location = self.location(record)
        return location.with_name(location.name + suffix)

    def _change(self, record: FileRecord, **changes: object) -> FileRecord:
        """Note a change of a file; what else was changed since `record` was read stays."""
        with self.database.transaction() as connection:
            now = self.ready_file(record.path) or record
            changed = now._replace(**changes)  # type: ignore[arg-type]
            write_file(connection, changed, WHOLE)
        return changed

    # What keeps it true.

    def open(self) -> None:
        """Make ready to answer: look at the directories, unless nothing has come or gone. Blocks."""
        if not is_unchanged(self.database, self.directories):
            self.refresh()
        else:
            self.refresh_own()

    def refresh(self, *, wait: bool = False) -> Outcome:
        """Look at every file, and take note of what is new, changed or gone. Blocks.

        Args:
            wait: Leave out what was written a moment ago, which the outcome names.
        """
        outcome = reconcile(self.database, self.directories, wait=wait)
        self.refresh_own()
        return outcome

    def refresh_own(self) -> None:
        """Take note of what the files in `.pannier/` say. Blocks."""
        self.reservations.load()
        Facts.load(self.database, self.own / "projects.toml")


def own_directory(directory: Path) -> Path:
    """Where an index keeps what is its own: in its directory, or in the user's cache if that is read-only."""
    own = directory / OWN_DIRECTORY
    with suppress(OSError):
        own.mkdir(exist_ok=True)
    if os.access(own, os.W_OK):
        return own
    from pannier.store.directories import usable_cache_root

    digest = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:16]
    own = usable_cache_root(os.environ) / "index" / digest
    own.mkdir(parents=True, exist_ok=True)
    return own


def version_key(text: str) -> tuple[object, ...]:
    """Sort key of a version (PEP 440); what is none comes before all that are."""
    from packaging.version import InvalidVersion, Version

    try:
        return (1, Version(text), "")
    except InvalidVersion:
        return (0, text, "")


def same_version(one: str, other: str) -> bool:
    """Whether two texts say the same version, as `1.0` and `1.0.0` do."""
    return one == other or version_key(one) == version_key(other)


def sorted_versions(texts: Sequence[str]) -> list[str]:
    """Versions without repetition, oldest first."""
    return sorted(set(texts), key=version_key)
