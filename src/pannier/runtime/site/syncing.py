"""Waiting until everything is on the disk, and beginning early, so that there is little to wait for."""

import contextlib
import os
import signal
import time
from typing import Callable, Iterator, Optional

_PAUSE_SECONDS = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# More than this program ever has open.
_DESCRIPTORS = 1 << 10


def sync(path: str) -> None:
    """Wait until everything written to the file system of a path is on the disk."""
    syncfs = _find_syncfs()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if syncfs is not None and syncfs(descriptor) == 0:
            return
    finally:
        os.close(descriptor)
    os.sync()


def _find_syncfs() -> Optional[Callable[[int], int]]:
    try:
        import ctypes

        syncfs: Callable[[int], int] = ctypes.CDLL(None).syncfs
    except (ImportError, OSError, AttributeError):
        # This Python has no ctypes, or this C library no such call: then all file systems.
        return None
    return syncfs


@contextlib.contextmanager
def written_back(path: str) -> Iterator[None]:
    """Have a process write to the disk what is made meanwhile. It promises nothing: `sync` has to follow."""
    syncfs = _find_syncfs()
    if syncfs is None:
        yield
        return
    process = 0
    try:
        # A signal between the two steps of this would leave a process that nobody stops.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            parent = os.getpid()
            process = os.fork()
            if not process:
                _write_back(path, syncfs, parent)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield
    finally:
        if process:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _write_back(path: str, syncfs: Callable[[int], int], parent: int) -> None:
    """Write back again and again, until the parent ends this process or has ended."""
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # What is open here would stay so after a parent that was killed: its lock, and its output.
        os.closerange(0, _DESCRIPTORS)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        while os.getppid() == parent and syncfs(descriptor) == 0:
            time.sleep(_PAUSE_SECONDS)
    finally:
        os._exit(0)
