"""Hashes that a requirements file gives bind the lock as well."""

from dataclasses import replace

from pannier.model.errors import LockError
from pannier.model.lock import Lock, LockedFile, LockedProject
from pannier.model.spec import Spec


def keep_hashed(lock: Lock, spec: Spec) -> Lock:
    """Keep of each project only the files whose sha256 the spec names, where it names any.

    Raises:
        LockError: Projects are left without a file.
    """
    allowed = dict(spec.hashes)
    projects = tuple(_keep(project, allowed.get(project.name, ())) for project in lock.projects)
    bare = [project for project in projects if not project.wheels and project.sdist is None]
    if bare:
        raise LockError(
            "the hashes in the spec leave no file for the target of some projects",
            code="hashes-refuse-all",
            facts={"projects": [f"`{project.name}` {project.version}" for project in bare]},
            hint="add the hashes of the files for this target, or remove the `--hash` options",
        )
    return replace(lock, projects=projects)


def _keep(project: LockedProject, allowed: tuple[str, ...]) -> LockedProject:
    if not allowed:
        return project
    wheels: tuple[LockedFile, ...] = tuple(wheel for wheel in project.wheels if wheel.sha256 in allowed)
    sdist = project.sdist if project.sdist is not None and project.sdist.sha256 in allowed else None
    return replace(project, wheels=wheels, sdist=sdist)
