"""Files on their way from upstream to the cache and, at the same time, to those who wait for them.

Nobody is ever given the last byte of a file before the whole of it has been checked, so that no client takes
wrong bytes for a finished download, and nothing unchecked gets the file's name in the cache.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pannier.model.errors import HashMismatchError, PannierError
from pannier.store.upstream.client import FileAnswer, UpstreamClient, UpstreamUnavailableError
from pannier.store.upstream.locks import FetchLocks
from pannier.store.writing import storage_error

_log = logging.getLogger("pannier.server")
_BLOCK = 1 << 18
_ATTEMPTS = 4
_FIRST_PAUSE = 0.5
_LOOK_AGAIN = 0.05


class WantedFile(NamedTuple):
    """A file to bring.

    Attributes:
        url: Where it is upstream.
        place: Where it is to be kept.
        algorithm: How to check it; empty where the index gives no hash.
        digest: In hex.
        size: Bytes; `None` where the index does not say.
    """

    url: str
    place: Path
    algorithm: str = ""
    digest: str = ""
    size: int | None = None

    @property
    def part(self) -> Path:
        """Where it grows."""
        return self.place.with_name(f".{self.place.name}.part")


class Arrival:
    """A file that is arriving: what one waiting client needs to send on what has come so far.

    Attributes:
        size: Bytes of the whole; `None` where nobody says.
    """

    def __init__(self, wanted: WantedFile) -> None:
        self.wanted = wanted
        self.size = wanted.size
        self._changed = asyncio.Event()
        self._flows = False
        self._ended = False
        self._error: PannierError | None = None

    async def wait(self) -> Path:
        """Wait until the file is whole and checked; give its place.

        Raises:
            UpstreamUnavailableError: It cannot be had now.
            HashMismatchError: What came is not what the index promised.
            StorageError: It cannot be kept.
        """
        while not self._ended:
            await self._change()
        if self._error:
            raise self._error
        return self.wanted.place

    async def begin(self) -> Path | None:
        """Wait for the first bytes; give the place of a file that is whole by then, `None` otherwise.

        Raises:
            PannierError: As `wait`.
        """
        while not self._ended and not (self._flows and _size_of(self.wanted.part)):
            await self._change()
        return await self.wait() if self._ended else None

    async def blocks(self) -> AsyncIterator[bytes]:
        """The file's bytes as they come; the last of them when the whole has been checked.

        Raises:
            PannierError: As `wait`, in the middle of the file: whoever sends it must break off.
        """
        with await self._open() as stream:
            while not self._ended:
                # The end of what is there may be the end of the file: it stays back.
                ready = os.fstat(stream.fileno()).st_size - 1 - stream.tell()
                if ready > 0:
                    yield stream.read(min(ready, _BLOCK))
                else:
                    await self._change()
            if self._error:
                raise self._error
            self._check_is_same(stream.fileno())
            while block := stream.read(_BLOCK):
                yield block

    async def _open(self) -> BinaryIO:
        while True:
            for path in (self.wanted.place, self.wanted.part) if self._flows or self._ended else ():
                with suppress(FileNotFoundError):
                    return path.open("rb")
            if self._ended:
                await self.wait()
            await self._change()

    def _check_is_same(self, descriptor: int) -> None:
        """What was read so far was the part that became the file, not one that a dying process left."""
        mine, kept = os.fstat(descriptor), self.wanted.place.stat()
        if (mine.st_dev, mine.st_ino) != (kept.st_dev, kept.st_ino):
            raise UpstreamUnavailableError(self.wanted.url, "the download was started again", retry_after=1)

    async def _change(self) -> None:
        # Another process that downloads cannot wake us: so look again after a while.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), _LOOK_AGAIN)

    def flow(self) -> None:
        """Say that whoever downloads is alive: until then, a part may be what a dead process left."""
        self._flows = True
        self.note()

    def note(self) -> None:
        """Wake those who wait: there is more."""
        self._changed.set()
        self._changed = asyncio.Event()

    def end(self, error: PannierError | None) -> None:
        """Wake those who wait: that was it."""
        self._ended, self._error = True, error
        self.note()


async def bring(arrival: Arrival, client: UpstreamClient, locks: FetchLocks) -> None:
    """Download one file, unless another process does or did; tells `arrival` how it ended.

    Whoever waits for the arrival hears of every failure, so none is raised.
    """
    wanted = arrival.wanted
    error: PannierError | None = None
    try:
        async with locks.locked(str(wanted.place), on_wait=arrival.flow):
            if not wanted.place.exists():
                await _download(arrival, client)
    except PannierError as failure:
        error = failure
    except OSError as failure:
        error = storage_error(failure, wanted.place, size=0)
    except BaseException:
        arrival.end(UpstreamUnavailableError(wanted.url, "this server is stopping", retry_after=5))
        raise
    arrival.end(error)


async def _download(arrival: Arrival, client: UpstreamClient) -> None:
    wanted = arrival.wanted
    wanted.place.parent.mkdir(parents=True, exist_ok=True)
    # One that a killed process left: those who still read it notice that it is not ours.
    wanted.part.unlink(missing_ok=True)
    try:
        with wanted.part.open("xb", buffering=0) as stream:
            arrival.flow()
            received = _Received(arrival, stream.fileno(), client.upstream.file_limit)
            await _receive(received, client)
            received.check()
            received.warn_unchecked()
            await asyncio.to_thread(os.fsync, stream.fileno())
        wanted.part.replace(wanted.place)
    finally:
        wanted.part.unlink(missing_ok=True)


async def _receive(received: "_Received", client: UpstreamClient) -> None:
    """Read to the end; where the line breaks, from there again."""
    url = received.arrival.wanted.url
    for attempt in range(_ATTEMPTS):
        before = received.size
        try:
            async with client.stream_file(url, received.size) as answer:
                blocks = received.begin(answer)
                async for block in blocks:
                    received.write(block)
                return
        except UpstreamUnavailableError as error:
            if attempt == _ATTEMPTS - 1 or received.size == before or not error.is_broken:
                raise
            await asyncio.sleep(_FIRST_PAUSE * 2**attempt)


class _Received:
    """What has come of a file."""

    def __init__(self, arrival: Arrival, descriptor: int, limit: int) -> None:
        self.arrival = arrival
        self.size = 0
        self._descriptor = descriptor
        self._limit = limit
        self._digest = hashlib.new(arrival.wanted.algorithm or "sha256", usedforsecurity=False)

    def begin(self, answer: FileAnswer | None) -> AsyncIterator[bytes]:
        """Make sure that what comes follows on what is there.

        Raises:
            UpstreamUnavailableError: It does not.
        """
        url = self.arrival.wanted.url
        if answer is None:
            raise UpstreamUnavailableError(url, "the file is not there, though the page lists it")
        if answer.start != self.size:
            reason = "the connection broke, and the host cannot go on from there"
            raise UpstreamUnavailableError(url, reason, retry_after=1)
        if self.arrival.size is None:
            self.arrival.size = answer.size
        return answer.blocks

    def write(self, block: bytes) -> None:
        self.size += len(block)
        wanted = self.arrival.wanted
        if self._limit and self.size > self._limit:
            raise UpstreamUnavailableError(
                wanted.url, f"the file is larger than the {self._limit} bytes allowed", retry_after=300
            )
        if wanted.size is not None and self.size > wanted.size:
            raise self._mismatch("more bytes", str(wanted.size))
        self._digest.update(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self.arrival.note()

    def check(self) -> None:
        """Compare with what the index promised.

        Raises:
            HashMismatchError: It is something else.
        """
        wanted = self.arrival.wanted
        if wanted.size is not None and self.size != wanted.size:
            raise self._mismatch(f"{self.size} bytes", str(wanted.size))
        if wanted.algorithm and self._digest.hexdigest() != wanted.digest:
            raise self._mismatch(self._digest.hexdigest(), f"{wanted.algorithm}:{wanted.digest}")

    def warn_unchecked(self) -> None:
        """Say what was kept of a file that upstream states no hash of: whoever doubts it can compare."""
        wanted = self.arrival.wanted
        if not wanted.algorithm:
            found = self._digest.hexdigest()
            _log.warning("kept unchecked, since upstream states no hash: %s, sha256 %s", wanted.url, found)

    def _mismatch(self, found: str, promised: str) -> HashMismatchError:
        wanted = self.arrival.wanted
        return HashMismatchError(
            "a file from upstream is not what its page promises",
            code="upstream-hash-mismatch",
            facts={"file": wanted.place.name, "promised": promised, "found": found, "url": wanted.url},
            hint="nothing of it was kept; tell whoever runs the upstream index",
        )


def _size_of(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
