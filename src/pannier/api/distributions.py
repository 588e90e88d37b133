"""From locked projects to wheels on this disk: the best wheel fetched, or built from an sdist."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.targets import Surroundings
from pannier.api.workshop import Workshop
from pannier.model.errors import BuildError, NoCompatibleWheelError, UsageError
from pannier.model.lock import LockedFile, LockedProject
from pannier.model.spec import LocalProject

if TYPE_CHECKING:
    from pannier.pack.plan import PlannedWheel
    from pannier.store.distributions import DistributionStore


class _Choice(NamedTuple):
    """The file to take for a project, and whether it still has to be built."""

    project: LockedProject
    file: LockedFile
    is_sdist: bool


def wheels_of(
    projects: Sequence[LockedProject], surroundings: Surroundings, workshop: Workshop
) -> list["PlannedWheel"]:
    """Bring the wheel of each project.

    Args:
        projects: What the lock gives for the target.
        surroundings: Target, and the interpreter that sdists are built with.
        workshop: Settings, cache and reporter.

    Raises:
        NoCompatibleWheelError: Some projects offer nothing that fits; all are named.
        FetchError: Files cannot be had.
        HashMismatchError: A file is not what was locked.
        BuildError: An sdist cannot be built.
    """
    from pannier.pack.plan import PlannedWheel
    from pannier.store.distributions import DistributionStore

    choices = _choose([project for project in projects if not project.directory], surroundings)
    own = [
        LocalProject(path=project.directory, name=project.name) for project in projects if project.directory
    ]
    settings = workshop.settings
    store = DistributionStore(
        workshop.directories,
        workshop.index_settings(),
        offline=settings.offline,
        reporter=workshop.reporter,
        environ=settings.environ,
    )
    paths = store.fetch([choice.file for choice in choices])
    wheels = []
    for choice in choices:
        path, sha256 = paths[choice.file.sha256], choice.file.sha256
        if choice.is_sdist:
            path = _build(path, surroundings, workshop)
            sha256 = _added(store, path)
        wheels.append(PlannedWheel(path=path, sha256=sha256))
    built = wheels_of_projects(own, surroundings, workshop)
    return wheels + [PlannedWheel(path=wheel.path, sha256=wheel.sha256) for wheel in built]


def wheels_of_projects(
    projects: Sequence[LocalProject], surroundings: Surroundings, workshop: Workshop
) -> list["PlannedWheel"]:
    """Build the user's own projects that the target asks for; wheels and sdists of them are in the lock.

    Raises:
        BuildError: One cannot be built, or the target is not of this machine's kind.
    """
    from pannier.lock.local_projects import directories_for, problem_of
    from pannier.pack.plan import PlannedWheel
    from pannier.store.distributions import DistributionStore

    store = DistributionStore(workshop.directories)
    wanted = dict.fromkeys(project.path for project in directories_for(projects, surroundings.target))
    if problems := {path: problem for path in wanted if (problem := problem_of(path))}:
        raise BuildError(
            "projects of this machine cannot be built",
            facts=problems,
            hint="lock again where they are, or bring them to these places",
        )
    paths = [_build(Path(path), surroundings, workshop) for path in wanted]
    return [PlannedWheel(path=path, sha256=_added(store, path), kind="program") for path in paths]


def commands_of(wheel: Path) -> dict[str, bool]:
    """The commands that a wheel installs, sorted, and which of them are console scripts."""
    import zipfile

    from pannier.formats.wheels import parse_entry_points

    commands: dict[str, bool] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            directory, _, file = name.rpartition("/")
            if file == "entry_points.txt" and directory.endswith(".dist-info") and "/" not in directory:
                declared = parse_entry_points(archive.read(name).decode())
                commands |= {script.name: not script.is_graphical for script in declared}
            elif file and directory.endswith(".data/scripts"):
                commands.setdefault(file, False)
    return dict(sorted(commands.items()))


def command_named(wanted: str, wheels: Sequence["PlannedWheel"]) -> str:
    """Check that a distribution brings the command that the user names, or that it is the interpreter.

    Raises:
        UsageError: None of them does.
    """
    commands = sorted({command for wheel in wheels for command in commands_of(wheel.path)})
    if wanted in ("python", "python3", *commands):
        return wanted
    raise UsageError(
        f"nothing that is packed brings a command `{wanted}`",
        code="program-entry",
        facts={"commands": commands or "none but `python`"},
        hint="name one of them with `--program`",
    )


def _choose(projects: Sequence[LockedProject], surroundings: Surroundings) -> list[_Choice]:
    from pannier.formats.tags import best_wheel

    target = surroundings.target
    choices: list[_Choice] = []
    nothing: dict[str, list[str]] = {}
    for project in projects:
        wheel = best_wheel(project, target)
        if wheel is not None:
            choices.append(_Choice(project, wheel, is_sdist=False))
        elif project.sdist is not None and surroundings.interpreter is not None:
            choices.append(_Choice(project, project.sdist, is_sdist=True))
        else:
            nothing[f"{project.name} {project.version}"] = _offered(project)
    if nothing:
        what = f"`{next(iter(nothing))}`" if len(nothing) == 1 else f"{len(nothing)} projects"
        raise NoCompatibleWheelError(
            f"no distribution of {what} fits the target `{target}`",
            facts=nothing,
            hint="pack on a machine of the target's kind, where sdists can be built",
        )
    return choices


def _offered(project: LockedProject) -> list[str]:
    return [wheel.filename for wheel in project.wheels] or ["no wheel, only an sdist"]


def _build(source: Path, surroundings: Surroundings, workshop: Workshop) -> Path:
    from pannier.lock.build import BuildOptions, build_wheel
    from pannier.lock.engine import can_build

    interpreter = surroundings.interpreter
    if interpreter is None or not can_build(interpreter, surroundings.target):
        raise BuildError(
            f"`{source.name}` cannot be built for the target `{surroundings.target}` on this machine",
            code="build-foreign",
            facts={"this machine's": str(interpreter.target) if interpreter else "no Python of that version"},
            hint="pack on a machine of the target's kind",
        )
    options = BuildOptions(
        directories=workshop.directories,
        indexes=workshop.index_settings(),
        offline=workshop.settings.offline,
        environ=workshop.settings.environ,
    )
    return build_wheel(source, interpreter, options, workshop.reporter)


def _added(store: "DistributionStore", wheel: Path) -> str:
    return store.add(wheel).sha256
