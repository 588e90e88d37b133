"""Sdists and project directories to wheels, built once and kept."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pannier.lock.old_builds import build_as_of_old, build_hint
from pannier.lock.pip_build import build_with_pip, is_built_by_pip
from pannier.lock.sources import copy_source, hash_source
from pannier.lock.uv import UvResult, run_uv, uv_environment
from pannier.lock.uv_errors import error_from_uv
from pannier.model.errors import BuildError, FetchError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings
from pannier.store.writing import whole_file

_TAIL = 30
# What uv and pip say when the build itself has failed, whatever its compiler wrote of networks and time.
_BACKEND_FAILED = ("Call to `", "Failed building wheel for")
_OF_BUILDS = ("SOURCE_DATE_EPOCH", "PYTHONHASHSEED", "CFLAGS")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How to build.

    Attributes:
        directories: The cache; built wheels are kept in it.
        indexes: Where the build's own requirements come from.
        offline: Ask no network.
        environ: Environment variables; `None` for the process's own.
        skipped: Files in projects' directories that are none of their source, by absolute paths.
    """

    directories: CacheDirectories
    indexes: IndexSettings = field(default_factory=IndexSettings)
    offline: bool = False
    environ: Mapping[str, str] | None = None
    skipped: tuple[Path, ...] = ()


def build_wheel(
    source: Path, interpreter: Interpreter, options: BuildOptions, reporter: Reporter | None = None
) -> Path:
    """Build a wheel, or give the one built before from the same source for the same Python.

    Args:
        source: An sdist, or a project's directory.
        interpreter: The Python to build with, the target's.
        options: How.
        reporter: Hears that a build begins and ends.

    Returns:
        The wheel, in the cache.

    Raises:
        BuildError: The build failed; its last lines of output are among the facts.
        FetchError: What the build requires could not be had.
        StorageError: The cache cannot be written.
    """
    place = options.directories.built / _key(source, interpreter, options.skipped)
    if found := _wheel_in(place):
        return found
    reporter = reporter or SilentReporter()
    stage = Stage(name="building", total=1, unit="items")
    reporter.begin(stage)
    try:
        return _build(source, interpreter, options, place, reporter)
    finally:
        reporter.advance(stage, 1, source.name)
        reporter.end(stage)


def _key(source: Path, interpreter: Interpreter, skipped: tuple[Path, ...]) -> str:
    python = f"{interpreter.implementation}{interpreter.target.python_minor}"
    return f"{hash_source(source, skipped)}-{python}-{interpreter.platform}"


def _wheel_in(place: Path) -> Path | None:
    wheels = sorted(place.glob("*.whl"))
    return wheels[0] if wheels else None


def _build(
    source: Path, interpreter: Interpreter, options: BuildOptions, place: Path, reporter: Reporter
) -> Path:
    with tempfile.TemporaryDirectory(prefix="pannier-build-") as name:
        output, copy = Path(name, "output"), Path(name, "source", source.absolute().name)
        readable = copy_source(source, copy, options.skipped) if source.is_dir() else source.absolute()
        status, told = _run(readable, interpreter, options, output, reporter)
        built = _wheel_in(output)
        if status != 0 or built is None:
            raise _failure(source, interpreter, told)
        destination = place / built.name
        with built.open("rb") as stream, whole_file(destination) as written:
            while block := stream.read(1 << 18):
                written.write(block)
    return destination


def _run(
    source: Path, interpreter: Interpreter, options: BuildOptions, output: Path, reporter: Reporter
) -> tuple[int, str]:
    environ = os.environ if options.environ is None else options.environ
    environment = uv_environment(environ, options.directories, options.indexes)
    # Debug information names the directory of the build, so that no two builds would be the same.
    environment["CFLAGS"] = f"{environ.get('CFLAGS', '')} -g0".strip()
    if is_built_by_pip(interpreter):
        return build_with_pip(
            source,
            interpreter,
            output,
            {**environ, **{name: environment[name] for name in _OF_BUILDS}},
            directories=options.directories,
            indexes=options.indexes,
            offline=options.offline,
            reporter=reporter,
        )
    arguments = ["build", "--wheel", "--python", interpreter.python_executable, "--out-dir", str(output)]
    arguments += ["--offline"] if options.offline else []

    def build_with(constraint: str) -> UvResult:
        more: list[str] = []
        if constraint:
            (output.parent / "build-constraints.txt").write_text(f"{constraint}\n", encoding="utf-8")
            more = ["--build-constraints", "build-constraints.txt"]
        return run_uv([*arguments, *more, str(source)], environment=environment, directory=output.parent)

    result = build_as_of_old(build_with, interpreter.target.python_minor)
    return result.exit_status, result.stdout + result.stderr


def _failure(source: Path, interpreter: Interpreter, output: str) -> BuildError | FetchError:
    if not any(sign in output for sign in _BACKEND_FAILED):
        error = error_from_uv(output, interpreter.target)
        if isinstance(error, FetchError):
            return error
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return BuildError(
        f"`{source.name}` could not be built into a wheel",
        facts={
            "source": str(source),
            "python": f"{interpreter.version}, {interpreter.python_executable}",
            "output": lines[-_TAIL:],
        },
        hint=build_hint(output)
        or "see what the build lacks above; a version that has a wheel for the target needs no build",
    )
