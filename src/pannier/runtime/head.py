"""The head of a pack: the few lines that stand readable at the beginning of the file."""

import re
import zlib
from typing import Dict, List, NamedTuple, Pattern, Tuple

from .errors import ArchiveError, corrupt, printable

FORMAT = 1
# A head is a few lines, and in one stored block of at most this size.
MAX_HEAD = 1 << 16
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_ORIGIN = re.compile(r"inside|host")
_PROGRAM = re.compile(r"|(?![.-])[^/]+|\.[^./][^/]*")
_EXECUTABLE = re.compile(r"bin/python[0-9.a-z]*")
_RAW_FRAME_HEADER = b"\x28\xb5\x2f\xfd"


class Head(NamedTuple):
    """The lines of `.pannier/head`.

    Attributes:
        id: The sha256 of the manifest.
        name: What the pack is called.
        system: `uname -s` in lower case, or `any`.
        machine: `uname -m`, or `any`.
        libc_family: `glibc`, `musl` or `any`.
        libc_version: The least version of it that will do.
        implementation: `cpython`.
        python_version: The interpreter's whole version.
        origin: `inside`, or `host` when the target's own interpreter is used.
        executable: The interpreter's path in the prefix.
        program: The command to run by default; empty for none.
        manifest: Offset and size of the manifest's frame.
        bootstrap: Offset and size of the first layers' frames.
        bootstrap_sha256: Digest of that range.
        unpacked_bytes: Of all files.
        unpacked_files: Number of members.
    """

    id: str
    name: str
    system: str
    machine: str
    libc_family: str
    libc_version: str
    implementation: str
    python_version: str
    origin: str
    executable: str
    program: str
    manifest: Tuple[int, int]
    bootstrap: Tuple[int, int]
    bootstrap_sha256: str
    unpacked_bytes: int
    unpacked_files: int

    @property
    def python_minor(self) -> str:
        """`major.minor` of the interpreter."""
        return ".".join(self.python_version.split(".")[:2])


def parse_head(data: bytes) -> Head:
    """Read the text of `.pannier/head`.

    Raises:
        ArchiveError: It is no head, or of another format than 1.
    """
    fields = _head_fields(data)
    try:
        format_number, identity = fields["pannier-pack"]
        if format_number != str(FORMAT):
            raise ArchiveError(
                f"this pack has format {printable(format_number)}, which this version does not know",
                "unknown-format",
                {"found": "format " + printable(format_number), "known": f"format {FORMAT}"},
                "run it with the Pannier that made it, or a newer one",
            )
        system, machine, family, libc = fields["system"]
        implementation, version, origin, executable = fields["python"]
        offset, size, digest = fields["bootstrap"]
        (program,) = fields.get("program", [""])
        manifest_offset, manifest_size = fields["manifest"]
        unpacked_bytes, unpacked_files = fields["unpacked"]
        return Head(
            parse_digest(identity),
            " ".join(fields["name"]),
            system,
            machine,
            family,
            libc,
            implementation,
            version,
            _matching(_ORIGIN, origin),
            _matching(_EXECUTABLE, executable),
            _matching(_PROGRAM, program),
            (_number(manifest_offset), _number(manifest_size)),
            (_number(offset), _number(size)),
            parse_digest(digest),
            _number(unpacked_bytes),
            _number(unpacked_files),
        )
    except (KeyError, ValueError) as error:
        raise corrupt(
            "this pack is damaged: its head cannot be read", because=printable(str(error))
        ) from None


def _head_fields(data: bytes) -> Dict[str, List[str]]:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise corrupt("this pack is damaged: its head is not UTF-8") from None
    if lines[0] or lines[-2:] != ["end", ""] or not lines[1].startswith("pannier-pack "):
        raise corrupt("this pack is damaged: its head does not begin or end as it should")
    fields: Dict[str, List[str]] = {}
    for line in lines[1:-2]:
        words = line.split(" ")
        if words[0] in fields:
            raise corrupt(f"this pack is damaged: its head has two lines of `{printable(words[0])}`")
        fields[words[0]] = words[1:]
    return fields


def _number(text: str) -> int:
    return int(_matching(_NUMBER, text))


def _matching(pattern: "Pattern[str]", text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def parse_digest(text: object) -> str:
    """Return a sha256 as hex digits.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(text, str) or not _HEX_DIGEST.fullmatch(text):
        raise ValueError(text)
    return text


def read_head_frame(data: bytes) -> Tuple[str, bytes, int]:
    """Give codec, content and length of the stored frame at the beginning of a file.

    Raises:
        ArchiveError: There is none.
    """
    if data[:3] == b"\x1f\x8b\x08":
        member = zlib.decompressobj(31)
        try:
            content = member.decompress(data, MAX_HEAD)
        except zlib.error as error:
            raise corrupt("this pack is damaged: its head cannot be read", because=error) from None
        if member.eof:
            return "gzip", content, len(data) - len(member.unused_data)
    if data[:4] == _RAW_FRAME_HEADER:
        content, size = _read_raw_frame(data)
        return "zstd", content, size
    raise corrupt("this file is no pack, or its head is cut short")


def _read_raw_frame(data: bytes) -> Tuple[bytes, int]:
    """Read a zstd frame of raw blocks by hand (RFC 8878, 3.1.1): no decompressor is needed for a head."""
    if len(data) < 6 or data[4] & 0x0B:
        raise corrupt("this pack is damaged: its head is not a plain frame")
    descriptor = data[4]
    single = descriptor >> 5 & 1
    length = (1 << (descriptor >> 6)) if descriptor >> 6 else single
    position = 5 + (0 if single else 1)
    expected = int.from_bytes(data[position : position + length], "little") + (256 if length == 2 else 0)
    position += length
    content = b""
    while True:
        block = int.from_bytes(data[position : position + 3], "little")
        position += 3
        if position + (block >> 3) > len(data) or block >> 1 & 3:
            raise corrupt("this pack is damaged: its head is cut short or not stored")
        content += data[position : position + (block >> 3)]
        position += block >> 3
        if block & 1:
            break
    if descriptor & 4:
        position += 4
    if length and expected != len(content):
        raise corrupt("this pack is damaged: its head has another length than it says")
    return content, position
