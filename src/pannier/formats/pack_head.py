"""The head of a pack: the few lines its launcher reads with nothing but the shell's `read`.

The standard is `docs/reference/pack-format.md`, "The head".
"""

import re
from dataclasses import dataclass
from typing import Literal

from pannier.model.errors import CorruptPackError
from pannier.model.manifest import FORMAT_VERSION, Manifest

HEAD_NAME = ".pannier/head"
_MAGIC = "pannier-pack"
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackHead:
    """What the launcher must know before it unpacks anything.

    Attributes:
        pack_id: sha256 of the manifest's JSON bytes, in hex.
        name: What the pack is called.
        system: As `uname -s` prints it, in lower case.
        architecture: As `uname -m` prints it.
        libc_family: `glibc`, `musl`, or `any` when nothing inside is compiled.
        libc_version: The least version of it; `0` for any.
        implementation: `cpython`.
        python_version: Whole version of the interpreter.
        origin: Whether the interpreter is `inside` the pack or the `host`'s.
        executable: The interpreter's path in the prefix.
        program: The command to run by default; empty for none.
        manifest_offset: Where frame 1 begins in the file, in bytes.
        manifest_size: Its length.
        bootstrap_offset: Where the layers begin that the launcher unpacks by itself.
        bootstrap_size: Their length together.
        bootstrap_sha256: Hex digest of that range.
        unpacked_size: Bytes of the prefix, as tar counts them.
        unpacked_files: Number of members.
    """

    pack_id: str
    name: str
    system: str
    architecture: str
    libc_family: str
    libc_version: str
    implementation: str
    python_version: str
    origin: Literal["inside", "host"]
    executable: str
    program: str
    manifest_offset: int
    manifest_size: int
    bootstrap_offset: int
    bootstrap_size: int
    bootstrap_sha256: str
    unpacked_size: int
    unpacked_files: int


def head_of(
    manifest: Manifest, *, pack_id: str, manifest_range: tuple[int, int], bootstrap: tuple[int, int, str]
) -> PackHead:
    """Put together a pack's head.

    Args:
        manifest: What the pack holds.
        pack_id: sha256 of its JSON bytes.
        manifest_range: Offset and size of frame 1.
        bootstrap: Offset, size and sha256 of the frames that the launcher unpacks.
    """
    platform = manifest.target.platform
    return PackHead(
        pack_id=pack_id,
        name=manifest.name,
        system=platform.system,
        architecture=platform.architecture,
        libc_family=platform.libc_family,
        libc_version=platform.libc_version,
        implementation=manifest.interpreter.implementation,
        python_version=manifest.interpreter.version,
        origin=manifest.interpreter.origin,
        executable=manifest.interpreter.executable,
        program=manifest.program.name if manifest.program else "",
        manifest_offset=manifest_range[0],
        manifest_size=manifest_range[1],
        bootstrap_offset=bootstrap[0],
        bootstrap_size=bootstrap[1],
        bootstrap_sha256=bootstrap[2],
        unpacked_size=sum(layer.content_size for layer in manifest.layers),
        unpacked_files=sum(layer.files for layer in manifest.layers) + 2,
    )


def format_head(head: PackHead) -> bytes:
    """Write the head's lines, the empty one before them included."""
    lines = [
        "",
        f"{_MAGIC} {FORMAT_VERSION} {head.pack_id}",
        f"name {head.name}",
        f"system {head.system} {head.architecture} {head.libc_family} {head.libc_version}",
        f"python {head.implementation} {head.python_version} {head.origin} {head.executable}",
        *([f"program {head.program}"] if head.program else []),
        f"manifest {head.manifest_offset} {head.manifest_size}",
        f"bootstrap {head.bootstrap_offset} {head.bootstrap_size} {head.bootstrap_sha256}",
        f"unpacked {head.unpacked_size} {head.unpacked_files}",
        "end",
        "",
    ]
    return "\n".join(lines).encode()


def parse_head(data: bytes) -> PackHead:
    """Read the head's lines.

    Args:
        data: The content of the member `.pannier/head`.

    Raises:
        CorruptPackError: It is not a head, or of a format version that this Pannier does not know.
    """
    fields = _fields(data)
    version, pack_id = _words(fields, _MAGIC, 2)
    if version != str(FORMAT_VERSION):
        raise CorruptPackError(
            f"the pack is of format version {version}, which this Pannier does not know",
            code="unknown-format",
            facts={"known": str(FORMAT_VERSION)},
            hint="use a newer Pannier",
        )
    system, architecture, family, libc_version = _words(fields, "system", 4)
    implementation, python_version, origin, executable = _words(fields, "python", 4)
    bootstrap = _words(fields, "bootstrap", 3)
    manifest = _words(fields, "manifest", 2)
    unpacked = _words(fields, "unpacked", 2)
    if origin not in {"inside", "host"} or not _HEX.fullmatch(pack_id) or not _HEX.fullmatch(bootstrap[2]):
        raise _not_a_head("a line of it is not as it must be")
    return PackHead(
        pack_id=pack_id,
        name=fields.get("name", ""),
        system=system,
        architecture=architecture,
        libc_family=family,
        libc_version=libc_version,
        implementation=implementation,
        python_version=python_version,
        origin="inside" if origin == "inside" else "host",
        executable=executable,
        program=fields.get("program", ""),
        manifest_offset=_number(manifest[0]),
        manifest_size=_number(manifest[1]),
        bootstrap_offset=_number(bootstrap[0]),
        bootstrap_size=_number(bootstrap[1]),
        bootstrap_sha256=bootstrap[2],
        unpacked_size=_number(unpacked[0]),
        unpacked_files=_number(unpacked[1]),
    )


def _fields(data: bytes) -> dict[str, str]:
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise _not_a_head("it is not UTF-8") from error
    if len(lines) < 3 or lines[0] or lines[-2:] != ["end", ""] or not lines[1].startswith(f"{_MAGIC} "):
        raise _not_a_head("its first or last line is missing")
    fields: dict[str, str] = {}
    for line in lines[1:-2]:
        key, _, value = line.partition(" ")
        if key in fields:
            raise _not_a_head(f"`{key}` stands in it twice")
        fields[key] = value
    return fields


def _words(fields: dict[str, str], key: str, count: int) -> list[str]:
    """Split a line in exactly `count` words; the last may hold spaces."""
    words = fields.get(key, "").split(" ", count - 1)
    if len(words) != count or not all(words):
        raise _not_a_head(f"its line `{key}` is missing or incomplete")
    return words


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _not_a_head(f"`{text}` is not a number")
    return int(text)


def _not_a_head(because: str) -> CorruptPackError:
    return CorruptPackError(
        "the head of the pack cannot be read", code="pack-head", facts={"because": because}
    )
