"""Many files scanned at once, on every core we may use.

Processes are forked rather than started: a started one would load for longer than most trees take to read.
Nothing depends on them. What a process that died has not delivered is scanned here.
"""

import gc
import marshal
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, NamedTuple

from pannier.imports.file_scan import FileScan, ScanOptions, scan_file
from pannier.imports.plain import Plain, from_plain, to_plain

# Below this many bytes, forking costs more than it saves.
_WORTHWHILE = 1_000_000
_MOST_WORKERS = 16
# So many portions for each worker that none waits long for the others at the end.
_PORTIONS = 12
_TOKEN_SIZE = 2

Advance = Callable[[int], object]


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at each tree again and again and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Order(NamedTuple):
    """How files are to be scanned.

    Attributes:
        options: How to scan most.
        exceptions: How to scan some instead.
    """

    options: ScanOptions
    exceptions: dict[str, ScanOptions]

    def scan(self, path: str) -> FileScan:
        """Scan one file."""
        return scan_file(path, self.exceptions.get(path, self.options))


def scan_files(sizes: dict[str, int], order: Order, advance: Advance) -> dict[str, FileScan]:
    """Scan files, each once.

    Args:
        sizes: The files, and about how large each is.
        order: How to scan them.
        advance: Told how many more are done.
    """
    workers = min(len(os.sched_getaffinity(0)), _MOST_WORKERS, len(sizes))
    if workers < 2 or sum(sizes.values()) < _WORTHWHILE:
        return _scan_here(list(sizes), order, advance)
    portions = _portions(sizes, workers * _PORTIONS)
    found = _scan_together(portions, workers, order, advance)
    missing = [path for path in sizes if path not in found]
    return {**found, **_scan_here(missing, order, advance)}


def _scan_here(paths: Sequence[str], order: Order, advance: Advance) -> dict[str, FileScan]:
    found = {}
    for path in paths:
        found[path] = order.scan(path)
        advance(1)
    return found


def _portions(sizes: dict[str, int], count: int) -> list[list[str]]:
    """Files dealt out by size, so that portions take about as long as each other."""
    portions: list[list[str]] = [[] for _ in range(min(count, len(sizes)))]
    for place, path in enumerate(sorted(sizes, key=sizes.__getitem__, reverse=True)):
        portions[place % len(portions)].append(path)
    return portions


def _scan_together(
    portions: list[list[str]], workers: int, order: Order, advance: Advance
) -> dict[str, FileScan]:
    """Let forked workers and this process take portions until none is left."""
    tokens, giver = os.pipe()
    os.write(giver, b"".join(place.to_bytes(_TOKEN_SIZE, "big") for place in range(len(portions))))
    os.close(giver)
    others = [_fork(portions, tokens, order) for _ in range(workers - 1)]
    found: dict[str, FileScan] = {}
    try:
        for place in _taken(tokens):
            found.update(_scan_here(portions[place], order, advance))
    finally:
        os.close(tokens)
        for process, pipe in others:
            delivered = _collect(process, pipe)
            found.update(delivered)
            advance(len(delivered))
    return found


def _taken(tokens: int) -> Iterator[int]:
    """The portions that nobody has taken yet; reading a pipe of tokens takes one."""
    while token := os.read(tokens, _TOKEN_SIZE):
        yield int.from_bytes(token, "big")


def _fork(portions: list[list[str]], tokens: int, order: Order) -> tuple[int, BinaryIO]:
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, os.fdopen(reader, "rb")
    try:
        gc.disable()
        os.close(reader)
        done: dict[str, Plain] = {}
        for place in _taken(tokens):
            done.update((path, to_plain(order.scan(path))) for path in portions[place])
        with os.fdopen(writer, "wb") as stream:
            stream.write(marshal.dumps(done))
    finally:
        # Whatever happened: nothing of the parent's is to be flushed, cleaned up or shown here.
        os._exit(0)


def _collect(process: int, pipe: BinaryIO) -> dict[str, FileScan]:
    with pipe:
        content = pipe.read()
    with suppress(ChildProcessError):
        os.waitpid(process, 0)
    try:
        delivered: dict[str, Plain] = marshal.loads(content)  # noqa: S302 - our own child wrote it
    except (EOFError, ValueError, TypeError):
        return {}
    return {path: from_plain(plain) for path, plain in delivered.items()}
