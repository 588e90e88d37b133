"""What a server has already, from the bundle that was sent before or from what it says itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pannier.formats.site_inventories import parse_inventory
from pannier.model.errors import StorageError
from pannier.runtime.site.manifest import Manifest
from pannier.site.bundle_plan import BundlePlan
from pannier.site.bundle_reading import is_bundle, read_bundle

_LARGEST = 64 << 20


class ServerContent(NamedTuple):
    """What a server has.

    Attributes:
        id: Of the bundle in force; empty when there is none.
        wheels: sha256 and `major.minor` of the Python, for each wheel that lies ready for it.
        interpreters: sha256 of each interpreter that a bundle brought.
    """

    id: str
    wheels: frozenset[tuple[str, str]]
    interpreters: frozenset[str]


def read_server_content(path: Path) -> ServerContent:
    """Read what a server has from the bundle that it was given, or from its `inventory --json`.

    Raises:
        CorruptPackError: It is neither.
        StorageError: It cannot be read.
    """
    if is_bundle(path):
        return content_of(read_bundle(path).manifest)
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST)
    except OSError as error:
        raise StorageError(
            f"`{path}` cannot be read",
            code="not-readable",
            facts={"reason": error.strerror or str(error)},
            hint="name the bundle that was sent before, or what `sh BUNDLE inventory --json` printed",
        ) from error
    inventory = parse_inventory(data, str(path))
    return ServerContent(inventory.id, frozenset(inventory.wheels), frozenset(inventory.interpreters))


def content_of(manifest: Manifest) -> ServerContent:
    """What a server has after a bundle was installed; also of what that bundle itself left out."""
    return ServerContent(
        id=manifest.id,
        wheels=frozenset(
            (sha256, environment.minor)
            for environment in manifest.environments
            for sha256 in environment.wheels
        ),
        interpreters=frozenset(_interpreters(manifest)),
    )


def _interpreters(manifest: Manifest) -> Iterable[str]:
    for environment in manifest.environments:
        if environment.interpreter.kind == "bundled":
            yield environment.interpreter.file.rpartition("/")[2].removesuffix(".tar.gz")


def leave_out(plan: BundlePlan, there: ServerContent) -> BundlePlan:
    """Leave out of a plan what the server has: wheels for every Python that needs them, and interpreters."""
    needed: dict[str, set[str]] = {}
    for environment in plan.environments:
        for wheel in environment.wheels:
            needed.setdefault(wheel.sha256, set()).add(environment.target.python_minor)
    left = (
        sha256
        for sha256, minors in needed.items()
        if all((sha256, minor) in there.wheels for minor in minors)
    )
    interpreters = frozenset(one.sha256 for one in plan.interpreters()) & there.interpreters
    if not there.id:
        # A server without anything in force lacks everything, whatever lies about there.
        return plan
    return plan._replace(since=there.id, left_wheels=frozenset(left), left_interpreters=interpreters)
