"""A bundle as a file: its directory, its manifest, and whether every byte of it is as the manifest says."""

import hashlib
import os
import zlib
from typing import Dict, List, NamedTuple, Tuple

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.workers import Link, count_workers, run_jobs

from .bookkeeping import (
    TAIL_SIZE,
    Directory,
    Member,
    broken,
    find_directory,
    format_end,
    format_local_header,
    parse_directory,
    place_members,
)
from .manifest import NAME, SIGNATURE_NAME, File, Manifest, parse_manifest

_CHUNK = 1 << 20
# A site has some hundred wheels, of which the manifest says some hundred bytes each.
_MAX_MANIFEST = 1 << 26
_MAX_DIRECTORY = 1 << 27
# What `site push` leaves out of a finished bundle where the server has it.
_MAY_LACK = ("wheels/", "interpreters/")


class Bundle(NamedTuple):
    """An open bundle.

    Attributes:
        path: The file.
        descriptor: It, open for reading.
        size: In bytes.
        header_size: Of the shell header, in bytes.
        manifest: What it says of itself.
        manifest_bytes: The manifest's text, which a signature is over.
        signature: OpenSSH's armoured signature; empty when there is none.
        directory: Its members.
        contents: Where each member's content lies: offset and size.
    """

    path: str
    descriptor: int
    size: int
    header_size: int
    manifest: Manifest
    manifest_bytes: bytes
    signature: bytes
    directory: Directory
    contents: Dict[str, Tuple[int, int]]

    def read(self, name: str) -> bytes:
        """Read a member's content."""
        return read_range(self.descriptor, *self.contents[name])


def open_bundle(path: str) -> Bundle:
    """Open a bundle and read its manifest. Nothing but the manifest has been checked yet.

    Raises:
        ArchiveError: It is no bundle, of an unknown format, or so damaged that it cannot be read.
        OSError: The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read_bundle(os.path.abspath(path), descriptor)
    except ArchiveError as error:
        os.close(descriptor)
        facts = {"bundle": printable(path)}
        facts.update(error.facts)
        error.facts = facts
        raise


def _read_bundle(path: str, descriptor: int) -> Bundle:
    size = os.fstat(descriptor).st_size
    tail_size = min(size, TAIL_SIZE)
    start, directory_size = find_directory(read_range(descriptor, size - tail_size, tail_size), size)
    if directory_size > _MAX_DIRECTORY:
        raise broken("this bundle is damaged: its directory is longer than it may be")
    directory = parse_directory(read_range(descriptor, start, directory_size), start)
    contents = {
        member.name: (offset + len(format_local_header(member)), member.size)
        for member, offset in zip(directory.members, directory.offsets)
    }
    if contents.get(NAME, (0, _MAX_MANIFEST))[1] >= _MAX_MANIFEST:
        raise broken("this bundle is damaged: it has no manifest")
    manifest_bytes = read_range(descriptor, *contents[NAME])
    signature = b""
    if SIGNATURE_NAME in contents:
        signature = read_range(
            descriptor, contents[SIGNATURE_NAME][0], min(contents[SIGNATURE_NAME][1], 1 << 16)
        )
    manifest = parse_manifest(manifest_bytes)
    return Bundle(
        path, descriptor, size, directory.offsets[0], manifest, manifest_bytes, signature, directory, contents
    )


def read_range(descriptor: int, offset: int, size: int) -> bytes:
    """Read a range of a file.

    Raises:
        ArchiveError: The file ends before the range does.
    """
    pieces = []
    while size > 0:
        data = os.pread(descriptor, min(size, 1 << 26), offset)
        if not data:
            raise broken("this bundle is cut short", missing=f"{size} bytes")
        pieces.append(data)
        offset += len(data)
        size -= len(data)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def check_bytes(bundle: Bundle, whole: bool = True) -> List[ArchiveError]:
    """Hold every byte of a bundle against its manifest; return all that is wrong, each by its part's name.

    Args:
        bundle: What to check.
        whole: Nothing may lack. Else wheels and interpreters may, which a server has or is told to lack.
    """
    problems = _check_members(bundle, whole)
    members = bundle.directory.members
    end_start = bundle.directory.start
    # The manifest's own checksum and its signature's stand in no manifest, but in the directory twice.
    found = read_range(bundle.descriptor, end_start, bundle.size - end_start)
    if found != format_end(bundle.header_size, members):
        problems.append(_damaged("the archive's directory"))
    if list(bundle.directory.offsets) != place_members(bundle.header_size, members):
        problems.append(_damaged("the archive's directory"))
        return problems
    for member, offset in zip(members, bundle.directory.offsets):
        header = format_local_header(member)
        if read_range(bundle.descriptor, offset, len(header)) != header:
            problems.append(_damaged("the header of " + member.name))
    return problems


def _damaged(part: str, **facts: object) -> ArchiveError:
    return broken(f"this bundle is damaged: {printable(part)} is not what the manifest says", **facts)


def _check_members(bundle: Bundle, whole: bool) -> List[ArchiveError]:
    manifest = bundle.manifest
    files = [file for file in manifest.files if whole or not _is_left_out(file, bundle)]
    expected = [file.name for file in files] + [NAME]
    if bundle.signature:
        expected.append(SIGNATURE_NAME)
    members = {member.name: member for member in bundle.directory.members}
    names = [member.name for member in bundle.directory.members]
    if names != expected:
        others = sorted(set(names) ^ set(expected)) or ["their order"]
        return [_damaged("the list of its files", first=others[0])]
    sizes = {file.name: file.size for file in files}
    problems = [
        _damaged(name, expected=f"{size} bytes", found=f"{members[name].size} bytes")
        for name, size in sizes.items()
        if members[name].size != size
    ]
    return problems or _check_contents(bundle, members)


def _is_left_out(file: File, bundle: Bundle) -> bool:
    return file.name not in bundle.contents and file.name.startswith(_MAY_LACK)


def _check_contents(bundle: Bundle, members: Dict[str, Member]) -> List[ArchiveError]:
    """Compute every member's checksums on all processors, and the shell header's."""
    digests = {file.name: file.sha256 for file in bundle.manifest.files}
    jobs = sorted(bundle.contents.items(), key=lambda item: -item[1][1])
    batches = _batches([("", (0, bundle.header_size))] + jobs, 1 << 24)

    def check_batch(number: int) -> List[Link]:
        wrong = []
        for name, (offset, size) in batches[number]:
            found, crc = _sums(bundle.descriptor, offset, size)
            wanted = digests.get(name, found) if name else bundle.manifest.header_sha256
            if found != wanted or (name and crc != members[name].crc):
                wrong.append((name or "the shell header", found))
        return wrong

    workers = min(count_workers(), len(batches))
    results = run_jobs(check_batch, len(batches), workers, bundle.path, follow_parent=False)
    wrong = sorted(pair for result in results for pair in result)
    return [_wrong_sum(name, found, digests, bundle.manifest) for name, found in wrong]


def _wrong_sum(name: str, found: str, digests: Dict[str, str], manifest: Manifest) -> ArchiveError:
    if name in (NAME, SIGNATURE_NAME):
        return _damaged(name)
    expected = digests.get(name, manifest.header_sha256)
    return _damaged(name, expected="sha256:" + expected, found="sha256:" + found)


def _batches(jobs: List[Tuple[str, Tuple[int, int]]], limit: int) -> List[List[Tuple[str, Tuple[int, int]]]]:
    batches: List[List[Tuple[str, Tuple[int, int]]]] = []
    room = 0
    for job in jobs:
        if not batches or job[1][1] > room:
            batches.append([])
            room = limit
        batches[-1].append(job)
        room -= job[1][1]
    return batches


def _sums(descriptor: int, offset: int, size: int) -> Tuple[str, int]:
    digest, crc, end = hashlib.sha256(), 0, offset + size
    while offset < end:
        data = os.pread(descriptor, min(_CHUNK, end - offset), offset)
        if not data:
            break
        digest.update(data)
        crc = zlib.crc32(data, crc)
        offset += len(data)
    return digest.hexdigest(), crc & 0xFFFFFFFF
