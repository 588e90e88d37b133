"""Interpreters that travel in a bundle: relocatable copies of this machine's, each a `tar.gz`."""

import hashlib
from pathlib import Path

from pannier.environment.probe import machine_platform
from pannier.environment.relocatable import plan_interpreter
from pannier.formats.frames import store_frame
from pannier.formats.segments import END_OF_ARCHIVE
from pannier.model.errors import InterpreterError
from pannier.model.events import Reporter
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform, Target
from pannier.pack.building import LayerBuilder
from pannier.pack.bytecode import compiler_of
from pannier.pack.recipes import recipe_of_interpreter
from pannier.site.bundle_plan import PlannedInterpreter
from pannier.store.directories import CacheDirectories
from pannier.store.writing import whole_file

_PIECE = 1 << 20


def copy_interpreter(
    environment: str,
    target: Target,
    interpreter: Interpreter,
    directories: CacheDirectories,
    reporter: Reporter,
) -> PlannedInterpreter:
    """Make the copy of an interpreter that an environment is to run with, or find it made before.

    Args:
        environment: Its name, for messages.
        target: What the environment is locked for.
        interpreter: As probed.
        directories: The cache.
        reporter: Hears of progress.

    Raises:
        InterpreterError: It cannot be copied, or its copy does not run on the oldest system that the
            environment is locked for.
        StorageError: The cache cannot be written.
    """
    check_foreign(environment, target)
    tree = plan_interpreter(interpreter, directories.interpreters, reporter)
    _check_runs(environment, target, interpreter, tree.platform)
    recipe = recipe_of_interpreter(tree, compiler_of(interpreter))
    builder = LayerBuilder(directories, "gzip", reporter)
    path, sha256, size = _whole_archive(builder.layers([recipe])[0].path)
    return PlannedInterpreter(
        source=path,
        sha256=sha256,
        size=size,
        executable=tree.executable,
        machine=tree.platform.architecture,
        version=tree.version,
    )


def check_foreign(environment: str, target: Target) -> None:
    """Say early that this machine has no interpreter that would run on the server.

    Args:
        environment: Its name, for messages.
        target: What the environment is locked for.

    Raises:
        InterpreterError: So it is.
    """
    wanted, here = target.platform, machine_platform()
    if (wanted.architecture, wanted.libc_family) != (here.architecture, here.libc_family):
        raise InterpreterError(
            f"the interpreter of `{environment}` cannot be bundled: this machine is of another kind",
            code="interpreter-foreign",
            facts={"environment's platform": str(wanted), "this machine": str(here)},
            hint='make the bundle on a machine of that kind, or set `interpreter = "system"`',
        )


def _whole_archive(frame: Path) -> tuple[Path, str, int]:
    """A layer of a pack with the end that makes it an archive by itself; its digest and size."""
    path = frame.with_suffix(".tar.gz")
    if not path.exists():
        with whole_file(path) as stream, frame.open("rb") as layer:
            while piece := layer.read(_PIECE):
                stream.write(piece)
            stream.write(store_frame(END_OF_ARCHIVE, "gzip"))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return path, digest, stream.tell()


def _check_runs(environment: str, target: Target, interpreter: Interpreter, needs: Platform) -> None:
    wanted = target.platform
    if _numbers(wanted.libc_version) < _numbers(needs.libc_version):
        raise InterpreterError(
            f"the interpreter of `{environment}` cannot be bundled: it needs a newer C library",
            code="interpreter-too-new",
            facts={
                "interpreter": interpreter.python_executable,
                "needs": str(needs),
                "environment's platform": str(wanted),
            },
            hint=f'set `platform = "{needs}"` if the server is as new, or copy one built on an older system',
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
