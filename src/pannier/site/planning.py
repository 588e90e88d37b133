"""What each environment of a site would consist of, before anything is downloaded or built."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.formats.wheel_labels import least_libc
from pannier.model.errors import BuildError, PannierError
from pannier.model.lock import Lock, LockedProject
from pannier.site.building import no_builder, version_key
from pannier.site.inputs import Inputs
from pannier.site.locking import Upgrade, resolve_all
from pannier.site.resolution import Resolved, find_builders, lost_error
from pannier.site.sources import portable_path
from pannier.site.tools import SiteTools


class PlannedFile(NamedTuple):
    """What is taken of one project.

    Attributes:
        project: Normalized name.
        version: As locked, or as it would be; empty for a directory, whose build tells.
        filename: The wheel, or the sdist or directory that a wheel is built from.
        size: In bytes; `None` where the index does not say.
        kind: `wheel`, `built` for a wheel that a lock has the hash of, `sdist` for one to be built,
            `directory` for a project of this machine to be built.
        builder: The Python that builds it; empty for a wheel, and where there is none.
        libc: The oldest glibc or musl it runs on; empty for any, and for what is not known yet.
    """

    project: str
    version: str
    filename: str
    size: int | None
    kind: str
    builder: str = ""
    libc: str = ""


class EnvironmentPlan(NamedTuple):
    """What one environment would consist of.

    Attributes:
        inputs: What was asked for.
        is_locked: It is what the lock says; else it was resolved just now, and nothing was written.
        files: By project; none where versions could not be chosen.
        problems: Why it cannot be had.
    """

    inputs: Inputs
    is_locked: bool
    files: tuple[PlannedFile, ...] = ()
    problems: tuple[PannierError, ...] = ()

    @property
    def size(self) -> int:
        """Of everything whose size is known, in bytes."""
        return sum(file.size or 0 for file in self.files)

    @property
    def is_size_whole(self) -> bool:
        """Whether all sizes are known."""
        return all(file.size is not None for file in self.files)

    @property
    def libc(self) -> str:
        """The oldest C library that all of it runs on, as far as wheels tell; empty for any."""
        return max((file.libc for file in self.files), key=version_key, default="")


def plan_environments(inputs: Sequence[Inputs], tools: SiteTools) -> tuple[EnvironmentPlan, ...]:
    """Plan environments; what is wrong with one does not keep the others from being planned.

    Args:
        inputs: The environments. A lock that is current is taken as it is; others are resolved in memory.
        tools: How.
    """
    stale = [one for one in inputs if not one.is_current]
    answers = {item.environment.name: answer for item, answer in resolve_all(stale, Upgrade(), tools)}
    plans = []
    for one in inputs:
        answer = answers.get(one.environment.name)
        if isinstance(answer, PannierError):
            plans.append(EnvironmentPlan(one, is_locked=False, problems=(answer,)))
        elif isinstance(answer, Resolved):
            plans.append(_plan(one, answer.lock, answer.lost, tools, is_locked=False))
        elif one.previous is not None:
            plans.append(_plan(one, one.previous, (), tools, is_locked=True))
    return tuple(plans)


def _plan(
    inputs: Inputs, lock: Lock, lost: tuple[LockedProject, ...], tools: SiteTools, *, is_locked: bool
) -> EnvironmentPlan:
    builders = find_builders(inputs.target, tools)
    builder = f"Python {builders[0].version}, {builders[0].python_executable}" if builders else ""
    files = tuple(_file(project, builder, inputs.directory) for project in lock.projects)
    problems: list[PannierError] = [lost_error(inputs.target, lost)] if lost else []
    unbuilt = [project for project in lock.projects if not project.wheels and project.built is None]
    if unbuilt and not builders:
        problems.append(_without_builder(inputs, unbuilt, tools))
    return EnvironmentPlan(inputs, is_locked, files, tuple(problems))


def _without_builder(inputs: Inputs, unbuilt: list[LockedProject], tools: SiteTools) -> BuildError:
    return no_builder([("", inputs.target, project) for project in unbuilt], tools)


def _file(project: LockedProject, builder: str, directory: Path) -> PlannedFile:
    name, version = project.name, project.version
    if project.built:
        built = project.built
        return PlannedFile(name, version, built.filename, built.size, "built", builder, built.libc)
    if project.wheels:
        wheel = project.wheels[0]
        libc = least_libc(wheel.filename)
        return PlannedFile(name, version, wheel.filename, wheel.size, "wheel", libc=libc)
    if project.directory:
        place = portable_path(project.directory, directory)
        return PlannedFile(name, version, place, None, "directory", builder)
    sdist = project.sdist
    return PlannedFile(
        name, version, sdist.filename if sdist else "", sdist.size if sdist else None, "sdist", builder
    )
