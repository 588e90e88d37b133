"""One fetch at a time for each thing, in all processes that share a cache.

Record locks on single bytes of one file: a lock for every name without a file for every name, and the kernel
gives them back when a process dies.
"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1


class FetchLocks:
    """The locks of one cache. Within a process they exclude nobody: there, one task fetches for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def try_lock(self, key: str) -> bool:
        """Take the lock of `key`, unless another process has it.

        Raises:
            OSError: The directory cannot be written.
        """
        if self._descriptor < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Never closed while it works: closing any descriptor of the file drops all of a process's locks.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(key))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def unlock(self, key: str) -> None:
        """Give the lock of `key` back."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _offset(key))

    @asynccontextmanager
    async def locked(self, key: str, on_wait: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Hold the lock of `key`.

        Args:
            key: What to lock.
            on_wait: Called when another process has it.
        """
        pause = _FIRST_PAUSE
        while not self.try_lock(key):
            on_wait()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        try:
            yield
        finally:
            self.unlock(key)

    def close(self) -> None:
        """Give every lock back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _offset(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big")
