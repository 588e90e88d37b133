"""`unpack`, `verify` and `inspect`: a pack that is already there."""

import time
from dataclasses import dataclass
from pathlib import Path

from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectResult:
    """What a pack says of itself.

    Attributes:
        manifest: Its manifest.
        id: The digest that names its content.
        size: Of the file, in bytes.
    """

    manifest: Manifest
    id: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyResult:
    """A pack whose every byte was checked.

    Attributes:
        manifest: Its manifest.
        id: The digest that names its content.
        layers: How many layers were checked.
        size: Of the file, in bytes.
    """

    manifest: Manifest
    id: str
    layers: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpackResult:
    """A prefix that was made.

    Attributes:
        directory: Where it is.
        files: How many members were unpacked.
        size: Of them all, in bytes.
        seconds: How long it took.
    """

    directory: Path
    files: int
    size: int
    seconds: float


def inspect(pack: str | Path) -> InspectResult:
    """Read what a pack says of itself, without reading its layers.

    Raises:
        CorruptPackError: It is no pack, or damaged where it says what it is.
        StorageError: It cannot be read.
    """
    from pannier.pack import reader

    facts = reader.inspect(Path(pack))
    return InspectResult(manifest=facts.manifest, id=facts.pack_id, size=facts.size)


def verify(pack: str | Path) -> VerifyResult:
    """Check every byte of a pack: head, manifest, layers, and that nothing else is in the file.

    Raises:
        CorruptPackError: Something is not as it should be; what, and where.
        StorageError: It cannot be read.
    """
    from pannier.pack import reader

    facts = reader.verify(Path(pack))
    return VerifyResult(
        manifest=facts.manifest, id=facts.pack_id, layers=len(facts.manifest.layers), size=facts.size
    )


def unpack(pack: str | Path, directory: str | Path, reporter: Reporter | None = None) -> UnpackResult:
    """Unpack a pack to a directory that is not there yet, whole or not at all.

    Raises:
        CorruptPackError: The pack is damaged or hostile.
        StorageError: The directory is in use or cannot be written.
        TargetMismatchError: The pack wants an interpreter that is not here.
    """
    from pannier.pack import reader

    started = time.monotonic()
    heard = reporter or SilentReporter()
    stage = Stage(name="unpacking", unit="files")
    heard.begin(stage)
    try:
        facts = reader.unpack(Path(pack), Path(directory))
    finally:
        heard.end(stage)
    return UnpackResult(
        directory=Path(directory),
        files=facts.unpacked_files,
        size=facts.unpacked_size,
        seconds=time.monotonic() - started,
    )
