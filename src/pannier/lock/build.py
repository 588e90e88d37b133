"""Sdists and project directories to wheels, built once and kept."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pannier.lock.uv import run_uv, uv_environment
from pannier.lock.uv_errors import error_from_uv
from pannier.model.errors import BuildError, FetchError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.model.target import Target
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings
from pannier.store.writing import whole_file

_TAIL = 30
_NOT_SOURCE = {".git", ".hg", ".svn", ".bzr", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
    ".ruff_cache", ".pytest_cache", ".eggs", "node_modules"}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How to build.

    Attributes:
        directories: The cache; built wheels are kept in it.
        indexes: Where the build's own requirements come from.
        offline: Ask no network.
        environ: Environment variables; `None` for the process's own.
    """

    directories: CacheDirectories
    indexes: IndexSettings = field(default_factory=IndexSettings)
    offline: bool = False
    environ: Mapping[str, str] | None = None


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
    place = options.directories.built / _key(source, interpreter)
    if found := _wheel_in(place):
        return found
    reporter = reporter or SilentReporter()
    stage = Stage(name="building", total=1, unit="items")
    reporter.begin(stage)
    try:
        return _build(source, interpreter, options, place)
    finally:
        reporter.advance(stage, 1, source.name)
        reporter.end(stage)


def can_build(interpreter: Interpreter, target: Target) -> bool:
    """Say whether what this interpreter builds runs on the target."""
    own = interpreter.target
    same_machine = (own.platform.architecture, own.platform.libc_family) == (
        target.platform.architecture,
        target.platform.libc_family,
    )
    return own.python_minor == target.python_minor and same_machine


def hash_source(source: Path) -> str:
    """Give a digest of an sdist, or of all files of a project's directory that a build may read."""
    if source.is_file():
        with source.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256(_revision(source))
    for relative, path, mode in _iter_source(source):
        digest.update(f"{relative}\0{mode:o}\0".encode("utf-8", "surrogateescape"))
        if stat.S_ISLNK(mode):
            digest.update(os.fsencode(path.readlink()))
        else:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _revision(directory: Path) -> bytes:
    """Give what git says of the commit: projects that take their version from it build anew when it moves."""
    git = directory / ".git"
    files = [git / "HEAD", git / "packed-refs", *sorted((git / "refs").rglob("*"))]
    return b"\0".join(path.read_bytes() for path in files if path.is_file())


def copy_source(source: Path, destination: Path) -> Path:
    """Copy a project's directory, since builds write beside what they read; history is only linked.

    Args:
        source: The project.
        destination: The copy, not there yet.

    Returns:
        The copy.
    """
    for relative, path, mode in _iter_source(source):
        copy = destination / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            copy.symlink_to(path.readlink())
        else:
            shutil.copy2(path, copy)
    for history in (".git", ".hg"):
        if (source / history).exists():
            (destination / history).symlink_to((source / history).absolute())
    return destination


def _iter_source(directory: Path) -> Iterator[tuple[str, Path, int]]:
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NOT_SOURCE and not name.endswith((".egg-info", ".dist-info"))
        )
        if folder == os.fspath(directory):
            # What earlier builds left behind is an output, not a source.
            folders[:] = [name for name in folders if name not in ("build", "dist")]
        for name in sorted(files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not name.endswith((".pyc", ".pyo")) and (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                yield os.path.relpath(path, directory), path, mode & 0o170111


def _key(source: Path, interpreter: Interpreter) -> str:
    python = f"{interpreter.implementation}{interpreter.target.python_minor}"
    return f"{hash_source(source)}-{python}-{interpreter.platform}"


def _wheel_in(place: Path) -> Path | None:
    wheels = sorted(place.glob("*.whl"))
    return wheels[0] if wheels else None


def _build(source: Path, interpreter: Interpreter, options: BuildOptions, place: Path) -> Path:
    environ = os.environ if options.environ is None else options.environ
    environment = uv_environment(environ, options.directories, options.indexes)
    with tempfile.TemporaryDirectory(prefix="pannier-build-") as name:
        output, copy = Path(name, "output"), Path(name, "source", source.absolute().name)
        readable = copy_source(source, copy) if source.is_dir() else source.absolute()
        arguments = ["build", "--wheel", "--python", interpreter.python_executable, "--out-dir", str(output)]
        arguments += ["--offline"] if options.offline else []
        result = run_uv([*arguments, str(readable)], environment=environment, directory=Path(name))
        built = _wheel_in(output)
        if result.exit_status != 0 or built is None:
            raise _failure(source, interpreter, result.stdout + result.stderr)
        destination = place / built.name
        with built.open("rb") as stream, whole_file(destination) as written:
            while block := stream.read(1 << 18):
                written.write(block)
    return destination


def _failure(source: Path, interpreter: Interpreter, output: str) -> BuildError | FetchError:
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
        hint="see what the build lacks above; a version that has a wheel for the target needs no build",
    )
