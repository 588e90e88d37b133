"""A request's body, handed from the event loop that receives it to the thread that reads it."""

import threading
from collections import deque
from collections.abc import Callable

HIGH_WATER = 1 << 19


class StreamedBody:
    """Bytes between the event loop and a worker's thread; the client is held back when the thread is slower.

    `feed`, `finish` and `fail` are for the event loop; `read` is for the thread.
    """

    def __init__(self, on_first_read: Callable[[], None], on_low_water: Callable[[], None]) -> None:
        self._ready = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._is_over = False
        self._is_broken = False
        self._is_wanted = False
        self._on_first_read = on_first_read
        self._on_low_water = on_low_water

    def feed(self, data: bytes) -> bool:
        """Take what was received; says whether that is enough for now."""
        with self._ready:
            self._chunks.append(data)
            self._size += len(data)
            self._ready.notify()
            return self._size > HIGH_WATER

    def finish(self) -> None:
        """That was all."""
        with self._ready:
            self._is_over = True
            self._ready.notify()

    def fail(self) -> None:
        """The client went away, or nobody wants the rest."""
        with self._ready:
            self._is_broken = True
            self._chunks.clear()
            self._ready.notify()

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, or all of them; empty at the end. Blocks.

        Raises:
            ConnectionError: The client went away before it had sent everything.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(HIGH_WATER), b""))
        if not self._is_wanted:
            self._is_wanted = True
            self._on_first_read()
        with self._ready:
            while not self._chunks and not self._is_over and not self._is_broken:
                self._ready.wait()
            if self._is_broken:
                raise ConnectionError("the client went away before it had sent everything")
            return self._take(size)

    def _take(self, size: int) -> bytes:
        if not self._chunks or not size:
            return b""
        chunk = self._chunks.popleft()
        if len(chunk) > size:
            self._chunks.appendleft(chunk[size:])
            chunk = chunk[:size]
        was_high = self._size > HIGH_WATER // 2
        self._size -= len(chunk)
        if was_high and self._size <= HIGH_WATER // 2:
            self._on_low_water()
        return chunk
