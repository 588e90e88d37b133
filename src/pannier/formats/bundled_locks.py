"""What lets plain pip and uv install a bundle's wheels: locks by relative paths, hashes, a static index.

Standards: PEP 751 (pylock.toml), pip's requirements files with hashes, PEP 503 (Simple API).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pannier.formats.pylock import environment_marker
from pannier.formats.requirements_locks import format_requirements
from pannier.formats.simple_api import FileLink, ProjectPage, format_project_html, format_root_html
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.target import Target


class BundledWheel(NamedTuple):
    """A wheel where a bundle has it.

    Attributes:
        filename: Its file name.
        path: Its path in the bundle.
        sha256: Hex digest of it.
        size: In bytes.
        project: Normalized name.
        version: As its file name has it.
        requires_python: The bound on the interpreter; empty for none.
    """

    filename: str
    path: str
    sha256: str
    size: int
    project: str
    version: str
    requires_python: str = ""


def format_bundled_lock(target: Target, wheels: Sequence[BundledWheel]) -> bytes:
    """Write an environment's lock, each wheel by its path beside the lock (PEP 751)."""
    import tomli_w

    document = {
        "lock-version": "1.0",
        "environments": [environment_marker(target)],
        "requires-python": f"=={target.python_minor}.*",
        "created-by": "pannier",
        "packages": [_package(wheel) for wheel in sorted(wheels, key=_order)],
    }
    return tomli_w.dumps(document).encode()


def format_bundled_requirements(target: Target, wheels: Sequence[BundledWheel]) -> bytes:
    """Write an environment's requirements file, for pips that know no lock.

    It names the directories its wheels lie in, which pip takes from where the file is.
    """
    projects = [
        LockedProject(name=wheel.project, version=wheel.version, wheels=(_locked(wheel),)) for wheel in wheels
    ]
    places = sorted({wheel.path.rpartition("/")[0] for wheel in wheels})
    links = "".join(f"--find-links {place}\n" for place in places)
    return (format_requirements(Lock(projects=tuple(projects), targets=(target,))) + links).encode()


def format_static_index(wheels: Iterable[BundledWheel]) -> dict[str, bytes]:
    """Write an index's pages: path in the bundle to page, every link relative (PEP 503)."""
    by_project: dict[str, list[BundledWheel]] = {}
    for wheel in wheels:
        by_project.setdefault(wheel.project, []).append(wheel)
    pages = {"simple/index.html": format_root_html(sorted(by_project))}
    for project, files in by_project.items():
        links = [_link(wheel) for wheel in sorted(files, key=_order)]
        page = ProjectPage(name=project, files=links)
        pages[f"simple/{project}/index.html"] = format_project_html(page)
    return pages


def _order(wheel: BundledWheel) -> tuple[str, str, str]:
    return wheel.project, wheel.filename, wheel.sha256


def _package(wheel: BundledWheel) -> dict[str, object]:
    file = {
        "name": wheel.filename,
        "path": wheel.path,
        "size": wheel.size,
        "hashes": {"sha256": wheel.sha256},
    }
    package: dict[str, object] = {"name": wheel.project, "version": wheel.version}
    if wheel.requires_python:
        package["requires-python"] = wheel.requires_python
    return package | {"wheels": [file]}


def _locked(wheel: BundledWheel) -> LockedFile:
    return LockedFile(filename=wheel.filename, url=wheel.path, hashes={"sha256": wheel.sha256})


def _link(wheel: BundledWheel) -> FileLink:
    return FileLink(
        filename=wheel.filename,
        url=f"../../{wheel.path}",
        hashes={"sha256": wheel.sha256},
        requires_python=wheel.requires_python,
    )
