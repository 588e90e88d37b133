"""Several processes that answer, and one that starts them again when they end."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable

_log = logging.getLogger("pannier.server")
_QUICK_SECONDS = 1.0


def supervise(work: Callable[[int], None], workers: int, grace: float) -> None:
    """Run workers until this process is told to stop, then stop them.

    Args:
        work: What each does, with its number; it ends when it gets SIGTERM.
        workers: How many there are.
        grace: Seconds that they have to end.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stopping.append(number))
    # A blocked signal and `sigtimedwait` leave no moment in which a signal could be missed.
    watched = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    running = {_start(work, index): (index, time.monotonic()) for index in range(workers)}
    while not stopping:
        found = signal.sigtimedwait(watched, 5)
        if found is not None and found.si_signo != signal.SIGCHLD:
            break
        for pid in _ended():
            index, since = running.pop(pid, (-1, 0.0))
            if index < 0:
                continue
            _log.error("worker %d ended; starting another", index)
            if time.monotonic() - since < _QUICK_SECONDS:
                time.sleep(_QUICK_SECONDS)  # what ends at once will do so again
            running[_start(work, index)] = (index, time.monotonic())
    _stop(set(running), grace)


def _start(work: Callable[[int], None], index: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
        work(index)
        status = 0
    except KeyboardInterrupt:
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it was, the parent starts another worker
        _log.exception("worker %d failed", index)
    finally:
        os._exit(status)


def _ended() -> list[int]:
    """The processes that have ended since."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            found.append(pid)
    return found


def _stop(pids: set[int], grace: float) -> None:
    deadline = time.monotonic() + grace + 5
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    while pids and time.monotonic() < deadline:
        pids -= set(_ended())
        time.sleep(0.02)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
