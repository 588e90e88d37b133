"""Tar segments: members with their data and no end of archive, as `docs/reference/pack-format.md` wants them.

Headers are those of GNU tar, with `L` and `K` records for long names and link targets. They are put together
by hand because a pack has thousands of them, and because no byte may depend on a library.
"""

from typing import NamedTuple

from pannier.model.errors import PackError

BLOCK = 512
END_OF_ARCHIVE = bytes(2 * BLOCK)
# 1980-01-02T00:00:00Z: the earliest day that ZIP can express in every time zone.
MEMBER_TIME = 315_619_200
_NAME_LIMIT = 100
_OCTAL_SIZE_LIMIT = 8**11
_PADDING = tuple(bytes(-size % BLOCK) for size in range(BLOCK))
_ZEROS = bytes(BLOCK)


class Member(NamedTuple):
    """One file, link or empty directory of a segment.

    Attributes:
        name: Its place in the prefix, `/` between components.
        size: Bytes of data; 0 for links and directories.
        is_executable: Mode 0755 instead of 0644 (files only).
        link_target: Where a symbolic link points, relative to its own directory; empty for what is no link.
        is_directory: A directory, written only when nothing is in it.
    """

    name: str
    size: int = 0
    is_executable: bool = False
    link_target: str = ""
    is_directory: bool = False


def name_problem(name: str) -> str:
    """Say why `name` cannot stand in a pack; empty when it can."""
    if not name:
        return "it is empty"
    if name[0] == "/":
        return "it is absolute"
    if "\0" in name:
        return "it holds a NUL"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "it has an empty, `.` or `..` component"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    return ""


def link_problem(name: str, target: str) -> str:
    """Say why a link at `name` cannot point to `target` in a pack; empty when it can."""
    parts = target.split("/")
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    if target.startswith("/"):
        return "its target is absolute"
    if climbs > name.count("/"):
        return "its target leaves the prefix"
    if climbs == len(parts):
        return ""
    problem = name_problem("/".join(parts[climbs:]))
    return f"of its target: {problem}" if problem else ""


def format_header(member: Member) -> bytes:
    """Write a member's header blocks, with the `L` and `K` records it needs before them.

    Raises:
        PackError: The name or the link's target is none that a pack may hold.
    """
    problem = name_problem(member.name)
    if not problem and member.link_target:
        problem = link_problem(member.name, member.link_target)
    if problem:
        raise PackError(
            f"`{member.name}` cannot be put in a pack",
            code="member-name",
            facts={"because": problem, **({"target": member.link_target} if member.link_target else {})},
        )
    name = member.name.encode() + (b"/" if member.is_directory else b"")
    target = member.link_target.encode()
    records = b""
    if len(target) > _NAME_LIMIT:
        records += _long_record(b"K", target)
    if len(name) > _NAME_LIMIT:
        records += _long_record(b"L", name)
    return records + _block(name[:_NAME_LIMIT], *_mode_and_type(member), member.size, target[:_NAME_LIMIT])


def padding(size: int) -> bytes:
    """Return the zeros that fill the last block of `size` bytes of data."""
    return _PADDING[size % BLOCK]


def _mode_and_type(member: Member) -> tuple[bytes, bytes]:
    if member.link_target:
        return b"0000777", b"2"
    if member.is_directory:
        return b"0000755", b"5"
    return (b"0000755" if member.is_executable else b"0000644"), b"0"


def _long_record(kind: bytes, text: bytes) -> bytes:
    data = text + b"\0"
    return _block(b"././@LongLink", b"0000644", kind, len(data), b"") + data + padding(len(data))


def _block(name: bytes, mode: bytes, kind: bytes, size: int, target: bytes) -> bytes:
    head = name + _ZEROS[: _NAME_LIMIT - len(name)]
    # name, mode, owner, group, size, time, checksum as spaces, type, target, magic; the rest is zeros.
    start = b"%b%b\x000000000\x000000000\x00%b%011o\x00" % (head, mode, _size_field(size), MEMBER_TIME)
    rest = kind + target + _ZEROS[: _NAME_LIMIT - len(target)] + b"ustar  \x00"
    checksum = sum(start) + sum(rest) + 8 * 32
    block = b"%b%06o\x00 %b" % (start, checksum, rest)
    return block + _ZEROS[: BLOCK - len(block)]


def _size_field(size: int) -> bytes:
    if size < _OCTAL_SIZE_LIMIT:
        return b"%011o\x00" % size
    # GNU's base-256 for 8 GiB and more: the first bit set, the number in the rest.
    return b"\x80" + size.to_bytes(11, "big")
