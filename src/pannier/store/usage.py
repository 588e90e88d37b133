"""How much the cache holds, and making room in it without harm to what runs."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pannier.store.directories import CacheDirectories
from pannier.store.occupancy import vacated

CacheKind = Literal[
    "distributions",
    "built",
    "bytecode",
    "layers",
    "interpreters",
    "prefixes",
    "uv",
    "pages",
    "foreign",
    "analyses",
]
CACHE_KINDS: tuple[CacheKind, ...] = get_args(CacheKind)
# What only running commands use; the others are for locking and packing, which need them until they are done.
_FOR_RUNNING = ("prefixes", "foreign")
_PREFIX = "PANNIER_PREFIX="
# A temporary file older than this has lost its writer.
_WRITING_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What one kind of thing takes.

    Attributes:
        kind: The directory's name in the cache.
        files: How many there are.
        size: Bytes they take on the disk; a file with several names counts once.
    """

    kind: CacheKind
    files: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CleaningPlan:
    """What cleaning would remove, and what it leaves alone because it is in use.

    Attributes:
        removed: Directories and files, top level of each kind.
        kept: Those that a running process needs.
        size: Bytes that removing gives back.
        refused: Those that this user may not remove.
    """

    removed: tuple[Path, ...]
    kept: tuple[Path, ...]
    size: int
    refused: tuple[Path, ...] = ()


def cache_usage(directories: CacheDirectories) -> tuple[Usage, ...]:
    """Count files and bytes of every kind; what is missing counts nothing."""
    usages: list[Usage] = []
    for kind in CACHE_KINDS:
        files, size = _measure(_directory(directories, kind))
        usages.append(Usage(kind=kind, files=files, size=size))
    return tuple(usages)


def plan_cleaning(directories: CacheDirectories, kinds: Sequence[CacheKind] = CACHE_KINDS) -> CleaningPlan:
    """Say what cleaning these kinds would remove; nothing is touched.

    Unpacked packs and interpreters that a process runs from, or stands in, are kept; and all that locking and
    packing use, while somebody does.
    """
    busy = _busy_paths(directories.root)
    with vacated(directories.root) as is_vacant:
        pass
    removed: list[Path] = []
    kept: list[Path] = []
    size = 0
    for kind in kinds:
        for path in _entries(_directory(directories, kind)):
            if _is_busy(path, busy) or _is_in_work(path, is_vacant=is_vacant):
                kept.append(path)
            else:
                removed.append(path)
                size += _measure(path)[1]
    return CleaningPlan(removed=tuple(removed), kept=tuple(kept), size=size)


def clean(plan: CleaningPlan) -> CleaningPlan:
    """Remove what was planned, looking once more at what runs by now.

    Each entry is renamed away before its content goes, so nobody ever finds half of one. Other processes may
    clean, fetch and unpack at the same time.

    Returns:
        What was really removed and kept.
    """
    removed: list[Path] = []
    refused: list[Path] = []
    kept = list(plan.kept)
    size = 0
    root = plan.removed[0].parents[1] if plan.removed else Path()
    busy = _busy_paths(root)
    with vacated(root) as is_vacant:
        for path in plan.removed:
            if _is_busy(path, busy) or _is_in_work(path, is_vacant=is_vacant):
                kept.append(path)
                continue
            taken = _measure(path)[1]
            if _remove(path):
                removed.append(path)
                size += taken
            elif os.path.lexists(path):
                refused.append(path)
    return CleaningPlan(removed=tuple(removed), kept=tuple(kept), size=size, refused=tuple(refused))


def _directory(directories: CacheDirectories, kind: CacheKind) -> Path:
    return directories.root / kind


def _entries(directory: Path) -> list[Path]:
    with suppress(OSError):
        # A lock file is the gate to its prefix: taking it away would let two processes in at once.
        return sorted(path for path in directory.iterdir() if path.suffix != ".lock")
    return []


def _remove(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink()
            return True
        return False
    aside = path.with_name(f".removed.{path.name}.{os.getpid()}")
    try:
        path.rename(aside)
    except OSError:
        return False
    shutil.rmtree(aside, onerror=_make_writable)
    return True


def _make_writable(function: object, name: str, _info: object) -> None:
    """Try once more after the directory was made writable: unpacked packs may be read-only."""
    del function
    path = Path(name)
    with suppress(OSError):
        path.parent.chmod(0o700)
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _measure(path: Path) -> tuple[int, int]:
    files, size = 0, 0
    seen: set[tuple[int, int]] = set()
    for status in _iter_files(path):
        files += 1
        identity = (status.st_dev, status.st_ino)
        if status.st_nlink == 1 or identity not in seen:
            size += status.st_blocks * 512
            seen.add(identity)
    return files, size


def _iter_files(path: Path) -> Iterator[os.stat_result]:
    with suppress(OSError):
        if path.is_symlink() or path.is_file():
            yield path.lstat()
            return
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                yield os.lstat(f"{folder}/{name}")


def _busy_paths(root: Path) -> tuple[str, ...]:
    """List the places under `root` that processes run from, stand in or have mapped, as far as we may see."""
    found: set[str] = set()
    below = f"{root.resolve()}/"
    for process in Path("/proc").glob("[0-9]*"):
        for link in ("exe", "cwd"):
            with suppress(OSError):
                found.add(str((process / link).readlink()))
        with suppress(OSError):
            # A program that has loaded nothing compiled: the launcher's variable, or the directory kept open.
            environ = os.fsdecode((process / "environ").read_bytes()).split("\0")
            found.update(one[len(_PREFIX) :] for one in environ if one.startswith(_PREFIX))
            found.update(str(link.readlink()) for link in (process / "fd").iterdir())
        with suppress(OSError):
            # A pack without an interpreter runs the host's; only what it has loaded gives it away.
            maps = (process / "maps").read_bytes()
            if os.fsencode(below) in maps:
                lines = os.fsdecode(maps).splitlines()
                found.update(below + line.split(below, 1)[1] for line in lines if below in line)
    return tuple(sorted(path for path in found if path.startswith(below)))


def _is_busy(path: Path, busy: Sequence[str]) -> bool:
    own = os.fspath(path.resolve())
    return any(place == own or place.startswith(own + "/") for place in busy) or _is_being_written(path)


def _is_in_work(path: Path, *, is_vacant: bool) -> bool:
    return not is_vacant and path.parent.name not in _FOR_RUNNING


def _is_being_written(path: Path) -> bool:
    newest = time.time() - _WRITING_SECONDS
    if ".tmp." in path.name:
        return Path("/proc", path.name.rpartition(".")[2]).exists()
    if path.parent.name in ("uv", "prefixes", "foreign"):
        return False  # uv guards its own, and the launcher renames whole prefixes into place
    files = [path] if path.is_file() else path.rglob("*.tmp")
    with suppress(OSError):
        return any(file.suffix == ".tmp" and file.stat().st_mtime > newest for file in files)
    return False
