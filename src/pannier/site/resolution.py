"""One environment of a site resolved: which file of each project, and what has no file that fits."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pannier.formats.tags import best_wheel
from pannier.lock.engine import can_build
from pannier.lock.resolve import resolve
from pannier.model.errors import LockError, NoCompatibleWheelError, PannierError
from pannier.model.events import Reporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import BuiltWheel, Lock, LockedProject
from pannier.model.target import Target
from pannier.site.inputs import Inputs
from pannier.site.sources import Source
from pannier.site.tools import SiteTools

_OLDEST_FOR_UV = (3, 6)


class Resolved(NamedTuple):
    """An environment with exact versions.

    Attributes:
        inputs: What was asked for.
        lock: One wheel of each project, or its sdist and perhaps the wheel built from that.
        lost: Projects that have nothing for the target, as an index offers them.
    """

    inputs: Inputs
    lock: Lock
    lost: tuple[LockedProject, ...] = ()

    @property
    def unbuilt(self) -> tuple[LockedProject, ...]:
        """Projects whose wheel has yet to be built."""
        return tuple(
            project for project in self.lock.projects if not project.wheels and project.built is None
        )


def resolve_environment(
    inputs: Inputs, tools: SiteTools, prefer: Lock | None, reporter: Reporter
) -> Resolved:
    """Choose versions and files for one environment.

    Args:
        inputs: What is asked for.
        tools: How.
        prefer: A lock whose versions are kept where they still fit.
        reporter: Hears of progress.

    Raises:
        PannierError: As `lock.resolve.resolve` does.
    """
    lock = _resolve(inputs, tools, prefer, reporter)
    kept: list[LockedProject] = []
    lost: list[LockedProject] = []
    for project in lock.projects:
        chosen = _one_file(project, inputs.target, prefer)
        (kept if chosen else lost).append(chosen or project)
    kept += [
        _own_project(source, inputs.target, prefer) for source in inputs.sources if not source.is_archive
    ]
    return Resolved(inputs, replace(lock, projects=tuple(kept)), tuple(lost))


def find_builders(target: Target, tools: SiteTools) -> tuple[Interpreter, ...]:
    """Find the Pythons here whose builds run on the target, the target's own patch version first."""
    fitting = [item for item in tools.interpreters if can_build(item, target)]
    return tuple(sorted(fitting, key=lambda item: item.version != target.python_version))


def lost_error(target: Target, lost: tuple[LockedProject, ...]) -> NoCompatibleWheelError:
    """Say which projects offer nothing for a target."""
    offered = {
        f"{project.name} {project.version}": [wheel.filename for wheel in project.wheels]
        or ["neither wheel nor sdist"]
        for project in lost
    }
    what = f"`{next(iter(offered))}`" if len(offered) == 1 else f"{len(offered)} projects"
    return NoCompatibleWheelError(
        f"no distribution of {what} fits the target `{target}`",
        facts=offered,
        hint="bound it to a version that has one, in a file of `constraints`",
    )


def _resolve(inputs: Inputs, tools: SiteTools, prefer: Lock | None, reporter: Reporter) -> Lock:
    """Resolve; where nothing can be built here, find out what only an sdist stands in the way of."""
    builders = find_builders(inputs.target, tools)
    stand_in = None if builders else _stand_in(inputs.target, tools)
    if stand_in and any(not source.is_archive for source in inputs.sources):
        # What a directory needs may be known to its build alone; that there is no builder is told later.
        builders, stand_in = (stand_in,), None
    options = tools.resolve_options(_of_indexes(prefer), builders)
    try:
        return resolve(inputs.spec, [inputs.target], options, reporter)
    except NoCompatibleWheelError:
        if stand_in is None:
            raise
        try:
            return resolve(inputs.spec, [inputs.target], replace(options, interpreters=(stand_in,)), reporter)
        except PannierError:
            pass
        raise


def _stand_in(target: Target, tools: SiteTools) -> Interpreter | None:
    """A Python that asks sdists for their metadata in the target's place; what it would build is not kept."""
    if tuple(int(part) for part in target.python_minor.split(".")) < _OLDEST_FOR_UV:
        return None
    newest = next((item for item in tools.interpreters if item.target.python_minor > "3.1"), None)
    return newest._replace(version=target.python_version, platform=target.platform) if newest else None


def _one_file(project: LockedProject, target: Target, previous: Lock | None) -> LockedProject | None:
    """Keep of a project what will be installed; `None` for nothing."""
    if wheel := best_wheel(project, target):
        return replace(project, wheels=(wheel,), sdist=None, marker="")
    if project.sdist is None:
        return None
    return replace(project, wheels=(), marker="", built=_built_before(project, target, previous))


def _of_indexes(lock: Lock | None) -> Lock | None:
    """What resolvers can be told to keep: a project of this machine has the one version that it has."""
    if lock is None:
        return None
    return replace(lock, projects=tuple(one for one in lock.projects if not one.directory))


def _own_project(source: Source, target: Target, previous: Lock | None) -> LockedProject:
    """A project's directory, with the wheel that was built of just that source for the same target.

    Name and version are known where it was built; until then it is called as its directory is.
    """
    path = source.project.path
    for old in previous.projects if previous and _is_alike(previous, target) else ():
        if old.directory == path and old.built and old.built.source == source.digest:
            return old
    return LockedProject(name=source.project.name or Path(path).name, version="", directory=path)


def _is_alike(previous: Lock, target: Target) -> bool:
    held = previous.targets[0]
    return (held.python_minor, held.platform) == (target.python_minor, target.platform)


def _built_before(project: LockedProject, target: Target, previous: Lock | None) -> BuiltWheel | None:
    """What was built of the same sdist for the same target: it stays, so that the lock does."""
    if previous is None or project.sdist is None or not _is_alike(previous, target):
        return None
    digest = project.sdist.sha256
    same = (old for old in previous.projects if old.sdist is not None and old.sdist.sha256 == digest)
    return next((old.built for old in same), None)


def check_lost(resolved: Resolved) -> None:
    """Refuse what cannot be had.

    Raises:
        NoCompatibleWheelError: Projects offer nothing for the target.
    """
    if resolved.lost:
        raise lost_error(resolved.inputs.target, resolved.lost)


def seal(resolved: Resolved) -> Lock:
    """Give the lock as it is written.

    Raises:
        LockError: Something in it is not built yet.
    """
    if resolved.unbuilt:
        raise LockError("an sdist has not been built", facts={"projects": [p.name for p in resolved.unbuilt]})
    return replace(resolved.lock, inputs=resolved.inputs.seal(resolved.lock))
