"""The store: one SQLite file of what was read from the files, which can be deleted at any time.

Every process and thread has a connection of its own. SQLite's write-ahead log lets them read while one
writes, `data_version` tells each that another has written.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pannier.server.catalogue.records import FileRecord, GlanceRow, SearchRow

VERSION = 1
_BUSY_SECONDS = 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    path TEXT PRIMARY KEY, root INTEGER, filename TEXT, project TEXT, name TEXT, version TEXT, kind TEXT,
    size INTEGER, mtime INTEGER, inode INTEGER, sha256 TEXT, md5 TEXT, blake2 TEXT, metadata_sha256 TEXT,
    requires_python TEXT, summary TEXT, yanked TEXT, has_provenance INTEGER, has_signature INTEGER,
    state INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_project ON file (project, state);
CREATE INDEX IF NOT EXISTS file_filename ON file (filename);
CREATE INDEX IF NOT EXISTS file_state ON file (state) WHERE state <> 1;
CREATE TABLE IF NOT EXISTS metadata (sha256 TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reserved (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changed (project TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS changed_at ON changed (at);
CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""
# States of a file: found and not read yet, read and whole, read and not whole.
PENDING, WHOLE, BROKEN = 0, 1, 2
_COLUMNS = ", ".join(FileRecord._fields)
_PLACES = ", ".join("?" * (len(FileRecord._fields) + 1))
_WRITE = f"INSERT OR REPLACE INTO file ({_COLUMNS}, state) VALUES ({_PLACES})"  # noqa: S608 - all constants


class Database:
    """The store of one index; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._writing = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._connect()
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write; the whole block or nothing of it."""
        with self._writing:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def data_version(self) -> int:
        """A number that changes when another connection has written."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000")
        return connection

    def _prepare(self) -> None:
        try:
            self._make_schema()
        except sqlite3.DatabaseError:
            self.close()
            self._discard()
            self._make_schema()

    def _make_schema(self) -> None:
        connection = self.connection
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"store of version {version}")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def read_files(database: Database, where: str, values: Sequence[object]) -> list[tuple[FileRecord, int]]:
    """The files that fit a condition, each with its state.

    Args:
        database: The store.
        where: An SQL condition of this package's own, never of a client's making.
        values: What its placeholders stand for.
    """
    query = f"SELECT {_COLUMNS}, state FROM file WHERE {where}"  # noqa: S608 - both parts are constants
    return [_record(row) for row in database.connection.execute(query, values)]


def _record(row: tuple[object, ...]) -> tuple[FileRecord, int]:
    record = FileRecord._make(row[:-1])
    record = record._replace(
        has_provenance=bool(record.has_provenance), has_signature=bool(record.has_signature)
    )
    return record, int(str(row[-1]))


def write_file(connection: sqlite3.Connection, record: FileRecord, state: int) -> None:
    """Keep what is known of a file, and note that its project has changed."""
    connection.execute(_WRITE, (*record, state))
    note_change(connection, (record.project,))


def delete_file(connection: sqlite3.Connection, record: FileRecord) -> None:
    """Forget a file."""
    connection.execute("DELETE FROM file WHERE path = ?", (record.path,))
    note_change(connection, (record.project,))


def note_change(connection: sqlite3.Connection, projects: Iterable[str]) -> None:
    """Note that these projects' pages are no longer what they were; an empty name means all of them."""
    newest = connection.execute("SELECT coalesce(max(at), 0) FROM changed").fetchone()[0]
    rows = [(project, newest + 1) for project in projects]
    connection.executemany("INSERT OR REPLACE INTO changed VALUES (?, ?)", rows)


def read_changes(database: Database, since: int) -> tuple[int, list[str]]:
    """The number of the newest change, and the projects changed after `since`."""
    rows = database.connection.execute("SELECT project, at FROM changed WHERE at > ?", (since,)).fetchall()
    return max((at for _, at in rows), default=since), [project for project, _ in rows]


def read_search_rows(database: Database) -> Iterator[SearchRow]:
    """Every project's last file by version text, for searching."""
    query = "SELECT project, version, summary FROM file WHERE state < 2 ORDER BY project"
    for row in database.connection.execute(query):
        yield SearchRow._make(row)


def read_glance_rows(database: Database, projects: Sequence[str]) -> Iterator[GlanceRow]:
    """What a list needs of every file of these projects; of all, when none is named."""
    query = f"SELECT {', '.join(GlanceRow._fields)} FROM file WHERE state < 2"  # noqa: S608 - all constants
    if not projects:
        yield from map(GlanceRow._make, database.connection.execute(query))
    for project in projects:
        rows = database.connection.execute(f"{query} AND project = ?", (project,))
        yield from map(GlanceRow._make, rows)


def remove_store(directory: Path) -> None:
    """Delete a store that nobody uses."""
    for name in os.listdir(directory):
        if name.startswith("index.sqlite"):
            (directory / name).unlink(missing_ok=True)
