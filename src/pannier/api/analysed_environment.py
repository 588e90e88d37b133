"""The environment whose versions and names an analysis takes first, told from its files."""

from pathlib import Path
from typing import NamedTuple

from pannier.api.workshop import Workshop
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import InstalledDistribution, Interpreter


class AnalysedEnvironment(NamedTuple):
    """The environment whose versions and names come first.

    Attributes:
        python_version: Of its interpreter.
        distributions: What it has installed.
        place: Its prefix, or its probed interpreter; `None` for no environment.
    """

    python_version: str = ""
    distributions: tuple[InstalledDistribution, ...] = ()
    place: Path | Interpreter | None = None


def find_analysed(python: str, workshop: Workshop) -> AnalysedEnvironment:
    """The environment to take names and versions from; an explicit one must exist."""
    environ = workshop.settings.environ
    place = python or environ.get("VIRTUAL_ENV", "") or environ.get("CONDA_PREFIX", "")
    if not place:
        return AnalysedEnvironment()
    from pannier.environment.installed import installed_distributions

    path = Path(place)
    version = _prefix_python(path)
    if version:
        return AnalysedEnvironment(version, installed_distributions(path), path)
    if not python:
        return AnalysedEnvironment()  # a stale VIRTUAL_ENV, or a conda environment of other tools
    if path.is_dir():
        raise InterpreterError(
            f"`{path}` holds no Python environment",
            code="no-environment",
            facts={"looked for": "pyvenv.cfg, lib/python3*"},
            hint="name its directory or its interpreter with `--python`",
        )
    from pannier.environment.probe import probe

    interpreter = probe(python, workshop.directories.interpreters)
    return AnalysedEnvironment(interpreter.version, installed_distributions(interpreter), interpreter)


def _prefix_python(prefix: Path) -> str:
    """The version of a prefix's Python, told from its files: starting it would cost more than all else.

    Empty when the directory is no prefix of a Python.
    """
    configuration = prefix / "pyvenv.cfg"
    if configuration.is_file():
        for line in configuration.read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() in {"version", "version_info"}:
                return ".".join(value.strip().split(".")[:3])
    for directory in sorted(prefix.glob("lib/python3*"), reverse=True):
        return directory.name.removeprefix("python")
    return ""
