"""A site's bundle, read back: what it says it holds, and whether every byte of it is that."""

import hashlib
import json
import zlib
from typing import BinaryIO, Dict, List, NamedTuple, Optional

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.site import layout
from pannier.runtime.site.layout import DirectoryError, Entry, ExpectedMember
from pannier.runtime.site.manifest import check_manifest

_PIECE = 1 << 20
_LARGEST_MANIFEST = 1 << 28
_LARGEST_SIGNATURE = 1 << 16


class Bundle(NamedTuple):
    """A bundle whose manifest and header are as they should be.

    Attributes:
        manifest: The manifest, its fields checked.
        manifest_bytes: As it lies in the file, which is what a signature is over.
        signature: OpenSSH's armoured signature of those bytes, `None` for an unsigned bundle.
        header_size: Length of the shell script at the beginning, in bytes.
        size: Of the whole file, in bytes.
        members: Every member but manifest and signature, in the file's order.
        starts: Where each member's content begins, by its name.
    """

    manifest: Dict[str, object]
    manifest_bytes: bytes
    signature: Optional[bytes]
    header_size: int
    size: int
    members: List[ExpectedMember]
    starts: Dict[str, int]


def read_bundle(path: str) -> Bundle:
    """Read what a bundle says of itself: manifest, signature and header; its members are not looked at.

    Raises:
        ArchiveError: It is no bundle, of an unknown version, or damaged where it says what it is.
        OSError: It cannot be read.
    """
    with open(path, "rb") as stream:
        return open_bundle(stream)


def open_bundle(stream: BinaryIO) -> Bundle:
    """As `read_bundle`, of a file that is open already.

    Raises:
        ArchiveError: It is no bundle, of an unknown version, or damaged where it says what it is.
        OSError: It cannot be read.
    """
    _check_magic(stream)
    try:
        directory = layout.read_directory(stream)
    except DirectoryError as error:
        raise damaged("the directory at its end", because=str(error)) from None
    by_name = {entry.name: entry for entry in directory.entries}
    manifest_bytes = _content(stream, by_name.get(layout.MANIFEST_NAME), _LARGEST_MANIFEST)
    signature = None
    if layout.SIGNATURE_NAME in by_name:
        signature = _content(stream, by_name[layout.SIGNATURE_NAME], _LARGEST_SIGNATURE)
    manifest = parse_manifest(manifest_bytes)
    header_size = min(entry.offset for entry in directory.entries)
    stream.seek(0)
    header = stream.read(header_size)
    if hashlib.sha256(header).hexdigest() != manifest["header_sha256"]:
        raise damaged("the shell script at its beginning", wanted=str(manifest["header_sha256"]))
    members = layout.expected_members(manifest)
    starts = {}
    offset = header_size
    for member in members:
        starts[member.name] = offset + layout.local_header_size(member.name, member.size)
        offset = starts[member.name] + member.size
    if offset > directory.length:
        raise damaged("its members", because="the file is cut short")
    return Bundle(manifest, manifest_bytes, signature, header_size, directory.length, members, starts)


def verify_bundle(path: str) -> Bundle:
    """Check every byte of a bundle, but for whether the right person signed it.

    Raises:
        ArchiveError: A byte is not as it should be; the member or part is named.
        OSError: It cannot be read.
    """
    with open(path, "rb") as stream:
        bundle = open_bundle(stream)
        verify_content(stream, bundle)
    return bundle


def verify_content(stream: BinaryIO, bundle: Bundle) -> None:
    """Check every member of an opened bundle, and the bookkeeping between and behind them.

    Raises:
        ArchiveError: A byte is not as it should be; the member or part is named.
        OSError: It cannot be read.
    """
    manifest_sha256 = hashlib.sha256(bundle.manifest_bytes).hexdigest()
    members = list(bundle.members)
    members.append(ExpectedMember(layout.MANIFEST_NAME, len(bundle.manifest_bytes), manifest_sha256))
    if bundle.signature is not None:
        digest = hashlib.sha256(bundle.signature).hexdigest()
        members.append(ExpectedMember(layout.SIGNATURE_NAME, len(bundle.signature), digest))
    stream.seek(bundle.header_size)
    offset = bundle.header_size
    entries = []
    for member in members:
        entry = _verify_member(stream, member, offset)
        entries.append(entry)
        offset = entry.start + entry.size
    if stream.read() != layout.directory(entries, offset):
        raise damaged("the directory at its end")


def parse_manifest(data: bytes) -> Dict[str, object]:
    """Read a manifest from its bytes: its version, its form, its fields and its id.

    Raises:
        ArchiveError: It is not one, or of a version that came later.
    """
    try:
        manifest = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        raise damaged("its manifest, `site.json`", because="it is not JSON") from None
    check_manifest(manifest)
    if layout.canonical_json(manifest) != data:
        raise damaged("its manifest, `site.json`", because="it is not written as manifests are")
    if layout.manifest_id(manifest) != manifest["id"]:
        raise damaged("its manifest, `site.json`", wanted=str(manifest["id"]))
    return dict(manifest)


def damaged(part: str, **facts: str) -> ArchiveError:
    """A bundle with a part that is not as it should be."""
    return ArchiveError(
        "this bundle is damaged or was changed: " + part,
        "bundle-damaged",
        {name: printable(value) for name, value in facts.items()},
        "copy the bundle again; `pannier verify` tells whether the original is whole",
    )


def _check_magic(stream: BinaryIO) -> None:
    stream.seek(0)
    start = stream.read(len(layout.MAGIC) + 16)
    if start.startswith(layout.MAGIC):
        return
    line = start[len(b"#!/bin/sh\n") :].split(b"\n")[0]
    prefix = b"# pannier-site "
    if start.startswith(b"#!/bin/sh\n") and line.startswith(prefix) and line[len(prefix) :].isdigit():
        raise unknown_version(line[len(prefix) :].decode())
    raise ArchiveError("this is no bundle of a site", "bundle-damaged", {}, "name the file that was made")


def unknown_version(version: str) -> ArchiveError:
    """A bundle of a version that came later."""
    return ArchiveError(
        "the bundle is of format version %s, which this Pannier does not know" % version,
        "unknown-format",
        {"known": str(layout.VERSION)},
        "use a newer Pannier",
    )


def _content(stream: BinaryIO, entry: Optional[Entry], largest: int) -> bytes:
    if entry is None or entry.size > largest:
        raise damaged("the directory at its end", because="it does not lead to the manifest")
    stream.seek(entry.start)
    data = stream.read(entry.size)
    if len(data) != entry.size or zlib.crc32(data) & 0xFFFFFFFF != entry.crc:
        raise damaged("`%s`" % entry.name)
    return data


def _verify_member(stream: BinaryIO, member: ExpectedMember, offset: int) -> Entry:
    header = stream.read(layout.local_header_size(member.name, member.size))
    digest = hashlib.sha256()
    crc = 0
    left = member.size
    while left:
        data = stream.read(min(left, _PIECE))
        if not data:
            raise damaged("`%s`" % member.name, because="the file is cut short")
        digest.update(data)
        crc = zlib.crc32(data, crc)
        left -= len(data)
    if digest.hexdigest() != member.sha256:
        raise damaged("`%s`" % member.name, wanted=member.sha256, found=digest.hexdigest())
    crc &= 0xFFFFFFFF
    if header != layout.local_header(member.name, member.size, crc):
        raise damaged("`%s`" % member.name, because="its header in the archive is another")
    return Entry(member.name, member.size, crc, offset)
