"""A `.pyz` as a file: where the pack lies in it, and whether all the rest is as it was written.

The archive's members are stored, so the pack is a range of the file. Before it stand the shell's header, the
entry point and what unpacks; the member `seal` has the length and the sha256 of all that. What ZIP adds
follows from the members and is made again to be compared.
"""

import hashlib
import os
import zlib
from typing import NamedTuple

from pannier.runtime.errors import ArchiveError, corrupt, printable
from pannier.runtime.site.bookkeeping import (
    TAIL_SIZE,
    Directory,
    find_directory,
    format_end,
    format_local_header,
    parse_directory,
)

PACK_NAME = "environment.tar.gz"
SEAL_NAME = "seal"


class PackRange(NamedTuple):
    """Where the pack lies in the file.

    Attributes:
        start: Offset of its first byte.
        size: Its length.
    """

    start: int
    size: int


def format_seal(sealed: bytes) -> bytes:
    """Make the member `seal` of everything that stands before the pack."""
    return b"%d %s\n" % (len(sealed), hashlib.sha256(sealed).hexdigest().encode())


def find_pack(path: str) -> PackRange:
    """Check everything in a `.pyz` but its pack, and say where that lies.

    Raises:
        ArchiveError: It is no `.pyz`, or not as it was written.
        OSError: It cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _find_pack(descriptor)
    except ArchiveError as error:
        because = printable(error.message.replace("this bundle", "it"))
        raise corrupt(
            "this file is damaged outside of its pack", file=printable(path), because=because
        ) from None
    finally:
        os.close(descriptor)


def _find_pack(descriptor: int) -> PackRange:
    size = os.fstat(descriptor).st_size
    tail_size = min(size, TAIL_SIZE)
    start, length = find_directory(os.pread(descriptor, tail_size, size - tail_size), size)
    directory = parse_directory(os.pread(descriptor, length, start), start)
    names = [member.name for member in directory.members]
    if names[-2:] != [PACK_NAME, SEAL_NAME]:
        raise corrupt("its last members are not the expected ones")
    _check_bookkeeping(descriptor, directory, size)
    pack = directory.members[-2]
    begin = directory.offsets[-2] + len(format_local_header(pack))
    seal = directory.members[-1]
    text = os.pread(descriptor, seal.size, begin + pack.size + len(format_local_header(seal)))
    if text != format_seal(os.pread(descriptor, begin, 0)) or zlib.crc32(text) != seal.crc:
        raise corrupt("its seal does not match")
    return PackRange(begin, pack.size)


def _check_bookkeeping(descriptor: int, directory: Directory, size: int) -> None:
    for member, offset in zip(directory.members, directory.offsets):
        expected = format_local_header(member)
        if os.pread(descriptor, len(expected), offset) != expected:
            raise corrupt(f"the header of `{printable(member.name)}` is not as it should be")
    expected = format_end(directory.offsets[0], directory.members)
    if os.pread(descriptor, size, directory.start) != expected:
        raise corrupt("its directory is not as it should be")
