"""Packs read back, by the same code that reads them where they run, with faster decompressors."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pannier.formats.manifests import parse_manifest
from pannier.model.errors import (
    CorruptPackError,
    PannierError,
    StorageError,
    TargetMismatchError,
)
from pannier.model.manifest import Manifest
from pannier.runtime.archive import ArchiveError, Pack, read_pack, verify_pack
from pannier.store.writing import storage_error

# What looks into packages of the system: they hold no pack.
_HINTS_OF_OTHERS = {
    ".deb": "a Debian package is looked into with `dpkg-deb --info` and `dpkg-deb --contents`",
    ".rpm": "an RPM package is looked into with `rpm -qip` and `rpm -qlp`",
}
# More than the shell script that a `.pyz` begins with; the first member of its zip archive follows.
_ZIPAPP_HEADER_SIZE = 16_384
_PIECE = 1 << 20
_ERRORS: dict[str, type[PannierError]] = {
    "disk-full": StorageError,
    "storage": StorageError,
    "unpack-failed": StorageError,
    "no-interpreter": TargetMismatchError,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PackFacts:
    """What a pack says of itself.

    Attributes:
        manifest: What is in it.
        pack_id: sha256 of the manifest's JSON.
        size: Of the file, in bytes.
        codec: `gzip` or `zstd`.
        unpacked_size: Of the prefix, in bytes, as tar counts them.
        unpacked_files: Number of members.
    """

    manifest: Manifest
    pack_id: str
    size: int
    codec: str
    unpacked_size: int
    unpacked_files: int


def read_manifest(path: Path) -> Manifest:
    """Read what a pack holds, without reading what it holds.

    Raises:
        CorruptPackError: It is no pack, or damaged at its beginning or end.
        StorageError: It cannot be read.
    """
    return inspect(path).manifest


def inspect(path: Path) -> PackFacts:
    """Read what a pack says of itself; its layers are not looked at.

    Raises:
        CorruptPackError: It is no pack, or damaged at its beginning or end.
        StorageError: It cannot be read.
    """
    with _our_errors(path):
        return _facts(read_pack(os.fspath(path), decompress, *_range_of(path)))


def verify(path: Path) -> PackFacts:
    """Check every byte of a pack.

    Raises:
        CorruptPackError: Something is not as it should be.
        StorageError: It cannot be read.
    """
    with _our_errors(path):
        return _facts(verify_pack(os.fspath(path), decompress, *_range_of(path)))


def unpack(path: Path, directory: Path, workers: int = 0) -> PackFacts:
    """Unpack a pack to a prefix that runs, whole or not at all.

    Args:
        path: The pack.
        directory: Where the prefix is to be; must not exist, or be empty.
        workers: Processes that unpack side by side; 0 for one for each core.

    Raises:
        CorruptPackError: The pack is damaged or hostile.
        StorageError: The prefix cannot be written, or something is there.
        TargetMismatchError: The pack wants an interpreter that is not here.
    """
    import shutil

    from pannier.runtime.unpack import mark_complete, unpack_pack

    if directory.is_symlink() or (
        directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    ):
        raise _not_empty(directory)
    stage = directory.absolute().with_name(f".{directory.absolute().name}.tmp.{os.getpid()}")
    try:
        with _our_errors(path):
            stage.mkdir(parents=True)
            start, size = _range_of(path)
            pack = unpack_pack(os.fspath(path), os.fspath(stage), workers, decompress, start=start, size=size)
            _finish(pack, stage)
            mark_complete(os.fspath(stage), pack.head.id)
            _put(stage, directory)
            return _facts(pack)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put(stage: Path, directory: Path) -> None:
    """Move the prefix to its place, unless another process has filled that meanwhile."""
    try:
        stage.rename(directory)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise _not_empty(directory) from None
        raise


def _not_empty(directory: Path) -> StorageError:
    return StorageError(
        f"`{directory}` is there already and is not an empty directory",
        code="directory-not-empty",
        hint="unpack to a directory that does not exist yet",
    )


def _range_of(path: Path) -> tuple[int, int | None]:
    """Where the pack lies in the file: it is all of it, save in a `.pyz`, whose rest is checked here."""
    with path.open("rb") as stream:
        beginning = stream.read(_ZIPAPP_HEADER_SIZE)
    # Any other script is simply no pack.
    if not (beginning.startswith(b"#!/") and b"PK\3\4" in beginning):
        return 0, None
    from pannier.runtime.zipapp.contents import find_pack

    return find_pack(os.fspath(path))


def decompress(codec: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one frame in pieces of bounded size.

    Args:
        codec: `gzip` or `zstd`.
        chunks: The frame.

    Raises:
        ArchiveError: The frame is damaged.
    """
    return _gunzip(chunks) if codec == "gzip" else _unzstd(chunks)


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    from isal import isal_zlib

    member = isal_zlib.decompressobj(31)
    try:
        for chunk in chunks:
            rest = chunk
            while rest and not member.eof:
                data = member.decompress(rest, _PIECE)
                rest = member.unconsumed_tail
                if data:
                    yield data
            if rest or member.unused_data:
                raise _damaged("a frame has bytes after its end")
        while data := member.decompress(b"", _PIECE):
            yield data
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class an instance
        raise _damaged(str(error)) from error
    if not member.eof:
        raise _damaged("a frame is cut short")


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    source = _Chunks(chunks)
    # Across frames, as tar reads: what stands behind a frame is seen, and not hidden from the checks.
    reader = zstandard.ZstdDecompressor().stream_reader(
        source,  # type: ignore[arg-type]
        read_size=_PIECE,
        read_across_frames=True,
    )
    try:
        while data := reader.read(_PIECE):
            yield data
    except zstandard.ZstdError as error:
        raise _damaged(str(error)) from error


class _Chunks:
    """An iterator of chunks, to be read like a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, _size: int) -> bytes:
        """Return the next chunk, whatever its size."""
        return next(self._chunks, b"")


def _damaged(because: str) -> ArchiveError:
    return ArchiveError(
        "this pack is damaged: a frame cannot be decompressed", "corrupt-pack", {"because": because}
    )


def _finish(pack: Pack, stage: Path) -> None:
    """Let the prefix's own Python do what only it can: become the host's environment, compile."""
    import subprocess

    tasks = []
    if pack.head.origin == "host":
        tasks.append((_host_python(pack), "link"))
    if not all(layer.bytecode for layer in pack.layers):
        tasks.append((os.fspath(stage / "bin/python3"), "compile"))
    for python_executable, verb in tasks:
        done = subprocess.run(
            [
                python_executable,
                "-I",
                "-S",
                "-B",
                os.fspath(stage / ".pannier/runtime"),
                verb,
                os.fspath(stage),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise TargetMismatchError(
                "the Python of this pack does not run on this machine",
                facts={"python": python_executable, "said": done.stderr.strip()[-500:]},
                hint="unpack it on a machine of the target that `pannier inspect` names",
            )


def _host_python(pack: Pack) -> str:
    """The machine's own Python, as the launcher would choose it; the one that runs Pannier comes last."""
    import shutil
    import sys

    minor = pack.head.python_minor
    names = (f"python{minor}", "python3", "python")
    for found in (*map(shutil.which, names), sys.executable):
        if found and _minor_of(found) == minor:
            return found
    raise TargetMismatchError(
        f"this pack runs with a Python {minor} of the machine, and none is here",
        code="no-interpreter",
        hint=f"put a Python {minor} on PATH, or pack with the interpreter inside",
    )


def _minor_of(python_executable: str) -> str:
    """Ask it: a version manager leaves commands on PATH that start nothing."""
    import subprocess

    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python_executable, "-I", "-S", "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _facts(pack: Pack) -> PackFacts:
    return PackFacts(
        manifest=parse_manifest(pack.manifest_bytes),
        pack_id=pack.head.id,
        size=pack.size,
        codec=pack.codec,
        unpacked_size=pack.head.unpacked_bytes,
        unpacked_files=pack.head.unpacked_files,
    )


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ArchiveError as error:
        kind = _ERRORS.get(error.code, CorruptPackError)
        hint = _HINTS_OF_OTHERS.get(path.suffix, error.hint)
        raise kind(error.message, code=error.code, facts=error.facts, hint=hint) from error
    except OSError as error:
        if error.filename not in {None, os.fspath(path)}:
            raise storage_error(error, Path(os.fsdecode(error.filename)), size=0) from error
        raise _unreadable(error, path) from error


def _unreadable(error: OSError, path: Path) -> StorageError:
    from pannier.imports.spelling import spelling_hint

    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return StorageError(f"there is no pack `{path}`", code="no-such-file", hint=spelling_hint(path))
    if error.errno == errno.EISDIR:
        return StorageError(
            f"`{path}` is a directory, not a pack",
            code="is-a-directory",
            hint="name the file it was unpacked from",
        )
    return StorageError(
        f"`{path}` cannot be read",
        code="not-readable",
        facts={"reason": error.strerror or str(error)},
        hint="see its owner and mode with `ls -l`",
    )
