"""Every wheel that a site's locks name, there to be read: fetched, or built once more."""

from collections.abc import Sequence
from pathlib import Path

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.pylock import projects_for
from pannier.formats.tags import best_wheel
from pannier.model.errors import PannierError
from pannier.model.lock import LockedFile, LockedProject
from pannier.model.site import LockedEnvironment, LockedWheel
from pannier.site.building import rebuild
from pannier.site.inputs import Inputs
from pannier.site.locking import check_current
from pannier.site.problems import together
from pannier.site.resolution import lost_error
from pannier.site.tools import SiteTools


def gather(inputs: Sequence[Inputs], tools: SiteTools) -> tuple[LockedEnvironment, ...]:
    """Bring the wheels of environments into the store.

    Args:
        inputs: The environments, with their locks.
        tools: How.

    Raises:
        LockError: A lock is missing, or not that of its requirements.
        FetchError: Files cannot be had; all of them are named.
        HashMismatchError: A file, or what was built anew, is not what was locked.
        BuildError: A wheel that is not in the cache cannot be built here.
    """
    check_current(inputs)
    chosen = {one.environment.name: _projects(one) for one in inputs}
    store = tools.store()
    files = [
        file for projects in chosen.values() for project in projects if (file := _to_fetch(project, tools))
    ]
    paths = store.fetch(files)
    found: list[LockedEnvironment] = []
    problems: list[tuple[str, PannierError]] = []
    for one in inputs:
        try:
            wheels = tuple(_wheel(project, one, paths, tools) for project in chosen[one.environment.name])
        except PannierError as error:
            problems.append((one.environment.name, error))
            continue
        assert one.previous is not None
        found.append(LockedEnvironment(one.environment, one.target, wheels, one.format(one.previous)))
    if problems:
        raise together(problems, "be gathered")
    return tuple(found)


def _projects(inputs: Inputs) -> tuple[LockedProject, ...]:
    assert inputs.previous is not None
    return projects_for(inputs.previous, inputs.target)


def _built_file(project: LockedProject) -> LockedFile | None:
    built = project.built
    if built is None:
        return None
    return LockedFile(filename=built.filename, url="", hashes={"sha256": built.sha256}, size=built.size)


def _to_fetch(project: LockedProject, tools: SiteTools) -> LockedFile | None:
    if built := _built_file(project):
        return None if tools.store().has(built) else project.sdist
    return project.wheels[0] if project.wheels else None


def _wheel(project: LockedProject, inputs: Inputs, paths: dict[str, Path], tools: SiteTools) -> LockedWheel:
    if built := _built_file(project):
        path = tools.store().path_of(built)
        if not tools.store().has(built):
            source = paths[project.sdist.sha256] if project.sdist else Path(project.directory)
            path = rebuild(project, inputs.target, source, tools)
        return _locked(project, built, path, is_built=True)
    wheel = best_wheel(project, inputs.target)
    if wheel is None:
        raise lost_error(inputs.target, (project,))
    return _locked(project, wheel, paths[wheel.sha256], is_built=False)


def _locked(project: LockedProject, file: LockedFile, path: Path, *, is_built: bool) -> LockedWheel:
    named = parse_distribution_filename(file.filename)
    return LockedWheel(
        filename=file.filename,
        sha256=file.sha256,
        size=file.size if file.size is not None else path.stat().st_size,
        path=path,
        project=project.name,
        version=named.version if named and named.version else project.version,
        built=is_built,
    )
