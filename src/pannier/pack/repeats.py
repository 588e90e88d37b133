"""What a pack was put together from, remembered, so that asking for the same again only copies.

It is kept by what was asked for, and believed only while its frames are the files that they were. Which
interpreter is chosen is never remembered, but looked up each time and compared.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pannier.formats.manifests import format_manifest, parse_manifest
from pannier.model.errors import CorruptPackError
from pannier.pack.assembly import Assembly
from pannier.store.writing import write_whole


class Repeat(NamedTuple):
    """A pack that can be had again.

    Attributes:
        assembly: What it was put together from.
        specifier: What the lock demands of the interpreter.
        surroundings: Names the interpreter and the target that it was made with and for.
    """

    assembly: Assembly
    specifier: str
    surroundings: str


def keep_repeat(layers: Path, request: str, repeat: Repeat) -> None:
    """Remember a pack.

    Args:
        layers: Where layers are kept (`CacheDirectories.layers`).
        request: Digest of all that was asked for.
        repeat: What came of it.

    Raises:
        StorageError: The cache cannot be written.
    """
    assembly = repeat.assembly
    document = {
        "manifest": format_manifest(assembly.manifest).decode(),
        "frames": [[str(path), *_stamp(path)] for path in assembly.frames],
        "bootstrap_sha256": assembly.bootstrap_sha256,
        "codec": assembly.codec,
        "specifier": repeat.specifier,
        "surroundings": repeat.surroundings,
    }
    write_whole(_place(layers, request), json.dumps(document).encode())


def find_repeat(layers: Path, request: str) -> Repeat | None:
    """Recall a pack; `None` when there was none, or a frame of it is not the file that it was."""
    try:
        document: dict[str, Any] = json.loads(_place(layers, request).read_bytes())
        noted: list[tuple[str, int, int]] = document["frames"]
        if any(_stamp(Path(path)) != (size, modified) for path, size, modified in noted):
            return None
        assembly = Assembly(
            manifest=parse_manifest(document["manifest"].encode()),
            frames=tuple(Path(path) for path, _size, _modified in noted),
            bootstrap_sha256=document["bootstrap_sha256"],
            codec=document["codec"],
        )
        return Repeat(assembly, document["specifier"], document["surroundings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CorruptPackError):
        return None


def _place(layers: Path, request: str) -> Path:
    return layers / "repeats" / f"{request}.json"


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
