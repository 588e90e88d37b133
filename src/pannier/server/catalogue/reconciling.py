"""Make the store say what the directories show: what is new is noted to be read, what is gone is forgotten.

A file that is known by its size, mtime and inode is not read again. One that was written a moment ago is left
alone until it has rested, since somebody may still be writing it.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pannier.server.catalogue.database import Database
from pannier.server.catalogue.records import FileRecord
from pannier.server.catalogue.rows import (
    PENDING,
    delete_file,
    note_change,
    read_files,
    write_file,
    write_new_files,
)
from pannier.server.catalogue.scanning import FoundDirectory, FoundFile, find_file, scan, scan_below

RESTING_SECONDS = 1.5
# A directory that changed so short before it was read may have changed after it, in the same tick.
_UNSURE_NANOSECONDS = 2_000_000_000
_BATCH = 500


class Outcome(NamedTuple):
    """What looking at directories found.

    Attributes:
        young: Root and path of files that are to be looked at again when they have rested.
        projects: Normalized names of projects that have new files.
    """

    young: tuple[tuple[int, str], ...] = ()
    projects: frozenset[str] = frozenset()


def is_unchanged(database: Database, directories: tuple[Path, ...]) -> bool:
    """Whether no file has come or gone since the directories were last read: a matter of their mtimes."""
    rows = database.connection.execute("SELECT root, path, mtime FROM directory").fetchall()
    roots = {root for root, path, _ in rows if not path}
    if roots != set(range(len(directories))):
        return False
    for root, path, mtime in rows:
        try:
            if os.stat(directories[root] / path).st_mtime_ns != mtime:  # noqa: PTH116
                return False
        except OSError:
            return False
    return True


def directory_times(
    directories: tuple[Path, ...], places: Iterable[tuple[int, str]]
) -> list[tuple[int, str, int]]:
    """The mtimes that directories have now, as `remember_times` takes them."""
    now = time.time_ns()
    times = []
    for root, path in places:
        with suppress(OSError):
            mtime = os.stat(directories[root] / path).st_mtime_ns  # noqa: PTH116
            times.append((root, path, _sure(mtime, now)))
    return times


def _sure(mtime: int, now: int) -> int:
    return mtime if now - mtime > _UNSURE_NANOSECONDS else 0


def remember_times(database: Database, times: list[tuple[int, str, int]]) -> None:
    """Note that the store knows all that happened in these directories until these times."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM directory")
        connection.executemany("INSERT OR REPLACE INTO directory VALUES (?, ?, ?)", times)


def reconcile(database: Database, directories: tuple[Path, ...], *, wait: bool = True) -> Outcome:
    """Look at everything.

    Args:
        database: The store.
        directories: What is served.
        wait: Leave alone what was written a moment ago; false for noting it at once.
    """
    query = "SELECT path, root, size, mtime, inode, yanked, has_provenance, has_signature FROM file"
    # Of 50,000 files the hashes take a quarter of the memory that the values would.
    known = {row[0]: hash(row[1:]) for row in database.connection.execute(query)}
    places = []
    files = []
    now = time.time_ns()
    for found in scan(directories):
        if isinstance(found, FoundDirectory):
            places.append((found.root, found.path, _sure(found.mtime, now)))
        elif known.pop(found.path, None) != hash(_stamp(found)):
            files.append(found)
    outcome = _take(database, files, wait=wait)
    _forget(database, directories, known)
    remember_times(database, places)
    return outcome


def reconcile_below(database: Database, directories: tuple[Path, ...], root: int, path: str) -> Outcome:
    """Look at what is below one directory, which may be gone."""
    start = f"{path}/" if path else ""
    rows = read_files(database, "root = ? AND substr(path, 1, ?) = ?", (root, len(start), start))
    found = [file for file in scan_below(directories, root, path) if isinstance(file, FoundFile)]
    outcome = _take(database, found, wait=True)
    _forget(database, directories, {record.path for record, _ in rows} - {file.path for file in found})
    return outcome


def reconcile_file(
    database: Database, directories: tuple[Path, ...], root: int, path: str, *, wait: bool
) -> Outcome:
    """Look at one file, which may be gone."""
    found = find_file(directories, root, path)
    if found is not None:
        return _take(database, [found], wait=wait)
    _forget(database, directories, [path])
    return Outcome()


def _known(record: FileRecord) -> tuple[object, ...]:
    sides = (record.yanked, int(record.has_provenance), int(record.has_signature))
    return (record.root, record.size, record.mtime, record.inode, *sides)


def _stamp(found: FoundFile) -> tuple[object, ...]:
    sides = (found.yanked, int(found.has_provenance), int(found.has_signature))
    return (found.root, found.size, found.mtime, found.inode, *sides)


def _take(database: Database, files: Iterable[FoundFile], *, wait: bool) -> Outcome:
    """Note files that are new or changed."""
    now = time.time_ns()
    young: list[tuple[int, str]] = []
    fresh: list[FileRecord] = []
    for found in files:
        before = next((_known(record) for record, _ in read_files(database, "path = ?", (found.path,))), None)
        if before == _stamp(found):
            continue
        if before is not None and before[1:4] == (found.size, found.mtime, found.inode):
            _change_sides(database, found)
        elif wait and abs(now - found.mtime) < RESTING_SECONDS * 1e9:
            young.append((found.root, found.path))
        elif (record := unread_record(found)) is not None:
            fresh.append(record)
    for start in range(0, len(fresh), _BATCH):
        with database.transaction() as connection:
            batch = fresh[start : start + _BATCH]
            if len(batch) == 1:
                write_file(connection, batch[0], PENDING)
            else:
                write_new_files(connection, batch)
    return Outcome(tuple(young), frozenset(record.project for record in fresh))


def _change_sides(database: Database, found: FoundFile) -> None:
    """A file is the same, but was yanked, signed or attested."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE file SET root = ?, yanked = ?, has_provenance = ?, has_signature = ? WHERE path = ?",
            (found.root, found.yanked, found.has_provenance, found.has_signature, found.path),
        )
        row = connection.execute("SELECT project FROM file WHERE path = ?", (found.path,)).fetchone()
        if row:
            note_change(connection, row[0])


def _forget(database: Database, directories: tuple[Path, ...], paths: Iterable[str]) -> None:
    """Forget files that were not found, unless they have come meanwhile."""
    gone = [
        path
        for path in paths
        if not any(find_file(directories, root, path) for root in range(len(directories)))
    ]
    for start in range(0, len(gone), _BATCH):
        with database.transaction() as connection:
            for path in gone[start : start + _BATCH]:
                delete_file(connection, path)


def unread_record(found: FoundFile) -> FileRecord | None:
    """What is known of a file that nobody has read; `None` when its name is not that of a distribution."""
    name = found.name
    if name is None:
        return None
    return FileRecord(
        path=found.path,
        root=found.root,
        filename=found.path.rpartition("/")[2],
        project=name.project,
        name=name.name,
        version=name.version,
        kind=name.kind,
        size=found.size,
        mtime=found.mtime,
        inode=found.inode,
        yanked=found.yanked,
        has_provenance=found.has_provenance,
        has_signature=found.has_signature,
    )
