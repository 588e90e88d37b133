"""Which Python and which machine: from what the user asks for to a target, and the interpreter behind it."""

from typing import TYPE_CHECKING, NamedTuple

from pannier.api.workshop import Workshop
from pannier.model.errors import InterpreterError, UsageError
from pannier.model.interpreter import Interpreter
from pannier.model.target import DEFAULT_GLIBC, Platform, Target, whole_python_version, whole_python_versions

if TYPE_CHECKING:
    from pannier.environment.tree import InterpreterTree


class Surroundings(NamedTuple):
    """What a pack is made for, and with.

    Attributes:
        target: What to lock and pack for.
        interpreter: The Python of this machine that stands for the target's; `None` when none does.
        tree: The relocatable copy to carry; `None` when the target's own Python is to be used.
    """

    target: Target
    interpreter: Interpreter | None
    tree: "InterpreterTree | None"


def targets_of(
    pythons: tuple[str, ...], platforms: tuple[str, ...], specifier: str, workshop: Workshop
) -> list[Target]:
    """The targets to lock for: every version on every platform.

    Args:
        pythons: Versions, with or without patch; none for the one that packing would use.
        platforms: Platforms as text; none for this machine's.
        specifier: What the spec demands of the interpreter.
        workshop: Settings and cache.

    Raises:
        InterpreterError: No version was named and no interpreter fits.
        UsageError: A platform or version is not one.
    """
    from pannier.environment.find import find_interpreter
    from pannier.environment.probe import machine_platform

    cache = workshop.directories.interpreters
    if not pythons:
        pythons = (find_interpreter(specifier, cache=cache, environ=workshop.settings.environ).version,)
    machines = [Platform.parse(text) for text in platforms] or [modest_platform(machine_platform())]
    versions = [whole_version(text, workshop) for text in pythons]
    return [Target(python_version=version, platform=machine) for version in versions for machine in machines]


def whole_version(text: str, workshop: Workshop) -> str:
    """A version with its patch: what an interpreter here says, else the last release known.

    Raises:
        UsageError: It is no version.
    """
    from pannier.environment.find import find_interpreter, version_specifier

    whole = whole_python_version(text)
    if whole == text:
        return text
    cache = workshop.directories.interpreters
    try:
        return find_interpreter(
            version_specifier(text), cache=cache, environ=workshop.settings.environ
        ).version
    except InterpreterError:
        return whole


def surroundings_of(
    request: str, python: str, platform: str, specifier: str, workshop: Workshop
) -> Surroundings:
    """Choose the interpreter of a pack, and with it the target.

    Args:
        request: `auto`, a path, a version, `standalone` or `none`.
        python: Version to pack for; empty for whatever `specifier` allows.
        platform: Platform to pack for; empty for this machine's.
        specifier: What the subject demands of the interpreter.
        workshop: Settings, cache and reporter.

    Raises:
        InterpreterError: None fits, the one named cannot be carried, or the subject is for Python 2.
        UsageError: The platform is one that no interpreter here runs on, and one is to be inside.
    """
    from pannier.environment.find import InterpreterRequest

    wanted = _both(specifier, python)
    asked = Platform.parse(platform) if platform else None
    _refuse_old(wanted)
    if InterpreterRequest.parse(request).kind == "none":
        return _host_surroundings(python, asked, wanted, workshop)
    chosen = _choose(request, wanted, workshop)
    _refuse_foreign(chosen, asked)
    from pannier.environment.relocatable import plan_interpreter

    tree = plan_interpreter(chosen, workshop.directories.interpreters, workshop.reporter)
    if asked and str(asked) == platform:
        _refuse_newer_libc(tree.platform, asked)
    needed = newest_libc(asked or modest_platform(chosen.platform), tree.platform)
    return Surroundings(Target(python_version=tree.version, platform=needed), chosen, tree)


def _refuse_old(wanted: str) -> None:
    """Say at once what no interpreter changes: packs start at Python 3.6."""
    from pannier.formats.python_bounds import allows, is_bound

    if not is_bound(wanted) or any(allows(wanted, version) for version in whole_python_versions((3, 6))):
        return
    if not any(allows(wanted, version) for version in whole_python_versions((0, 0))):
        return
    raise InterpreterError(
        "packs start at Python 3.6, and this needs an older one",
        code="pack-python-too-old",
        facts={"wanted": wanted},
        hint="lock it for pip instead: `pannier lock SUBJECT -o requirements.lock.txt`, then "
        "`pip install --require-hashes -r requirements.lock.txt` with that Python",
    )


def _host_surroundings(python: str, asked: Platform | None, wanted: str, workshop: Workshop) -> Surroundings:
    """The target's own Python: one of this machine stands in for it where it is of the same kind."""
    from pannier.environment.probe import machine_platform

    here = machine_platform()
    platform = asked or modest_platform(here)
    stand_in: Interpreter | None = None
    try:
        stand_in = _choose("none", wanted, workshop)
    except InterpreterError:
        if not python:
            raise
    is_foreign = (platform.architecture, platform.libc_family) != (here.architecture, here.libc_family)
    version = stand_in.version if stand_in else whole_version(python, workshop)
    target = Target(python_version=version, platform=platform)
    return Surroundings(target, None if is_foreign else stand_in, None)


def _choose(request: str, specifier: str, workshop: Workshop) -> Interpreter:
    from pannier.environment.choose import choose_interpreter
    from pannier.environment.find import InterpreterRequest

    return choose_interpreter(
        InterpreterRequest.parse(request),
        specifier,
        workshop.directories,
        offline=workshop.settings.offline,
        reporter=workshop.reporter,
        environ=workshop.settings.environ,
    ).interpreter


def _both(specifier: str, python: str) -> str:
    from pannier.environment.find import version_specifier

    own = version_specifier(python) if python else ""
    return ",".join(part for part in (specifier, own) if part)


def _refuse_foreign(interpreter: Interpreter, asked: Platform | None) -> None:
    own = interpreter.platform
    if asked is None or (asked.architecture, asked.libc_family) == (own.architecture, own.libc_family):
        return
    raise UsageError(
        "an interpreter of this machine cannot go into a pack for another kind of machine",
        code="platform-foreign",
        facts={"asked for": str(asked), "this machine": str(own)},
        hint="leave the interpreter out with `--interpreter none`, or pack on such a machine",
    )


def _refuse_newer_libc(needed: Platform, asked: Platform) -> None:
    """A C library that was asked for by its version is a promise; one that was not is a guess."""
    if newest_libc(asked, needed) == asked:
        return
    raise UsageError(
        "the interpreter of this machine needs a newer C library than the platform asked for has",
        code="platform-foreign",
        facts={"asked for": str(asked), "interpreter": str(needed)},
        hint="leave the interpreter out with `--interpreter none`, or take one that runs on older machines "
        "with `--interpreter standalone`",
    )


def modest_platform(platform: Platform) -> Platform:
    """The oldest C library worth asking of a target: what today's wheels need, or this machine's if older."""
    if platform.libc_family != "glibc":
        return platform
    return platform._replace(libc_version=min(platform.libc_version, DEFAULT_GLIBC, key=version_key))


def version_key(text: str) -> tuple[int, ...]:
    """A dotted number, to compare by."""
    return tuple(int(part) for part in text.split("."))


def newest_libc(first: Platform, second: Platform) -> Platform:
    """The platform of the two that needs the newer C library."""
    return max(first, second, key=lambda platform: version_key(platform.libc_version))
