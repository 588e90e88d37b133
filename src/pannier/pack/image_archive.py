"""The files of a package as a tar archive, all of them root's and of one date."""

import hashlib
import tarfile
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from pannier.formats.segments import padding
from pannier.model.errors import PackError
from pannier.pack.contents import Item
from pannier.pack.image import check_unique, directories_of

_END = bytes(1024)


class Writable(Protocol):
    """What the archive is written to."""

    def write(self, data: bytes, /) -> object:
        """Take more of it."""


class ArchivedImage(NamedTuple):
    """What was written.

    Attributes:
        md5: Hex digest and path of each file, in order.
        size: Of all contents, in bytes, each rounded up to the kibibyte, and a kibibyte for all else.
    """

    md5: tuple[tuple[str, str], ...]
    size: int


def write_archive(
    items: Sequence[Item], stream: Writable, date: int, advance: Callable[[int], object] = lambda _: None
) -> ArchivedImage:
    """Write a GNU tar archive, whose names begin with `./`.

    Args:
        items: In any order.
        stream: To write to.
        date: Of all members, in seconds since the epoch.
        advance: Hears of the bytes of content written.

    Raises:
        PackError: A name stands twice, or a content is not what it was said to be.
    """
    ordered = sorted(items, key=lambda item: item.name)
    check_unique(ordered)
    directories = directories_of(ordered)
    size = 1024 * len(directories)
    sums = []
    for name in ["", *directories]:
        stream.write(_header(f"{name}/" if name else "", tarfile.DIRTYPE, date, mode=0o755))
    for item in ordered:
        if item.pieces is None:
            stream.write(_header(item.name, tarfile.SYMTYPE, date, mode=0o777, link=item.link_target))
            size += 1024
            continue
        mode = 0o755 if item.executable else 0o644
        stream.write(_header(item.name, tarfile.REGTYPE, date, mode=mode, size=item.size))
        sums.append((_write_content(item, stream), item.name))
        size += -(-item.size // 1024) * 1024
        advance(item.size)
    stream.write(_END)
    return ArchivedImage(tuple(sums), size)


def _header(name: str, kind: bytes, date: int, *, mode: int, size: int = 0, link: str = "") -> bytes:
    info = tarfile.TarInfo(f"./{name}")
    info.type = kind
    info.mode = mode
    info.size = size
    info.mtime = date
    info.linkname = link
    info.uname = info.gname = "root"
    return info.tobuf(tarfile.GNU_FORMAT)


def _write_content(item: Item, stream: Writable) -> str:
    """Write a content with its padding, and return its MD5: what dpkg checks files by."""
    from isal import isal_zlib

    digest = hashlib.md5(usedforsecurity=False)
    size = checksum = 0
    for piece in item.pieces() if item.pieces else ():
        size += len(piece)
        checksum = isal_zlib.crc32(piece, checksum)
        digest.update(piece)
        stream.write(piece)
    if size != item.size or item.crc32 not in {None, checksum}:
        raise PackError(
            f"the content of `{item.name}` is not what it was said to be",
            code="content-changed",
            facts={"wanted": f"{item.size} bytes", "found": f"{size} bytes"},
            hint="pack again; if it stays, `pannier cache clean` removes a damaged wheel",
        )
    stream.write(padding(size))
    return digest.hexdigest()
