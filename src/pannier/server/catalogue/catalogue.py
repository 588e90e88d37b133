"""The catalogue: every file and project of the index, and the operations that change them.

The files are the truth, with these beside them: `F.yanked` (its text is the reason), `F.provenance`
(attestations), `F.asc`; and in `.pannier/` of the first directory `reserved` (names that are or ever were
local, one a line) and `projects.toml` (status and PEP 708 fields). The store in `.pannier/store/` only
remembers. All methods may be called from any thread and any process; those that say so block.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.database import (
    BROKEN,
    PENDING,
    WHOLE,
    Database,
    delete_file,
    read_changes,
    read_files,
    read_glance_rows,
    read_search_rows,
    write_file,
)
from pannier.server.catalogue.examination import Examination, IncompleteError, examine
from pannier.server.catalogue.records import FileRecord, GlanceRow, ProjectRecord, SearchRow
from pannier.server.catalogue.scanning import FoundFile, scan
from pannier.store.writing import write_whole

OWN_DIRECTORY = ".pannier"


class Catalogue:
    """The catalogue of the directories served."""

    def __init__(self, directories: tuple[Path, ...], store: Path | None = None) -> None:
        self.directories = directories
        self.own = directories[0] / OWN_DIRECTORY
        self.incoming = self.own / "incoming"
        self.database = Database((store or self.own / "store") / "index.sqlite")
        self._examining = threading.Lock()

    # What there is.

    def projects(self) -> list[str]:
        """The normalized names of all projects that have a file, sorted."""
        rows = self.database.connection.execute(
            "SELECT DISTINCT project FROM file WHERE state < 2 ORDER BY project"
        )
        return [row[0] for row in rows]

    def project(self, name: str) -> ProjectRecord | None:
        """A project by its normalized name. Blocks while files found a moment ago are read."""
        rows = read_files(self.database, "project = ? AND state < 2", (name,))
        files = [record if state == WHOLE else self._read_pending(record) for record, state in rows]
        whole = [record for record in files if record is not None]
        return ProjectRecord(name, sorted(whole, key=_order)) if whole else None

    def has_pending(self, name: str) -> bool:
        """Whether `project(name)` would have to read files, and so take its time."""
        query = "SELECT 1 FROM file WHERE project = ? AND state = 0 LIMIT 1"
        return self.database.connection.execute(query, (name,)).fetchone() is not None

    def file(self, path: str) -> FileRecord | None:
        """A whole file by its path below `/packages/`. Blocks when it was found a moment ago."""
        for record, state in read_files(self.database, "path = ? AND state < 2", (path,)):
            return record if state == WHOLE else self._read_pending(record)
        return None

    def ready_file(self, path: str) -> FileRecord | None:
        """A file that is whole and has been read, by its path; does not block."""
        for record, _ in read_files(self.database, "path = ? AND state = 1", (path,)):
            return record
        return None

    def file_named(self, filename: str) -> FileRecord | None:
        """A whole file by its name, in whatever directory it lies. Blocks when it was found a moment ago."""
        for record, state in read_files(self.database, "filename = ? AND state < 2", (filename,)):
            return record if state == WHOLE else self._read_pending(record)
        return None

    def location(self, record: FileRecord) -> Path:
        """Where a file lies."""
        return self.directories[record.root] / record.path

    def metadata(self, record: FileRecord) -> bytes | None:
        """The core metadata inside a file; `None` where it has none."""
        query = "SELECT data FROM metadata WHERE sha256 = ?"
        row = self.database.connection.execute(query, (record.metadata_sha256,)).fetchone()
        return row[0] if row else None

    def search_rows(self) -> Iterator[SearchRow]:
        """Name, version and summary of every file, by project."""
        return read_search_rows(self.database)

    def glance_rows(self, projects: Sequence[str] = ()) -> Iterator[GlanceRow]:
        """What a list needs of every file of these projects; of all, when none is named."""
        return read_glance_rows(self.database, projects)

    def is_local(self, name: str) -> bool:
        """Whether a name is or ever was local, or is reserved: upstream is never asked for it."""
        project = normalize_project(name)
        query = """
            SELECT 1 FROM reserved WHERE name = :project UNION ALL SELECT 1 FROM file WHERE project = :project
            UNION ALL SELECT 1 FROM reserved WHERE name LIKE '%*' AND :project GLOB name LIMIT 1
        """
        return self.database.connection.execute(query, {"project": project}).fetchone() is not None

    def changes_since(self, number: int) -> tuple[int, list[str]]:
        """The number of the newest change, and the projects changed after that of the number given."""
        return read_changes(self.database, number)

    # What changes it. Each blocks for as long as a disk takes.

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """A path for a file that is being received; what is left of it is removed at the end of the block.

        It lies in the file system of the first directory, so that `add` only has to link it.
        """
        self.incoming.mkdir(parents=True, exist_ok=True)
        path = self.incoming / os.urandom(12).hex()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

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
        if replace:
            temporary.replace(target)
        else:
            os.link(temporary, target)
        status = target.stat()
        found = FoundFile(filename, 0, status.st_size, status.st_mtime_ns, status.st_ino, name)
        return self._keep(found, examination)

    def remove(self, record: FileRecord) -> None:
        """Remove a file and what lies beside it. Its name stays reserved."""
        location = self.location(record)
        location.unlink(missing_ok=True)
        for suffix in (".yanked", ".provenance", ".asc"):
            location.with_name(location.name + suffix).unlink(missing_ok=True)
        with self.database.transaction() as connection:
            delete_file(connection, record)

    def yank(self, record: FileRecord, reason: str | None) -> FileRecord:
        """Yank a file (PEP 592), or take that back with `None` as reason; a reason may be empty."""
        location = self.location(record)
        side = location.with_name(location.name + ".yanked")
        if reason is None:
            side.unlink(missing_ok=True)
        else:
            write_whole(side, reason.encode())
        changed = record._replace(yanked=reason)
        with self.database.transaction() as connection:
            write_file(connection, changed, WHOLE)
        return changed

    def attest(self, record: FileRecord, provenance: bytes) -> FileRecord:
        """Keep a file's attestations (the JSON of a PEP 740 provenance object) beside it."""
        location = self.location(record)
        write_whole(location.with_name(location.name + ".provenance"), provenance)
        changed = record._replace(has_provenance=True)
        with self.database.transaction() as connection:
            write_file(connection, changed, WHOLE)
        return changed

    def sign(self, record: FileRecord, signature: bytes) -> FileRecord:
        """Keep the signature that somebody made of a file beside it."""
        location = self.location(record)
        write_whole(location.with_name(location.name + ".asc"), signature)
        changed = record._replace(has_signature=True)
        with self.database.transaction() as connection:
            write_file(connection, changed, WHOLE)
        return changed

    def reserve(self, name: str) -> None:
        """Never ask upstream for this name, from now on and for good; one that ends in `*` is many names."""
        project = normalize_project(name)
        query = "SELECT 1 FROM reserved WHERE name = ?"
        if self.database.connection.execute(query, (project,)).fetchone():
            return
        self.own.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(
            self.own / "reserved", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(f"{project}\n".encode())
        with self.database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO reserved VALUES (?)", (project,))

    def reserved(self) -> list[str]:
        """Every name that is never asked upstream, sorted."""
        return [row[0] for row in self.database.connection.execute("SELECT name FROM reserved ORDER BY name")]

    # What keeps it true.

    def refresh(self) -> None:
        """Look at the directories, and take note of what is new, changed or gone. Blocks."""
        self._load_reserved()
        known = {record.path: (record, state) for record, state in read_files(self.database, "1", ())}
        with self.database.transaction() as connection:
            for found in scan(self.directories):
                before = known.pop(found.path, None)
                if before is None or not _is_same(before[0], found):
                    write_file(connection, _unread(found), PENDING)
                    connection.execute("INSERT OR IGNORE INTO reserved VALUES (?)", (found.name.project,))
            for record, _ in known.values():
                delete_file(connection, record)
        self._save_reserved()

    def _load_reserved(self) -> None:
        with suppress(FileNotFoundError):
            names = (self.own / "reserved").read_text("utf-8").split()
            with self.database.transaction() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO reserved VALUES (?)", [(name,) for name in names]
                )

    def _save_reserved(self) -> None:
        names = self.reserved()
        with suppress(FileNotFoundError):
            if (self.own / "reserved").read_text("utf-8").split() == names:
                return
        if names:
            write_whole(self.own / "reserved", "".join(f"{name}\n" for name in names).encode())

    def _read_pending(self, record: FileRecord) -> FileRecord | None:
        """Read a file that was only seen so far; `None` when it is gone or not whole."""
        location = self.location(record)
        with self._examining:
            try:
                status = location.stat()
                examination = examine(location, record.filename)
            except FileNotFoundError:
                with self.database.transaction() as connection:
                    delete_file(connection, record)
                return None
            except (IncompleteError, OSError):
                with self.database.transaction() as connection:
                    write_file(connection, record, BROKEN)
                return None
        name = parse_distribution_filename(record.filename)
        assert name is not None
        found = FoundFile(
            record.path,
            record.root,
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
            name,
            record.yanked,
            record.has_provenance,
            record.has_signature,
        )
        return self._keep(found, examination)

    def _keep(self, found: FoundFile, examination: Examination) -> FileRecord:
        import hashlib

        data = examination.metadata
        record = _unread(found)._replace(
            sha256=examination.sha256,
            md5=examination.md5,
            blake2=examination.blake2,
            metadata_sha256=hashlib.sha256(data).hexdigest() if data is not None else "",
            requires_python=examination.fields.requires_python,
            summary=examination.fields.summary,
        )
        with self.database.transaction() as connection:
            write_file(connection, record, WHOLE)
            if data is not None:
                connection.execute(
                    "INSERT OR IGNORE INTO metadata VALUES (?, ?)", (record.metadata_sha256, data)
                )
        return record


def _unread(found: FoundFile) -> FileRecord:
    return FileRecord(
        path=found.path,
        root=found.root,
        filename=found.path.rpartition("/")[2],
        project=found.name.project,
        name=found.name.name,
        version=found.name.version,
        kind=found.name.kind,
        size=found.size,
        mtime=found.mtime,
        inode=found.inode,
        yanked=found.yanked,
        has_provenance=found.has_provenance,
        has_signature=found.has_signature,
    )


def _is_same(record: FileRecord, found: FoundFile) -> bool:
    return (
        record.size,
        record.mtime,
        record.inode,
        record.yanked,
        record.has_provenance,
        record.has_signature,
    ) == (
        found.size,
        found.mtime,
        found.inode,
        found.yanked,
        found.has_provenance,
        found.has_signature,
    )


def _order(record: FileRecord) -> tuple[object, ...]:
    return (version_key(record.version), record.filename)


def version_key(text: str) -> tuple[object, ...]:
    """Sort key of a version (PEP 440); what is none comes before all that are."""
    from packaging.version import InvalidVersion, Version

    try:
        return (1, Version(text), "")
    except InvalidVersion:
        return (0, text, "")


def sorted_versions(texts: Sequence[str]) -> list[str]:
    """Versions without repetition, oldest first."""
    return sorted(set(texts), key=version_key)
