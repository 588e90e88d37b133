"""Wheels and sdists, kept by content: `distributions/<sha256[:2]>/<sha256>/<filename>`."""

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.model.errors import Fact, FetchError, HashMismatchError, PannierError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.lock import LockedFile
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings
from pannier.store.writing import storage_error, whole_file

if TYPE_CHECKING:
    from pannier.store.transfer import Transfer

_PARALLEL = 8
_BLOCK = 1 << 18
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class DistributionStore:
    """The distributions of one cache.

    Attributes:
        directories: The cache.
        settings: The indexes in force, for their certificates and credentials.
        offline: Ask no network host; `file:` URLs are still read.
        reporter: Hears of the bytes that arrive.
        environ: Environment variables: proxies and certificates; `None` for the process's own.
    """

    directories: CacheDirectories
    settings: IndexSettings = field(default_factory=IndexSettings)
    offline: bool = False
    reporter: Reporter = field(default_factory=SilentReporter)
    environ: Mapping[str, str] | None = None

    def path_of(self, file: LockedFile) -> Path:
        """Say where a file lies, or would lie."""
        return self.directories.distributions / file.sha256[:2] / file.sha256 / file.filename

    def has(self, file: LockedFile) -> bool:
        """Say whether a file is there; its content was checked when it came."""
        return self._is_there(os.fspath(self.path_of(file)), file.size)

    def fetch(self, files: Sequence[LockedFile]) -> dict[str, Path]:
        """Bring what is missing and give every file's path by its sha256.

        Raises:
            FetchError: Some files could not be had; all of them are named. Offline: which are missing.
            HashMismatchError: A file is not what was locked.
            StorageError: The disk is full or the cache cannot be written.
        """
        paths = {file.sha256: self.path_of(file) for file in files}
        missing = [file for file in files if not self.has(file)]
        missing = list({file.sha256: file for file in missing}.values())
        if missing:
            self._fetch_missing(missing, paths)
        return paths

    def add(self, path: Path) -> LockedFile:
        """Take a distribution from this machine into the store.

        Args:
            path: A wheel or an sdist.

        Returns:
            Its name, hash and size; the URL is that of the copy in the store.

        Raises:
            StorageError: It cannot be read, or the cache cannot be written.
        """
        try:
            sha256, size = _hash_file(path)
            file = LockedFile(filename=path.name, url="", hashes={"sha256": sha256}, size=size)
            place = self.path_of(file)
            if not self.has(file):
                _copy(path, place)
        except OSError as error:
            raise storage_error(error, path, size=0) from error
        return LockedFile(
            filename=path.name, url=place.absolute().as_uri(), hashes={"sha256": sha256}, size=size
        )

    def _is_there(self, path: str, size: int | None) -> bool:
        try:
            found = os.stat(path)  # noqa: PTH116 - one system call per file is the whole cost of a warm store
        except OSError:
            return False
        return size is None or found.st_size == size

    def _fetch_missing(self, missing: Sequence[LockedFile], paths: Mapping[str, Path]) -> None:
        from pannier.store.transfer import Transfer

        remote = [file for file in missing if not file.url.startswith("file:")]
        if self.offline and remote:
            raise _missing_offline(remote)
        total = sum(file.size or 0 for file in missing)
        known = all(file.size is not None for file in missing)
        stage = Stage(name="downloading", total=total if known else None, unit="bytes")
        transfer = Transfer(self.settings, os.environ if self.environ is None else self.environ)
        self.reporter.begin(stage)
        try:
            if remote:
                _ = transfer.client  # made here, before threads would each make one
            errors = self._run(transfer, missing, paths, stage)
        finally:
            self.reporter.end(stage)
            transfer.close()
        if errors:
            raise _together(errors)

    def _run(
        self, transfer: "Transfer", missing: Sequence[LockedFile], paths: Mapping[str, Path], stage: Stage
    ) -> list[PannierError]:
        errors: list[PannierError] = []
        stopped = threading.Event()

        def bring(file: LockedFile) -> None:
            def advance(amount: int) -> None:
                if stopped.is_set():
                    raise KeyboardInterrupt
                self.reporter.advance(stage, amount, file.filename)

            try:
                transfer.bring(file, paths[file.sha256], advance)
            except (FetchError, HashMismatchError) as error:
                errors.append(error)

        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            futures = [pool.submit(bring, file) for file in missing]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                # Ctrl-C, or a full disk: what waits is dropped, what runs ends at its next block.
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return sorted(errors, key=lambda error: error.message)


def _hash_file(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def _copy(source: Path, destination: Path) -> None:
    with source.open("rb") as stream, whole_file(destination) as written:
        while block := stream.read(_BLOCK):
            written.write(block)


def _missing_offline(files: Sequence[LockedFile]) -> FetchError:
    names = sorted(file.filename for file in files)
    shown: list[str] = [f"`{name}`" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        shown.append(f"(+ {len(names) - _SHOWN} others)")
    what = "a file is" if len(names) == 1 else f"{len(names)} files are"
    return FetchError(
        f"{what} not in the cache, and the network may not be asked",
        code="offline-not-cached",
        facts={"missing": shown},
        hint="run the same once without `--offline`",
    )


def _together(errors: Sequence[PannierError]) -> PannierError:
    """Give the one error, or one error that tells of all; a wrong hash weighs more than a broken line."""
    mismatches = [error for error in errors if isinstance(error, HashMismatchError)]
    chosen: Sequence[PannierError] = mismatches or errors
    if len(chosen) == 1:
        return chosen[0]
    facts: dict[str, Fact] = {"found": [_summary(error) for error in chosen[:_SHOWN]]}
    if mismatches:
        message = f"{len(chosen)} files do not match their hashes in the lock"
        return HashMismatchError(message, facts=facts, hint=chosen[0].hint)
    return FetchError(f"{len(chosen)} files could not be fetched", facts=facts, hint=chosen[0].hint)


def _summary(error: PannierError) -> str:
    detail = error.facts.get("reason") or error.facts.get("found", "")
    return f"{error.message}: {detail}"
