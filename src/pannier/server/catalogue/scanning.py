"""Look at the directories: which distributions lie there, by size, mtime and inode."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pannier.formats.distribution_names import DistributionName, parse_distribution_filename

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
        name: What its file name tells.
        yanked: What the side file `PATH.yanked` says; `None` without one.
        has_provenance: There is a `PATH.provenance`.
        has_signature: There is a `PATH.asc`.
    """

    path: str
    root: int
    size: int
    mtime: int
    inode: int
    name: DistributionName
    yanked: str | None = None
    has_provenance: bool = False
    has_signature: bool = False


def scan(directories: tuple[Path, ...]) -> Iterator[FoundFile]:
    """Every distribution below the directories; of two with one path, that of the first directory.

    What starts with a dot is passed over, and so is a symbolic link that leads out of its directory.
    """
    seen: set[str] = set()
    for index, directory in enumerate(directories):
        base = os.path.realpath(directory)
        for found in _scan_tree(base, base, "", index):
            if found.path not in seen:
                seen.add(found.path)
                yield found


def scan_directory(directories: tuple[Path, ...], root: int, relative: str) -> Iterator[FoundFile]:
    """The distributions below one directory among those served."""
    base = os.path.realpath(directories[root])
    yield from _scan_tree(base, os.path.join(base, relative), f"{relative}/" if relative else "", root)


def _scan_tree(base: str, directory: str, prefix: str, root: int) -> Iterator[FoundFile]:
    try:
        with os.scandir(directory) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return
    names = {entry.name for entry in found}
    for entry in found:
        try:
            if entry.is_symlink() and not _stays_inside(base, entry.path):
                continue
            if entry.is_dir():
                # A link to a directory is not followed: it could lead round in a circle.
                if not entry.is_symlink():
                    yield from _scan_tree(base, entry.path, f"{prefix}{entry.name}/", root)
            elif (name := parse_distribution_filename(entry.name)) and entry.is_file():
                yield _found(entry, prefix, root, name, names)
        except OSError:
            continue


def _stays_inside(base: str, path: str) -> bool:
    return os.path.realpath(path).startswith(f"{base}/")


def _found(
    entry: "os.DirEntry[str]", prefix: str, root: int, name: DistributionName, siblings: set[str]
) -> FoundFile:
    status = entry.stat()
    yanked = _read_reason(f"{entry.path}.yanked") if f"{entry.name}.yanked" in siblings else None
    return FoundFile(
        path=prefix + entry.name,
        root=root,
        size=status.st_size,
        mtime=status.st_mtime_ns,
        inode=status.st_ino,
        name=name,
        yanked=yanked,
        has_provenance=f"{entry.name}.provenance" in siblings,
        has_signature=f"{entry.name}.asc" in siblings,
    )


def _read_reason(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - on the way of 50,000 files
        return stream.read(_REASON_LIMIT).strip()
