"""Say how a project of an index is doing (PEP 792)."""

from pathlib import Path
from typing import TYPE_CHECKING

from pannier.model.errors import UsageError

if TYPE_CHECKING:
    from pannier.server.settings import ServeSettings

STATUSES = ("active", "archived", "quarantined", "deprecated")


def set_status(settings: "ServeSettings", project: str, status: str, reason: str = "") -> bool:
    """Give a project a status, which a server that runs shows at once.

    Args:
        settings: Of the index.
        project: In any spelling.
        status: One of `STATUSES`; archived and quarantined projects take no more uploads.
        reason: Why; empty for none.

    Returns:
        Whether the index has that project; the status of one that is still to come is kept as well.

    Raises:
        UsageError: There is no such status, or the name is none.
        SpecError: What is there already is not valid.
        StorageError: It cannot be written.
    """
    from pannier.formats.distribution_names import is_project_name
    from pannier.formats.wheels import normalize_project
    from pannier.server.audit import AuditLog, Change
    from pannier.server.catalogue.catalogue import Catalogue
    from pannier.server.uploads.changes import local_actor

    if status not in STATUSES:
        raise UsageError(f"`{status}` is no status", facts={"statuses": ", ".join(STATUSES)})
    if not is_project_name(project):
        raise UsageError(f"`{project}` is no project's name")
    name = normalize_project(project)
    catalogue = Catalogue(settings.directories, Path(settings.store) if settings.store else None)
    catalogue.refresh()
    _write(catalogue.own / "projects.toml", name, status, reason)
    catalogue.refresh()
    detail = f"{status}: {reason}" if reason else status
    actor = local_actor("pannier serve status")
    AuditLog.beside(catalogue).add(Change("status", *actor, name, detail=detail))
    return catalogue.project(name) is not None


def _write(path: Path, project: str, status: str, reason: str) -> None:
    import tomllib

    import tomli_w

    from pannier.formats.wheels import normalize_project
    from pannier.model.errors import SpecError
    from pannier.store.writing import write_whole

    try:
        document = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"`{path}` is not valid TOML", code="settings-invalid", facts={"reason": str(error)}
        ) from None
    key = next((known for known in document if normalize_project(known) == project), project)
    table = document.setdefault(key, {})
    table.pop("status-reason", None)
    table.update({"status": status, **({"status-reason": reason} if reason else {})})
    write_whole(path, tomli_w.dumps(document).encode())
