"""Tar archives of strangers, compressed or not: read once from start to end, in bounded memory."""

import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from pannier.model.errors import DistributionError
from pannier.server.uploads.limits import MAX_METADATA, check_member_path, check_total, damaged, most_unpacked

_MAX_MEMBERS = 200_000
_CHUNK = 1 << 16


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Counted:
    """What a decompressor gives, counted, and no more of it than is reasonable."""

    def __init__(self, stream: _Readable, size: int) -> None:
        self._stream = stream
        self._size = size
        self._most = most_unpacked(size)
        self.count = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        if self.count > self._most:
            check_total(self.count, self._size)
        return data


def read_tar(stream: BinaryIO, is_wanted: Callable[[str], bool]) -> bytes | None:
    """Read a tar archive to its end.

    Args:
        stream: The file, seekable.
        is_wanted: Tells the name of the member whose content to give.

    Returns:
        The content of the first member wanted, or `None`.

    Raises:
        DistributionError: It is no tar, another format as well, damaged, or made to do harm.
    """
    size = stream.seek(0, 2)
    # Where installers see a zip they open one, whatever the file's name says.
    if zipfile.is_zipfile(stream):
        raise DistributionError(
            "the archive is a tar and a zip at once", code="archive-ambiguous", hint="build it again"
        )
    stream.seek(0)
    counted = _Counted(_decompressor(stream), size)
    try:
        found = _read_members(counted, is_wanted)
        while counted.read(_CHUNK):
            pass
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise damaged(str(error) or type(error).__name__) from None
    except Exception as error:
        if type(error).__name__ not in {"LZMAError", "IsalError", "error"}:
            raise
        raise damaged(str(error)) from None
    return found


def _decompressor(stream: BinaryIO) -> _Readable:
    head = stream.read(6)
    stream.seek(0)
    if head.startswith(b"\x1f\x8b"):
        from isal import igzip

        return cast("_Readable", igzip.open(stream, "rb"))  # type: ignore[no-untyped-call]
    if head.startswith(b"BZh"):
        import bz2

        return bz2.BZ2File(stream)
    if head.startswith(b"\xfd7zXZ\0"):
        import lzma

        return lzma.LZMAFile(stream)
    if head.startswith(b"\x1f\x9d"):
        raise DistributionError(
            "an archive packed by `compress` cannot be read", code="not-an-archive", hint="pack it as .tar.gz"
        )
    return stream


def _read_members(counted: _Counted, is_wanted: Callable[[str], bool]) -> bytes | None:
    found: bytes | None = None
    count = 0
    with tarfile.open(fileobj=counted, mode="r|", errorlevel=2) as archive:  # type: ignore[call-overload]
        for count, member in enumerate(archive, 1):
            if count > _MAX_MEMBERS:
                raise DistributionError(
                    f"the archive has more than {_MAX_MEMBERS} members", code="archive-too-large"
                )
            _check_member(member)
            archive.members = []  # it would keep each
            if found is None and member.isreg() and is_wanted(member.name.removeprefix("./")):
                found = _read_content(archive, member)
    if not count:
        raise DistributionError("the file is no tar archive, or an empty one", code="not-an-archive")
    return found


def _read_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > MAX_METADATA:
        raise DistributionError(
            f"`{member.name}` has more than {MAX_METADATA} bytes", code="archive-too-large"
        )
    content = archive.extractfile(member)
    return content.read() if content else b""


def _check_member(member: tarfile.TarInfo) -> None:
    check_member_path(member.name)
    if member.isdir() or member.isreg():
        return
    if not (member.issym() or member.islnk()):
        raise DistributionError(
            "the archive has a device or a pipe in it",
            code="archive-escapes",
            facts={"member": repr(member.name)},
        )
    base = posixpath.dirname(member.name) if member.issym() else ""
    target = posixpath.normpath(posixpath.join(base, member.linkname))
    if posixpath.isabs(target) or target.split("/")[0] == "..":
        raise DistributionError(
            "the archive has a link that leads out of it",
            code="archive-escapes",
            facts={"member": repr(member.name), "target": repr(member.linkname[:200])},
        )
