"""What has been answered, counted by all workers together in memory that they share."""

import mmap
import struct

STATUSES = (200, 206, 301, 303, 304, 400, 401, 403, 404, 405, 406, 409, 411, 413, 416, 431, 499, 500, 503)
# Upper bounds in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OTHER = len(STATUSES)
_BYTES = _OTHER + 1
_MICROSECONDS = _BYTES + 1
_FIRST_BUCKET = _MICROSECONDS + 1
_FIELDS = _FIRST_BUCKET + len(BUCKETS) + 1
_PLACES = {status: index for index, status in enumerate(STATUSES)}


class Counters:
    """The counters of every worker; each adds to its own, and reads all."""

    def __init__(self, workers: int = 1) -> None:
        self._memory = mmap.mmap(-1, workers * _FIELDS * 8)
        self._cells = memoryview(self._memory).cast("Q")
        self._workers = workers
        self._base = 0

    def take(self, worker: int) -> None:
        """Count for this worker from now on."""
        self._base = worker * _FIELDS

    def count(self, status: int, size: int, seconds: float) -> None:
        """Count one answer: its status, the bytes of its body, the seconds it took."""
        cells, base = self._cells, self._base
        cells[base + _PLACES.get(status, _OTHER)] += 1
        cells[base + _BYTES] += size
        cells[base + _MICROSECONDS] += int(seconds * 1e6)
        place = next((index for index, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        cells[base + _FIRST_BUCKET + place] += 1

    def statuses(self) -> dict[str, int]:
        """How many answers of each status there were; `other` for rare ones."""
        names = [*map(str, STATUSES), "other"]
        return {name: count for index, name in enumerate(names) if (count := self._sum(index))}

    def size(self) -> int:
        """Bytes of all bodies."""
        return self._sum(_BYTES)

    def seconds(self) -> float:
        """Seconds that all answers took together."""
        return self._sum(_MICROSECONDS) / 1e6

    def buckets(self) -> list[int]:
        """How many answers took at most the seconds of each of `BUCKETS`, and how many there were."""
        found, total = [], 0
        for index in range(len(BUCKETS) + 1):
            total += self._sum(_FIRST_BUCKET + index)
            found.append(total)
        return found

    def _sum(self, field: int) -> int:
        values = (
            struct.unpack_from("Q", self._memory, (worker * _FIELDS + field) * 8)[0]
            for worker in range(self._workers)
        )
        return int(sum(values))
