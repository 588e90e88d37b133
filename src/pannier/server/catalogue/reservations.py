"""Names that are never asked upstream: those that are or ever were local, and those that somebody reserved.

They are kept in `.pannier/reserved`, one a line, for good; the store only repeats them.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.database import Database


class Reservations:
    """The reserved names of one index."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._seen: tuple[object, ...] = ()

    def has(self, project: str) -> bool:
        """Whether a normalized name is or ever was local, or is reserved."""
        query = """
            SELECT 1 FROM reserved WHERE name = :project UNION ALL SELECT 1 FROM file WHERE project = :project
            UNION ALL SELECT 1 FROM reserved WHERE substr(name, -1) = '*' AND :project GLOB name LIMIT 1
        """
        return self._database.connection.execute(query, {"project": project}).fetchone() is not None

    def names(self) -> list[str]:
        """All of them, sorted."""
        return [
            row[0] for row in self._database.connection.execute("SELECT name FROM reserved ORDER BY name")
        ]

    def add(self, names: Iterable[str]) -> None:
        """Reserve names, normalized or not; one that ends in `*` is many names."""
        wanted = sorted({normalize_project(name) for name in names})
        connection = self._database.connection
        query = "SELECT 1 FROM reserved WHERE name = ?"
        new = [name for name in wanted if connection.execute(query, (name,)).fetchone() is None]
        if not new:
            return
        # A read-only directory can still be served: then the store alone keeps them.
        with suppress(PermissionError):
            self._append(new)
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO reserved VALUES (?)", [(name,) for name in new])

    def load(self) -> None:
        """Take over what the file says, and write down what only the store or the files say.

        Does nothing when neither the file nor the store is another than the last time.
        """
        seen = (self._stamp(), self._database.version()[0])
        if seen == self._seen and seen[0]:
            return
        written = self._read()
        rows = self._database.connection.execute("SELECT name FROM reserved").fetchall()
        known = {row[0] for row in rows}
        with self._database.transaction() as connection:
            new = [(name,) for name in written - known]
            connection.executemany("INSERT OR IGNORE INTO reserved VALUES (?)", new)
            connection.execute("INSERT OR IGNORE INTO reserved SELECT DISTINCT project FROM file")
        missing = sorted(set(self.names()) - written)
        if missing:
            with suppress(PermissionError):
                self._append(missing)
        self._seen = (self._stamp(), self._database.version()[0])

    def _stamp(self) -> tuple[int, ...]:
        """What tells whether the file is another; empty when it is missing."""
        with suppress(OSError):
            status = self._path.stat()
            return status.st_ino, status.st_size, status.st_mtime_ns
        return ()

    def _read(self) -> set[str]:
        with suppress(FileNotFoundError):
            # People may write into it too: names in any spelling, and lines that say why.
            lines = self._path.read_text("utf-8", "replace").splitlines()
            return {normalize_project(line.strip()) for line in lines if line.strip()[:1] not in ("", "#")}
        return set()

    def _append(self, names: Iterable[str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with os.fdopen(os.open(self._path, flags, 0o666), "wb") as stream:
            stream.write("".join(f"{name}\n" for name in names).encode())
