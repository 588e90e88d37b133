"""What a pack is to hold, before anything is made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pannier.formats.frames import Codec
from pannier.formats.wheels import libc_floor, parse_wheel_filename
from pannier.model.errors import PackError
from pannier.model.manifest import PackedInterpreter, Program
from pannier.model.target import Platform, Target
from pannier.pack.bytecode import Compiler
from pannier.pack.recipes import (
    InterpreterTree,
    PackedFile,
    Recipe,
    recipe_of_data,
    recipe_of_interpreter,
    recipe_of_program,
    recipe_of_runtime,
    recipe_of_wheel,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedWheel:
    """A wheel to pack.

    Attributes:
        path: Where it is; its content was checked when it was stored.
        sha256: Digest of it.
        kind: `program` for a project of the user's own.
    """

    path: Path
    sha256: str
    kind: Literal["distribution", "program"] = "distribution"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedProgram:
    """The program to pack.

    Attributes:
        command: The command in `bin` that runs by default; empty for none.
        files: Path below `program/` to the file on this machine.
        script: The file below `program/` that the command starts; empty when it starts `module`.
        module: The module that the command starts as `python -m` would; empty as well when a wheel brings
            the command.
    """

    command: str = ""
    files: tuple[tuple[str, Path], ...] = ()
    script: str = ""
    module: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackPlan:
    """Everything that decides the bytes of a pack.

    Attributes:
        name: What the pack is called.
        target: What it is for.
        codec: Of its frames.
        interpreter: The Python to carry; `None` for the target's own.
        compiler: Makes byte code; `None` to leave that to the target.
        wheels: In any order.
        program: The user's own, if any.
        data: Files below `data/`.
        environment: Variables to set at run time, name to path in the prefix.
        lock_sha256: Digest of the lock that named the wheels.
    """

    name: str
    target: Target
    codec: Codec
    interpreter: InterpreterTree | None
    compiler: Compiler | None
    wheels: tuple[PlannedWheel, ...] = ()
    program: PlannedProgram | None = None
    data: tuple[PackedFile, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    lock_sha256: str = ""


def recipes_of(plan: PackPlan, runtime: Path) -> list[Recipe]:
    """Return the recipes of a pack's layers, in the order they lie in the file.

    Args:
        plan: What to pack.
        runtime: Directory of `pannier.runtime`.

    Raises:
        PackError: Two wheels are of one project, or a file is no wheel.
    """
    wheels = [
        recipe_of_wheel(wheel.path, wheel.sha256, plan.target, plan.compiler, wheel.kind)
        for wheel in plan.wheels
    ]
    wheels.sort(key=lambda recipe: recipe.name)
    for first, second in pairwise(wheels):
        if first.name == second.name:
            raise PackError(
                f"two wheels of `{first.name}` cannot be in one pack",
                code="project-twice",
                facts={"wheels": [first.source, second.source]},
            )
    recipes = [recipe_of_runtime(runtime, plan.environment)]
    if plan.interpreter is not None:
        recipes.append(recipe_of_interpreter(plan.interpreter, plan.compiler))
    recipes += [recipe for recipe in wheels if recipe.kind == "distribution"]
    if plan.data:
        recipes.append(recipe_of_data("data", plan.data))
    recipes += [recipe for recipe in wheels if recipe.kind == "program"]
    return recipes + list(_program_recipes(plan))


def packed_interpreter(plan: PackPlan) -> PackedInterpreter:
    """Return the Python that the pack will run with, as its manifest tells it."""
    if plan.interpreter is None:
        return PackedInterpreter(
            origin="host",
            version=plan.target.python_version,
            implementation=plan.target.implementation,
            executable="bin/python3",
        )
    return PackedInterpreter(
        origin="inside",
        version=plan.interpreter.version,
        implementation=plan.target.implementation,
        executable=plan.interpreter.executable,
    )


def packed_program(plan: PackPlan) -> Program | None:
    """Return what runs by default, as the manifest tells it.

    Raises:
        PackError: Its name cannot be a command's.
    """
    program = plan.program
    if program is None or not program.command:
        return None
    _check_command(program.command)
    source = f"program/{program.script}" if program.script else program.module or f"bin/{program.command}"
    return Program(name=program.command, source=source)


def _check_command(name: str) -> None:
    """Refuse what the head's line, which ends at a blank, or a file in `bin` cannot hold."""
    if name != "".join(name.split()) or not name.isprintable() or "/" in name or name[0] in "-.":
        raise PackError(
            f"a program's command cannot be called `{name}`",
            code="program-name",
            hint="choose another name with `--name`",
        )


def least_platform(plan: PackPlan) -> Platform:
    """Return the target's platform with the least C library that everything in the pack runs on."""
    target = plan.target.platform
    floors = list(_floors(plan))
    family, version = max(floors, key=lambda floor: floor[1], default=("any", (0,)))
    return Platform(
        system=target.system,
        architecture=target.architecture,
        libc_family=family,
        libc_version=".".join(map(str, version)),
    )


def _floors(plan: PackPlan) -> Iterator[tuple[str, tuple[int, ...]]]:
    target = plan.target.platform
    if plan.interpreter is not None:
        platform = plan.interpreter.platform
        yield platform.libc_family, _version(platform.libc_version)
    for wheel in plan.wheels:
        floor = libc_floor(parse_wheel_filename(wheel.path.name).platforms)
        if floor is None:
            continue
        # A wheel built on this machine for itself (`linux_x86_64`) says nothing: it may need all that the
        # target has.
        yield floor if floor[0] else (target.libc_family, _version(target.libc_version))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _program_recipes(plan: PackPlan) -> Iterable[Recipe]:
    program = plan.program
    if program is not None and program.files:
        yield recipe_of_program(
            program.command,
            program.files,
            script=program.script,
            module=program.module,
            target=plan.target,
            compiler=plan.compiler,
        )
