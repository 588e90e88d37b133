"""Zstd by an external command: the standard library of old Pythons has none."""

import contextlib
import os
import shutil
import subprocess
import threading
from typing import IO, Iterator, List, Optional

from .errors import ArchiveError, corrupt

# Bytes of content handed on at once, and the size asked for a pipe.
CHUNK = 1 << 20
# F_SETPIPE_SZ of Linux, which the standard library names from 3.10 on.
_SET_PIPE_SIZE = 1031


def zstd_command() -> List[str]:
    """The command that decompresses zstd.

    Raises:
        ArchiveError: There is none.
    """
    words = (os.environ.get("PANNIER_ZSTD") or "zstd").split() or ["zstd"]
    if shutil.which(words[0]) is None:
        raise ArchiveError(
            f"this pack is compressed with zstd, and there is no `{words[0]}` here",
            "no-decompressor",
            {},
            "install zstd, name a command in PANNIER_ZSTD, or pack to `.tar.gz`",
        )
    return words + ["-dc"]


def run_zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one frame by the command of `zstd_command`.

    Raises:
        ArchiveError: The frame is damaged, or there is no such command.
    """
    process = subprocess.Popen(
        zstd_command(), bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    _widen_pipe(process.stdout.fileno())
    feeder = _Feeder(process.stdin, chunks)
    feeder.start()
    said = b""
    try:
        while True:
            data = process.stdout.read(CHUNK)
            if not data:
                break
            yield data
        said = process.stderr.read(4096) or b""
    finally:
        # A reader that stopped early breaks the pipes, which ends the decompressor and with it the feeder.
        process.stdout.close()
        process.stderr.close()
        feeder.join()
        status = process.wait()
    if feeder.error is not None:
        raise feeder.error
    if status:
        because = said.decode("utf-8", "replace").strip() or f"status {status}"
        raise corrupt("this pack is damaged: a frame cannot be decompressed", because=because)


class _Feeder(threading.Thread):
    """Writes a frame to the decompressor while its content is read."""

    def __init__(self, stream: IO[bytes], chunks: Iterator[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._chunks = chunks
        self.error: Optional[ArchiveError] = None

    def run(self) -> None:
        """Write all chunks; a reader that went away is no error, for it has said why."""
        try:
            for chunk in self._chunks:
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(self._stream.fileno(), rest) :]
        except BrokenPipeError:
            pass
        except ArchiveError as error:
            self.error = error
        finally:
            self._stream.close()


def _widen_pipe(descriptor: int) -> None:
    import fcntl

    # An optimisation that the user's limit or another kernel may not grant.
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, _SET_PIPE_SIZE, CHUNK)
