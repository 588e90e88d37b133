"""A project's source: which of its files a build may read."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from pannier.formats.vendor_markers import LAUNCHER_MARK, MARKER_NAME

_NOT_SOURCE = {".git", ".hg", ".svn", ".bzr", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".eggs", "node_modules"}  # fmt: skip


def copy_source(source: Path, destination: Path) -> Path:
    """Copy a project's directory, since builds write beside what they read; history is only linked.

    Args:
        source: The project.
        destination: The copy, not there yet.

    Returns:
        The copy.
    """
    for relative, path, mode in iter_source(source):
        copy = destination / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            copy.symlink_to(path.readlink())
        else:
            shutil.copy2(path, copy)
    for history in (".git", ".hg"):
        if (source / history).exists():
            (destination / history).symlink_to((source / history).absolute())
    return destination


def is_launcher(path: Path, mode: int) -> bool:
    """Whether a file is one that `pannier vendor` wrote, to start what is beside it."""
    if not stat.S_ISREG(mode) or not mode & stat.S_IXUSR or path.suffix:
        return False
    with path.open("rb") as stream:
        return LAUNCHER_MARK.encode() in stream.read(300)


def iter_source(directory: Path) -> Iterator[tuple[str, Path, int]]:
    """Give all files that a build may read: relative name, path and mode, in a fixed order."""
    for folder, folders, files in os.walk(directory):
        if MARKER_NAME in files:
            folders.clear()  # what `pannier vendor` put there, for which the project was built
            continue
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NOT_SOURCE and not name.endswith((".egg-info", ".dist-info"))
        )
        if folder == os.fspath(directory):
            # What earlier builds left behind is an output, not a source.
            folders[:] = [name for name in folders if name not in ("build", "dist")]
        for name in sorted(files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if name.endswith((".pyc", ".pyo")) or is_launcher(path, mode):
                continue
            if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield os.path.relpath(path, directory), path, mode & 0o170111
