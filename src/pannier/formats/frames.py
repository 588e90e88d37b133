"""Frames: the gzip members (RFC 1952) and zstd frames (RFC 8878) that a pack is made of.

The same content gives the same bytes on every machine: no time, no name, no number of cores enters a frame.
Hashing and compressing release the interpreter lock, so threads that each write a frame run side by side.
"""

import hashlib
import struct
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

Codec = Literal["gzip", "zstd"]

ZSTD_LEVEL = 3
GZIP_LEVEL = 1
# Enough for the interpreter lock to be handed over rarely, little enough to stay in a core's cache.
BATCH_SIZE = 1 << 20
# Of one thread's share of a large zstd frame; libzstd's own choice takes 100 MB for a few of them.
_JOB_SIZE = 1 << 21
_STORED_BLOCK = 0xFFFF
_RAW_BLOCK = 1 << 17
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class WritableStream(Protocol):
    """Where a frame goes."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class ReadableStream(Protocol):
    """Where frames come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def store_frame(data: bytes, codec: Codec) -> bytes:
    """Wrap `data` in a frame without compressing it, so that it stands readable in the file."""
    return _stored_gzip(data) if codec == "gzip" else _raw_zstd(data)


def stored_frame_size(content_size: int, codec: Codec) -> int:
    """Return the length of the frame that `store_frame` makes of so many bytes."""
    if codec == "gzip":
        return len(_GZIP_HEADER) + 5 * _blocks(content_size, _STORED_BLOCK) + content_size + 8
    return len(_ZSTD_MAGIC) + 9 + 3 * _blocks(content_size, _RAW_BLOCK) + content_size


def _blocks(size: int, limit: int) -> int:
    return max(1, -(-size // limit))


def _pieces(data: bytes, limit: int) -> "Iterable[tuple[bytes, bool]]":
    """Cut `data` in pieces of at most `limit`, each with whether it is the last; nothing is one piece."""
    count = _blocks(len(data), limit)
    for index in range(count):
        yield data[index * limit : (index + 1) * limit], index == count - 1


def _stored_gzip(data: bytes) -> bytes:
    import zlib

    parts = [_GZIP_HEADER]
    for piece, is_last in _pieces(data, _STORED_BLOCK):
        # RFC 1951, 3.2.4: final bit and type 00, then the length and its one's complement.
        parts += [struct.pack("<BHH", is_last, len(piece), len(piece) ^ 0xFFFF), piece]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)


def _raw_zstd(data: bytes) -> bytes:
    # RFC 8878, 3.1.1.1: single segment, content size in eight bytes, no dictionary and no checksum.
    parts = [_ZSTD_MAGIC, b"\xe0", struct.pack("<Q", len(data))]
    for piece, is_last in _pieces(data, _RAW_BLOCK):
        # 3.1.1.2: last-block bit, two bits of type (0, raw), 21 bits of size.
        parts += [struct.pack("<I", is_last | len(piece) << 3)[:3], piece]
    return b"".join(parts)


class FrameWriter:
    """Compresses what is written to it into one frame of a stream.

    Args:
        stream: Gets the frame; stays open.
        codec: `gzip` (ISA-L, level 1) or `zstd` (level 3).
        is_large: Compress on threads of its own (zstd only). The bytes differ from those of a small frame,
            so this must follow from the content alone, never from the machine.

    Attributes:
        size: Bytes of frame written so far; all of it after `close`.
        content_size: Bytes taken so far.
    """

    def __init__(self, stream: WritableStream, codec: Codec, *, is_large: bool = False) -> None:
        self.size = 0
        self.content_size = 0
        self._stream = stream
        self._frame_hash = hashlib.sha256()
        self._content_hash = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._compressor = _gzip_member() if codec == "gzip" else _zstd_frame(is_large)

    @property
    def sha256(self) -> str:
        """Hex digest of the frame; of all of it after `close`."""
        return self._frame_hash.hexdigest()

    @property
    def content_sha256(self) -> str:
        """Hex digest of the content; of all of it after `close`."""
        return self._content_hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Add `data` to the frame's content."""
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= BATCH_SIZE:
            self._flush_pending()

    def close(self) -> None:
        """End the frame."""
        self._flush_pending()
        self._emit(self._compressor.flush())

    def _flush_pending(self) -> None:
        # Batches are cut at the same places whenever the writes are the same, and the compressors do not
        # let their input's cuts show in what they write; both are needed for nothing but speed.
        data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        self._pending = []
        self._pending_size = 0
        self.content_size += len(data)
        self._content_hash.update(data)
        self._emit(self._compressor.compress(data))

    def _emit(self, data: bytes) -> None:
        if data:
            self.size += len(data)
            self._frame_hash.update(data)
            self._stream.write(data)


class _GzipMember:
    """A gzip member with nothing of the machine in its header, by ISA-L."""

    def __init__(self) -> None:
        from isal import isal_zlib

        self._crc32 = isal_zlib.crc32
        self._deflate: _Compressor = isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, -15)
        self._header = _GZIP_HEADER
        self._checksum = 0
        self._size = 0

    def compress(self, data: bytes) -> bytes:
        self._checksum = self._crc32(data, self._checksum)
        self._size += len(data)
        header, self._header = self._header, b""
        return header + self._deflate.compress(data)

    def flush(self) -> bytes:
        trailer = struct.pack("<II", self._checksum, self._size & 0xFFFFFFFF)
        return self._header + self._deflate.flush() + trailer


def _gzip_member() -> _Compressor:
    return _GzipMember()


def _zstd_frame(is_large: bool) -> _Compressor:
    import zstandard

    # With any number of workers but none, libzstd cuts jobs by the parameters alone: two give what ten would.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        ZSTD_LEVEL,
        threads=2 if is_large else 0,
        job_size=_JOB_SIZE if is_large else 0,
        write_checksum=True,
        write_content_size=False,
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    return cast("_Compressor", compressor.compressobj())
