"""Who works with the cache at the moment, so that cleaning takes nothing from under their hands."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = "in-use.lock"


@contextmanager
def occupied(root: Path) -> Iterator[None]:
    """Let nobody clean the cache meanwhile; the kernel ends this with the process, however it ends.

    Args:
        root: The cache. Where it cannot be written, nothing is held: what is tried there will tell.
    """
    descriptor = _opened(root)
    try:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def vacated(root: Path) -> Iterator[bool]:
    """Keep others from starting to work with the cache, if none does now.

    Args:
        root: The cache.

    Yields:
        Whether nobody works with it.
    """
    descriptor = _opened(root) if root.is_dir() else None
    try:
        yield descriptor is None or _takes_lock(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _opened(root: Path) -> int | None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        return os.open(root / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None


def _takes_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
