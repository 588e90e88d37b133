"""The pool: each wheel unpacked, checked against its RECORD and compiled once for each minor version.

An entry is a directory with `lib`, `scripts`, `headers` and `data`, and `wheel.json`, which lists every file
with its hash. It is put in place by one rename, so one that is there is whole.
"""

import hashlib
import mmap
import os
import shutil
import zlib
from typing import Dict, Iterable, List, NamedTuple, Tuple

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.workers import Link, check_parent, count_workers, run_jobs, write_all

from .bookkeeping import broken
from .bundle import Bundle
from .compiling import compile_modules
from .layout import Site
from .listing import format_summed, read_summed
from .manifest import Wheel
from .pythons import Python
from .wheels import Item, WheelContent, algorithm_of, inflate, read_wheel

WHEEL_LISTING = "wheel.json"
_BATCH_BYTES = 1 << 23
_BATCH_FILES = 400


class Entry(NamedTuple):
    """An entry of the pool.

    Attributes:
        path: Its directory.
        files: Place to sha256 and size; byte code as well.
        executables: The places of those that can be run.
        dist_info: The name of its metadata directory.
        scripts: The scripts it asks for: name to `module:attribute`.
        project: The project's name, for the directory of its headers.
    """

    path: str
    files: Dict[str, Tuple[str, int]]
    executables: Tuple[str, ...]
    dist_info: str
    scripts: Dict[str, str]
    project: str


class Wanted(NamedTuple):
    """An entry to make: a wheel for a Python."""

    wheel: Wheel
    python: Python
    content: WheelContent

    @property
    def stage(self) -> str:
        """The name of its directory while it is made."""
        return ".new-" + self.name

    @property
    def name(self) -> str:
        """The name of its directory."""
        return "{}-py{}".format(self.wheel.sha256, self.python.minor.replace(".", ""))


def read_entry(site: Site, sha256: str, minor: str) -> Entry:
    """Read what is in the pool of a wheel.

    Raises:
        ArchiveError: It is not there, or not as it was written.
    """
    path = site.pooled(sha256, minor)
    value = read_summed(os.path.join(path, WHEEL_LISTING))
    files = {place: (digest, size) for place, (digest, size) in value["files"].items()}
    return Entry(
        path, files, tuple(value["executables"]), value["dist_info"], value["scripts"], value["project"]
    )


def has_entry(site: Site, sha256: str, minor: str) -> bool:
    """Whether the pool holds a wheel for a minor version."""
    return os.path.exists(os.path.join(site.pooled(sha256, minor), WHEEL_LISTING))


def read_contents(
    bundle: Bundle, wheels: Iterable[Wheel]
) -> Tuple[Dict[str, WheelContent], List[ArchiveError]]:
    """Read the directories of wheels in a bundle; return them by sha256, and what is wrong with others."""
    contents, problems = {}, []
    with mmap.mmap(bundle.descriptor, 0, prot=mmap.PROT_READ) as data:
        for wheel in wheels:
            try:
                contents[wheel.sha256] = read_wheel(data, bundle.contents[wheel.member][0], wheel)
            except ArchiveError as error:
                problems.append(error)
    return contents, problems


def fill_pool(site: Site, bundle: Bundle, wanted: List[Wanted]) -> None:
    """Unpack and compile wheels on all processors, then put them in place.

    Raises:
        ArchiveError: One is not as its RECORD says, or there is no room.
        OSError: The pool cannot be written.
    """
    found = _unpack(site, bundle, wanted)
    for python in {one.python.minor: one.python for one in wanted}.values():
        names = [
            (one.stage + "/" + item.place, item.size)
            for one in wanted
            if one.python.minor == python.minor
            for item in one.content.items
            if item.place.startswith("lib/") and item.place.endswith(".py")
        ]
        for name, record in compile_modules(python, site.pool, names, count_workers()).items():
            stage, _, place = name.partition("/")
            found[stage][place] = record
    for one in wanted:
        _finish(site, one, found[one.stage])


def _finish(site: Site, one: Wanted, files: Dict[str, Tuple[str, int]]) -> None:
    value = {
        "files": files,
        "executables": [item.place for item in one.content.items if item.executable],
        "dist_info": one.content.dist_info,
        "scripts": one.content.scripts,
        "project": one.wheel.project,
        "filename": one.wheel.filename,
    }
    stage, final = os.path.join(site.pool, one.stage), os.path.join(site.pool, one.name)
    with open(os.path.join(stage, WHEEL_LISTING), "w", encoding="utf-8") as stream:
        stream.write(format_summed(value))
    if os.path.exists(final):
        shutil.rmtree(final)
    os.rename(stage, final)


def _unpack(site: Site, bundle: Bundle, wanted: List[Wanted]) -> Dict[str, Dict[str, Tuple[str, int]]]:
    """Unpack wheels side by side, each by parts; return for each stage what its files are."""
    jobs: List[Tuple[Wanted, List[Item]]] = []
    for one in wanted:
        os.makedirs(os.path.join(site.pool, one.stage))
        jobs += [(one, batch) for batch in _batches(one.content.items)]
    jobs.sort(key=lambda job: -sum(item.size for item in job[1]))
    with mmap.mmap(bundle.descriptor, 0, prot=mmap.PROT_READ) as data:

        def unpack_batch(number: int) -> List[Link]:
            one, items = jobs[number]
            writer = _Writer(data, bundle.contents[one.wheel.member][0], one, site.pool)
            try:
                return [(one.stage + "/" + item.place, writer.write(item)) for item in items]
            except OSError as error:
                raise storage_error(error, site.pool) from None

        workers = min(count_workers(), max(1, len(jobs)))
        results = run_jobs(unpack_batch, len(jobs), workers, site.pool, follow_parent=False)
    found: Dict[str, Dict[str, Tuple[str, int]]] = {one.stage: {} for one in wanted}
    sizes = {one.stage + "/" + item.place: item.size for one in wanted for item in one.content.items}
    for name, digest in (pair for result in results for pair in result):
        stage, _, place = name.partition("/")
        found[stage][place] = (digest, sizes[name])
    return found


def storage_error(error: OSError, directory: str) -> ArchiveError:
    """The operating system's refusal to write, by what the reader can do about it."""
    import errno

    facts = {"directory": printable(directory), "because": error.strerror or str(error)}
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ArchiveError(
            "the disk is full", "disk-full", facts, "free some space; `site clean` removes old generations"
        )
    return ArchiveError("the site cannot be written", "storage", facts)


def _batches(items: Iterable[Item]) -> List[List[Item]]:
    batches: List[List[Item]] = []
    room = 0
    for item in items:
        if not batches or item.size > room or len(batches[-1]) >= _BATCH_FILES:
            batches.append([])
            room = _BATCH_BYTES
        batches[-1].append(item)
        room -= item.size
    return batches


class _Writer:
    """Writes files of one wheel into its stage, each checked against the RECORD."""

    def __init__(self, data: "mmap.mmap", start: int, wanted: Wanted, pool: str) -> None:
        self._data, self._start, self._wheel = data, start, wanted.wheel
        self._root = os.path.join(pool, wanted.stage) + "/"
        self._made = {""}

    def write(self, item: Item) -> str:
        """Write one file; return its sha256."""
        check_parent()
        path = self._root + item.place
        parent = os.path.dirname(path)
        if parent not in self._made:
            os.makedirs(parent, exist_ok=True)
            self._made.add(parent)
        mode = 0o755 if item.executable or item.place.startswith("scripts/") else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, mode)
        try:
            return self._copy(item, descriptor)
        finally:
            os.close(descriptor)

    def _copy(self, item: Item, descriptor: int) -> str:
        promised = algorithm_of(item.digest)
        digest = hashlib.sha256()
        other = hashlib.new(promised[0]) if promised and promised[0] != "sha256" else None
        size, crc = 0, 0
        for piece in inflate(self._data, self._start, item, self._wheel):
            size += len(piece)
            digest.update(piece)
            if other is not None:
                other.update(piece)
            if promised is None:
                crc = zlib.crc32(piece, crc)
            write_all(descriptor, piece)
        found = (other or digest).hexdigest()
        if size != item.size or (crc & 0xFFFFFFFF != item.crc if promised is None else found != promised[1]):
            raise broken(
                "a file of a wheel is not what its RECORD says",
                wheel=self._wheel.filename,
                file=item.name,
                found="sha256:" + found,
            )
        return digest.hexdigest()
