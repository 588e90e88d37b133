"""Why a project may be declared though nothing imports it."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from pannier.api.own_metadata import is_of_metadata
from pannier.model.declarations import FROZEN_LIST, Declared, DeclaredGroup
from pannier.model.names import normalized_name

FOR_MAKERS: frozenset[DeclaredGroup] = frozenset({"development", "build"})
_GROUP_REASONS: dict[DeclaredGroup, str] = {
    "development": "declared for the project's makers",
    "build": "needed to build the project",
    "optional": "only an extra brings it, for those who ask",
}


class Surroundings(NamedTuple):
    """What an excuse may rest on; names are normalized.

    Attributes:
        used: The projects that are imported and declared.
        requires: Tells who requires whom.
        target_python: Version of the Python that will run the program, on Linux; decides markers.
        has_metadata: The project's own metadata says what it requires.
    """

    used: Set[str]
    requires: Callable[[], Mapping[str, set[str]]]
    target_python: str
    has_metadata: bool


def excuse(items: Sequence[Declared], around: Surroundings) -> str:
    """Why it is in order that nothing imports a project; empty where nothing speaks for that."""
    return next((reason for reason in _excuses(items, around) if reason), "")


def _excuses(items: Sequence[Declared], around: Surroundings) -> Iterator[str]:
    from pannier.imports.projects.unimported import why_unimported

    name = normalized_name(items[0].name)
    if all(item.group in FOR_MAKERS for item in items):
        yield _GROUP_REASONS[items[0].group]
    yield why_unimported(name, around.used)
    needed = [item for item in items if item.group not in FOR_MAKERS]
    if needed and all(item.group == "optional" for item in needed):
        yield _GROUP_REASONS["optional"]
    if not any(_holds(item, around.target_python) for item in items):
        yield "for another Python or platform, by its marker"
    if needed and all(item.place == FROZEN_LIST for item in needed):
        yield "in a frozen list, which holds what others require as well"
    if around.has_metadata and not any(is_of_metadata(item) for item in items):
        yield "in a list beside the project's own metadata"
    dependents = sorted(other for other in around.used if name in around.requires().get(other, ()))
    if dependents:
        yield f"chooses the version of what `{dependents[0]}` requires"
    # `django-x` and `flask-x` are found by their framework; so is a part that its whole loads.
    host = next((other for other in sorted(around.used) if name.startswith(f"{other}-")), "")
    if host:
        yield f"a part or plug-in of `{host}`, by its name"


def _holds(item: Declared, target_python: str) -> bool:
    """Whether a requirement's marker (PEP 508) holds on the target; what is none holds."""
    marker = item.requirement.partition(";")[2].strip()
    if not marker:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    environment = {
        "python_version": ".".join(target_python.split(".")[:2]),
        "python_full_version": target_python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "extra": "",
    }
    try:
        return Marker(marker).evaluate(environment)
    except (InvalidMarker, UndefinedEnvironmentName):
        return True
