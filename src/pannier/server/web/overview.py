"""Every project at a glance: kept in memory, and brought up to date by what has changed since."""

import threading
from typing import NamedTuple

from pannier.server.catalogue.catalogue import Catalogue, version_key
from pannier.server.catalogue.records import GlanceRow


class Glance(NamedTuple):
    """A project in a list.

    Attributes:
        name: Normalized.
        version: The newest that is neither yanked nor a pre-release; where there is none, the newest.
        summary: One line on what it is.
        changed: When its latest file came, in nanoseconds since 1970.
    """

    name: str
    version: str
    summary: str
    changed: int


class Overview:
    """The projects of one catalogue. Its methods block, and may be called from any thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._number = -1
        self._by_name: dict[str, Glance] = {}
        self._sorted: list[Glance] = []

    def projects(self) -> list[Glance]:
        """All projects, by name."""
        with self._lock:
            number, names = self._catalogue.changes_since(self._number)
            if number != self._number:
                self._read(names if self._number >= 0 and "" not in names else [])
                self._number = number
            return self._sorted

    def _read(self, names: list[str]) -> None:
        if names:
            for name in names:
                self._by_name.pop(name, None)
        else:
            self._by_name.clear()
        rows: dict[str, list[GlanceRow]] = {}
        for row in self._catalogue.glance_rows(names):
            rows.setdefault(row.project, []).append(row)
        for name, files in rows.items():
            self._by_name[name] = _glance(name, files)
        self._sorted = sorted(self._by_name.values())


def _glance(name: str, files: list[GlanceRow]) -> Glance:
    # Comparing versions takes most of the time: one is not compared.
    newest = files[0] if len(files) == 1 else max(files, key=_newness)
    return Glance(name, newest.version, newest.summary, max(file.mtime for file in files))


def _newness(file: GlanceRow) -> tuple[object, ...]:
    """What installers take comes last; of the files of a version, the one with something to say."""
    rank, version, text = version_key(file.version)
    is_final = not getattr(version, "is_prerelease", True)
    return (file.yanked is None, is_final, rank, version, text, bool(file.summary))
