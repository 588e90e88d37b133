"""Building wheels for the Pythons that uv does not build with, by their own last pip."""

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pannier.lock.engine import ResolveOptions
from pannier.lock.pip_engine import PIP_PYTHONS, find_pip
from pannier.model.events import Reporter
from pannier.model.interpreter import Interpreter
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

_UNSEEN = ("VIRTUAL_ENV", "CONDA_PREFIX", "LD_PRELOAD")


def is_built_by_pip(interpreter: Interpreter) -> bool:
    """Whether uv has left this Python behind."""
    return interpreter.target.python_minor in PIP_PYTHONS


def build_with_pip(
    source: Path,
    interpreter: Interpreter,
    output: Path,
    environment: Mapping[str, str],
    *,
    directories: CacheDirectories,
    indexes: IndexSettings,
    offline: bool,
    reporter: Reporter,
) -> tuple[int, str]:
    """Let pip build a wheel in an environment of its own, as PEP 517 has it.

    Args:
        source: An sdist, or a copy of a project's directory.
        interpreter: The Python to build with.
        output: Directory for the wheel; what pip is unpacked to lies beside it.
        environment: Variables of the process that are not about indexes.
        directories: The cache.
        indexes: Where the build's own requirements come from.
        offline: Ask no network.
        reporter: Hears of pip being fetched.

    Returns:
        pip's exit status, and what it wrote.

    Raises:
        FetchError: pip itself cannot be had.
    """
    options = ResolveOptions(directories=directories, indexes=indexes, offline=offline, environ=environment)
    program = find_pip(interpreter, options, reporter)
    if Path(program[-1]).parent.suffix == ".whl":
        # A build runs pip's own files as scripts, which those inside an archive are not.
        place = output.parent / "pip"
        with zipfile.ZipFile(Path(program[-1]).parent) as archive:
            archive.extractall(place)
        program = [interpreter.python_executable, str(place / "pip")]
    arguments = ["wheel", "--no-deps", "--use-pep517", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run(
        [*program, *arguments, "--wheel-dir", str(output), str(source)],
        env=_pip_environment(environment, indexes, offline=offline),
        cwd=output.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _pip_environment(
    environment: Mapping[str, str], indexes: IndexSettings, *, offline: bool
) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _UNSEEN and not name.startswith(("PIP_", "UV_", "PYTHONPATH", "PYTHONHOME"))
    }
    kept["PIP_CONFIG_FILE"] = "/dev/null"
    kept.update(indexes.to_pip_environment(environment, offline=offline))
    return kept
