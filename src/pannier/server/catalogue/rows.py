"""What is in the store, row by row: files, the metadata inside them, and what has changed."""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence

from pannier.server.catalogue.database import Database
from pannier.server.catalogue.records import FileRecord, GlanceRow, SearchRow

# States of a file: found and not read yet, read and whole, read and not whole.
PENDING, WHOLE, BROKEN = 0, 1, 2
# Stands for the list of all projects among the projects that have changed.
ROOT = ""
_COLUMNS = ", ".join(FileRecord._fields)
_PLACES = ", ".join("?" * (len(FileRecord._fields) + 1))
_WRITE = f"INSERT OR REPLACE INTO file ({_COLUMNS}, state) VALUES ({_PLACES})"  # noqa: S608 - all constants


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
    provenance, signature, state = row[-3:]
    record = FileRecord._make((*row[:-3], bool(provenance), bool(signature)))
    return record, int(str(state))


def write_file(connection: sqlite3.Connection, record: FileRecord, state: int) -> None:
    """Keep what is known of a file, and note that its project has changed."""
    before = connection.execute("SELECT project FROM file WHERE path = ?", (record.path,)).fetchone()
    had = _is_listed(connection, record.project)
    connection.execute(_WRITE, (*record, state))
    note_change(connection, record.project)
    if had != _is_listed(connection, record.project):
        note_change(connection, ROOT)
    if before is not None and before[0] != record.project:
        note_change(connection, before[0])
        note_change(connection, ROOT)


def write_new_files(connection: sqlite3.Connection, records: Sequence[FileRecord]) -> None:
    """Keep what was seen of many new files that nobody has read yet."""
    connection.executemany(_WRITE, [(*record, PENDING) for record in records])
    number = _next_change(connection)
    names = {record.project for record in records} | {ROOT}
    connection.executemany("INSERT OR REPLACE INTO changed VALUES (?, ?)", [(name, number) for name in names])


def delete_file(connection: sqlite3.Connection, path: str) -> None:
    """Forget a file, and the metadata inside it unless another has the same."""
    row = connection.execute("SELECT project, metadata_sha256 FROM file WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    project, metadata = row
    connection.execute("DELETE FROM file WHERE path = ?", (path,))
    note_change(connection, project)
    if not _is_listed(connection, project):
        note_change(connection, ROOT)
    connection.execute(
        "DELETE FROM metadata WHERE sha256 = :it"
        " AND NOT EXISTS (SELECT 1 FROM file WHERE metadata_sha256 = :it)",
        {"it": metadata},
    )


def _is_listed(connection: sqlite3.Connection, project: str) -> bool:
    query = "SELECT 1 FROM file WHERE project = ? AND state < 2 LIMIT 1"
    return connection.execute(query, (project,)).fetchone() is not None


def note_change(connection: sqlite3.Connection, project: str) -> None:
    """Note that a project's page is no longer what it was."""
    number = _next_change(connection)
    connection.execute("INSERT OR REPLACE INTO changed VALUES (?, ?)", (project, number))


def _next_change(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(at), 0) + 1 FROM changed").fetchone()[0])


def read_changes(database: Database, since: int) -> tuple[int, list[str]]:
    """The number of the newest change, and the projects changed after `since`; `ROOT` for the list of all."""
    rows = database.connection.execute("SELECT project, at FROM changed WHERE at > ?", (since,)).fetchall()
    return max((at for _, at in rows), default=since), [project for project, _ in rows]


def write_metadata(connection: sqlite3.Connection, data: bytes) -> str:
    """Keep a file's core metadata; gives its sha256."""
    digest = hashlib.sha256(data).hexdigest()
    connection.execute("INSERT OR IGNORE INTO metadata VALUES (?, ?)", (digest, zlib.compress(data, 6)))
    return digest


def read_metadata(database: Database, digest: str) -> bytes | None:
    """The core metadata of this sha256."""
    query = "SELECT data FROM metadata WHERE sha256 = ?"
    row = database.connection.execute(query, (digest,)).fetchone()
    return zlib.decompress(row[0]) if row else None


def read_search_rows(database: Database) -> Iterator[SearchRow]:
    """Name, version and summary of every file, by project."""
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
