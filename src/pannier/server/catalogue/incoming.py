"""Files that are being received: locked as long, so that what a killed process left can be told."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def receive(directory: Path) -> Iterator[Path]:
    """An empty file to receive into; what is left of it is removed at the end of the block.

    Yields:
        Its path, which may be linked or renamed away.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / os.urandom(12).hex()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def remove_litter(directory: Path) -> int:
    """Remove what processes that were killed have left; gives how many files it was."""
    removed = 0
    with suppress(FileNotFoundError):
        for path in list(directory.iterdir()):
            with suppress(OSError):
                removed += _remove_unlocked(path)
    return removed


def _remove_unlocked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
