"""The head of a pack: the few lines its launcher reads with nothing but the shell's `read`.

The standard is `docs/reference/pack-format.md`, "The head". What reads it travels: `pannier.runtime.head`.
"""

from typing import Literal, NamedTuple

from pannier.model.manifest import FORMAT_VERSION, Manifest

HEAD_NAME = ".pannier/head"
_MAGIC = "pannier-pack"


class PackHead(NamedTuple):
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
