"""Wheels as ZIP archives (PKWARE's APPNOTE), read member by member with ISA-L instead of zlib.

The standard library reads the central directory; the members are read by offset, so that several threads can
read one archive, and inflated in pieces, so that a member's size does not matter.
"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pannier.formats.segments import name_problem
from pannier.model.errors import PackError

_LOCAL_HEADER = 30
_ENCRYPTED = 0x1
_PIECE = 1 << 20


class WheelArchive:
    """The members of one wheel.

    Args:
        path: The wheel.

    Attributes:
        filename: Its file name.
        members: Name in the archive to its entry, directories left out.

    Raises:
        PackError: It is no ZIP archive, or has members that no wheel may have.
    """

    def __init__(self, path: Path) -> None:
        self.filename = path.name
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, EOFError, UnicodeDecodeError) as error:
            raise self._damaged("", str(error)) from error
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.members: dict[str, zipfile.ZipInfo] = {}
        try:
            for info in self._archive.infolist():
                self._add(info)
        except PackError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()
        os.close(self._descriptor)

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Return the content of a member; its caller checks size and CRC where they matter."""
        pieces = list(self.pieces(info))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """Yield the content of a member, about a mebibyte at a time.

        Raises:
            PackError: The member cannot be read.
        """
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            yield from self._foreign_pieces(info)
            return
        # The local header has an `extra` of its own length; that of the central directory is mostly as long.
        guess = _LOCAL_HEADER + len(info.filename) + 64
        block = os.pread(self._descriptor, guess + min(info.compress_size, _PIECE), info.header_offset)
        start = (
            _LOCAL_HEADER + int.from_bytes(block[26:28], "little") + int.from_bytes(block[28:30], "little")
        )
        if block[:4] != b"PK\x03\x04":
            raise self._damaged(info.filename, "its local header is missing")
        first = block[start : start + info.compress_size]
        offset = info.header_offset + start + len(first)
        rest = self._raw_pieces(offset, info.compress_size - len(first))
        if info.compress_type == zipfile.ZIP_STORED:
            if first:
                yield first
            yield from rest
        else:
            yield from self._inflated(info, first, rest)

    def _raw_pieces(self, offset: int, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = os.pread(self._descriptor, min(size, _PIECE), offset)
            if not piece:
                return
            yield piece
            offset += len(piece)
            size -= len(piece)

    def _inflated(self, info: zipfile.ZipInfo, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        from isal import isal_zlib

        try:
            if len(first) == info.compress_size and info.file_size <= 4 * _PIECE:
                # One call, one buffer; a member that lies about its size cannot grow past one byte more.
                yield isal_zlib.decompressobj(-15).decompress(first, info.file_size + 1)
                return
            inflate = isal_zlib.decompressobj(-15)
            yield from _drained(inflate, first)
            for piece in rest:
                yield from _drained(inflate, piece)
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class an instance
            raise self._damaged(info.filename, str(error)) from error

    def _foreign_pieces(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._archive.open(info) as stream:
                while piece := stream.read(_PIECE):
                    yield piece
        except (NotImplementedError, zipfile.BadZipFile, EOFError) as error:
            raise self._damaged(info.filename, str(error)) from error

    def _add(self, info: zipfile.ZipInfo) -> None:
        # `zipfile` cuts names at a NUL; what it was given is kept beside.
        problem = name_problem(info.orig_filename.rstrip("/"))
        if not problem and info.flag_bits & _ENCRYPTED:
            problem = "it is encrypted"
        if not problem and info.filename in self.members:
            problem = "it is there twice"
        if problem:
            raise PackError(
                f"the wheel `{self.filename}` holds `{info.orig_filename}`, which no wheel may",
                code="wheel-member",
                facts={"because": problem},
            )
        if not info.is_dir():
            self.members[info.filename] = info

    def _damaged(self, member: str, because: str) -> PackError:
        facts = {"member": member, "because": because} if member else {"because": because}
        return PackError(
            f"the wheel `{self.filename}` is damaged",
            code="wheel-damaged",
            facts=facts,
            hint="remove it with `pannier cache clean` and pack again",
        )


def _drained(inflate: "object", piece: bytes) -> Iterator[bytes]:
    """Inflate `piece` in steps of bounded size."""
    while True:
        data = inflate.decompress(piece, _PIECE)  # type: ignore[attr-defined]
        if data:
            yield data
        piece = inflate.unconsumed_tail  # type: ignore[attr-defined]
        if not piece and len(data) < _PIECE:
            return
