"""What somebody says of projects in `.pannier/projects.toml`: their status (PEP 792), and PEP 708's fields.

```toml
[particle]
status = "archived"
status-reason = "use particle2"
alternate-locations = ["https://index.example/simple/particle/"]
```
"""

import json
import logging
import tomllib
from pathlib import Path
from typing import Any, NamedTuple, Self

from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.database import Database
from pannier.server.catalogue.rows import note_change

_log = logging.getLogger("pannier.server")
_STATUSES = ("active", "archived", "quarantined", "deprecated")


class Facts(NamedTuple):
    """What is said of one project.

    Attributes:
        status: `active`, `archived`, `quarantined` or `deprecated`.
        status_reason: Why; may be empty.
        tracks: URLs of the projects that it follows.
        alternate_locations: URLs of the same project elsewhere.
    """

    status: str = "active"
    status_reason: str = ""
    tracks: tuple[str, ...] = ()
    alternate_locations: tuple[str, ...] = ()

    @classmethod
    def parse(cls, table: dict[str, Any]) -> Self:
        """Read a table.

        Raises:
            ValueError: It says what cannot be.
        """
        status = table.get("status", "active")
        if status not in _STATUSES:
            raise ValueError(f"the status is {', '.join(_STATUSES)}, not {status!r}")
        lists = [table.get(key, []) for key in ("tracks", "alternate-locations")]
        reason = table.get("status-reason", "")
        texts = [reason, *(item for items in lists for item in items)]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("status-reason is a string; tracks and alternate-locations are lists of strings")
        return cls(status, reason, tuple(lists[0]), tuple(lists[1]))

    @staticmethod
    def load(database: Database, path: Path) -> None:
        """Take over what the file says now; a file that cannot be understood changes nothing."""
        try:
            wanted = _read(path)
        except (OSError, ValueError, AttributeError, TypeError) as error:
            _log.error("%s is not understood, and what it said before holds: %s", path, error)
            return
        rows = database.connection.execute("SELECT name, facts FROM project")
        known: dict[str, str] = dict(rows.fetchall())
        changed = {name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name)}
        if not changed:
            return
        with database.transaction() as connection:
            connection.execute("DELETE FROM project")
            connection.executemany("INSERT INTO project VALUES (?, ?)", list(wanted.items()))
            for name in changed:
                note_change(connection, name)


def _read(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {normalize_project(name): json.dumps(Facts.parse(table)) for name, table in document.items()}


def read_facts(database: Database, project: str) -> Facts:
    """What is said of a project."""
    query = "SELECT facts FROM project WHERE name = ?"
    row = database.connection.execute(query, (project,)).fetchone()
    if row is None:
        return Facts()
    status, reason, tracks, locations = json.loads(row[0])
    return Facts(status, reason, tuple(tracks), tuple(locations))
