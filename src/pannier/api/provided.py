"""Whether the wheels in hand hold what the program imports: the check of an analysis that costs nothing."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pannier.model.analysis import Analysis, Import
from pannier.model.events import Notice, Reporter

_MODULES = (".py", ".so", ".pyd", ".pyc")
# Deep enough for any namespace: `airflow.providers.cncf.kubernetes`.
_DEPTH = 5


def imports_to_check(analysis: Analysis) -> tuple[Import, ...]:
    """One import of each name that the program cannot do without."""
    found: dict[str, Import] = {}
    for project in analysis.projects:
        for item in project.imports:
            if not project.optional and item.kind == "required":
                found.setdefault(item.name, item)
    return tuple(found[name] for name in sorted(found))


def warn_of_missing(imports: Sequence[Import], wheels: Iterable[Path], reporter: Reporter) -> None:
    """Warn of every import that no wheel holds: the project named for it is not the one that is meant.

    Args:
        imports: What the program imports.
        wheels: All that is packed.
        reporter: Hears of what is missing.
    """
    if not imports:
        return
    held = {name for wheel in wheels for name in modules_of(wheel)}
    missing = [item for item in imports if _wanted(item.name) not in held]
    if not missing:
        return
    names = ", ".join(f"`{item.name}`" for item in missing)
    reporter.warn(
        Notice(
            message=f"no distribution of the pack holds {names}",
            code="import-not-provided",
            facts={item.name: str(item.location) for item in missing},
            hint=f"name the project that does, as with `--pkg-mapping {missing[0].name}=PROJECT`",
        )
    )


def _wanted(name: str) -> str:
    """The part of a dotted name that one project must hold: of a namespace, the first name below."""
    from pannier.imports.projects.known_projects import is_namespace

    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        prefix = ".".join(parts[:length])
        if not is_namespace(prefix):
            return prefix
    return name


def modules_of(wheel: Path) -> Iterator[str]:
    """Dotted names of the modules and packages that a wheel installs, down to some depth."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(_MODULES):
                parts = name.split("/")
                if parts[0].endswith(".data"):
                    parts = parts[2:]
                names = [*parts[:-1], parts[-1].partition(".")[0]] if parts else []
                yield from (".".join(names[:length]) for length in range(1, min(len(names), _DEPTH) + 1))
