"""Bundles read back, by the same code that reads them on the server."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pannier.model.errors import CorruptPackError, StorageError
from pannier.runtime.errors import ArchiveError
from pannier.runtime.site.bundle import check_bytes, open_bundle
from pannier.runtime.site.manifest import Manifest

_MAGIC = b"#!/bin/sh\n# pannier-site "
_MOST_NAMED = 20


class BundleFacts(NamedTuple):
    """What a bundle says of itself.

    Attributes:
        manifest: What is in it.
        size: Of the file, in bytes.
        signed: It bears a signature; whose, only OpenSSH can tell.
    """

    manifest: Manifest
    size: int
    signed: bool


def is_bundle(path: Path) -> bool:
    """Tell a bundle by its first two lines, and from what cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_bundle(path: Path) -> BundleFacts:
    """Read what a bundle says of itself; its members are not looked at.

    Raises:
        CorruptPackError: It is no bundle, of a version that came later, or damaged where it says what it is.
        StorageError: It cannot be read.
    """
    with _opened(path) as (facts, _problems):
        return facts


def verify_bundle(path: Path) -> BundleFacts:
    """Check every byte of a bundle; whether the right person signed it, only the server can say.

    Raises:
        CorruptPackError: A byte is not as it should be; the members and parts are named.
        StorageError: It cannot be read.
    """
    with _opened(path, check=True) as (facts, problems):
        if not problems:
            return facts
        if len(problems) == 1:
            raise problems[0]
        raise ArchiveError(
            f"this bundle is damaged or was changed in {len(problems)} places",
            problems[0].code,
            {"first": problems[0].message},
            problems[0].hint,
        )


@contextmanager
def _opened(path: Path, *, check: bool = False) -> Iterator[tuple[BundleFacts, list[ArchiveError]]]:
    try:
        bundle = open_bundle(os.fspath(path))
        try:
            facts = BundleFacts(bundle.manifest, bundle.size, signed=bool(bundle.signature))
            yield facts, check_bytes(bundle) if check else []
        finally:
            os.close(bundle.descriptor)
    except ArchiveError as error:
        raise CorruptPackError(error.message, code=error.code, facts=error.facts, hint=error.hint) from error
    except OSError as error:
        raise _unreadable(error, path) from error


def _unreadable(error: OSError, path: Path) -> StorageError:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return StorageError(
            f"there is no bundle `{path}`", code="no-such-file", hint="check the path and its spelling"
        )
    return StorageError(
        f"`{path}` cannot be read",
        code="not-readable",
        facts={"reason": error.strerror or str(error)},
        hint="see its owner and mode with `ls -l`",
    )
