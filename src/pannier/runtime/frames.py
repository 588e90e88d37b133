"""Frames of a pack as streams of chunks: ranges of the file, their hashes, their content.

Nothing here holds more than a chunk in memory.
"""

import hashlib
import os
import zlib
from typing import Callable, Iterator

from .errors import corrupt
from .zstd import CHUNK, run_zstd

_COMPRESSED_CHUNK = 1 << 17

# Takes `gzip` or `zstd` and the chunks of one frame; gives the chunks of its content.
Decompressor = Callable[[str, Iterator[bytes]], Iterator[bytes]]


def read_range(descriptor: int, offset: int, size: int, chunk: int = _COMPRESSED_CHUNK) -> Iterator[bytes]:
    """Read a range of a file, independently of its position.

    Raises:
        ArchiveError: The file ends before the range does.
    """
    end = offset + size
    while offset < end:
        data = os.pread(descriptor, min(chunk, end - offset), offset)
        if not data:
            raise corrupt("this pack is cut short", missing=f"{end - offset} bytes")
        offset += len(data)
        yield data


def hash_range(descriptor: int, offset: int, size: int) -> str:
    """Compute the sha256 of a range of a file, as hex digits."""
    digest = hashlib.sha256()
    for chunk in read_range(descriptor, offset, size, CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def decompress(codec: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one frame: gzip by zlib, zstd by the command in `PANNIER_ZSTD` (`zstd`).

    Raises:
        ArchiveError: The frame is damaged, or there is no zstd here.
    """
    if codec == "gzip":
        return _gunzip(chunks)

    return run_zstd(chunks)


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # 15 bits of window, and 16 for a gzip member whose header and CRC are checked.
    member = zlib.decompressobj(31)
    try:
        for chunk in chunks:
            if member.eof:
                raise corrupt("this pack is damaged: a frame has bytes after its end")
            rest = chunk
            while rest:
                data = member.decompress(rest, CHUNK)
                rest = member.unconsumed_tail
                if data:
                    yield data
            if member.unused_data:
                raise corrupt("this pack is damaged: a frame has bytes after its end")
    except zlib.error as error:
        raise corrupt("this pack is damaged: a frame cannot be decompressed", because=error) from None
    data = member.flush()
    if data:
        yield data
    if not member.eof:
        raise corrupt("this pack is damaged: a frame is cut short")
