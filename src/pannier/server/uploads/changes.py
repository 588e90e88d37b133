"""Change what is published: yank, take that back, remove. Each change is written down."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pannier.formats.wheels import normalize_project
from pannier.model.errors import RequestError
from pannier.server.audit import AuditLog, Change
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.catalogue.records import FileRecord
from pannier.server.uploads.inspection import is_same_version


class Actor(NamedTuple):
    """Who changes something, for the audit log.

    Attributes:
        user: Empty for somebody unknown.
        token: Name of the token used; empty for none.
        address: The client's address; `local` for a command on the server.
        client: What the client calls itself.
    """

    user: str
    token: str
    address: str
    client: str

    def change(self, action: str, record: FileRecord, detail: str = "") -> Change:
        """What is written down of a change of a file."""
        return Change(action, *self, record.project, record.version, record.filename, record.sha256, detail)


def local_actor(command: str) -> Actor:
    """Whoever runs a command on the server itself."""
    import getpass
    import os

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Actor(user, "", "local", command)


class NothingFoundError(RequestError):
    """What is to be changed is not here."""

    default_code = "no-such-release"


def select(catalogue: Catalogue, project: str, version: str = "", filename: str = "") -> list[FileRecord]:
    """The files of a project, of one version of it where one is given, or the one file of a name.

    Raises:
        NothingFoundError: There is none.
    """
    record = catalogue.project(normalize_project(project))
    files = [
        file
        for file in (record.files if record else ())
        if (not version or is_same_version(file.version, version)) and filename in ("", file.filename)
    ]
    if not files:
        wanted = " ".join(word for word in (project, version, filename) if word)
        raise NothingFoundError(
            f"there is no `{wanted}` here",
            facts={"versions": sorted({file.version for file in record.files})} if record else {},
        )
    return files


def yank(
    catalogue: Catalogue, log: AuditLog, actor: Actor, files: Iterable[FileRecord], reason: str | None
) -> list[FileRecord]:
    """Yank files for a reason, which may be empty, or take that back with `None`."""
    action = "unyank" if reason is None else "yank"

    def change(record: FileRecord) -> FileRecord:
        return catalogue.yank(record, reason)

    return _each(log, actor, action, files, change, reason or "")


def remove(
    catalogue: Catalogue, log: AuditLog, actor: Actor, files: Iterable[FileRecord]
) -> list[FileRecord]:
    """Remove files for good; their project's name stays reserved."""

    def change(record: FileRecord) -> FileRecord:
        catalogue.remove(record)
        return record

    return _each(log, actor, "remove", files, change)


def _each(
    log: AuditLog,
    actor: Actor,
    action: str,
    files: Iterable[FileRecord],
    change: Callable[[FileRecord], FileRecord],
    detail: str = "",
) -> list[FileRecord]:
    log.check()
    changed = []
    for record in files:
        changed.append(change(record))
        log.add(actor.change(action, record, detail))
    return changed
