"""What one server process knows of an upstream index: asked once for many, kept, of use while it is down.

A page is fresh for as long as the index said. After that it is asked again, with the validators of the old
page, which is served when the answer is late or does not come. Only the index's own word says that a project
is not there: silence is no answer, and is reported as such.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.simple_api_pages import strongest_hash
from pannier.formats.wheels import normalize_project
from pannier.model.errors import HashMismatchError, StorageError
from pannier.store.upstream.cleaning import clean, plan_cleaning
from pannier.store.upstream.client import PageAnswer, UpstreamClient, UpstreamUnavailableError
from pannier.store.upstream.downloads import Arrival, WantedFile, bring
from pannier.store.upstream.kept import KeptPage, UpstreamCache, file_key
from pannier.store.upstream.locks import FetchLocks
from pannier.store.upstream.state import UpstreamState
from pannier.store.writing import write_whole

Result = TypeVar("Result")
Beside = Literal["metadata", "provenance"]
# A name that is not there may be there soon: its absence is never fresh for long.
_LONGEST_MISSING = 60
_PAUSES = (2.0, 5.0, 15.0, 30.0)
_PAGES_IN_MEMORY = 16
_BETWEEN_CLEANINGS = 60.0


class Mirror:
    """The upstream index as one process of a server sees it; all its methods belong on one event loop."""

    def __init__(
        self,
        client: UpstreamClient,
        cache: UpstreamCache,
        clock: Callable[[], float] = time.time,
        size_limit: int = 0,
    ) -> None:
        self._size_limit = size_limit
        self._cleaned = 0.0
        self.client = client
        self.cache = cache
        self._clock = clock
        self._locks = FetchLocks(cache.root / "lock")
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._arrivals: dict[Path, Arrival] = {}
        self._pages: dict[str, KeptPage] = {}
        self._failures = 0
        self._closed_until = 0.0

    @property
    def state(self) -> UpstreamState:
        """How the index does."""
        is_down = self._failures > 0 and self._clock() < self._closed_until
        return UpstreamState(self.client.upstream.url, is_down, self.cache.last_answer())

    async def close(self) -> None:
        """Stop what is on its way; nothing half-made stays."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.close()
        self._locks.close()

    async def page(self, name: str) -> KeptPage:
        """Give the page of a project.

        Args:
            name: Its normalized name.

        Returns:
            What the index says; its `page` is `None` where the index says that there is no such project.

        Raises:
            UpstreamUnavailableError: The index does not answer, and nothing about the project is kept.
        """
        kept = self._kept(name)
        if kept and kept.is_fresh(self._clock()):
            return kept
        refresh = self._once(f"page {name}", self._refresh, name)
        usable = kept if kept and kept.page is not None else None
        try:
            patience = self.client.upstream.patience if usable else None
            return await asyncio.wait_for(asyncio.shield(refresh), patience)
        except (UpstreamUnavailableError, TimeoutError):
            if usable is None:
                raise
            return usable

    async def find_file(self, name: str, key: str, filename: str) -> FileLink | None:
        """Find the file of a URL of ours on its project's page; `None` where the index has no such file.

        Raises:
            UpstreamUnavailableError: The index does not answer, and no page is kept.
        """
        kept = self._kept(name)
        found = _find_file(kept, name, key, filename) if kept else None
        return found or _find_file(await self.page(name), name, key, filename)

    def kept_file(self, name: str, key: str, filename: str) -> Path | None:
        """Find a file that is here already; `None` otherwise."""
        path = self.cache.file_path(name, key, filename)
        return path if path.is_file() else None

    def fetch_file(self, name: str, file: FileLink) -> Arrival:
        """Start to bring a file, or join those who wait for it."""
        key = file_key(file)
        place = self.cache.file_path(name, key, file.filename)
        arrival = self._arrivals.get(place)
        if arrival is None:
            algorithm, digest = strongest_hash(file.hashes) or ("", "")
            arrival = Arrival(WantedFile(file.url, place, algorithm, digest, file.size))
            self._arrivals[place] = arrival
            task = self._once(f"file {place}", self._bring, arrival)
            task.add_done_callback(lambda _: self._arrivals.pop(place, None))
        return arrival

    async def fetch_beside(self, name: str, file: FileLink, kind: Beside) -> Path | None:
        """Bring what lies beside a file; `None` where the index has nothing there.

        Raises:
            UpstreamUnavailableError: It cannot be had now.
            HashMismatchError: It is not what the page promises.
        """
        place = self.cache.file_path(name, file_key(file), f"{file.filename}.{kind}")
        if place.is_file():
            return place
        return await asyncio.shield(self._once(f"beside {place}", self._bring_beside, file, kind, place))

    def _kept(self, name: str) -> KeptPage | None:
        """The page on disk, parsed once for as long as it stays the same."""
        path = self.cache.page_path(name)
        known = self._pages.get(name)
        if known:
            with suppress(OSError):
                found = path.stat()
                is_same = known.revision.startswith(f"{found.st_ino:x}-{found.st_size:x}-")
                if is_same and known.checked == found.st_mtime:
                    return known
        kept = self.cache.read_page(name)
        self._pages.pop(name, None)
        if kept:
            self._pages[name] = kept
            while len(self._pages) > _PAGES_IN_MEMORY:
                del self._pages[next(iter(self._pages))]
        return kept

    async def _refresh(self, name: str) -> KeptPage:
        self._refuse_while_down(self.client.upstream.page_url(name))
        asked_at = self._clock()
        async with self._locks.locked(f"page {name}"):
            kept = self._kept(name)
            # Another process may have asked while this one waited for the lock.
            if kept and (kept.checked >= asked_at or kept.is_fresh(self._clock())):
                return kept
            answer = await self._ask(name, kept)
            if answer.unchanged and kept:
                self.cache.confirm_page(name)
                return kept._replace(checked=self._clock())
            return self._keep(name, answer)

    async def _ask(self, name: str, kept: KeptPage | None) -> PageAnswer:
        etag, last_modified = (kept.etag, kept.last_modified) if kept else ("", "")
        try:
            try:
                answer = await self.client.fetch_page(name, etag, last_modified)
            except UpstreamUnavailableError as error:
                if error.is_down or not error.is_broken:
                    raise
                # A connection that was kept open and closed at the other end just when it was used again.
                answer = await self.client.fetch_page(name, etag, last_modified)
        except UpstreamUnavailableError as error:
            self._note_failure(error)
            raise
        self._failures = 0
        self.cache.note_answer()
        return answer

    def _keep(self, name: str, answer: PageAnswer) -> KeptPage:
        page = answer.page and answer.page._replace(name=name)
        max_age = answer.max_age if page else min(answer.max_age, _LONGEST_MISSING)
        fresh = KeptPage(page, answer.etag, answer.last_modified, max_age, self._clock())
        try:
            self.cache.write_page(name, fresh)
        except (StorageError, OSError):
            # A full disk is no reason to withhold what has just been read.
            return fresh._replace(revision=f"unkept-{self._clock()}")
        return self._kept(name) or fresh

    def _note_failure(self, error: UpstreamUnavailableError) -> None:
        if error.is_down:
            pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
            self._failures += 1
            self._closed_until = self._clock() + pause

    def _refuse_while_down(self, url: str) -> None:
        """Whoever asks a host that was just found dead would wait for nothing."""
        left = self._closed_until - self._clock()
        if self._failures and 0 < left <= _PAUSES[-1]:
            raise UpstreamUnavailableError(url, "it did not answer a moment ago", retry_after=int(left) + 1)

    async def _bring(self, arrival: Arrival) -> None:
        await bring(arrival, self.client, self._locks)
        if self._size_limit and self._clock() - self._cleaned > _BETWEEN_CLEANINGS:
            self._cleaned = self._clock()
            await asyncio.to_thread(self._clean)

    def _clean(self) -> None:
        # All caches beside each other count: that of an upstream of yesterday as well.
        directory = self.cache.root.parent
        clean(plan_cleaning(directory, limit=self._size_limit))

    async def _bring_beside(self, file: FileLink, kind: Beside, place: Path) -> Path | None:
        url = f"{file.url}.metadata" if kind == "metadata" else file.provenance
        async with self._locks.locked(str(place)):
            if os.path.exists(place):  # noqa: ASYNC240, PTH110 - it came while this waited for the lock
                return place
            content = await self.client.fetch_small(url)
            if content is None:
                return None
            if kind == "metadata":
                _check_metadata(content, file, url)
            write_whole(place, content)
            return place

    def _once(
        self, key: str, function: Callable[..., Coroutine[object, object, Result]], *arguments: object
    ) -> "asyncio.Task[Result]":
        """The running task of this key, or a new one: it goes on when those who wait for it give up."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(function(*arguments))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return task  # type: ignore[return-value]

    def _forget(self, key: str, task: "asyncio.Task[object]") -> None:
        self._tasks.pop(key, None)
        if not task.cancelled():
            task.exception()  # it was told to whoever still waited


def _find_file(kept: KeptPage, name: str, key: str, filename: str) -> FileLink | None:
    files = belonging_files(kept.page, name) if kept.page else []
    wanted = (file for file in files if file.filename == filename and file_key(file) == key)
    return next(wanted, None)


def belonging_files(page: ProjectPage, name: str) -> list[FileLink]:
    """Give the files of a page that can be the project's: those of another name have no business on it."""
    return [file for file in page.files if normalize_project(file.filename).startswith(f"{name}-")]


def _check_metadata(content: bytes, file: FileLink, url: str) -> None:
    best = strongest_hash(file.metadata or {})
    found = best and hashlib.new(best[0], content, usedforsecurity=False).hexdigest()
    if best and found != best[1]:
        raise HashMismatchError(
            "the metadata of a file from upstream is not what its page promises",
            code="upstream-hash-mismatch",
            facts={
                "file": file.filename,
                "promised": ":".join(best),
                "found": f"{best[0]}:{found}",
                "url": url,
            },
            hint="nothing of it was kept; tell whoever runs the upstream index",
        )
