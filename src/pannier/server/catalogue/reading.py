"""Read files that were only seen so far, and keep what is in them."""

import os
import threading
from pathlib import Path

from pannier.formats.core_metadata import CoreMetadata
from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.database import Database
from pannier.server.catalogue.examination import Examination, IncompleteError, examine
from pannier.server.catalogue.records import FileRecord
from pannier.server.catalogue.rows import BROKEN, WHOLE, delete_file, read_files, write_file, write_metadata

_SUMMARY_LIMIT = 512
_BATCH = 50


class Reader:
    """Reads the files of one index, one at a time in this process, from any thread."""

    def __init__(self, database: Database, directories: tuple[Path, ...]) -> None:
        self._database = database
        self._directories = directories
        self._reading = threading.Lock()

    def read(self, record: FileRecord) -> FileRecord | None:
        """Read a file that was only seen so far; `None` when it is gone or not whole."""
        with self._reading:
            for known, state in read_files(self._database, "path = ?", (record.path,)):
                if state != 0:  # another thread or process was faster
                    return known if state == WHOLE else None
            found = self._examine(record)
            with self._database.transaction():
                return self._keep(record, found)

    def read_some(self) -> int:
        """Read some of those that wait; gives how many it was."""
        waiting = read_files(self._database, "state = 0 LIMIT ?", (_BATCH,))
        with self._reading:
            found = [(record, self._examine(record)) for record, _ in waiting]
        with self._database.transaction():
            for record, examination in found:
                self._keep(record, examination)
        return len(waiting)

    def keep(self, record: FileRecord, examination: Examination) -> FileRecord:
        """Keep what was read of a file."""
        whole = describe(record, examination)
        with self._database.transaction() as connection:
            if examination.metadata is not None:
                write_metadata(connection, examination.metadata)
            write_file(connection, whole, WHOLE)
        return whole

    def _examine(self, record: FileRecord) -> "tuple[Examination, os.stat_result] | IncompleteError | None":
        location = self._directories[record.root] / record.path
        try:
            before = location.stat()
            examination = examine(location, record.filename)
            after = location.stat()
        except FileNotFoundError:
            return None
        except (IncompleteError, OSError) as error:
            return error if isinstance(error, IncompleteError) else IncompleteError(str(error))
        if _stamp(before) != _stamp(after):
            return IncompleteError(f"{record.path} changed while it was read")
        return examination, after

    def _keep(
        self, record: FileRecord, found: "tuple[Examination, os.stat_result] | IncompleteError | None"
    ) -> FileRecord | None:
        with self._database.transaction() as connection:
            if found is None:
                delete_file(connection, record.path)
                return None
            if isinstance(found, IncompleteError):
                write_file(connection, record, BROKEN)
                return None
        examination, status = found
        record = record._replace(size=status.st_size, mtime=status.st_mtime_ns, inode=status.st_ino)
        return self.keep(record, examination)


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def describe(record: FileRecord, examination: Examination) -> FileRecord:
    """What is known of a file now that it has been read."""
    fields = examination.fields
    data = examination.metadata
    name, project, version = record.name, record.project, record.version
    if _is_about(fields, record):
        name, project, version = fields.name, normalize_project(fields.name), fields.version or version
    return record._replace(
        name=name,
        project=project,
        version=version,
        sha256=examination.sha256,
        md5=examination.md5,
        blake2=examination.blake2,
        metadata_sha256=_digest(data) if data is not None else "",
        requires_python=fields.requires_python,
        summary=fields.summary[:_SUMMARY_LIMIT],
    )


def _is_about(fields: CoreMetadata, record: FileRecord) -> bool:
    """Whether the metadata inside is of the project that the file's name begins with.

    Where a name ends and a version begins, only the metadata know for sure; but a file called after one
    project is never a file of another.
    """
    named = normalize_project(record.filename)
    return bool(fields.name) and named.startswith(f"{normalize_project(fields.name)}-")


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
