"""Sdists and directories to wheels, each with a Python like the server's, and held against the server."""

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pannier.environment.shared_libraries import is_elf, read_elf
from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.tags import best_wheel
from pannier.lock.build import build_wheel
from pannier.model.errors import BuildError, HashMismatchError, PannierError
from pannier.model.interpreter import Interpreter
from pannier.model.lock import BuiltWheel, LockedFile, LockedProject
from pannier.model.target import Target
from pannier.site.problems import together
from pannier.site.resolution import Resolved, find_builders
from pannier.site.tools import SiteTools

_CHOICES = (
    "have such a Python on this machine (pyenv, the system's, or a container with this cache)",
    "lock on a machine that has one",
    "build the wheels there, put them into a directory, and name it with `--find-links`",
    "bound the project to a version that has a wheel, in a file of `constraints`",
)
_PARALLEL = 2


class _Job(NamedTuple):
    """One sdist or directory to build for one environment."""

    environment: str
    target: Target
    project: LockedProject
    interpreter: Interpreter
    digest: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What its project is known by among all environments."""
        return self.environment, self.project.name, self.project.directory


def build_all(resolved: Sequence[Resolved], tools: SiteTools) -> list[Resolved]:
    """Build every sdist that no wheel is there of, and every directory, for all environments.

    Raises:
        BuildError: No Python here can build some, or builds failed, or need a newer C library than the
            server has; all of them are told.
        FetchError: An sdist cannot be had.
    """
    jobs = _jobs(resolved, tools)
    if not jobs:
        return list(resolved)
    sdists = [job.project.sdist for job in jobs if job.project.sdist]
    paths = tools.store().fetch(sdists)
    problems: list[tuple[str, PannierError]] = []
    built: dict[tuple[str, str, str], BuiltWheel] = {}

    def build(job: _Job) -> None:
        sdist = job.project.sdist
        try:
            source = paths[sdist.sha256] if sdist else Path(job.project.directory)
            built[job.key] = _build(job, source, tools)
        except PannierError as error:
            problems.append((job.environment, error))

    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        list(pool.map(build, jobs))
    if problems:
        raise together(sorted(problems, key=lambda pair: pair[0]), "be locked")
    return [_with_built(one, built) for one in resolved]


def rebuild(project: LockedProject, target: Target, source: Path, tools: SiteTools) -> Path:
    """Build once more, from an sdist or a directory, what a lock has the hash of.

    Raises:
        BuildError: No Python here can, or the build failed.
        HashMismatchError: What came out is not what was locked.
    """
    builders = find_builders(target, tools)
    if not builders:
        raise no_builder([("", target, project)], tools)
    assert project.built is not None
    wheel = build_wheel(source, builders[0], tools.build_options(), tools.reporter)
    file = tools.store().add(wheel)
    if file.sha256 != project.built.sha256:
        raise HashMismatchError(
            f"the wheel built of `{source.name}` is not the one that was locked",
            facts={
                "locked": f"sha256:{project.built.sha256}",
                "built": f"sha256:{file.sha256}",
                "python": f"{builders[0].version}, {builders[0].python_executable}",
            },
            hint=f"lock it anew with `pannier site lock --upgrade {project.name}`, "
            "or bundle on the machine where it was locked",
        )
    return tools.store().path_of(file)


def least_libc(wheel: Path) -> str:
    """Give the oldest glibc that has every symbol a wheel's compiled files need; empty for none.

    Raises:
        InterpreterError: A compiled file is damaged.
    """
    if wheel.name.endswith("-any.whl"):
        return ""
    least: tuple[int, ...] = ()
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory(prefix="pannier-libc-") as place:
        for name in archive.namelist():
            if name.endswith("/"):
                continue
            copy = Path(place, "file")
            with archive.open(name) as source, copy.open("wb") as stream:
                shutil.copyfileobj(source, stream)
            if is_elf(copy):
                least = max(least, read_elf(copy).glibc or ())
    return ".".join(str(part) for part in least)


def version_key(text: str) -> tuple[int, ...]:
    """A dotted number, to compare by; the empty text comes first."""
    return tuple(int(part) for part in text.split(".")) if text else ()


def _jobs(resolved: Sequence[Resolved], tools: SiteTools) -> list[_Job]:
    jobs: list[_Job] = []
    without: list[tuple[str, Target, LockedProject]] = []
    for one in resolved:
        name, target = one.inputs.environment.name, one.inputs.target
        digests = {source.project.path: source.digest for source in one.inputs.sources}
        builders = find_builders(target, tools)
        for project in one.unbuilt:
            if builders:
                jobs.append(_Job(name, target, project, builders[0], digests.get(project.directory, "")))
            else:
                without.append((name, target, project))
    if without:
        raise no_builder(without, tools)
    return jobs


def no_builder(without: Sequence[tuple[str, Target, LockedProject]], tools: SiteTools) -> BuildError:
    """Say which projects no Python here can build, each with its environment's name and its target."""
    projects = [
        f"{f'{name}: ' if name else ''}{_named(project)}, for {target}" for name, target, project in without
    ]
    what = "a project exists" if len(projects) == 1 else f"{len(projects)} projects exist"
    as_what = "in a directory" if all(project.directory for *_, project in without) else "as an sdist"
    found = [f"{item.version} at {item.python_executable}" for item in tools.interpreters]
    return BuildError(
        f"{what} only {as_what}, and no Python of this machine can build it for the server",
        code="site-no-builder",
        facts={"projects": projects, "found": found or "no Python", "choices": list(_CHOICES)},
        hint="`pannier site plan` says how each sdist would be built",
    )


def _named(project: LockedProject) -> str:
    return project.directory or f"{project.name} {project.version}"


def _build(job: _Job, source: Path, tools: SiteTools) -> BuiltWheel:
    wheel = build_wheel(source, job.interpreter, tools.build_options(), tools.reporter)
    libc = least_libc(wheel) if job.target.platform.libc_family == "glibc" else ""
    file = tools.store().add(wheel)
    _check_fits(job, file, libc)
    assert file.size is not None
    return BuiltWheel(
        filename=file.filename, sha256=file.sha256, size=file.size, libc=libc, source=job.digest
    )


def _check_fits(job: _Job, file: LockedFile, libc: str) -> None:
    platform = job.target.platform
    facts = {
        "target": str(job.target),
        "wheel": file.filename,
        "built with": f"{job.interpreter.version}, {job.interpreter.python_executable}",
    }
    if best_wheel(replace(job.project, wheels=(file,)), job.target) is None:
        raise BuildError(
            f"the wheel built of `{job.project.name}` is not one for the target",
            code="site-built-misfit",
            facts=facts,
            hint="build with a Python like that of the server",
        )
    if version_key(libc) > version_key(platform.libc_version):
        raise BuildError(
            f"the wheel built of `{job.project.name}` needs glibc {libc}, newer than the server's",
            code="site-built-libc",
            facts=facts,
            hint=f"if the server has glibc {libc}, say so with `platform = "
            f'"linux-{platform.architecture}-glibc{libc}"`; else lock on an older system',
        )


def _with_built(resolved: Resolved, built: dict[tuple[str, str, str], BuiltWheel]) -> Resolved:
    environment = resolved.inputs.environment.name
    projects = []
    for project in resolved.lock.projects:
        wheel = built.get((environment, project.name, project.directory))
        projects.append(_built_project(project, wheel) if wheel else project)
    return resolved._replace(lock=replace(resolved.lock, projects=tuple(projects)))


def _built_project(project: LockedProject, wheel: BuiltWheel) -> LockedProject:
    """What was built; a directory's name and version are those of its wheel."""
    named = parse_distribution_filename(wheel.filename) if project.directory else None
    if named is None:
        return replace(project, built=wheel)
    return replace(project, name=named.project, version=named.version, built=wheel)
