"""Look at the directories: which distributions lie there, by size, mtime and inode."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.formats.distribution_names import DistributionName, is_distribution, parse_distribution_filename

SIDE_SUFFIXES = (".yanked", ".provenance", ".asc")
_REASON_LIMIT = 4096


class FoundFile(NamedTuple):
    """A distribution as the directory shows it.

    Attributes:
        path: Relative to the directory served, with slashes.
        root: Index of that directory.
        size: In bytes.
        mtime: Nanoseconds since 1970.
        inode: Its number in the file system.
        yanked: What the side file `PATH.yanked` says; `None` without one.
        has_provenance: There is a `PATH.provenance`.
        has_signature: There is a `PATH.asc`.
    """

    path: str
    root: int
    size: int
    mtime: int
    inode: int
    yanked: str | None = None
    has_provenance: bool = False
    has_signature: bool = False

    @property
    def name(self) -> DistributionName | None:
        """What its file name tells."""
        return parse_distribution_filename(self.path.rpartition("/")[2])


class FoundDirectory(NamedTuple):
    """A directory, with its mtime from before it was read; its path is empty for one that is served."""

    path: str
    root: int
    mtime: int


def scan(directories: Sequence[Path]) -> Iterator[FoundFile | FoundDirectory]:
    """Every directory and distribution below those served; of two with one path, that of the first one.

    What starts with a dot is passed over, and so is a symbolic link that leads out of its directory.
    """
    seen: set[str] = set()
    for index, directory in enumerate(directories):
        base = os.path.realpath(directory)
        for found in _scan_tree(base, base, "", index):
            if isinstance(found, FoundFile) and len(directories) > 1:
                if found.path in seen:
                    continue
                seen.add(found.path)
            yield found


def scan_below(directories: Sequence[Path], root: int, path: str) -> Iterator[FoundFile | FoundDirectory]:
    """The directories and distributions below one directory, by its path relative to the one served."""
    base = os.path.realpath(directories[root])
    yield from _scan_tree(base, os.path.join(base, path), f"{path}/" if path else "", root)


def find_file(directories: Sequence[Path], root: int, path: str) -> FoundFile | None:
    """One distribution by its path; `None` where there is none that may be served."""
    base = os.path.realpath(directories[root])
    location = os.path.join(base, path)
    name = path.rpartition("/")[2]
    if not is_distribution(name) or any(part.startswith(".") for part in path.split("/")):
        return None
    try:
        if not os.path.realpath(location).startswith(f"{base}/") or not os.path.isfile(location):  # noqa: PTH113
            return None
        return _found(location, os.stat(location), path, root, None)  # noqa: PTH116
    except OSError:
        return None


def _scan_tree(base: str, directory: str, prefix: str, root: int) -> Iterator[FoundFile | FoundDirectory]:
    try:
        mtime = os.stat(directory).st_mtime_ns  # noqa: PTH116
        # Read twice, which is quick, and not kept: 50,000 entries would take as much memory as all else.
        with os.scandir(directory) as entries:
            sides = {entry.name for entry in entries if entry.name.endswith(SIDE_SUFFIXES)}
        with os.scandir(directory) as entries:
            yield FoundDirectory(prefix.rstrip("/"), root, mtime)
            yield from _scan_entries(entries, base, prefix, root, sides)
    except OSError:
        return


def _scan_entries(
    entries: "Iterable[os.DirEntry[str]]", base: str, prefix: str, root: int, sides: set[str]
) -> Iterator[FoundFile | FoundDirectory]:
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_symlink() and not _stays_inside(base, entry.path):
                continue
            if entry.is_dir():
                # A link to a directory is not followed: it could lead round in a circle.
                if not entry.is_symlink():
                    yield from _scan_tree(base, entry.path, f"{prefix}{entry.name}/", root)
            elif is_distribution(entry.name) and entry.is_file():
                yield _found(entry.path, entry.stat(), prefix + entry.name, root, sides)
        except OSError:
            continue


def _stays_inside(base: str, path: str) -> bool:
    return os.path.realpath(path).startswith(f"{base}/")


def _found(location: str, status: os.stat_result, path: str, root: int, sides: set[str] | None) -> FoundFile:
    """A file with what lies beside it, among the names of `sides` or else on the disk."""
    yanked, has_provenance, has_signature = (
        os.path.exists(location + suffix)  # noqa: PTH110
        if sides is None
        else bool(sides) and path.rpartition("/")[2] + suffix in sides
        for suffix in SIDE_SUFFIXES
    )
    return FoundFile(
        path=path,
        root=root,
        size=status.st_size,
        mtime=status.st_mtime_ns,
        inode=status.st_ino,
        yanked=_read_reason(f"{location}.yanked") if yanked else None,
        has_provenance=has_provenance,
        has_signature=has_signature,
    )


def _read_reason(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - among 50,000 files
        return stream.read(_REASON_LIMIT).strip()
