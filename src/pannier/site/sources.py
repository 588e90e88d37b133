"""What a site's requirements name by its path: directories of projects, wheels and sdists of this machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.lock.local_projects import is_archive, is_wanted
from pannier.lock.sources import hash_source
from pannier.model.errors import SpecError
from pannier.model.lock import Lock
from pannier.model.spec import LocalProject, Spec
from pannier.model.target import Target

# What a site's own commands put beside site.toml, perhaps inside a project: no part of its source.
_MADE_HERE = ("pylock.*.toml", "*.run")


class Source(NamedTuple):
    """A project of this machine that an environment asks for.

    Attributes:
        project: As requirements ask for it, its path absolute.
        digest: Over all of it that a build may read.
    """

    project: LocalProject
    digest: str

    @property
    def is_archive(self) -> bool:
        """Whether it is a wheel or an sdist, and no directory."""
        return is_archive(self.project)

    def asked(self, directory: Path) -> list[object]:
        """What counts of it, the same on every machine that has it at the same place beside site.toml."""
        project = self.project
        path = portable_path(project.path, directory)
        return [path, project.name, sorted(project.extras), project.marker, self.digest]


def changed_sources(lock: Lock, sources: Sequence[Source]) -> tuple[str, ...]:
    """Name the projects of a lock that were built from other sources than there are now."""
    now = {source.project.path: source.digest for source in sources}
    return tuple(
        project.name
        for project in lock.projects
        if project.built and now.get(project.directory, project.built.source) != project.built.source
    )


class SourceReader:
    """Finds out what sources there are, each looked through once.

    Args:
        made: Files that are no part of any source.
    """

    def __init__(self, made: tuple[Path, ...]) -> None:
        self._made = made
        self._digests: dict[str, str] = {}

    def sources(self, spec: Spec, target: Target) -> tuple[Source, ...]:
        """Give the sources that an environment asks for.

        Raises:
            SpecError: One cannot be read.
        """
        found = []
        for project in spec.local_projects:
            if is_wanted(project, target):
                whole = project._replace(path=str(Path(project.path).absolute()))
                found.append(Source(whole, self._digest(whole.path)))
        return tuple(found)

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = hash_source(Path(path), self._made)
            except OSError as error:
                raise SpecError(
                    f"the project `{path}` cannot be read",
                    facts={"file": str(error.filename or path), "reason": error.strerror or str(error)},
                ) from error
        return self._digests[path]


def made_beside(directory: Path) -> tuple[Path, ...]:
    """The files beside a site.toml that the site's own commands made."""
    whole = directory.absolute()
    return tuple(path for pattern in _MADE_HERE for path in sorted(whole.glob(pattern)))


def portable_path(path: str, directory: Path) -> str:
    """Give a path as seen from a directory, unless the two have nothing but the root in common."""
    whole, start = os.path.abspath(path), os.path.abspath(directory)  # noqa: PTH100 - links stay
    if os.path.commonpath([whole, start]) == os.path.sep:
        return whole
    return os.path.relpath(whole, start)
