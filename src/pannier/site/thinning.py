"""A finished bundle without what a server has: the same manifest and signature, fewer members behind them."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pannier.runtime.site.bookkeeping import Member, format_end, format_local_header
from pannier.runtime.site.bundle import Bundle, open_bundle
from pannier.runtime.site.manifest import Manifest
from pannier.site.delta import ServerContent
from pannier.store.copying import copy_content
from pannier.store.writing import whole_file


class ThinBundle(NamedTuple):
    """What was written.

    Attributes:
        path: The file.
        key: Names what was left out, in some letters.
    """

    path: Path
    key: str


def thin_bundle(source: Path, there: ServerContent, output: Path) -> ThinBundle | None:
    """Copy a bundle without the wheels and interpreters that a server has.

    What the manifest says of each member holds for those that are there; the installer takes the rest from
    the server's own pool, by the digests that the signed manifest names.

    Args:
        source: A bundle.
        there: What the server has.
        output: Where to write it.

    Returns:
        The copy; `None` where the server lacks everything that could be left out.

    Raises:
        ArchiveError: It is no bundle.
        StorageError: It cannot be written.
    """
    bundle = open_bundle(os.fspath(source))
    try:
        left = _left_out(bundle.manifest, there) & bundle.contents.keys()
        if not left:
            return None
        with whole_file(output) as stream:
            _write(stream, bundle, left)
    finally:
        os.close(bundle.descriptor)
    return ThinBundle(output, hashlib.sha256("\n".join(sorted(left)).encode()).hexdigest()[:8])


def _left_out(manifest: Manifest, there: ServerContent) -> set[str]:
    """The members that a server needs no more; one without anything in force needs all."""
    if not there.id:
        return set()
    minors: dict[str, set[str]] = {}
    for environment in manifest.environments:
        for sha256 in environment.wheels:
            minors.setdefault(sha256, set()).add(environment.minor)
    wheels = {
        wheel.member
        for sha256, wheel in manifest.wheels.items()
        if all((sha256, minor) in there.wheels for minor in minors.get(sha256, ()))
    }
    interpreters = {
        file.name
        for file in manifest.files
        if file.name.startswith("interpreters/") and file.sha256 in there.interpreters
    }
    # The shell script in front knows where each interpreter lies: all of them, or none.
    is_whole = all(
        file.name in interpreters for file in manifest.files if file.name.startswith("interpreters/")
    )
    return wheels | (interpreters if is_whole else set())


def _write(stream: BinaryIO, bundle: Bundle, left: set[str]) -> None:
    _copy(bundle, 0, bundle.header_size, stream)
    kept: list[Member] = [member for member in bundle.directory.members if member.name not in left]
    for member in kept:
        stream.write(format_local_header(member))
        _copy(bundle, *bundle.contents[member.name], stream)
    stream.write(format_end(bundle.header_size, kept))


def _copy(bundle: Bundle, offset: int, size: int, stream: BinaryIO) -> None:
    stream.flush()
    os.lseek(bundle.descriptor, offset, os.SEEK_SET)
    copy_content(bundle.descriptor, stream.fileno(), size)
    stream.seek(0, os.SEEK_END)
