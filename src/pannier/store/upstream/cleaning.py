"""Make what is kept of upstream indexes smaller: the files that nobody has asked for longest go first.

Whoever is being sent a file keeps it open, so that it may be removed at any time. What goes can be fetched
again.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# A part that has not grown for this long is of a process that is gone: servers wait less for a byte.
_ABANDONED_SECONDS = 3600.0
_SLACK = 0.9


class KeptFile(NamedTuple):
    """A file in the cache.

    Attributes:
        path: Where it is.
        size: Bytes on the disk.
        used: When it was last asked for, in seconds since the epoch.
        is_part: It has not arrived yet.
    """

    path: Path
    size: int
    used: float
    is_part: bool


class Cleaning(NamedTuple):
    """What is to go, or is gone.

    Attributes:
        removed: The files.
        size: Bytes that they take.
        left: Bytes that stay.
    """

    removed: tuple[KeptFile, ...]
    size: int
    left: int


def plan_cleaning(directory: Path, *, limit: int, unused: float = 0.0, now: float | None = None) -> Cleaning:
    """Say what has to go.

    Args:
        directory: Where upstream caches are.
        limit: Bytes that may stay; a little more goes, so that it is not soon too much again.
        unused: Seconds after which what nobody asked for goes anyway; 0 for never.
        now: The time; `None` for the clock's.
    """
    now = time.time() if now is None else now
    files = sorted(_files(directory), key=lambda file: file.used)
    left = sum(file.size for file in files)
    aim = limit * _SLACK if left > limit else limit
    removed = []
    for file in files:
        if file.is_part:
            goes = now - file.used > _ABANDONED_SECONDS
        else:
            goes = left > aim or bool(unused and now - file.used > unused)
        if goes:
            removed.append(file)
            left -= file.size
    return Cleaning(tuple(removed), sum(file.size for file in removed), left)


def clean(plan: Cleaning) -> Cleaning:
    """Remove what was planned, and directories that are empty then."""
    removed = []
    for file in plan.removed:
        with suppress(OSError):
            file.path.unlink()
            removed.append(file)
        # A directory that somebody is about to write into is not empty, or is made again.
        for parent in (file.path.parent, file.path.parent.parent):
            with suppress(OSError):
                parent.rmdir()
    size = sum(file.size for file in removed)
    return Cleaning(tuple(removed), size, plan.left + plan.size - size)


def _files(directory: Path) -> Iterator[KeptFile]:
    """Pages and files of every upstream index; locks and marks stay."""
    for cache in _subdirectories(directory):
        for kind in ("pages", "files"):
            for folder, _, names in os.walk(cache / kind):
                for name in names:
                    with suppress(OSError):
                        path = Path(folder, name)
                        status = path.stat()
                        # A page's own time says when it was confirmed, which is when it was last of use.
                        used = max(status.st_atime, status.st_mtime) if kind == "files" else status.st_mtime
                        is_part = name.endswith((".part", ".tmp"))
                        yield KeptFile(path, status.st_blocks * 512, used, is_part)


def _subdirectories(directory: Path) -> list[Path]:
    with suppress(OSError):
        return [path for path in directory.iterdir() if path.is_dir()]
    return []
