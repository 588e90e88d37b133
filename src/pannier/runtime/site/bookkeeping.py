"""The bytes between a bundle's members: local headers, central directory and end, in the one form allowed.

A bundle is a shell header and a ZIP archive of stored members (APPNOTE 6.3.9). Everything in the archive that
is no content follows from the members' names, sizes and checksums, so it can be made again and compared: a
reader that does so leaves no byte unlooked at.
"""

import struct
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from pannier.runtime.errors import ArchiveError, printable

LOCAL_HEADER_SIZE = 30
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ALL_ONES_16, _ALL_ONES_32 = 0xFFFF, 0xFFFFFFFF
# The first day that ZIP can say: 1 January 1980.
_DATE = 0x21
# Unix made it (3), and by version 2.0 of the format; 4.5 is the one with sizes of 64 bits.
_UNIX, _VERSION, _VERSION_64 = 3 << 8, 20, 45
_REGULAR_FILE = 0o100644 << 16


class Member(NamedTuple):
    """A member of the archive.

    Attributes:
        name: ASCII, relative, with slashes.
        size: In bytes.
        crc: CRC-32 of its content.
    """

    name: str
    size: int
    crc: int


class Directory(NamedTuple):
    """What an archive's end says.

    Attributes:
        members: In the file's order.
        offsets: Of each member's local header.
        start: Of the central directory in the file.
    """

    members: Tuple[Member, ...]
    offsets: Tuple[int, ...]
    start: int


def format_local_header(member: Member) -> bytes:
    """Make what stands before a member's content."""
    is_large = member.size >= _ALL_ONES_32
    extra = struct.pack("<2H2Q", 1, 16, member.size, member.size) if is_large else b""
    size = _ALL_ONES_32 if is_large else member.size
    name = member.name.encode("ascii")
    version = _VERSION_64 if is_large else _VERSION
    fixed = _LOCAL.pack(b"PK\3\4", version, 0, 0, 0, _DATE, member.crc, size, size, len(name), len(extra))
    return fixed + name + extra


def place_members(header_size: int, members: Iterable[Member]) -> List[int]:
    """Compute the offset of each member's local header; they follow each other after the shell header."""
    offsets = []
    for member in members:
        offsets.append(header_size)
        header_size += len(format_local_header(member)) + member.size
    return offsets


def format_end(header_size: int, members: Sequence[Member]) -> bytes:
    """Make what stands after the last member: the central directory and its end."""
    offsets = place_members(header_size, members)
    start = header_size
    if members:
        start = offsets[-1] + len(format_local_header(members[-1])) + members[-1].size
    directory = b"".join(_central_entry(*pair) for pair in zip(members, offsets))
    count, size = len(members), len(directory)
    records = b""
    if start >= _ALL_ONES_32 or size >= _ALL_ONES_32 or count >= _ALL_ONES_16:
        version = _UNIX | _VERSION_64
        records = _END_64.pack(b"PK\6\6", 44, version, _VERSION_64, 0, 0, count, count, size, start)
        records += _LOCATOR_64.pack(b"PK\6\7", 0, start + size, 1)
    short_count = min(count, _ALL_ONES_16)
    records += _END.pack(
        b"PK\5\6", 0, 0, short_count, short_count, min(size, _ALL_ONES_32), min(start, _ALL_ONES_32), 0
    )
    return directory + records


def _central_entry(member: Member, offset: int) -> bytes:
    extra = b""
    if member.size >= _ALL_ONES_32:
        extra += struct.pack("<2Q", member.size, member.size)
    if offset >= _ALL_ONES_32:
        extra += struct.pack("<Q", offset)
    if extra:
        extra = struct.pack("<2H", 1, len(extra)) + extra
    version = _VERSION_64 if extra else _VERSION
    size = min(member.size, _ALL_ONES_32)
    name = member.name.encode("ascii")
    lengths = (len(name), len(extra), 0, 0, 0)
    fixed = _CENTRAL.pack(
        b"PK\1\2", _UNIX | version, version, 0, 0, 0, _DATE, member.crc, size, size, *lengths,
        _REGULAR_FILE, min(offset, _ALL_ONES_32)
    )  # fmt: skip
    return fixed + name + extra


def find_directory(tail: bytes, size: int) -> Tuple[int, int]:
    """Find the central directory.

    Args:
        tail: The file's last 98 bytes, or all of a shorter one.
        size: Of the file.

    Returns:
        Its offset and its size.

    Raises:
        ArchiveError: The file does not end as a bundle does.
    """
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\5\6":
        raise broken("this bundle is cut short, or something follows its end")
    numbers = _END.unpack(tail[-_END.size :])
    count, directory_size, start = numbers[4:7]
    if count == _ALL_ONES_16 or _ALL_ONES_32 in (directory_size, start):
        record = tail[-_END.size - _LOCATOR_64.size - _END_64.size :][: _END_64.size]
        if len(record) < _END_64.size or record[:4] != b"PK\6\6":
            raise broken("this bundle is damaged: its end cannot be read")
        directory_size, start = _END_64.unpack(record)[8:10]
    if start + directory_size > size:
        raise broken("this bundle is cut short", expected=start + directory_size, found=size)
    return start, directory_size


TAIL_SIZE = _END.size + _LOCATOR_64.size + _END_64.size


def parse_directory(data: bytes, start: int) -> Directory:
    """Read a central directory.

    Args:
        data: The directory's bytes.
        start: Its offset in the file.

    Raises:
        ArchiveError: It is not one that a bundle has.
    """
    members, offsets = [], []
    position = 0
    while position < len(data):
        entry = _parse_entry(data, position)
        if entry is None:
            raise broken("this bundle is damaged: its directory cannot be read")
        member, offset, position = entry
        members.append(member)
        offsets.append(offset)
    if not members:
        raise broken("this bundle is damaged: it is empty")
    return Directory(tuple(members), tuple(offsets), start)


def _parse_entry(data: bytes, position: int) -> Optional[Tuple[Member, int, int]]:
    if len(data) - position < _CENTRAL.size:
        return None
    fields = _CENTRAL.unpack_from(data, position)
    crc, _, size = fields[7:10]
    name_size, extra_size = fields[10:12]
    offset = fields[-1]
    name_start = position + _CENTRAL.size
    extra_start = name_start + name_size
    end = extra_start + extra_size
    if fields[0] != b"PK\1\2" or end > len(data):
        return None
    extra = data[extra_start + 4 : end]
    try:
        name = data[name_start:extra_start].decode("ascii")
        if size == _ALL_ONES_32:
            size = struct.unpack_from("<Q", extra)[0]
            extra = extra[16:]
        if offset == _ALL_ONES_32:
            offset = struct.unpack_from("<Q", extra)[0]
    except (UnicodeDecodeError, struct.error):
        return None
    return Member(name, size, crc), offset, end


def broken(message: str, **facts: object) -> ArchiveError:
    """A bundle whose bytes are not what they should be."""
    return ArchiveError(
        message,
        "corrupt-bundle",
        {name: printable(str(value)) for name, value in facts.items()},
        "copy the bundle again and compare its sha256 with the original's",
    )
