"""`lock`: exact versions and hashed files for one or several targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.needs import needs_of
from pannier.api.settings import Settings
from pannier.api.subjects import find_subject, read_lock
from pannier.api.targets import targets_of
from pannier.api.workshop import Workshop
from pannier.model.errors import LockError, UsageError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.model.target import Target

if TYPE_CHECKING:
    from pannier.lock.engine import ResolveOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions:
    """What to lock for, and how.

    Attributes:
        output: The lockfile: `pylock.toml`, `pylock.NAME.toml` (PEP 751), or `requirements*.txt` for pip.
        pythons: Versions to lock for; none for the one packing would use.
        platforms: Platforms to lock for; none for this machine's.
        upgrade: Forget the versions of the lockfile that is there.
        exclude_newer: Ignore what was uploaded after this date.
        prerelease: Let pre-releases be chosen.
        constraints: Requirements that bound versions without asking for anything.
        strict: Refuse what `pannier analyze --strict` refuses in a program.
        content: What the subject `-` stands for: a program, a notebook or a spec.
    """

    output: Path
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    upgrade: bool = False
    exclude_newer: str = ""
    prerelease: bool = False
    constraints: tuple[str, ...] = ()
    strict: bool = False
    content: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockResult:
    """The lock that was written.

    Attributes:
        lock: What is in it.
        path: Where it is.
        changes: Against the lockfile that was there: project name to what became of it (`2.1 -> 2.2`).
    """

    lock: Lock
    path: Path
    changes: Mapping[str, str]


def lock(
    subject: str, options: LockOptions, settings: Settings, reporter: Reporter | None = None
) -> LockResult:
    """Resolve what `subject` needs, and write the lockfile.

    Raises:
        UsageError: The subject is a lock already, the output's name is not a lockfile's, or there is a
            requirements file of that name which Pannier did not write.
        LockError: Nothing satisfies the requirements.
        FetchError: An index did not answer.
    """
    from pannier.store.occupancy import occupied
    from pannier.store.writing import write_whole

    workshop = Workshop(settings, reporter or SilentReporter())
    named = find_subject(subject, settings.environ, options.content)
    if named.kind == "lock":
        raise UsageError(f"`{subject}` is a lock already", hint="name what it was made from")
    _check_name(options.output)
    spec = needs_of(named, (), workshop, is_strict=options.strict).spec
    targets = targets_of(options.pythons, options.platforms, spec.python, workshop)
    previous = _previous(options.output)
    with occupied(settings.cache_root):
        made = resolve_spec(spec, targets, workshop, options, prefer=None if options.upgrade else previous)
    write_whole(options.output, _formatted(made, options.output).encode())
    return LockResult(lock=made, path=options.output, changes=_changes(previous, made))


def resolve_spec(
    spec: Spec,
    targets: Sequence[Target],
    workshop: Workshop,
    options: LockOptions | None = None,
    *,
    prefer: Lock | None = None,
    interpreter: Interpreter | None = None,
) -> Lock:
    """Resolve a spec with the settings in force.

    Args:
        spec: What is needed.
        targets: What for.
        workshop: Settings, cache and reporter.
        options: What the command line said about resolving.
        prefer: A lock whose versions are kept where they can be.
        interpreter: A Python that sdists may be built with to learn what they need.
    """
    from pannier.lock.resolve import resolve

    return resolve(spec, targets, _resolve_options(workshop, options, prefer, interpreter), workshop.reporter)


def _resolve_options(
    workshop: Workshop, options: LockOptions | None, prefer: Lock | None, interpreter: Interpreter | None
) -> "ResolveOptions":
    from pannier.environment.find import find_interpreters
    from pannier.lock.engine import ResolveOptions

    settings = workshop.settings
    found = find_interpreters(cache=workshop.directories.interpreters, environ=settings.environ)
    return ResolveOptions(
        directories=workshop.directories,
        indexes=workshop.index_settings(),
        offline=settings.offline,
        prereleases=settings.prerelease or bool(options and options.prerelease),
        constraints=options.constraints if options else (),
        exclude_newer=(options.exclude_newer if options else "") or settings.exclude_newer,
        prefer=prefer,
        interpreters=(interpreter,) if interpreter else tuple(found),
        environ=settings.environ,
    )


def _check_name(output: Path) -> None:
    from pannier.formats.requirements_locks import is_locked_requirements, is_requirements_name

    parts = output.name.split(".")
    if is_requirements_name(output.name):
        if output.is_file() and not is_locked_requirements(output.read_text("utf-8", "replace")):
            raise UsageError(
                f"`{output}` is there already, and was not written by `pannier lock`",
                code="output-exists",
                hint="write the lock to another name, such as `-o requirements.lock.txt`",
            )
    elif not (parts[0] == "pylock" and parts[-1] == "toml" and len(parts) in {2, 3}):
        name = "-".join(part for part in parts if part not in {"pylock", "lock", "toml"})
        raise UsageError(
            f"`{output.name}` is not a name that a lockfile may have",
            code="lock-name",
            facts={
                "allowed": "pylock.toml, pylock.NAME.toml with no further dot (PEP 751); "
                "requirements*.txt for pip"
            },
            hint=f"write it to `-o {output.with_name(f'pylock.{name}.toml' if name else 'pylock.toml')}`",
        )


def _previous(output: Path) -> Lock | None:
    """The lock that is there, whose versions are to be kept; a requirements file is always made anew."""
    return read_lock(output) if output.suffix == ".toml" and output.is_file() else None


def _formatted(made: Lock, output: Path) -> str:
    from pannier.formats.pylock import format_lock
    from pannier.formats.requirements_locks import format_requirements

    return format_lock(made) if output.suffix == ".toml" else format_requirements(made)


def _changes(previous: Lock | None, made: Lock) -> dict[str, str]:
    before = _versions(previous) if previous else {}
    after = _versions(made)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return {name: f"{before.get(name, '')} -> {after.get(name, '')}".strip() for name in changed}


def _versions(made: Lock) -> dict[str, str]:
    versions: dict[str, str] = {}
    for project in made.projects:
        versions[project.name] = (
            f"{versions[project.name]}, {project.version}" if project.name in versions else project.version
        )
    return versions


def check_target(made: Lock, target: Target, path: Path) -> None:
    """Refuse a lock that was not made for `target`.

    A lock of another tool, without targets, is taken at its markers' word. The C library may be newer
    than the one locked for.

    Raises:
        LockError: The lock holds for other targets.
    """
    if not made.targets:
        return
    for held in made.targets:
        same_machine = (held.platform.architecture, held.platform.libc_family) == (
            target.platform.architecture,
            target.platform.libc_family,
        )
        if held.python_minor == target.python_minor and same_machine:
            return
    command = f"pannier lock SUBJECT {_options_for(made, target)} -o {path}"
    raise LockError(
        f"`{path}` does not hold for the target `{target}`",
        code="lock-target",
        facts={"locked for": [str(held) for held in made.targets]},
        hint=f"lock again for all of them, with `{command}`",
    )


def _options_for(made: Lock, target: Target) -> str:
    """The options of `pannier lock` for what a lock holds for and one target more."""
    targets = [*made.targets, target]
    options = [f"--python {minor}" for minor in dict.fromkeys(held.python_minor for held in targets)]
    platforms = {f"{held.platform.architecture} {held.platform.libc_family}": held for held in targets[::-1]}
    if len(platforms) > 1:
        options += [f"--platform {held.platform}" for held in reversed(platforms.values())]
    return " ".join(options)
