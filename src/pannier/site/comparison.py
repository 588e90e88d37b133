"""What has changed between two locks of one environment."""

from typing import Literal, NamedTuple

from pannier.model.lock import Lock, LockedProject

ChangeKind = Literal["added", "upgraded", "downgraded", "removed", "rebuilt", "replaced"]


class Change(NamedTuple):
    """What became of one project.

    Attributes:
        project: Normalized name.
        kind: `rebuilt`: another build of the same sdist, or of a directory; `replaced`: another file of the
            same version.
        before: Version before; empty for none.
        after: Version after; empty for none.
    """

    project: str
    kind: ChangeKind
    before: str
    after: str


def compare_locks(before: Lock | None, after: Lock | None) -> tuple[Change, ...]:
    """List what changed, sorted by project.

    Args:
        before: `None` for an environment that was not there.
        after: `None` for one that is no longer.
    """
    old = {project.name: project for project in before.projects} if before else {}
    new = {project.name: project for project in after.projects} if after else {}
    names = sorted(old.keys() | new.keys())
    return tuple(change for name in names if (change := _change(name, old.get(name), new.get(name))))


def _change(name: str, before: LockedProject | None, after: LockedProject | None) -> Change | None:
    if before is None or after is None:
        old, new = before.version if before else "", after.version if after else ""
        return Change(name, "removed" if after is None else "added", old, new)
    if before.version != after.version:
        return Change(name, _direction(before.version, after.version), before.version, after.version)
    # A bundle has a wheel that was built as a wheel like any other.
    if _files(before) & _files(after) or not (_files(before) and _files(after)):
        return None
    same_source = (before.sdist and after.sdist and before.sdist.sha256 == after.sdist.sha256) or (
        before.directory and after.directory
    )
    kind: ChangeKind = "rebuilt" if same_source else "replaced"
    return Change(name, kind, before.version, after.version)


def _files(project: LockedProject) -> set[str]:
    if project.built:
        return {project.built.sha256}
    return {wheel.sha256 for wheel in project.wheels} or ({project.sdist.sha256} if project.sdist else set())


def _direction(before: str, after: str) -> ChangeKind:
    from packaging.version import InvalidVersion, Version

    try:
        return "upgraded" if Version(after) > Version(before) else "downgraded"
    except InvalidVersion:
        return "replaced"
