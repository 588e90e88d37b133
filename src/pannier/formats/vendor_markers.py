"""The file that says what `pannier vendor` has put into a directory: it touches nothing else there."""

import json
from typing import NamedTuple

from pannier.model.errors import UsageError

MARKER_NAME = ".pannier-vendor.json"
# In the second line of each launcher.
LAUNCHER_MARK = "# Written by `pannier vendor`"
TREE_PREFIX = "tree-"
_FORMAT = "pannier-vendor"
_VERSION = 1


class VendorMarker(NamedTuple):
    """What is ours in a directory.

    Attributes:
        request: Digest of all that it was made of.
        tree: Name of the tree in force.
        trees: Names of all trees that are ours, such as one that an interrupted run left.
    """

    request: str
    tree: str
    trees: tuple[str, ...]


def format_marker(marker: VendorMarker) -> bytes:
    """Write a marker; the same one always gives the same bytes."""
    document = {"format": _FORMAT, "version": _VERSION, **marker._asdict()}
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def parse_marker(data: bytes, *, filename: str) -> VendorMarker:
    """Read a marker.

    Args:
        data: Its bytes.
        filename: Where it was read from, for messages.

    Raises:
        UsageError: It is not one, or of a version that this Pannier does not know.
    """
    try:
        document = json.loads(data)
        is_known = (document["format"], document["version"]) == (_FORMAT, _VERSION)
        marker = VendorMarker(document["request"], document["tree"], tuple(document["trees"]))
        is_whole = all(_is_tree_name(name) for name in (marker.tree, *marker.trees))
    except (ValueError, KeyError, TypeError):
        is_known = is_whole = False
    if not (is_known and is_whole):
        raise UsageError(
            f"`{filename}` is not what `pannier vendor` of this version writes",
            code="vendor-marker",
            hint="name another directory with `-t`, or remove that file to have its directory filled anew",
        )
    return marker


def _is_tree_name(name: object) -> bool:
    """A tree's name becomes a path that is removed: it must not lead elsewhere."""
    return isinstance(name, str) and name.startswith(TREE_PREFIX) and name.removeprefix(TREE_PREFIX).isalnum()
