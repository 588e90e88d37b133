"""Unpacking: layers side by side in forked workers, each checked before any of it is written."""

import errno
import functools
import os
import stat
from typing import Collection, List, Optional, Set

from .archive import Layer, Pack, check_layer, open_layer, read_pack
from .errors import corrupt, hostile, storage
from .frames import Decompressor, decompress
from .segment import Piece
from .workers import Link, check_parent, count_workers, run_jobs, write_all

_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack_pack(
    path: str,
    directory: str,
    workers: int = 0,
    open_decompressor: Optional[Decompressor] = None,
    skip_layers: Collection[str] = (),
    start: int = 0,
    size: Optional[int] = None,
) -> Pack:
    """Unpack a pack's layers into a directory. The marker of a complete prefix is left to `mark_complete`.

    Files get the mode that the pack and the umask give; times are those of the unpacking.

    Args:
        path: The file the pack is, or is in.
        directory: Exists, and holds nothing but the layers to skip.
        workers: Processes that unpack side by side; 0 for one for each processor, 1 for none but this.
        open_decompressor: Used instead of zlib and the `zstd` command.
        skip_layers: Names of layers that lie there already. Their frames are still checked.
        start: Where the pack begins in the file.
        size: Its length; `None` when it goes to the file's end.

    Raises:
        ArchiveError: The pack is damaged or hostile, or cannot be written. What was unpacked is left for the
            caller to remove.
        OSError: The pack cannot be read.
    """
    pack = read_pack(path, open_decompressor, start, size)
    directory = os.path.abspath(directory)
    open_decompressor = open_decompressor or decompress
    jobs = sorted(pack.layers, key=lambda layer: layer.content_size, reverse=True)
    workers = min(workers or count_workers(), len(jobs))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def unpack_layer(number: int) -> List[Link]:
        layer = jobs[number]
        check_layer(descriptor, layer)
        if layer.name in skip_layers:
            return []
        return _LayerWriter(directory).write(descriptor, pack, layer, open_decompressor)

    try:
        links = run_jobs(unpack_layer, len(jobs), workers, directory)
        _LayerWriter(directory).write_links([link for found in links for link in found])
        write_file(directory, ".pannier/head", pack.head_bytes)
        write_file(directory, ".pannier/manifest.json", pack.manifest_bytes)
    except OSError as error:
        raise storage(error, directory) from error
    finally:
        os.close(descriptor)
    return pack


def mark_complete(directory: str, identity: str) -> None:
    """Write the marker that a prefix is whole: after everything else, and in one step."""
    temporary = f".pannier/complete.{os.getpid()}"
    write_file(directory, temporary, identity.encode() + b"\n")
    os.rename(os.path.join(directory, temporary), os.path.join(directory, ".pannier/complete"))


def write_file(directory: str, name: str, data: bytes) -> None:
    """Write a new file of a prefix.

    Raises:
        ArchiveError: Something of that name is there.
        OSError: It cannot be written.
    """
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = _create(path, name, 0o644)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _write_piece(descriptor: int, piece: Piece) -> None:
    check_parent()
    write_all(descriptor, piece)


def _create(path: str, name: str, mode: int) -> int:
    try:
        return os.open(path, _FILE_FLAGS, mode)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ELOOP, errno.EISDIR):
            raise hostile(name, "there are two of that name") from None
        raise


class _LayerWriter:
    """Writes the members of one layer below a directory, and never through a link."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._root = directory + "/"
        self._made: Set[str] = {""}

    def write(self, descriptor: int, pack: Pack, layer: Layer, open_decompressor: Decompressor) -> List[Link]:
        """Write files and directories; give the links, which come after everything else."""
        links: List[Link] = []
        count = 0
        reader = open_layer(descriptor, pack, layer, open_decompressor)
        for member in reader.members():
            count += 1
            check_parent()
            if member.kind == "link":
                links.append((member.name, member.target))
                continue
            parent = member.name.rpartition("/")[0]
            if parent not in self._made:
                self._make_directory(parent)
            if member.kind == "directory":
                self._make_directory(member.name)
                continue
            target = _create(self._root + member.name, member.name, member.mode)
            try:
                if member.size:
                    reader.copy_data(functools.partial(_write_piece, target))
            finally:
                os.close(target)
        if count != layer.files:
            raise corrupt(
                "this pack is damaged: a layer does not have as many members as the manifest says",
                layer=layer.name,
            )
        return links

    def write_links(self, links: List[Link]) -> None:
        """Make symbolic links. No file is written after the first of them."""
        for name, target in links:
            parent = name.rpartition("/")[0]
            if parent not in self._made:
                self._make_directory(parent)
            try:
                os.symlink(target, self._root + name)
            except FileExistsError:
                raise hostile(name, "there are two of that name") from None

    def _make_directory(self, name: str) -> None:
        if name in self._made:
            return
        self._make_directory(name.rpartition("/")[0])
        try:
            os.mkdir(self._root + name)
        except FileExistsError:
            # Another worker made it, or another layer: but a link would lead elsewhere.
            if not stat.S_ISDIR(os.lstat(self._root + name).st_mode):
                raise hostile(name, "it is no directory, yet other members lie in it") from None
        self._made.add(name)


__all__ = ["mark_complete", "unpack_pack", "write_file"]
