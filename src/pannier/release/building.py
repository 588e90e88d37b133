"""Sdist and wheel of a project, through `build`, in environments of their own, the same bytes every time.

The wheel is built from the sdist, so what others build from the sdist is what was released. What backends
leave to chance in an sdist (times, owners, modes, order) is put in order; wheels follow `SOURCE_DATE_EPOCH`.
"""

import gzip
import hashlib
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from pannier.formats.core_metadata import CoreMetadata, parse_core_metadata
from pannier.lock.uv import run_uv
from pannier.model.errors import BuildError
from pannier.model.interpreter import Interpreter
from pannier.model.release import Distribution
from pannier.store.tar_archive import unpack_tar
from pannier.store.writing import whole_file

if TYPE_CHECKING:
    from build import ProjectBuilder

Kind = Literal["sdist", "wheel"]
_T = TypeVar("_T")
_TAIL = 15
# What runs the hooks of a build backend in its environment.
OLDEST_PYTHON = ">=3.8"
# 1980-01-01, the first instant a zip archive can write.
_EARLIEST = 315532800


class Bench(NamedTuple):
    """What builds and checks run with.

    Attributes:
        interpreter: The Python that runs the build backend.
        trial: The Python that the wheel is tried with, one that the project is for.
        environment: Variables of uv and of the backend: the user's network, none of the user's environments.
        epoch: The time that everything in a distribution bears, in seconds since 1970.
    """

    interpreter: Interpreter
    trial: Interpreter
    environment: Mapping[str, str]
    epoch: int

    @property
    def date(self) -> int:
        """The epoch, where an archive can write it."""
        return max(self.epoch, _EARLIEST)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables, with the time in them."""
        return {**self.environment, "SOURCE_DATE_EPOCH": str(self.date)}


def build_metadata(source: Path, bench: Bench) -> CoreMetadata:
    """Have the build backend say what the project is, without building it where the backend can do that.

    Args:
        source: A copy of the project, in which the backend may write.
        bench: What to build with.

    Raises:
        BuildError: The backend failed.
    """
    with tempfile.TemporaryDirectory(prefix="pannier-metadata-") as name:
        with _backend(source, bench, "wheel") as backend:
            place = backend.metadata(Path(name))
        return parse_core_metadata((place / "METADATA").read_bytes())


def build_distributions(
    source: Path, output: Path, bench: Bench, built: Callable[[Distribution], None] = lambda _: None
) -> tuple[Distribution, Distribution]:
    """Build the sdist, and the wheel from it.

    Args:
        source: A copy of the project, in which the backend may write.
        output: Where they go; made when missing.
        bench: What to build with.
        built: Called with each when it is there.

    Raises:
        BuildError: The backend failed, or gave something that is no distribution.
    """
    with _backend(source, bench, "sdist") as backend:
        sdist = backend.build("sdist", output)
    built(sdist)
    with tempfile.TemporaryDirectory(prefix="pannier-sdist-") as name:
        unpacked = _unpack(sdist.path, Path(name))
        with _backend(unpacked, bench, "wheel") as backend:
            wheel = backend.build("wheel", output)
    built(wheel)
    return sdist, wheel


def put_in_order(sdist: Path, date: int) -> None:
    """Write an sdist again with everything in it of one date, owned by nobody, in the order of its names.

    Args:
        sdist: A gzipped tar.
        date: In seconds since 1970.

    Raises:
        BuildError: It is no gzipped tar.
        StorageError: It cannot be written.
    """
    try:
        with (
            tarfile.open(sdist, "r:gz") as old,
            whole_file(sdist) as stream,
            gzip.GzipFile("", "wb", 9, stream, mtime=date) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
        ):
            for member in sorted(old.getmembers(), key=lambda member: member.name):
                content = old.extractfile(member) if member.isreg() else None
                new.addfile(_plain(member, date), content)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise BuildError(f"`{sdist.name}` is no sdist", facts={"reason": str(error)}) from None


def _plain(member: tarfile.TarInfo, date: int) -> tarfile.TarInfo:
    """What a member is, without what the machine it was made on adds."""
    plain = tarfile.TarInfo(member.name)
    plain.type, plain.linkname, plain.size = member.type, member.linkname, member.size
    plain.mtime = date
    plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return plain


class IsolatedEnvironment:
    """A new environment of uv's, in the form that `build` takes."""

    def __init__(self, prefix: Path, interpreter: Interpreter, bench: Bench) -> None:
        self.prefix = prefix
        self.bench = bench
        python = interpreter.python_executable
        self._uv("venv", "--quiet", "--no-project", "--python", python, str(prefix))

    @property
    def python_executable(self) -> str:
        """Its Python."""
        return str(self.prefix / "bin" / "python")

    def make_extra_environ(self) -> dict[str, str]:
        """The variables of a process in it."""
        path = f"{self.prefix / 'bin'}{os.pathsep}{self.bench.environment.get('PATH', os.defpath)}"
        return {"PATH": path, "VIRTUAL_ENV": str(self.prefix)}

    def install(self, *requirements: str) -> None:
        """Install from the user's indexes.

        Raises:
            BuildError: Something is not to be had.
        """
        if requirements:
            self._uv("pip", "install", "--quiet", "--python", self.python_executable, *requirements)

    def _uv(self, *arguments: str) -> None:
        done = run_uv(arguments, environment=self.bench.variables, directory=self.prefix.parent)
        if done.exit_status != 0:
            raise BuildError(
                "an environment to build or to try the project in could not be made",
                facts={"command": f"uv {' '.join(arguments)}", "output": _last_lines(done.stderr)},
                hint="see what is missing above, among `[build-system] requires` or the dependencies",
            )


class _Backend(NamedTuple):
    """The build backend of a project, in an environment of its own.

    Attributes:
        builder: Calls it.
        bench: What it runs with.
        output: What it has printed so far.
    """

    builder: "ProjectBuilder"
    bench: Bench
    output: list[str]

    def metadata(self, place: Path) -> Path:
        """The metadata directory it makes."""
        return Path(self._call(self.builder.metadata_path, str(place)))

    def build(self, kind: Kind, place: Path) -> Distribution:
        """The distribution it makes."""
        path = Path(self._call(self.builder.build, kind, str(place)))
        if kind == "sdist":
            put_in_order(path, self.bench.date)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Distribution(path, kind, digest, path.stat().st_size)

    def requirements(self, kind: Kind) -> set[str]:
        """What it needs for that, beyond what the project declares."""
        return self._call(self.builder.get_requires_for_build, kind)

    def _call(self, action: Callable[..., _T], *arguments: str) -> _T:
        from build import BuildBackendException, BuildException

        try:
            return action(*arguments)
        except (BuildBackendException, BuildException) as error:
            lines = self.output or [str(error)]
            raise _failure(Path(self.builder.source_dir), self.bench, lines) from None


@contextmanager
def _backend(source: Path, bench: Bench, kind: Kind) -> Iterator[_Backend]:
    """The backend of a project, with what it needs installed."""
    from build import BuildException, ProjectBuilder

    output: list[str] = []

    def run(
        cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        variables = {**bench.variables, **(extra_environ or {})}
        done = subprocess.run(
            cmd, cwd=cwd, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        output.extend((done.stdout + done.stderr).decode("utf-8", "replace").splitlines())
        done.check_returncode()

    with tempfile.TemporaryDirectory(prefix="pannier-build-") as name:
        environment = IsolatedEnvironment(Path(name, "environment"), bench.interpreter, bench)
        try:
            builder = ProjectBuilder.from_isolated_env(environment, source, run)
        except BuildException as error:
            raise _failure(source, bench, [str(error)]) from None
        environment.install(*sorted(builder.build_system_requires))
        backend = _Backend(builder, bench, output)
        environment.install(*sorted(backend.requirements(kind)))
        yield backend


def _failure(source: Path, bench: Bench, output: Sequence[str]) -> BuildError:
    python = f"{bench.interpreter.version}, {bench.interpreter.python_executable}"
    return BuildError(
        f"`{source.name}` could not be built",
        facts={"python": python, "output": _last_lines("\n".join(output))},
        hint="see what the build lacks above; `--python VERSION` builds with another Python",
    )


def _last_lines(output: str) -> str:
    return "\n".join([line.rstrip() for line in output.splitlines() if line.strip()][-_TAIL:])


def _unpack(sdist: Path, place: Path) -> Path:
    """The one directory in an sdist, unpacked."""
    try:
        unpack_tar(sdist, place)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BuildError(f"`{sdist.name}` is no sdist", facts={"reason": str(error)}) from None
    directories = [path for path in place.iterdir() if path.is_dir()]
    if len(directories) != 1:
        raise BuildError(f"`{sdist.name}` is no sdist: it must hold one directory")
    return directories[0]
