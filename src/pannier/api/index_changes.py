"""Change an index on the server itself: yank, take that back, remove. A server that runs notices at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.model.errors import UsageError

if TYPE_CHECKING:
    from pannier.server.catalogue.catalogue import Catalogue
    from pannier.server.catalogue.records import FileRecord
    from pannier.server.settings import ServeSettings


class ReleaseName(NamedTuple):
    """Which files are meant.

    Attributes:
        project: In any spelling.
        version: Empty for all versions.
        filename: Empty for all files.
    """

    project: str
    version: str = ""
    filename: str = ""


def parse_release(text: str) -> ReleaseName:
    """Read `NAME`, `NAME==VERSION` or the name of a file.

    Raises:
        UsageError: It is none of them.
    """
    from pannier.formats.distribution_names import is_project_name, parse_distribution_filename

    name = parse_distribution_filename(text)
    if name is not None and name.version:
        return ReleaseName(name.name, "", text)
    project, equals, version = (part.strip() for part in text.partition("=="))
    if not is_project_name(project) or bool(equals) != bool(version):
        raise UsageError(
            f"`{text}` names no release",
            hint="write NAME==VERSION, or the name of one file, such as NAME-1.0.tar.gz",
        )
    return ReleaseName(project, version)


def yank(settings: "ServeSettings", releases: Sequence[str], reason: str | None) -> "list[FileRecord]":
    """Yank releases, which installers then take only when they are pinned (PEP 592).

    Args:
        settings: Of the index.
        releases: Each `NAME==VERSION`, or the name of a file.
        reason: Why, which may be empty; `None` takes yanking back.

    Returns:
        The files changed.

    Raises:
        UsageError: Something is no release's name.
        RequestError: A release is not there; none is changed then.
        StorageError: The directory cannot be written.
    """
    from pannier.server.audit import AuditLog
    from pannier.server.uploads import changes

    catalogue, files = _select(settings, [parse_release(text) for text in releases])
    log = AuditLog.beside(catalogue)
    return changes.yank(catalogue, log, changes.local_actor("pannier serve yank"), files, reason)


def remove(
    settings: "ServeSettings", releases: Sequence[str], *, dry_run: bool = False
) -> "list[FileRecord]":
    """Remove releases for good; their names stay reserved.

    Args:
        settings: Of the index.
        releases: Each `NAME` for the whole project, `NAME==VERSION`, or the name of a file.
        dry_run: Remove nothing.

    Returns:
        The files that were, or would be, removed.

    Raises:
        UsageError: Something is no release's name.
        RequestError: A release is not there; none is removed then.
    """
    from pannier.server.audit import AuditLog
    from pannier.server.uploads import changes

    catalogue, files = _select(settings, [parse_release(text) for text in releases])
    if dry_run:
        return files
    return changes.remove(
        catalogue, AuditLog.beside(catalogue), changes.local_actor("pannier serve remove"), files
    )


def _select(
    settings: "ServeSettings", releases: Sequence[ReleaseName]
) -> "tuple[Catalogue, list[FileRecord]]":
    from pannier.server.catalogue.catalogue import Catalogue
    from pannier.server.uploads.changes import select

    catalogue = Catalogue(settings.directories, Path(settings.store) if settings.store else None)
    catalogue.refresh()
    found = [record for release in releases for record in select(catalogue, *release)]
    return catalogue, list({record.path: record for record in found}.values())
