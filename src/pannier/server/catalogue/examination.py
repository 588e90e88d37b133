"""Read a distribution once: its hashes, its core metadata, and whether it is whole."""

import hashlib
import os
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from pannier.formats.core_metadata import CoreMetadata, parse_core_metadata
from pannier.formats.distribution_names import parse_distribution_filename

_CHUNK = 1 << 18
_METADATA_LIMIT = 16 << 20
_MEMBER_LIMIT = 20_000


class Examination(NamedTuple):
    """What reading a distribution found.

    Attributes:
        sha256: Hex digest.
        md5: Hex digest.
        blake2: Hex digest of BLAKE2b with 32 bytes.
        metadata: The bytes of METADATA or PKG-INFO; `None` where there is none.
        fields: What pages need of it; empty fields where there is none.
    """

    sha256: str
    md5: str
    blake2: str
    metadata: bytes | None
    fields: CoreMetadata


class IncompleteError(Exception):
    """A file is not whole: still being written, cut short, or not what its name says."""


def examine(path: Path, filename: str) -> Examination:
    """Read a distribution.

    Args:
        path: The file.
        filename: The distribution's file name, which `path` need not end in; of what is neither
            wheel nor sdist nor egg only the hashes are taken.

    Raises:
        IncompleteError: It is not whole.
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        metadata = _read_metadata(path, filename)
        digests = _digest(stream.fileno())
    fields = parse_core_metadata(metadata) if metadata is not None else CoreMetadata("", "")
    return Examination(*digests, metadata, fields)


def _digest(descriptor: int) -> tuple[str, str, str]:
    algorithms = (
        hashlib.sha256(),
        hashlib.md5(usedforsecurity=False),
        hashlib.blake2b(digest_size=32),
    )
    while chunk := os.read(descriptor, _CHUNK):
        for algorithm in algorithms:
            algorithm.update(chunk)
    sha256, md5, blake2 = (algorithm.hexdigest() for algorithm in algorithms)
    return sha256, md5, blake2


def _read_metadata(path: Path, filename: str) -> bytes | None:
    """The core metadata inside; also finds out whether the archive is whole."""
    name = parse_distribution_filename(filename)
    if name is None or name.kind == "other":
        return None
    try:
        if filename.endswith((".whl", ".zip", ".egg")):
            return _read_zip(path, name.kind)
        return _read_tar(path)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        ValueError,
        NotImplementedError,
    ) as error:
        raise IncompleteError(f"{filename}: {error}") from error


def _read_zip(path: Path, kind: str) -> bytes | None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if kind == "wheel":
            wanted = [name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1]
        elif kind == "egg":
            wanted = [name for name in names if name == "EGG-INFO/PKG-INFO"]
        else:
            wanted = [name for name in names if name.endswith("/PKG-INFO") and name.count("/") == 1]
        if not wanted:
            return None
        with archive.open(wanted[0]) as stream:
            data = stream.read(_METADATA_LIMIT + 1)
    return data if len(data) <= _METADATA_LIMIT else None


def _read_tar(path: Path) -> bytes | None:
    """PKG-INFO of a tar; reads to the end, since only that shows whether the file is whole."""
    found: bytes | None = None
    with tarfile.open(path, mode="r:*") as archive:
        for count, member in enumerate(archive):
            if count > _MEMBER_LIMIT:
                break
            if found is None and _is_package_information(member):
                stream = archive.extractfile(member)
                found = stream.read() if stream else None
    return found


def _is_package_information(member: tarfile.TarInfo) -> bool:
    name = member.name.removeprefix("./")
    is_wanted = name.endswith("/PKG-INFO") and name.count("/") == 1
    return is_wanted and member.isfile() and member.size <= _METADATA_LIMIT
