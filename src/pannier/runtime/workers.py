"""Forked workers that do jobs side by side, end with their parent, and stop when one of them fails."""

import contextlib
import json
import os
import select
import signal
from typing import Callable, Dict, Iterator, List, NamedTuple, NoReturn, Tuple

from .errors import ArchiveError, storage
from .segment import Piece

_PARENT_CHECK_SECONDS = 0.2

Link = Tuple[str, str]

# The process that a worker works for; 0 in one that is no worker.
_parent = 0


class Worker(NamedTuple):
    """A forked process and the pipe on which it reports."""

    process: int
    reports: int


def count_workers() -> int:
    """Return the number of processors this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return os.cpu_count() or 1


def check_parent() -> None:
    """End at once when this is a worker whose parent was killed: nobody would remove what it writes."""
    if _parent and os.getppid() != _parent:
        os._exit(1)


def write_all(descriptor: int, data: Piece) -> None:
    """Write all of `data`: the system may take less at a time, and does when the disk is nearly full."""
    written = os.write(descriptor, data)
    if written != len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def run_jobs(
    run: Callable[[int], List[Link]], count: int, workers: int, directory: str, follow_parent: bool = True
) -> List[List[Link]]:
    """Run `run(0)` to `run(count - 1)` in forked workers, each of which takes the next one when it is free.

    Args:
        run: Does one job; what it returns must be JSON.
        count: How many there are; the longest should come first.
        workers: How many processes; with 1 all run in this one.
        directory: Named in errors.
        follow_parent: Stop when the process that started this one ends: nobody would want the result.

    Returns:
        What the jobs returned, in no order.

    Raises:
        ArchiveError: A job failed; the others were stopped.
    """
    if workers <= 1:
        return [run(number) for number in range(count)]
    queue, feed = os.pipe()
    # Four bytes for each job: a pipe takes thousands before it blocks, and a read takes them whole.
    started: List[Worker] = []
    try:
        while len(started) < workers:
            # A signal between the two steps of this would leave a worker that nobody stops.
            with _held_back(signal.SIGTERM):
                started.append(_start_worker(run, queue, feed, directory))
        os.close(queue)
        queue = -1
        _feed_jobs(feed, count)
        os.close(feed)
        feed = -1
        return _gather(started, follow_parent)
    finally:
        for descriptor in (queue, feed):
            if descriptor >= 0:
                os.close(descriptor)
        _stop(started)


@contextlib.contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _feed_jobs(feed: int, count: int) -> None:
    for number in range(count):
        os.write(feed, number.to_bytes(4, "big"))


def _start_worker(run: Callable[[int], List[Link]], queue: int, feed: int, directory: str) -> Worker:
    reading, writing = os.pipe()
    parent = os.getpid()
    process = os.fork()
    if not process:
        os.close(reading)
        os.close(feed)
        _work(run, queue, writing, parent, directory)
    os.close(writing)
    return Worker(process, reading)


def _work(
    run: Callable[[int], List[Link]], queue: int, reports: int, parent: int, directory: str
) -> NoReturn:
    """Do jobs until there are none, report, and end without running anything that the parent set up."""
    global _parent  # noqa: PLW0603  # one fact about this whole process, from its start
    _parent = parent
    report: Dict[str, object] = {}
    try:
        # A worker has nothing to clean up, and its parent's handler would be the wrong one.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        results = []
        while True:
            number = os.read(queue, 4)
            if not number:
                break
            check_parent()
            results.append(run(int.from_bytes(number, "big")))
        report = {"results": results}
    except ArchiveError as error:
        report = {"error": _as_json(error)}
    except OSError as error:
        report = {"error": _as_json(storage(error, directory))}
    except BaseException as error:  # noqa: BLE001  # a worker must report whatever ended it
        report = {"error": _as_json(ArchiveError(f"unpacking failed: {error!r}", "unpack-failed"))}
    finally:
        with contextlib.suppress(OSError):
            write_all(reports, json.dumps(report).encode())
        os._exit(1 if "error" in report else 0)


def _as_json(error: ArchiveError) -> Dict[str, object]:
    return {
        "message": error.message,
        "code": error.code,
        "facts": list(error.facts.items()),
        "hint": error.hint,
    }


def _gather(workers: List[Worker], follow_parent: bool) -> List[List[Link]]:
    """Read the workers' reports until all have ended or one has failed."""
    # A program that is started in the background may outlive whoever started it; the launcher waits for this.
    parent = os.getppid() if "PANNIER_LAUNCHER" in os.environ else 0
    texts = {worker.reports: b"" for worker in workers}
    results: List[List[Link]] = []
    while texts:
        ready = select.select(list(texts), [], [], _PARENT_CHECK_SECONDS)[0]
        if follow_parent and ((parent and os.getppid() != parent) or not _is_wanted()):
            raise ArchiveError("the process that asked for this has ended", "interrupted")
        for descriptor in ready:
            data = os.read(descriptor, 1 << 16)
            if data:
                texts[descriptor] += data
                continue
            results += _parse_report(texts.pop(descriptor))
    return results


def _is_wanted() -> bool:
    """Whether the launcher still runs, for whose sake the shell between it and this process does."""
    launcher = os.environ.get("PANNIER_LAUNCHER", "")
    try:
        if launcher.isdigit():
            os.kill(int(launcher), 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _parse_report(text: bytes) -> List[List[Link]]:
    if not text:
        raise ArchiveError(
            "a process that was unpacking was killed", "unpack-failed", {}, "is there enough memory"
        )
    report = json.loads(text.decode())
    if "error" in report:
        error = report["error"]
        raise ArchiveError(error["message"], error["code"], dict(error["facts"]), error["hint"])
    return [[(link[0], link[1]) for link in links] for links in report["results"]]


def _stop(workers: List[Worker]) -> None:
    for worker in workers:
        # One that has ended is a zombie until it is waited for, so its number is still its own.
        with contextlib.suppress(OSError):
            os.kill(worker.process, signal.SIGKILL)
    for worker in workers:
        os.close(worker.reports)
        os.waitpid(worker.process, 0)
