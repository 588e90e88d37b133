"""`unpack`, `verify` and `inspect`: a pack that is already there."""

from dataclasses import dataclass
from pathlib import Path

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
