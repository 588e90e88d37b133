"""Tar segments, read strictly: only what `docs/reference/pack-format.md` allows, everything else refused.

The standard library's tarfile would accept, and help along, most of what an attacker would write.
"""

import re
from typing import Callable, Iterator, NamedTuple, Tuple, Union
from zlib import adler32

from .errors import ArchiveError, corrupt, hostile

BLOCK = 512
END_OF_ARCHIVE = bytes(2 * BLOCK)
_MAX_NAME = 4096
_ZEROS = bytes(BLOCK)
_NO_DEVICE = (bytes(16), b"0000000\0" * 2)
_OCTAL = re.compile(rb"[0-7]+[\0 ]+")
# An empty component, `.` or `..`; a leading or double slash makes an empty one. The end is \Z,
# for `$` would let a newline pass.
_BAD_COMPONENT = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)")
_CLIMB = re.compile(r"(?:\.\./)*")

Piece = Union[bytes, memoryview]


class Member(NamedTuple):
    """One file, symbolic link or empty directory of a segment.

    Attributes:
        kind: `file`, `link` or `directory`.
        name: Path in the prefix.
        mode: Permission bits.
        size: Bytes of data, for files.
        target: Where a link points.
    """

    kind: str
    name: str
    mode: int
    size: int
    target: str


class SegmentReader:
    """Reads a segment's members from the chunks of its content.

    After each file member from `members`, its data must be taken by `copy_data`, or is skipped.

    Args:
        chunks: The content, cut anywhere.
        limit: How many bytes the content has by the manifest; more are refused before they are read.
        bare_links: Links must point to a name beside them.
    """

    def __init__(self, chunks: Iterator[bytes], limit: int, bare_links: bool = False) -> None:
        self._chunks = chunks
        self._left = limit
        self._bare_links = bare_links
        self._buffer = b""
        self._offset = 0
        self._pending = 0

    def members(self) -> Iterator[Member]:
        """Give the members one after another.

        Raises:
            ArchiveError: A member that no pack may hold, or content that is no segment.
        """
        name = target = b""
        while True:
            if self._pending:
                self.copy_data(_ignore)
            header = self._take(BLOCK, or_end=True)
            if not header:
                break
            kind, size = _check_header(header)
            if kind in b"LK":
                text = self._take_text(size)
                if (name and kind == b"L") or (target and kind == b"K"):
                    raise corrupt("this pack is damaged: a member has two long names")
                name, target = (text, target) if kind == b"L" else (name, text)
                continue
            member = self._make_member(kind, header, size, name, target)
            name = target = b""
            self._pending = size
            yield member
        if name or target:
            raise corrupt("this pack is damaged: a long name without its member")
        if self._left:
            raise corrupt("this pack is damaged: a layer is shorter than the manifest says")

    def copy_data(self, write: Callable[[Piece], object]) -> None:
        """Hand the current member's data to `write`, in pieces that it must take whole."""
        left = self._pending
        self._pending = 0
        size = left
        while left:
            if self._offset == len(self._buffer) and not self._refill():
                raise corrupt("this pack is damaged: a member is cut short")
            start = self._offset
            end = min(start + left, len(self._buffer))
            write(memoryview(self._buffer)[start:end])
            self._offset = end
            left -= end - start
        if size % BLOCK and self._take(-size % BLOCK).strip(b"\0"):
            raise corrupt("this pack is damaged: a member's padding is not empty")

    def _refill(self) -> bool:
        for chunk in self._chunks:
            if not chunk:
                continue
            if len(chunk) > self._left:
                raise corrupt("this pack is damaged: a layer is longer than the manifest says")
            self._left -= len(chunk)
            self._buffer = self._buffer[self._offset :] + chunk if self._offset < len(self._buffer) else chunk
            self._offset = 0
            return True
        return False

    def _take(self, size: int, or_end: bool = False) -> bytes:
        while len(self._buffer) - self._offset < size:
            if not self._refill():
                if or_end and self._offset == len(self._buffer):
                    return b""
                raise corrupt("this pack is damaged: a layer ends within a member")
        start = self._offset
        self._offset = start + size
        return self._buffer[start : start + size]

    def _take_text(self, size: int) -> bytes:
        if not 1 < size <= _MAX_NAME:
            raise corrupt(f"this pack is damaged: a member's name has {size} bytes")
        data = self._take(size + -size % BLOCK)
        if data[size - 1 :].strip(b"\0") or b"\0" in data[: size - 1]:
            raise corrupt("this pack is damaged: a member's long name does not end where it should")
        return data[: size - 1]

    def _make_member(self, kind: bytes, header: bytes, size: int, name: bytes, target: bytes) -> Member:
        text = _decode(name or _field(header, 0, 100))
        mode = _octal(header, 100, 8)
        link = _decode(target or _field(header, 157, 100))
        if kind == b"5":
            if not text.endswith("/"):
                raise hostile(text, "it is a directory whose name does not end in `/`")
            text = text[:-1]
        _check_name(text)
        if (kind == b"2") != bool(link) or (kind != b"0" and size):
            raise hostile(text, "its type, target and size do not go together")
        if kind == b"2":
            _check_link(text, link, self._bare_links)
            return Member("link", text, mode, 0, link)
        if mode not in (0o644, 0o755):
            raise hostile(text, f"its mode is {mode:o}")
        return Member("directory" if kind == b"5" else "file", text, mode, size, "")


def _ignore(_piece: Piece) -> None:
    """Take data that nobody wants."""


def _check_header(header: bytes) -> Tuple[bytes, int]:
    """Check what all headers have in common; give the type and the size."""
    if header == _ZEROS:
        raise corrupt("this pack is damaged: an end of archive where none may be")
    if _sum(header) - sum(header[148:156]) + 8 * 32 != _octal(header, 148, 8):
        raise corrupt("this pack is damaged: a member's header does not match its checksum")
    kind = header[156:157]
    if kind not in (b"0", b"2", b"5", b"L", b"K"):
        name = header[:100].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
        raise hostile(name, "its type is {!r}".format(kind.decode("latin-1")))
    if header[257:265] != b"ustar  \0" or header[265:329].strip(b"\0") or header[345:].strip(b"\0"):
        raise corrupt("this pack is damaged: a member's header is not of GNU tar's kind, or names an owner")
    if header[329:345] not in _NO_DEVICE or _octal(header, 108, 8) or _octal(header, 116, 8):
        raise corrupt("this pack is damaged: a member's header names an owner or a device")
    return kind, _size(header)


def _sum(header: bytes) -> int:
    # Of 256 bytes, the lower half of an Adler-32 is their sum and one, and a tenth of the work.
    return (adler32(header[:256]) & 0xFFFF) + (adler32(header[256:]) & 0xFFFF) - 2


def _size(header: bytes) -> int:
    # GNU's base-256 for 8 GiB and more: the first bit set, the number in the rest.
    if header[124] == 0x80:
        return int.from_bytes(header[125:136], "big")
    return _octal(header, 124, 12)


def _octal(header: bytes, start: int, length: int) -> int:
    field = header[start : start + length]
    if not _OCTAL.fullmatch(field):
        raise corrupt("this pack is damaged: a member's header has a field that is no number")
    return int(field.strip(b"\0 "), 8)


def _field(header: bytes, start: int, length: int) -> bytes:
    field = header[start : start + length].rstrip(b"\0")
    if b"\0" in field:
        raise corrupt("this pack is damaged: a member's name holds a NUL")
    return field


def _decode(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise hostile(name.decode("utf-8", "backslashreplace"), "its name is not UTF-8") from None


def _check_name(name: str) -> None:
    if _BAD_COMPONENT.search(name):
        if name.startswith("/"):
            raise hostile(name, "its name is absolute")
        raise hostile(name, "its name has an empty, `.` or `..` component")
    if name == ".pannier/complete":
        raise hostile(name, "only the unpacker may write it")


def _check_link(name: str, target: str, bare: bool) -> None:
    climb = _CLIMB.match(target)
    assert climb is not None
    rest = target[climb.end() :]
    climbs = climb.end() // 3
    if rest == "..":
        climbs, rest = climbs + 1, ""
    if target.startswith("/"):
        raise hostile(name, "it links to an absolute path")
    if climbs > name.count("/"):
        raise hostile(name, "it links to outside of the prefix")
    if (rest or not climbs) and _BAD_COMPONENT.search(rest):
        raise hostile(name, "its target has an empty, `.` or `..` component after the beginning")
    if bare and (climbs or "/" in rest):
        raise hostile(name, "a link of the first layers may only point to a name beside it")


def read_only_member(content: bytes, name: str) -> bytes:
    """Give the data of the one member of a segment, which must have that name.

    Raises:
        ArchiveError: The segment holds something else.
    """
    reader = SegmentReader(iter([content]), len(content))
    pieces = []
    names = []
    for member in reader.members():
        names.append((member.kind, member.name))
        reader.copy_data(lambda piece: pieces.append(bytes(piece)))
    if names != [("file", name)]:
        raise corrupt(f"this pack is damaged: a frame holds another member than `{name}`")
    return b"".join(pieces)


__all__ = ["BLOCK", "END_OF_ARCHIVE", "ArchiveError", "Member", "SegmentReader", "read_only_member"]
