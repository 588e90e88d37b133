"""The store: one SQLite file of what was read from the files, which can be deleted at any time.

Every process and thread has a connection of its own. SQLite's write-ahead log lets them read while one
writes, and `version` tells each that another has written.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FORMAT = 2
_BUSY_SECONDS = 30
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
CREATE INDEX IF NOT EXISTS file_metadata ON file (metadata_sha256);
CREATE TABLE IF NOT EXISTS metadata (sha256 TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS directory (
    root INTEGER, path TEXT, mtime INTEGER, PRIMARY KEY (root, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS project (name TEXT PRIMARY KEY, facts TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reserved (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reserved_many ON reserved (name) WHERE substr(name, -1) = '*';
CREATE TABLE IF NOT EXISTS changed (project TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS changed_at ON changed (at);
"""
Version = tuple[int, int, int]


class Database:
    """The store of one index; safe to use from any thread.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._writing = threading.RLock()
        self._opening = 0
        self._writes = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare()
        self._inode = self._find_inode()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        local = self._local
        if getattr(local, "opening", None) != self._opening:
            old = getattr(local, "connection", None)
            if old is not None:
                old.close()
            local.connection = self._connect()
            local.opening = self._opening
        found: sqlite3.Connection = local.connection
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write; the whole block or nothing of it."""
        with self._writing:
            connection = self.connection
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self._writes += 1

    def version(self) -> Version:
        """What differs from before when anybody has written since."""
        return self._opening, self._writes, self.connection.execute("PRAGMA data_version").fetchone()[0]

    def close(self) -> None:
        """Close this thread's connection, as before a process divides."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection, self._local.opening

    def is_deleted(self) -> bool:
        """Whether somebody has deleted the file, or put another in its place."""
        return self._find_inode() != self._inode

    def reopen(self) -> bool:
        """Go over to the file that is there now; false when there is none."""
        inode = self._find_inode()
        if not inode:
            return False
        self._inode = inode
        self._opening += 1
        return True

    def restore(self) -> None:
        """Write what is known into a new file, since somebody has deleted the old one, and go over to it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.urandom(6).hex()}")
        try:
            with self._writing:
                self.connection.execute("VACUUM INTO ?", (str(temporary),))
                for suffix in ("-wal", "-shm"):
                    Path(f"{self.path}{suffix}").unlink(missing_ok=True)
                temporary.replace(self.path)
                self.reopen()
        finally:
            temporary.unlink(missing_ok=True)

    def _find_inode(self) -> int:
        with suppress(FileNotFoundError):
            return self.path.stat().st_ino
        return 0

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # What is lost when the power fails is read from the files again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000")
        return connection

    def _prepare(self) -> None:
        """Make the tables; a file that is damaged, or of another format, is made anew."""
        try:
            if self._find_format() not in (0, FORMAT):
                self._discard()
            self._make_tables()
        except sqlite3.OperationalError:
            raise  # no right to write, no space: another file would not help
        except sqlite3.DatabaseError:
            self._discard()
            self._make_tables()

    def _find_format(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _make_tables(self) -> None:
        self.connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        # Reads the whole schema and a page of each table, where damage most often is.
        self.connection.execute("SELECT count(*) FROM reserved").fetchone()

    def _discard(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
