"""Projects that a spec names by their path: what is built here, and what is a distribution already."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pannier.formats.requirement_lines import ARCHIVES
from pannier.formats.tags import marker_environment
from pannier.model.spec import LocalProject, Spec
from pannier.model.target import Target

_OF_PROJECTS = ("pyproject.toml", "setup.py")


def problem_of(path: str) -> str:
    """Say what is wrong with a path that is to be a project, a wheel or an sdist; empty for nothing."""
    place = Path(path)
    if place.is_file():
        return "" if path.endswith(ARCHIVES) else f"is a file, but none that ends in {', '.join(ARCHIVES)}"
    if not place.is_dir():
        return "is not there"
    if not any((place / name).is_file() for name in _OF_PROJECTS):
        return f"is no project: it has neither {' nor '.join(_OF_PROJECTS)}"
    return ""


def directories_for(projects: Sequence[LocalProject], target: Target) -> tuple[LocalProject, ...]:
    """Give the directories to build for a target; wheels and sdists are in its lock."""
    return tuple(one for one in projects if not is_archive(one) and is_wanted(one, target))


def is_archive(project: LocalProject) -> bool:
    """Whether it is a wheel or an sdist, and no directory."""
    return project.path.endswith(ARCHIVES)


def is_wanted(project: LocalProject, target: Target) -> bool:
    """Whether its marker asks for it."""
    if not project.marker:
        return True
    from packaging.markers import Marker

    environment: dict[str, Any] = {**marker_environment(target), "extra": ""}
    return Marker(project.marker).evaluate(environment)


def with_archives_required(spec: Spec) -> Spec:
    """Ask for wheels and sdists of this machine as for any other, by a URL."""
    archives = tuple(_requirement(one) for one in spec.local_projects if is_archive(one))
    return spec._replace(
        requirements=(*spec.requirements, *archives),
        local_projects=tuple(one for one in spec.local_projects if not is_archive(one)),
    )


def format_local_line(project: LocalProject, path: Path) -> str:
    """Write a directory as a line of a requirements file."""
    return f"{path}{_extras(project)}{_marker(project)}"


def _requirement(project: LocalProject) -> str:
    url = f"file://{quote(str(Path(project.path).absolute()))}"
    return f"{project.name}{_extras(project)} @ {url}{_marker(project)}"


def _extras(project: LocalProject) -> str:
    return f"[{','.join(project.extras)}]" if project.extras else ""


def _marker(project: LocalProject) -> str:
    return f" ; {project.marker}" if project.marker else ""
