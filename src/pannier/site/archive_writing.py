"""The members of a bundle, written one after the other as the installer expects them.

No member is held in memory: the kernel copies files, and they are read once more for their digests, which are
compared with what the lock says.
"""

import errno
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from pannier.formats.site_manifests import File
from pannier.model.errors import HashMismatchError
from pannier.runtime.site.bookkeeping import Member, format_end, format_local_header
from pannier.store.copying import copy_content

_PIECE = 1 << 20


class ArchiveWriter:
    """Writes members behind a bundle's shell script.

    Args:
        stream: The file, holding nothing.
        header: The shell script.
    """

    def __init__(self, stream: BinaryIO, header: bytes) -> None:
        self._stream = stream
        self._header_size = len(header)
        self._members: list[Member] = []
        stream.write(header)

    def add_bytes(self, name: str, data: bytes) -> File:
        """Write a member whose content is at hand."""
        from isal import isal_zlib

        self._start(Member(name, len(data), isal_zlib.crc32(data)))
        self._stream.write(data)
        return File(name, len(data), hashlib.sha256(data).hexdigest())

    def add_file(self, name: str, source: Path, sha256: str) -> File:
        """Write a member from a file of the cache.

        Raises:
            HashMismatchError: Its content is not what it was stored as.
            OSError: It cannot be read, or the bundle not be written.
        """
        with source.open("rb", buffering=0) as content:
            size, crc = _check(content, source, sha256)
            self._start(Member(name, size, crc))
            self._stream.flush()
            content.seek(0)
            if copy_content(content.fileno(), self._stream.fileno(), size) < size:
                raise OSError(errno.EIO, "a file became shorter while it was copied")
        self._stream.seek(0, os.SEEK_END)
        return File(name, size, sha256)

    def mark(self) -> tuple[int, int]:
        """Remember this place, to come back to with `back_to`."""
        return self._stream.tell(), len(self._members)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Take back every member that was written since `mark`."""
        self._stream.flush()
        self._stream.seek(mark[0])
        self._stream.truncate()
        del self._members[mark[1] :]

    def finish(self) -> None:
        """Write the archive's directory."""
        self._stream.write(format_end(self._header_size, self._members))
        self._stream.flush()

    def _start(self, member: Member) -> None:
        self._members.append(member)
        self._stream.write(format_local_header(member))


def _check(content: BinaryIO, source: Path, sha256: str) -> tuple[int, int]:
    from isal import isal_zlib

    digest = hashlib.sha256()
    size = crc = 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        crc = isal_zlib.crc32(piece, crc)
        size += len(piece)
    if digest.hexdigest() != sha256:
        raise HashMismatchError(
            f"`{source.name}` has changed in the cache since it was stored",
            facts={
                "file": str(source),
                "stored": f"sha256:{sha256}",
                "found": f"sha256:{digest.hexdigest()}",
            },
            hint="remove it with `pannier cache clean distributions built`, and run the same again",
        )
    return size, crc
