"""Zip archives of strangers: one reading only, inside its own bounds, before anything in it is believed.

A zip is found from its end and a tar from its start, so one file can be both, and each installer may take the
other. So only a zip that is nothing else is taken: members lie without gap or overlap from the first byte on,
the directory right behind them, and the end of the directory is the end of the file.
"""

import struct
import zipfile
from typing import BinaryIO, NamedTuple

from pannier.model.errors import DistributionError
from pannier.server.uploads.limits import check_member_path, check_total, damaged, is_tar_header

_MAX_MEMBERS = 200_000
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 0x1


class _Directory(NamedTuple):
    """Where the central directory lies, and how many members it has."""

    offset: int
    size: int
    members: int


def open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive after its structure and its names are found to be sound.

    Args:
        stream: The file, seekable.

    Raises:
        DistributionError: It is no zip, another format as well, damaged, or made to do harm.
    """
    size = stream.seek(0, 2)
    directory = _find_directory(stream, size)
    if directory.members > _MAX_MEMBERS:
        raise DistributionError(
            f"the archive has {directory.members} members, and {_MAX_MEMBERS} is the most",
            code="archive-too-large",
        )
    stream.seek(0)
    if is_tar_header(stream.read(512)):
        raise DistributionError("the archive is a zip and a tar at once", code="archive-ambiguous")
    stream.seek(0)
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise damaged(str(error)) from None
    members = archive.infolist()
    if len(members) != directory.members:
        raise damaged("its directory does not have the members it counts")
    _check_members(members)
    _check_places(stream, members, directory.offset)
    check_total(sum(member.file_size for member in members), size)
    return archive


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read one member of an archive.

    Raises:
        DistributionError: It is not there, damaged, or larger than `limit` bytes.
    """
    try:
        with archive.open(name) as stream:
            data = stream.read(limit + 1)
    except KeyError:
        raise DistributionError(f"the archive has no `{name}`", code="archive-incomplete") from None
    except Exception as error:  # noqa: BLE001 - whatever a decompressor says of damaged data
        raise damaged(f"{name}: {error}") from None
    if len(data) > limit:
        raise DistributionError(f"`{name}` has more than {limit} bytes", code="archive-too-large")
    return data


def _find_directory(stream: BinaryIO, size: int) -> _Directory:
    """Find the central directory, whose end must be that of the file."""
    start = size - _END.size
    stream.seek(0)
    if start < 0 or stream.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        raise DistributionError("the file is no zip archive", code="not-an-archive")
    stream.seek(start)
    signature, disk, first, here, count, length, offset, comment = _END.unpack(stream.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise damaged("what ends the file is not the end of a zip, or has a comment")
    if 0xFFFFFFFF in (length, offset) or count == 0xFFFF:
        start, count, length, offset = _read_end_64(stream, start)
    elif (disk, first) != (0, 0) or here != count:
        raise damaged("it is a part of several")
    if offset + length != start:
        raise damaged("something lies between its directory and its end, or before its first member")
    return _Directory(offset, length, count)


def _read_end_64(stream: BinaryIO, end: int) -> tuple[int, int, int, int]:
    """Read where a large archive's directory is: start of the record, members, length, offset."""
    place = end - _LOCATOR_64.size
    start = place - _END_64.size
    if start < 0:
        raise damaged("it is too short for a large zip")
    stream.seek(start)
    signature, size, _, _, disk, first, here, count, length, offset = _END_64.unpack(
        stream.read(_END_64.size)
    )
    locator, locator_disk, where, disks = _LOCATOR_64.unpack(stream.read(_LOCATOR_64.size))
    expected = (b"PK\x06\x06", b"PK\x06\x07", _END_64.size - 12, start)
    if (signature, locator, size, where) != expected or here != count:
        raise damaged("the end of a large zip is not where it should be")
    if (disk, first, locator_disk) != (0, 0, 0) or disks > 1:
        raise damaged("it is a part of several")
    return start, count, length, offset


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        # The library leaves off what follows a NUL, and turns backslashes only on Windows.
        check_member_path(member.orig_filename)
        if member.filename in seen:
            raise DistributionError(f"the archive has `{member.filename}` twice", code="archive-ambiguous")
        seen.add(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise DistributionError("the archive is encrypted", code="not-an-archive")
        if member.compress_type not in _METHODS:
            raise DistributionError(
                f"the archive has a member of the unknown compression {member.compress_type}",
                code="not-an-archive",
            )


def _check_places(stream: BinaryIO, members: list[zipfile.ZipInfo], end: int) -> None:
    """Check that members lie one after the other and are named alike in both places that name them."""
    position = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset != position:
            raise damaged("its members overlap, or something lies between them")
        stream.seek(position)
        header = stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise damaged("a member is not where the directory says")
        fields = _LOCAL.unpack(header)
        flags, name_length, extra_length = fields[2], fields[9], fields[10]
        name = stream.read(name_length).decode("utf-8" if flags & 0x800 else "cp437", "replace")
        if name != member.orig_filename:
            raise DistributionError("the archive names a member in two ways", code="archive-ambiguous")
        position += _LOCAL.size + name_length + extra_length + member.compress_size
        if flags & 0x8:
            position += _descriptor_size(stream, position, member)
    if position != end:
        raise damaged("something lies before its directory")


def _descriptor_size(stream: BinaryIO, position: int, member: zipfile.ZipInfo) -> int:
    """Size of what follows a member that was written without knowing its size."""
    sizes = member.compress_size, member.file_size
    stream.seek(position)
    found = stream.read(24)
    for form in ("<4sL2L", "<4sL2Q", "<L2L", "<L2Q"):
        described = struct.pack(
            form, *((b"PK\x07\x08",) if "s" in form else ()), member.CRC, *_fit(form, sizes)
        )
        if found.startswith(described):
            return len(described)
    raise damaged("what follows a member does not describe it")


def _fit(form: str, sizes: tuple[int, int]) -> tuple[int, ...]:
    return sizes if form.endswith("Q") else tuple(size & 0xFFFFFFFF for size in sizes)
