"""The bytes of a site's bundle: a shell script, then a ZIP archive of stored members, each in its place.

Nothing in the ZIP archive is free: which members there are, their order, their offsets and every field of
their headers follow from the manifest and the members' bytes. So the bookkeeping is checked by making it
again, and no byte of the file is left that nothing looks at. Both sides use this module: Pannier writes
bundles with it, the installer on the server reads them with it.

Standard: PKWARE's APPNOTE.TXT 6.3 with ZIP64; all times are 1980-01-01, all modes 0644.
"""

import hashlib
import json
import struct
from typing import BinaryIO, Dict, Iterable, List, NamedTuple, Tuple

FORMAT = "pannier-site"
VERSION = 1
MAGIC = b"#!/bin/sh\n# pannier-site 1\n"
MANIFEST_NAME = "site.json"
SIGNATURE_NAME = "site.json.sig"
SIGNATURE_NAMESPACE = "pannier-site"

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
LOCAL_SIZE = _LOCAL.size
CENTRAL_SIZE = _CENTRAL.size
END_SIZE = _END.size
END64_SIZE = _END64.size + _LOCATOR.size
_MAXIMUM = 0xFFFFFFFF
_MAXIMUM_COUNT = 0xFFFF
_DATE = 0x21  # 1980-01-01, the first day that ZIP knows
_UNIX = 3 << 8
_MODE = 0o100644 << 16


class Entry(NamedTuple):
    """One member where it lies.

    Attributes:
        name: Its path in the archive; ASCII.
        size: Of its content, in bytes.
        crc: CRC-32 of its content.
        offset: Of its local header, from the beginning of the file.
    """

    name: str
    size: int
    crc: int
    offset: int

    @property
    def start(self) -> int:
        """Where its content begins, from the beginning of the file."""
        return self.offset + local_header_size(self.name, self.size)


class ExpectedMember(NamedTuple):
    """A member that a manifest names.

    Attributes:
        name: Its path in the archive.
        size: Of its content, in bytes.
        sha256: Hex digest of its content.
    """

    name: str
    size: int
    sha256: str


def canonical_json(value: object) -> bytes:
    """The one way to write a manifest: keys sorted, no spaces, ASCII, a newline at the end."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


def manifest_id(manifest: Dict[str, object]) -> str:
    """The name of a bundle's content: sha256 over its manifest without the `id`."""
    rest = {key: value for key, value in manifest.items() if key != "id"}
    return hashlib.sha256(canonical_json(rest)).hexdigest()


def expected_members(manifest: Dict[str, object]) -> List[ExpectedMember]:
    """Every member but the manifest and its signature, in the archive's order.

    First the manifest's `files` as they are listed there, then the wheels that are included, by path. The
    manifest follows as the last member but for its signature.

    Args:
        manifest: A manifest whose fields have been checked.
    """
    members = [
        ExpectedMember(str(file["name"]), int(file["size"]), str(file["sha256"]))
        for file in manifest["files"]  # type: ignore[attr-defined]
    ]
    wheels = [
        ExpectedMember(str(wheel["path"]), int(wheel["size"]), sha256)
        for sha256, wheel in manifest["wheels"].items()  # type: ignore[attr-defined]
        if wheel["included"]
    ]
    return members + sorted(wheels)


def local_header_size(name: str, size: int) -> int:
    """How many bytes stand before a member's content."""
    return LOCAL_SIZE + len(name) + (20 if size >= _MAXIMUM else 0)


def local_header(name: str, size: int, crc: int) -> bytes:
    """What stands before a member's content."""
    extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= _MAXIMUM else b""
    shown = min(size, _MAXIMUM)
    version = 45 if extra else 10
    fields = (b"PK\3\4", version, 0, 0, 0, _DATE, crc, shown, shown, len(name), len(extra))
    return _LOCAL.pack(*fields) + name.encode("ascii") + extra


def directory(entries: Iterable[Entry], offset: int) -> bytes:
    """Everything behind the last member's content: the central directory and its end records.

    Args:
        entries: All members, in the file's order.
        offset: Where the directory begins, from the beginning of the file.
    """
    records = [_central_record(entry) for entry in entries]
    data = b"".join(records)
    size, count = len(data), len(records)
    end64 = b""
    if count >= _MAXIMUM_COUNT or offset >= _MAXIMUM or size >= _MAXIMUM:
        made = _UNIX | 45
        end64 = _END64.pack(b"PK\6\6", 44, made, 45, 0, 0, count, count, size, offset)
        end64 += _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1)
    shown = min(count, _MAXIMUM_COUNT)
    end = _END.pack(b"PK\5\6", 0, 0, shown, shown, min(size, _MAXIMUM), min(offset, _MAXIMUM), 0)
    return data + end64 + end


def _central_record(entry: Entry) -> bytes:
    wide = []
    if entry.size >= _MAXIMUM:
        wide += [entry.size, entry.size]
    if entry.offset >= _MAXIMUM:
        wide.append(entry.offset)
    extra = struct.pack("<2H%dQ" % len(wide), 1, 8 * len(wide), *wide) if wide else b""
    version = 45 if wide else 10
    size, offset = min(entry.size, _MAXIMUM), min(entry.offset, _MAXIMUM)
    record = _CENTRAL.pack(
        b"PK\1\2", _UNIX | version, version, 0, 0, 0, _DATE, entry.crc, size, size,
        len(entry.name), len(extra), 0, 0, 0, _MODE, offset,
    )  # fmt: skip
    return record + entry.name.encode("ascii") + extra


class DirectoryError(ValueError):
    """The end of a file is not that of a bundle."""


def read_directory(stream: BinaryIO) -> "Directory":
    """Find the members of a bundle by its directory, which is not to be trusted before it is compared.

    Args:
        stream: The file, open for reading bytes.

    Raises:
        DirectoryError: It has no directory of ours.
    """
    length = stream.seek(0, 2)
    offset, size = _directory_range(stream, length)
    if offset + size > length or size > (1 << 30):
        raise DirectoryError("its directory would lie outside the file")
    stream.seek(offset)
    data = stream.read(size)
    entries = []
    position = 0
    while position < size:
        entry, position = _parse_central_record(data, position)
        if entry.start + entry.size > offset:
            raise DirectoryError("a member would lie behind the directory")
        entries.append(entry)
    if not entries:
        raise DirectoryError("it has no members")
    return Directory(entries, offset, length)


class Directory(NamedTuple):
    """What a bundle's directory says.

    Attributes:
        entries: Its members, as listed.
        offset: Where the directory begins.
        length: Of the whole file.
    """

    entries: List[Entry]
    offset: int
    length: int


def _directory_range(stream: BinaryIO, length: int) -> Tuple[int, int]:
    tail_size = min(length, END_SIZE + END64_SIZE)
    stream.seek(length - tail_size)
    tail = stream.read(tail_size)
    if len(tail) < END_SIZE or tail[-END_SIZE:][:4] != b"PK\5\6":
        raise DirectoryError("it does not end as a bundle ends; it may be cut short")
    fields = _END.unpack(tail[-END_SIZE:])
    size, offset = fields[5], fields[6]
    wide = tail[:-END_SIZE]
    if len(wide) == END64_SIZE and wide[:4] == b"PK\6\6" and wide[_END64.size :][:4] == b"PK\6\7":
        size, offset = _END64.unpack(wide[: _END64.size])[8:10]
    return offset, size


def _parse_central_record(data: bytes, position: int) -> Tuple[Entry, int]:
    if len(data) - position < CENTRAL_SIZE:
        raise DirectoryError("its directory is cut short")
    fields = _CENTRAL.unpack_from(data, position)
    crc, size, name_size, extra_size, offset = fields[7], fields[9], fields[10], fields[11], fields[16]
    start = position + CENTRAL_SIZE
    name = data[start : start + name_size]
    extra = data[start + name_size : start + name_size + extra_size]
    end = start + name_size + extra_size
    if fields[0] != b"PK\1\2" or end > len(data):
        raise DirectoryError("its directory is damaged")
    wide = struct.unpack("<%dQ" % ((len(extra) - 4) // 8), extra[4:]) if len(extra) in (12, 20, 28) else ()
    numbers = list(wide)
    if size == _MAXIMUM and len(numbers) >= 2:
        size = numbers.pop(0)
        numbers.pop(0)
    if offset == _MAXIMUM and numbers:
        offset = numbers.pop(0)
    try:
        return Entry(name.decode("ascii"), size, crc, offset), end
    except UnicodeDecodeError:
        raise DirectoryError("its directory has a name that is not ASCII") from None
