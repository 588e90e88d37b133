"""`pannier-zstd`: what the launcher decompresses with where Pannier is installed, but no zstd."""

import os
import sys
from typing import BinaryIO

# Compressed bytes taken at once; small, for they may become a thousand times as many.
_PIECE = 1 << 16
_READER_WENT_AWAY = 141  # 128 + SIGPIPE, what a shell reports


def main() -> int:
    """Decompress standard input to standard output, as `zstd -dc` does.

    Returns:
        The exit status: 1 when the data is damaged or cannot be written.
    """
    try:
        _decompress(sys.stdin.buffer, sys.stdout.fileno())
    except BrokenPipeError:
        return _READER_WENT_AWAY
    except (OSError, ValueError) as error:
        sys.stderr.write(f"pannier-zstd: {error}\n")
        return 1
    return 0


def _decompress(source: BinaryIO, output: int) -> None:
    """Decompress frame after frame, as they lie end to end in a pack.

    Raises:
        ValueError: The data is damaged or cut short.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    frame = None
    rest = b""
    try:
        while chunk := rest or source.read(_PIECE):
            frame = frame or decompressor.decompressobj()
            _write(output, frame.decompress(chunk))
            rest = frame.unused_data
            frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if frame is not None:
        raise ValueError("the data is cut short")


def _write(output: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(output, rest) :]
