"""A project's source: which of its files a build may read, and a digest of them."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from pannier.formats.vendor_markers import LAUNCHER_MARK, MARKER_NAME

_NOT_SOURCE = {".git", ".hg", ".svn", ".bzr", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".eggs", "node_modules"}  # fmt: skip


# Where a project says how it is built; and the words by which it shows that its version comes from git.
_BUILD_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_ASKS_GIT = re.compile(
    rb"scm|vcs|versioneer|versioningit|dunamai|dynamic-versioning|autover|\bpbr\b|[\"']git[\"']|git describe"
)


def hash_source(source: Path, skipped: Collection[Path] = ()) -> str:
    """Give a digest of an sdist or a wheel, or of all files of a project's directory that a build may read.

    A project whose version comes from git has another digest when git describes its commit otherwise.

    Args:
        source: A file, or a directory.
        skipped: Files that are none of the source, by absolute paths.

    Raises:
        OSError: A file cannot be read.
    """
    if source.is_file():
        with source.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256(_revision(source))
    for relative, path, mode in iter_source(source, skipped):
        digest.update(f"{relative}\0{mode:o}\0".encode("utf-8", "surrogateescape"))
        if stat.S_ISLNK(mode):
            digest.update(os.fsencode(path.readlink()))
        else:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _revision(directory: Path) -> bytes:
    """Give what git calls the commit, for projects that take their version from it."""
    files = [directory / name for name in _BUILD_FILES]
    if not any(_ASKS_GIT.search(path.read_bytes()) for path in files if path.is_file()):
        return b""
    command = ["git", "-C", str(directory), "describe", "--tags", "--long", "--always", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, check=False).stdout.strip()
    except OSError:
        return b""


def copy_source(source: Path, destination: Path, skipped: Collection[Path] = ()) -> Path:
    """Copy a project's directory, since builds write beside what they read; history is only linked.

    Files are readable for all and executable or not, whatever the user's umask was, for wheels keep that.

    Args:
        source: The project.
        destination: The copy, not there yet.
        skipped: Files that are none of the source, by absolute paths.

    Returns:
        The copy.
    """
    for relative, path, mode in iter_source(source, skipped):
        copy = destination / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            copy.symlink_to(path.readlink())
        else:
            shutil.copy2(path, copy)
            copy.chmod(0o755 if mode & 0o111 else 0o644)
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


def iter_source(directory: Path, skipped: Collection[Path] = ()) -> Iterator[tuple[str, Path, int]]:
    """Give all files that a build may read: relative name, path and mode, in a fixed order.

    Args:
        directory: The project.
        skipped: Files to pass over, by absolute paths.
    """
    passed_over = {os.fspath(path) for path in skipped}
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
            if passed_over and os.fspath(path.absolute()) in passed_over:
                continue
            mode = path.lstat().st_mode
            if name.endswith((".pyc", ".pyo")) or is_launcher(path, mode):
                continue
            if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield os.path.relpath(path, directory), path, mode & 0o170111
