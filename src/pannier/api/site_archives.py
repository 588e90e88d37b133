"""`verify` and `inspect` of a site's bundle."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pannier.site.bundle_reading import BundleFacts


def is_bundle(path: Path) -> bool:
    """Tell a site's bundle by its first two lines."""
    from pannier.site import bundle_reading

    return bundle_reading.is_bundle(path)


def inspect_bundle(path: Path) -> "BundleFacts":
    """Read what a bundle says of itself; its members are not looked at.

    Raises:
        CorruptPackError: It is damaged where it says what it is.
        StorageError: It cannot be read.
    """
    from pannier.site import bundle_reading

    return bundle_reading.read_bundle(path)


def verify_bundle(path: Path) -> "BundleFacts":
    """Check every byte of a bundle.

    Raises:
        CorruptPackError: Something is not as it should be; every such member or part is named.
        StorageError: It cannot be read.
    """
    from pannier.site import bundle_reading

    return bundle_reading.verify_bundle(path)
