"""Many files scanned at once, on every core we may use, while what was found is followed.

Processes are forked rather than started: a started one would load for longer than most trees take to read.
Nothing depends on them. What a process that died has not delivered is scanned here.
"""

import gc
import marshal
import os
import select
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from pannier.imports.scanning.file_scan import FileScan, ScanOptions, scan_file
from pannier.imports.scanning.plain import Plain, from_plain, to_plain

# Below this many bytes, forking costs more than it saves.
_WORTHWHILE = 1_000_000
_MOST_WORKERS = 16
# A portion is this part of what is left for each of us, so that the last ones keep nobody waiting.
_PARTS = 4
_SMALLEST = 200_000
_TOKEN_SIZE = 2
_HEAD_SIZE = 4
_READ_SIZE = 1 << 20

Advance = Callable[[int], object]


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


class Crew:
    """Scans files ahead of whoever asks for them: this process, and others while it does something else.

    Args:
        sizes: The files in the order in which they will be asked for, and about how large each is.
        order: How to scan them.
        advance: Told how many more are done.
    """

    def __init__(self, sizes: dict[str, int], order: Order, advance: Advance) -> None:
        self._awaited = set(sizes)
        self._order = order
        self._advance = advance
        self._found: dict[str, FileScan] = {}
        self._own: Iterator[str] = iter(())
        self._workers: dict[int, _Worker] = {}
        workers = min(len(os.sched_getaffinity(0)), _MOST_WORKERS, len(sizes))
        if workers < 2 or sum(sizes.values()) < _WORTHWHILE:
            return
        portions = _portions(sizes, workers)
        tokens, giver = os.pipe()
        os.write(giver, b"".join(place.to_bytes(_TOKEN_SIZE, "big") for place in range(len(portions))))
        os.close(giver)
        self._own = (path for place in _taken(tokens) for path in portions[place])
        for _ in range(workers - 1):
            worker = _fork(portions, tokens, order, [*self._workers])
            self._workers[worker.pipe] = worker

    def take(self, path: str) -> FileScan | None:
        """What a file holds; `None` where it was not among the files, or was taken before."""
        if path not in self._awaited:
            return None
        self._awaited.discard(path)
        while path not in self._found:
            self._receive(0)
            if path in self._found:
                break
            ahead = next(self._own, None)
            if ahead is None and self._workers:
                self._receive(None)
            else:
                self._scan(path if ahead is None else ahead)
        return self._found.pop(path)

    def dismiss(self) -> None:
        """Let go of the other processes, whether or not all was taken."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()
        self._own = iter(())

    def _scan(self, path: str) -> None:
        self._found[path] = self._order.scan(path)
        self._advance(1)

    def _receive(self, patience: float | None) -> None:
        """Read what other processes have delivered; with `None` for patience, wait until one has."""
        if not self._workers:
            return
        ready, _, _ = select.select(list(self._workers), (), (), patience)
        for pipe in ready:
            worker = self._workers[pipe]
            delivered = worker.read()
            self._found.update(delivered)
            self._advance(len(delivered))
            if worker.is_done:
                worker.end()
                del self._workers[pipe]


class _Worker:
    """Another process, and what of its deliveries has come so far."""

    def __init__(self, process: int, pipe: int) -> None:
        self.process = process
        self.pipe = pipe
        self.is_done = False
        self._buffer = bytearray()

    def read(self) -> dict[str, FileScan]:
        """The scans that are there whole, having read once."""
        content = os.read(self.pipe, _READ_SIZE)
        self.is_done = not content
        self._buffer += content
        found: dict[str, FileScan] = {}
        while len(self._buffer) >= _HEAD_SIZE:
            end = _HEAD_SIZE + int.from_bytes(self._buffer[:_HEAD_SIZE], "big")
            if len(self._buffer) < end:
                break
            delivered: dict[str, Plain] = marshal.loads(self._buffer[_HEAD_SIZE:end])  # noqa: S302 - our own child's
            found.update((path, from_plain(plain)) for path, plain in delivered.items())
            del self._buffer[:end]
        return found

    def end(self) -> None:
        """Wait for the process, which ends as soon as nobody listens."""
        os.close(self.pipe)
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)


def _portions(sizes: dict[str, int], workers: int) -> list[list[str]]:
    """Files in their order, in portions that get smaller towards the end; very large files come first."""
    left = sum(sizes.values())
    limit = left // (_PARTS * workers)
    large = [path for path, size in sizes.items() if size > limit]
    left -= sum(map(sizes.__getitem__, large))
    portions = [[path] for path in large]
    portion: list[str] = []
    taken = 0
    for path, size in sizes.items():
        if size > limit:
            continue
        portion.append(path)
        taken += size
        if taken >= max(left // (_PARTS * workers), _SMALLEST):
            portions.append(portion)
            portion, left, taken = [], left - taken, 0
    return [*portions, portion] if portion else portions


def _taken(tokens: int) -> Iterator[int]:
    """The portions that nobody has taken yet; reading a pipe of tokens takes one."""
    try:
        while token := os.read(tokens, _TOKEN_SIZE):
            yield int.from_bytes(token, "big")
    finally:
        os.close(tokens)


def _fork(portions: list[list[str]], tokens: int, order: Order, others: list[int]) -> _Worker:
    """Begin a process that delivers scans until no portion is left, or nobody listens any more."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return _Worker(process, reader)
    try:
        gc.disable()
        for pipe in (reader, *others):
            os.close(pipe)
        for place in _taken(tokens):
            content = marshal.dumps({path: to_plain(order.scan(path)) for path in portions[place]})
            _write(writer, len(content).to_bytes(_HEAD_SIZE, "big") + content)
    finally:
        # Whatever happened: nothing of the parent's is to be flushed, cleaned up or shown here.
        os._exit(0)


def _write(pipe: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(pipe, rest) :]
