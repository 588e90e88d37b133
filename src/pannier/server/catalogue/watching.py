"""Hear from the kernel what happens in directories (inotify): files that are complete, gone, or changed."""

import logging
import os
import select
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from inotify_simple import Event, INotify, flags

_log = logging.getLogger("pannier.server")
_MASK = (
    flags.CLOSE_WRITE
    | flags.MOVED_TO
    | flags.MOVED_FROM
    | flags.CREATE
    | flags.DELETE
    | flags.ATTRIB
    | flags.DELETE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
    | flags.EXCL_UNLINK
)
# A file was written, moved in or came into being; or all of a directory; or anything, since events were lost.
Kind = Literal["complete", "changed", "directory", "everything"]


class Happening(NamedTuple):
    """What is to be looked at.

    Attributes:
        kind: `complete` for a file that somebody has finished writing or moved in; `changed` for one that
            came, went or was touched; `directory` for all below one; `everything` when events were lost.
        root: Index of the directory served.
        path: Relative to that directory.
    """

    kind: Kind
    root: int = 0
    path: str = ""


class Watch:
    """Watches directories and what is below them."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = [os.path.realpath(directory) for directory in directories]
        self._inotify = INotify()
        self._places: dict[int, tuple[int, str]] = {}
        self.is_whole = True
        for root in range(len(directories)):
            self._add(root, "")

    @property
    def places(self) -> list[tuple[int, str]]:
        """The directories that are watched: index of the directory served, and path relative to it."""
        return list(self._places.values())

    def close(self) -> None:
        """Watch no more."""
        self._inotify.close()

    def wait(self, seconds: float) -> list[Happening]:
        """What has happened, waiting for something to for at most so many seconds; each thing once."""
        if not select.select([self._inotify.fileno()], [], [], seconds)[0]:
            return []
        found: dict[Happening, None] = {}
        for event in self._inotify.read(timeout=0):
            found.update(dict.fromkeys(self._understand(event)))
        if Happening("everything") in found:
            return [Happening("everything")]
        return list(found)

    def _add(self, root: int, path: str) -> None:
        """Watch a directory and those below it; what is in them is for the caller to look at afterwards."""
        location = os.path.join(self._directories[root], path)
        try:
            number = self._inotify.add_watch(location, _MASK)
        except FileNotFoundError:
            return
        except OSError as error:
            if self.is_whole:
                _log.warning(
                    "%s cannot be watched (%s): it is looked at every second instead", location, error
                )
            self.is_whole = False
            return
        self._places[number] = (root, path)
        try:
            with os.scandir(location) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for name in names:
            if not name.startswith("."):
                self._add(root, f"{path}/{name}" if path else name)

    def _understand(self, event: Event) -> Iterator[Happening]:
        if event.mask & flags.Q_OVERFLOW:
            yield Happening("everything")
            return
        place = self._places.get(event.wd)
        if place is None:
            return
        root, directory = place
        if event.mask & (flags.IGNORED | flags.DELETE_SELF):
            del self._places[event.wd]
            return
        if not event.name or event.name.startswith("."):
            return
        path = f"{directory}/{event.name}" if directory else event.name
        if event.mask & flags.ISDIR:
            if event.mask & (flags.CREATE | flags.MOVED_TO):
                self._add(root, path)
            yield Happening("directory", root, path)
        elif event.mask & (flags.CLOSE_WRITE | flags.MOVED_TO):
            yield Happening("complete", root, path)
        else:
            yield Happening("changed", root, path)
