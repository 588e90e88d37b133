"""The keeper: one thread of one process that keeps the store true to the files, for all processes.

It hears from the kernel when a file is complete and notes it at once. What the kernel does not tell (of a
network's file system, of too many directories, of events it lost) it finds by looking at the times of the
directories every second, and at every file now and then. Another thread reads files that were only seen.
When the process ends, another one's keeper takes over, since the lock it held is free.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from contextlib import suppress

from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.catalogue.incoming import remove_litter
from pannier.server.catalogue.reconciling import (
    RESTING_SECONDS,
    Outcome,
    directory_times,
    is_unchanged,
    reconcile_below,
    reconcile_file,
    remember_times,
)
from pannier.server.catalogue.scanning import SIDE_SUFFIXES
from pannier.server.catalogue.watching import Happening, Watch

_log = logging.getLogger("pannier.server")
_STEP_SECONDS = 0.5
_LOOK_SECONDS = 1.0
_FULL_SECONDS = 600.0
_NICENESS = 10


class Keeper:
    """Keeps the store of one index; every process has one, and one of them is at work."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._stop = threading.Event()
        self._work = threading.Event()
        self._young: dict[tuple[int, str], float] = {}
        self._threads = [
            threading.Thread(target=self._guard, args=(self._watch,), name="pannier-keeper", daemon=True),
            threading.Thread(target=self._guard, args=(self._read,), name="pannier-reader", daemon=True),
        ]
        self.is_at_work = False

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._stop.set()
        self._work.set()
        for thread in self._threads:
            thread.join(10)

    def _guard(self, work: "type[object] | object") -> None:
        """Do a thread's work for as long as the process lives, whatever it trips over."""
        assert callable(work)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not self._stop.is_set():
            try:
                work()
            except (OSError, sqlite3.Error):
                _log.exception("the directories could not be looked at; trying again")
                self._stop.wait(1)

    # Watching.

    def _watch(self) -> None:
        """Wait until no other process does it, then do it."""
        path = self._catalogue.own / "keeper.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            while not self._stop.is_set():
                with suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                self._follow()
                self._stop.wait(_STEP_SECONDS)
            if not self._stop.is_set():
                self._keep(os.fstat(descriptor).st_ino)
        finally:
            self.is_at_work = False
            os.close(descriptor)

    def _follow(self) -> None:
        """All there is to do for a process whose keeper is not at work: go over to a store made anew."""
        if self._catalogue.database.is_deleted():
            self._catalogue.database.reopen()

    def _keep(self, lock: int) -> None:
        self.is_at_work = True
        catalogue = self._catalogue
        remove_litter(catalogue.incoming)
        watch = Watch(catalogue.directories)
        try:
            self._note(catalogue.refresh(wait=True))
            self._work.set()
            looked = full = time.monotonic()
            while not self._stop.is_set() and self._has_lock(lock):
                self._hear(watch, self._patience())
                self._look_at_young()
                if catalogue.database.is_deleted():
                    catalogue.database.restore()
                    full = 0.0
                now = time.monotonic()
                if now - full > _FULL_SECONDS:
                    self._note(catalogue.refresh(wait=True))
                    looked = full = now
                elif now - looked > _LOOK_SECONDS:
                    self._look_at_times(watch)
                    looked = time.monotonic()
            self._remember(watch)
        finally:
            watch.close()

    def _hear(self, watch: Watch, seconds: float) -> None:
        for happening in watch.wait(seconds):
            self._note(self._look(happening))

    def _remember(self, watch: Watch) -> None:
        """Let the next start believe the store, which knows of everything that happened until these times."""
        times = directory_times(self._catalogue.directories, watch.places)
        self._hear(watch, 0)
        if not self._young and watch.is_whole:
            remember_times(self._catalogue.database, times)

    def _has_lock(self, inode: int) -> bool:
        """Whether the lock's file is still the one that is locked: `.pannier` may have been deleted."""
        with suppress(OSError):
            return (self._catalogue.own / "keeper.lock").stat().st_ino == inode
        self._catalogue.own.mkdir(exist_ok=True)
        return False

    def _patience(self) -> float:
        return 0.1 if self._young else _STEP_SECONDS

    def _look(self, happening: Happening) -> Outcome:
        catalogue = self._catalogue
        database, directories = catalogue.database, catalogue.directories
        root, path = happening.root, happening.path
        if happening.kind == "everything":
            return catalogue.refresh(wait=True)
        if happening.kind == "directory":
            return reconcile_below(database, directories, root, path)
        for suffix in SIDE_SUFFIXES:
            path = path.removesuffix(suffix)
        outcome = reconcile_file(database, directories, root, path, wait=happening.kind != "complete")
        if happening.kind == "complete":
            self._young.pop((root, path), None)
        return outcome

    def _note(self, outcome: Outcome) -> None:
        """Have new files read, and what may still be written looked at again."""
        due = time.monotonic() + RESTING_SECONDS
        for key in outcome.young:
            self._young.setdefault(key, due)
        if outcome.projects:
            self._catalogue.reservations.add(outcome.projects)
            self._work.set()

    def _look_at_young(self) -> None:
        now = time.monotonic()
        for key in [key for key, due in self._young.items() if due <= now]:
            del self._young[key]
            catalogue = self._catalogue
            self._note(reconcile_file(catalogue.database, catalogue.directories, *key, wait=True))

    def _look_at_times(self, watch: Watch) -> None:
        catalogue = self._catalogue
        catalogue.refresh_own()
        if not watch.is_whole and not is_unchanged(catalogue.database, catalogue.directories):
            self._note(catalogue.refresh(wait=True))

    # Reading.

    def _read(self) -> None:
        """Read what waits to be read, one batch after the other."""
        self._work.wait(5)
        self._work.clear()
        while self.is_at_work and not self._stop.is_set() and self._catalogue.reader.read_some():
            self._stop.wait(0.001)
