"""A pack as a file: its head, its manifest, where its layers lie, and whether all of it is as it says."""

import hashlib
import json
import os
import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .errors import ArchiveError, corrupt, hostile, printable
from .frames import Decompressor, decompress, hash_range, read_range
from .head import MAX_HEAD, Head, parse_digest, parse_head, read_head_frame
from .segment import END_OF_ARCHIVE, SegmentReader, read_only_member

BOOTSTRAP_KINDS = ("runtime", "interpreter")
# A manifest has some kilobytes for each of some hundred layers.
_MAX_MANIFEST = 1 << 26
_MAX_SIZE = 1 << 62
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Layer(NamedTuple):
    """A layer by the manifest, with where it lies in the file.

    Attributes:
        kind: `runtime`, `interpreter`, `distribution`, `data` or `program`.
        name: Unique in the pack.
        offset: Of its frame in the file.
        size: Of its frame.
        sha256: Of its frame.
        content_size: Of its segment.
        content_sha256: Of its segment.
        files: How many members it has.
        bytecode: Its modules have their `.pyc` beside them.
    """

    kind: str
    name: str
    offset: int
    size: int
    sha256: str
    content_size: int
    content_sha256: str
    files: int
    bytecode: bool

    @property
    def is_bootstrap(self) -> bool:
        """The launcher unpacks it before there is a Python."""
        return self.kind in BOOTSTRAP_KINDS


class Pack(NamedTuple):
    """What `read_pack` found in a file.

    Attributes:
        path: The file.
        start: Where the pack begins in it.
        size: Of the pack.
        codec: `gzip` or `zstd`.
        head: Its head.
        head_bytes: The head's text.
        manifest: The manifest as JSON has it.
        manifest_bytes: The manifest's text.
        layers: In the file's order.
        end: Offset of the last frame in the file.
    """

    path: str
    start: int
    size: int
    codec: str
    head: Head
    head_bytes: bytes
    manifest: Dict[str, Any]
    manifest_bytes: bytes
    layers: Tuple[Layer, ...]
    end: int


def read_pack(
    path: str, open_decompressor: Optional[Decompressor] = None, start: int = 0, size: Optional[int] = None
) -> Pack:
    """Read a pack's head and manifest, and check that they agree with each other and with the pack's size.

    Args:
        path: The file it is, or is in.
        open_decompressor: Used instead of zlib and the `zstd` command.
        start: Where it begins in the file.
        size: Its length; `None` when it goes to the file's end.

    Raises:
        ArchiveError: It is no pack, of an unknown format, or damaged.
        OSError: The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size - start if size is None else size
        codec, content, head_size = read_head_frame(os.pread(descriptor, min(MAX_HEAD, size), start))
        head_bytes = read_only_member(content, ".pannier/head")
        head = parse_head(head_bytes)
        _check_ranges(head, head_size, size)
        open_decompressor = open_decompressor or decompress
        _check_stored(descriptor, codec, start, head_size)
        manifest_start = start + head.manifest[0]
        _check_stored(descriptor, codec, manifest_start, head.manifest[1])
        frame = open_decompressor(codec, read_range(descriptor, manifest_start, head.manifest[1]))
        manifest_bytes = read_only_member(_read_all(frame, _MAX_MANIFEST), ".pannier/manifest.json")
        manifest = _parse_manifest(manifest_bytes, head)
        layers = _place_layers(manifest, head, start)
        end = layers[-1].offset + layers[-1].size
        if end - start >= size:
            raise corrupt("this pack is cut short", expected=f"more than {end - start} bytes", found=size)
        pack = Pack(
            os.path.abspath(path), start, size, codec, head, head_bytes, manifest, manifest_bytes, layers, end
        )
        _check_end(pack, descriptor, open_decompressor)
    except ArchiveError as error:
        facts = {"pack": printable(path)}
        facts.update(error.facts)
        error.facts = facts
        raise
    finally:
        os.close(descriptor)
    return pack


def _check_ranges(head: Head, head_size: int, size: int) -> None:
    manifest_end = head.manifest[0] + head.manifest[1]
    if head.manifest[0] != head_size or head.bootstrap[0] != manifest_end:
        raise corrupt("this pack is damaged: its head says that frames lie where they do not")
    end = sum(head.bootstrap)
    if end > size:
        raise corrupt("this pack is cut short", expected=f"more than {end} bytes", found=size)


def _read_all(chunks: Iterator[bytes], limit: int) -> bytes:
    pieces = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise corrupt("this pack is damaged: a frame is longer than it may be")
        pieces.append(chunk)
    return b"".join(pieces)


def _check_stored(descriptor: int, codec: str, offset: int, size: int) -> None:
    """Check the bits of a stored gzip member that no decompressor looks at: no hash covers this frame."""
    if codec != "gzip":
        return
    is_plain = os.pread(descriptor, len(_GZIP_HEADER), offset) == _GZIP_HEADER
    position, end, is_last = offset + len(_GZIP_HEADER), offset + size, 0
    while is_plain and not is_last and position < end:
        # RFC 1951, 3.2.4: final bit, type 00 and five bits of padding, then the length twice.
        is_last, length = struct.unpack("<BHxx", os.pread(descriptor, 5, position).ljust(5, b"\0"))
        is_plain = is_last in (0, 1)
        position += 5 + length
    if not is_plain:
        raise corrupt("this pack is damaged: a frame is not stored as it should be", offset=offset)


def _parse_manifest(data: bytes, head: Head) -> Dict[str, Any]:
    found = hashlib.sha256(data).hexdigest()
    if found != head.id:
        raise corrupt(
            "this pack is damaged: its manifest does not match its id", expected=head.id, found=found
        )
    try:
        manifest = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise corrupt("this pack is damaged: its manifest is not JSON", because=error) from None
    if not isinstance(manifest, dict):
        raise corrupt("this pack is damaged: its manifest is no JSON object")
    return manifest


def _place_layers(manifest: Dict[str, Any], head: Head, start: int) -> Tuple[Layer, ...]:
    """Give the manifest's layers their place in the file, and check that the head means the same ones."""
    layers: List[Layer] = []
    offset = start + head.bootstrap[0]
    try:
        for entry in manifest["layers"]:
            layer = _make_layer(entry, offset)
            offset += layer.size
            layers.append(layer)
    except (KeyError, TypeError, ValueError) as error:
        raise corrupt(
            "this pack is damaged: its manifest has a layer that cannot be read", because=error
        ) from None
    expected = BOOTSTRAP_KINDS if head.origin == "inside" else BOOTSTRAP_KINDS[:1]
    first, others = layers[: len(expected)], layers[len(expected) :]
    if tuple(layer.kind for layer in first) != expected or any(layer.is_bootstrap for layer in others):
        raise corrupt("this pack is damaged: its first layers are not the expected ones", expected=expected)
    if sum(layer.size for layer in first) != head.bootstrap[1]:
        raise corrupt("this pack is damaged: head and manifest do not agree on the first layers")
    if len({layer.name for layer in layers}) != len(layers):
        raise corrupt("this pack is damaged: two of its layers have one name")
    return tuple(layers)


def _make_layer(entry: Dict[str, Any], offset: int) -> Layer:
    kind, name = entry["kind"], entry["name"]
    if not isinstance(kind, str) or not isinstance(name, str):
        raise TypeError(name)
    numbers = [entry["size"], entry["content_size"], entry["files"]]
    if any(type(number) is not int or not 0 <= number < _MAX_SIZE for number in numbers) or not numbers[0]:
        raise ValueError(name)
    return Layer(
        kind,
        name,
        offset,
        numbers[0],
        parse_digest(entry["sha256"]),
        numbers[1],
        parse_digest(entry["content_sha256"]),
        numbers[2],
        entry.get("bytecode", True) is not False,
    )


def _check_end(pack: Pack, descriptor: int, open_decompressor: Decompressor) -> None:
    """Check that the file ends in the one end of archive and nothing after it."""
    size = pack.start + pack.size - pack.end
    if size > 4 * len(END_OF_ARCHIVE):
        raise corrupt("this pack is damaged: it has bytes after its end", found=f"{size} bytes")
    _check_stored(descriptor, pack.codec, pack.end, size)
    content = _read_all(
        open_decompressor(pack.codec, read_range(descriptor, pack.end, size)), 4 * len(END_OF_ARCHIVE)
    )
    if content != END_OF_ARCHIVE:
        raise corrupt("this pack is damaged: it does not end as it should")


def check_layer(descriptor: int, layer: Layer) -> None:
    """Check a layer's frame against the manifest, before any of it is looked at.

    Raises:
        ArchiveError: It is not the frame that the manifest names.
    """
    found = hash_range(descriptor, layer.offset, layer.size)
    if found != layer.sha256:
        raise corrupt(
            f"this pack is damaged: the layer `{printable(layer.name)}` does not match its hash",
            expected="sha256:" + layer.sha256,
            found="sha256:" + found,
        )


def open_layer(descriptor: int, pack: Pack, layer: Layer, open_decompressor: Decompressor) -> SegmentReader:
    """Read a layer's members."""
    chunks = open_decompressor(pack.codec, read_range(descriptor, layer.offset, layer.size))
    return SegmentReader(chunks, layer.content_size, layer.is_bootstrap)


def verify_pack(
    path: str, open_decompressor: Optional[Decompressor] = None, start: int = 0, size: Optional[int] = None
) -> Pack:
    """Check every byte of a pack: head, manifest, each frame and its content, each member, and the end.

    Args:
        path: The file it is, or is in.
        open_decompressor: Used instead of zlib and the `zstd` command.
        start: Where it begins in the file.
        size: Its length; `None` when it goes to the file's end.

    Raises:
        ArchiveError: Something is not as it should be.
        OSError: The file cannot be read.
    """
    pack = read_pack(path, open_decompressor, start, size)
    open_decompressor = open_decompressor or decompress
    names = {".pannier/head", ".pannier/manifest.json"}
    leaves: Set[str] = set()
    parents: Set[str] = set()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = hash_range(descriptor, start + pack.head.bootstrap[0], pack.head.bootstrap[1])
        if found != pack.head.bootstrap_sha256:
            raise corrupt("this pack is damaged: its first layers do not match their hash", found=found)
        for layer in pack.layers:
            check_layer(descriptor, layer)
            _verify_content(descriptor, pack, layer, open_decompressor, (names, leaves, parents))
    finally:
        os.close(descriptor)
    clash = parents & leaves
    if clash:
        raise hostile(min(clash), "it is no directory, yet other members lie in it")
    return pack


def _verify_content(
    descriptor: int,
    pack: Pack,
    layer: Layer,
    open_decompressor: Decompressor,
    seen: Tuple[Set[str], Set[str], Set[str]],
) -> None:
    """Check a layer's content; add its names, those that are no directory, and parents to those seen."""
    names, leaves, parents = seen
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        frame = read_range(descriptor, layer.offset, layer.size)
        for chunk in open_decompressor(pack.codec, frame):
            digest.update(chunk)
            yield chunk

    count = 0
    reader = SegmentReader(hashed(), layer.content_size, layer.is_bootstrap)
    for member in reader.members():
        count += 1
        if member.name in names:
            raise hostile(member.name, "there are two of that name")
        names.add(member.name)
        if member.kind != "directory":
            leaves.add(member.name)
        parents.update(_parents(member.name, parents))
    if count != layer.files or digest.hexdigest() != layer.content_sha256:
        raise corrupt(
            f"this pack is damaged: the content of the layer `{printable(layer.name)}` is another",
            files=f"{count} of {layer.files}",
        )


def _parents(name: str, known: Set[str]) -> Iterator[str]:
    parent = name.rpartition("/")[0]
    while parent and parent not in known:
        yield parent
        parent = parent.rpartition("/")[0]


__all__ = [
    "ArchiveError",
    "Head",
    "Layer",
    "Pack",
    "check_layer",
    "open_layer",
    "parse_head",
    "read_pack",
    "verify_pack",
]
