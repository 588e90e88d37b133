"""Files that appear whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from pannier.model.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, data: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Write `data` as the whole content of `path`, replacing what was there in one step.

    Args:
        path: The file to write; its directory is made when missing.
        data: Its content.
        mode: Permissions before the process's umask takes its part.
        durable: Wait until the disk has it.

    Raises:
        StorageError: The disk is full or the directory cannot be written.
    """
    with whole_file(path, mode=mode, durable=durable) as stream:
        stream.write(data)


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary sibling; it becomes `path` when the block ends well, and vanishes otherwise.

    A device, a pipe or an open file (`/dev/null`, `/dev/stdout`, `/dev/fd/63`) is never replaced: what was
    written is sent to it when the block ends well.

    Args:
        path: The file to write; its directory is made when missing.
        mode: Permissions before the process's umask takes its part.
        durable: Wait until the disk has it.

    Yields:
        The temporary file, seekable, open for reading and writing.

    Raises:
        StorageError: The disk is full or the directory cannot be written.
    """
    if _is_stream(path):
        with _sent_whole(path) as stream:
            yield stream
        return
    temporary, stream = _open_sibling(path, mode)
    try:
        # Closing flushes once more, so a full disk may speak up there too: hence the handler outside.
        with stream:
            yield stream
            _finish(stream, durable=durable)
        temporary.replace(path)
    except OSError as error:
        if error.errno in _FULL:
            raise storage_error(error, path, size=_size(temporary)) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()


def check_is_no_directory(path: Path) -> None:
    """Refuse a directory where a file is to be written.

    Raises:
        StorageError: `path` is one.
    """
    if path.is_dir():
        raise StorageError(f"`{path}` is a directory, not a file", code="is-a-directory", hint="name a file")


def storage_error(error: OSError, path: Path, *, size: int) -> StorageError:
    """Say what could not be written, why, and how far it got.

    Args:
        error: What the system said.
        path: The file that was to be written.
        size: Bytes written before it failed.
    """
    facts = {"file": str(path), "reason": error.strerror or str(error)}
    if error.errno not in _FULL:
        return StorageError(
            f"`{path}` cannot be written",
            code="not-writable",
            facts=facts,
            hint="name a place that can be written; for the cache, with `--cache-dir`",
        )
    facts["written"] = f"{size} bytes before the space ended"
    return StorageError(
        f"no space is left to write `{path}`",
        code="disk-full",
        facts=facts,
        hint="free some space there, for example with `pannier cache clean`",
    )


def _is_stream(path: Path) -> bool:
    """Whether a path leads to what takes bytes and is no file to be replaced; not a directory either."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    is_open_file = (path.is_symlink() and str(path.readlink()).startswith("/proc/")) or (
        os.path.realpath(path.parent).startswith("/proc/")
    )
    return is_open_file or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def _sent_whole(path: Path) -> Iterator[BinaryIO]:
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as stream:
        yield cast("BinaryIO", stream)
        stream.seek(0)
        try:
            # Appended, since a shell may have redirected it to a file that holds something.
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            with os.fdopen(descriptor, "wb") as target:
                shutil.copyfileobj(stream, target)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise storage_error(error, path, size=0) from error


def _open_sibling(path: Path, mode: int) -> tuple[Path, BinaryIO]:
    # As `tempfile` would, without loading it and what it loads, and with the umask as the kernel applies it.
    temporary = path.with_name(f".{path.name[:80]}.{os.urandom(8).hex()}.tmp")
    check_is_no_directory(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise storage_error(error, path, size=0) from error
    return temporary, os.fdopen(descriptor, "w+b")


def _finish(stream: BinaryIO, *, durable: bool) -> None:
    stream.flush()
    if durable:
        os.fsync(stream.fileno())


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
