"""Find the Pythons of this machine, and the one that fits."""

# ruff: noqa: PTH100, PTH110, PTH111, PTH113, PTH117
# os.path: this looks at hundreds of names.

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pannier.environment.probe import probe
from pannier.formats.python_bounds import allows, is_bound
from pannier.model.errors import InterpreterError, UsageError
from pannier.model.interpreter import Interpreter

_NUMBERED = re.compile(r"python(\d+\.\d+)")
_RELEASE = re.compile(r"\d+(\.\d+){0,2}")
_MANAGED = re.compile(r"cpython-(\d+\.\d+\.\d+)-linux-.*")
_CONDA_PYTHON = re.compile(r"python-(\d+\.\d+\.\d+)-[^-]+\.json")
_SYSTEM_DIRECTORIES = ("/usr/local/bin", "/usr/bin")
# More than any minor version of CPython has had patch releases.
_MANY_PATCHES = 40


class InterpreterRequest(NamedTuple):
    """What the user asked for with `--interpreter`.

    Attributes:
        kind: `auto` and `standalone`: see `choose.choose_interpreter`; `path`: this one; `version`: one of
            the
            machine's; `none`: the target's own.
        value: The path, or the version specifier.
    """

    kind: Literal["auto", "path", "version", "standalone", "none"]
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `auto`, `standalone`, `none`, a version (`3.11`, `3.11.7`), a specifier (`>=3.9`) or a path.

        Raises:
            UsageError: It is none of these.
        """
        if text in {"auto", "standalone", "none"}:
            return cls(text)  # type: ignore[arg-type]
        name = _NUMBERED.fullmatch(text)
        if _RELEASE.fullmatch(text) or name:
            return cls("version", version_specifier(name[1] if name else text))
        if text[:1] in {"<", ">", "=", "!", "~"}:
            _check_bound(text)
            return cls("version", text)
        if "/" in text or os.path.exists(text):
            return cls("path", os.path.abspath(os.path.expanduser(text)))
        raise UsageError(
            f"`{text}` names no interpreter",
            code="interpreter-request",
            facts={"allowed": "auto, standalone, none, a version such as 3.11, or a path"},
        )


class Candidate(NamedTuple):
    """A Python that may be there, with as much of its version as its place tells.

    Attributes:
        path: Executable.
        version: `3.11.7`, `3.11` when only that is known, or empty.
        source: Why it was looked at, for people.
    """

    path: str
    version: str
    source: str


def version_specifier(version: str) -> str:
    """Turn `3.11` into `==3.11.*` and `3.11.7` into `==3.11.7`."""
    return f"=={version}" if version.count(".") == 2 else f"=={version}.*"


def find_interpreter(
    specifier: str = "",
    *,
    cache: Path | None = None,
    preferred: str = "",
    environ: Mapping[str, str] | None = None,
) -> Interpreter:
    """Find the interpreter of this machine to use.

    The first that fits of: `preferred`; the active environment's (`VIRTUAL_ENV`, `CONDA_PREFIX`), which is
    what the user's program runs with; the Python that runs Pannier; then the newest version of all others,
    the first on PATH where several have it. Pre-releases come only where nothing else fits. Names and
    directories tell most versions, so that few processes start, and none when the cache knows the answers.

    Args:
        specifier: Versions that fit, as in PEP 440 (`>=3.9`, `==3.11.*`); empty for any of Python 3.
        cache: Where answers of interpreters are kept (`CacheDirectories.interpreters`).
        preferred: Executable to try first.
        environ: Environment variables; the process's own by default.

    Raises:
        InterpreterError: None fits; every one found is listed.
        UsageError: The specifier is not one.
    """
    wanted = specifier or ">=3"
    _check_bound(wanted)
    places = os.environ if environ is None else environ
    first = [Candidate(preferred, "", "preferred")] if preferred else []
    for candidate in [*first, *_active(places), _running()]:
        if interpreter := _fitting(candidate, wanted, cache, prereleases=bool(specifier)):
            return interpreter
    others = _unique(_others(places))
    for prereleases in (False, True):
        if interpreter := _newest(others, wanted, cache, prereleases=prereleases):
            return interpreter
    raise _nothing_fits(specifier, find_interpreters(cache=cache, environ=environ))


def find_interpreters(
    *, cache: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Interpreter, ...]:
    """Find every Python of this machine that works, each installation once, in the order of preference."""
    places = os.environ if environ is None else environ
    found: dict[tuple[str, str], Interpreter] = {}
    for candidate in _unique([*_active(places), _running(), *_others(places)]):
        if interpreter := _probed(candidate, cache):
            found.setdefault((interpreter.prefix, interpreter.version), interpreter)
    return tuple(found.values())


def is_fitting(version: str, specifier: str) -> bool:
    """Say whether a whole version is among those that a specifier allows; an empty one allows all."""
    _check_bound(specifier)
    return allows(specifier, version)


def _check_bound(text: str) -> None:
    if not is_bound(text):
        raise UsageError(
            f"`{text}` is not a version specifier",
            code="interpreter-request",
            facts={"allowed": "versions and comparisons of PEP 440, such as ==3.11.* or >=3.9,<3.13"},
        )


def _fitting(
    candidate: Candidate, wanted: str, cache: Path | None, *, prereleases: bool
) -> Interpreter | None:
    if not _could_fit(candidate.version, wanted):
        return None
    interpreter = _probed(candidate, cache)
    fits = interpreter is not None and allows(wanted, interpreter.version, prereleases=prereleases)
    return interpreter if fits else None


def _could_fit(version: str, wanted: str) -> bool:
    if not version:
        return True
    if version.count(".") >= 2:
        return allows(wanted, version)
    return any(allows(wanted, f"{version}.{patch}") for patch in range(_MANY_PATCHES))


def _newest(
    candidates: Iterable[Candidate], wanted: str, cache: Path | None, *, prereleases: bool
) -> Interpreter | None:
    from packaging.version import Version

    best: Interpreter | None = None
    # Those whose place tells more of the version come first, newest first: most others need not be asked
    # then.
    for candidate in sorted(
        candidates, key=lambda item: (item.version != "", _numbers(item.version)), reverse=True
    ):
        if (
            best is not None
            and candidate.version
            and _upper_bound(candidate.version) <= _numbers(best.version)
        ):
            continue
        interpreter = _fitting(candidate, wanted, cache, prereleases=prereleases)
        if interpreter and (best is None or Version(interpreter.version) > Version(best.version)):
            best = interpreter
    return best


def _upper_bound(version: str) -> tuple[int, ...]:
    numbers = _numbers(version)
    return numbers if len(numbers) == 3 else (*numbers, _MANY_PATCHES)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _probed(candidate: Candidate, cache: Path | None) -> Interpreter | None:
    # What does not answer is passed over in silence: a pyenv shim without a version, a venv whose base has
    # gone.
    try:
        return probe(candidate.path, cache)
    except InterpreterError:
        return None


def _unique(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep the first name of each file; a venv's `python` is a link, but an installation of its own."""
    unique: dict[str, Candidate] = {}
    for candidate in candidates:
        in_venv = os.path.exists(os.path.join(os.path.dirname(os.path.dirname(candidate.path)), "pyvenv.cfg"))
        unique.setdefault(candidate.path if in_venv else os.path.realpath(candidate.path), candidate)
    return list(unique.values())


def _active(environ: Mapping[str, str]) -> Iterator[Candidate]:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environ.get(variable, "")
        executable = os.path.join(prefix, "bin", "python")
        if prefix and os.path.isfile(executable):
            yield Candidate(executable, _prefix_version(prefix), f"${variable}")


def _prefix_version(prefix: str) -> str:
    try:
        for line in Path(prefix, "pyvenv.cfg").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() in {"version", "version_info"}:
                return ".".join(str(number) for number in _numbers(value))
    except OSError:
        pass
    try:
        matches = (_CONDA_PYTHON.fullmatch(name) for name in os.listdir(os.path.join(prefix, "conda-meta")))
        return next((match[1] for match in matches if match), "")
    except OSError:
        return ""


def _running() -> Candidate:
    # The base of Pannier's own environment: what Pannier itself has installed is nobody's business.
    executable = sys.executable
    if sys.prefix != sys.base_prefix:
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        base = os.path.join(sys.base_prefix, "bin", name)
        executable = base if os.path.isfile(base) else getattr(sys, "_base_executable", sys.executable)
    version = ".".join(str(number) for number in sys.version_info[:3])
    return Candidate(executable, version, "the Python that runs Pannier")


def _others(environ: Mapping[str, str]) -> Iterator[Candidate]:
    pyenv = environ.get("PYENV_ROOT") or os.path.join(_home(environ), ".pyenv")
    shims = {
        os.path.realpath(os.path.join(pyenv, "shims")),
        os.path.realpath(os.path.join(_home(environ), ".pyenv/shims")),
    }
    for directory in [*environ.get("PATH", "").split(os.pathsep), *_SYSTEM_DIRECTORIES]:
        # A shim is a shell script that asks pyenv which Python to be; the real ones are found below.
        if os.path.isabs(directory) and os.path.realpath(directory) not in shims:
            yield from _in_directory(directory)
    yield from _in_versions(os.path.join(pyenv, "versions"), re.compile(r"(\d+\.\d+\.\d+)"), "pyenv")
    yield from _in_versions(managed_directory(environ), _MANAGED, "uv")


def managed_directory(environ: Mapping[str, str]) -> str:
    """Say where uv keeps the Pythons it installed."""
    if explicit := environ.get("UV_PYTHON_INSTALL_DIR"):
        return explicit
    data = environ.get("XDG_DATA_HOME") or os.path.join(_home(environ), ".local", "share")
    return os.path.join(data, "uv", "python")


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")


def _in_directory(directory: str) -> Iterator[Candidate]:
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in sorted(names, key=lambda item: (_numbers(item), item), reverse=True):
        match = _NUMBERED.fullmatch(name)
        path = os.path.join(directory, name)
        if (match or name == "python3") and os.access(path, os.X_OK) and os.path.isfile(path):
            yield Candidate(path, match[1] if match else "", directory)


def _in_versions(directory: str, pattern: re.Pattern[str], source: str) -> Iterator[Candidate]:
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in sorted(names, key=lambda item: (_numbers(item), item), reverse=True):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        minor = ".".join(match[1].split(".")[:2])
        path = os.path.join(directory, name, "bin", f"python{minor}")
        if os.access(path, os.X_OK):
            yield Candidate(path, match[1], source)


def _nothing_fits(specifier: str, found: Iterable[Interpreter]) -> InterpreterError:
    listed = [f"{interpreter.version} at {interpreter.python_executable}" for interpreter in found]
    # The release that was asked for says more than a least one.
    release = re.search(r"(?<===)3\.\d+", specifier) or re.search(r"3\.\d+", specifier)
    hint = f"install one, for example with `uv python install {release[0] if release else '3'}`, "
    if specifier.startswith("==2."):
        # uv brings none, and most distributions have dropped it.
        hint = "install one where you can, for example with `pyenv install 2.7.18`, and have it on PATH, "
    return InterpreterError(
        f"no Python of this machine fits `{specifier or '>=3'}`",
        code="interpreter-not-found",
        facts={"wanted": specifier or ">=3", "found": listed or "none"},
        hint=f"{hint}or name it with `--interpreter PATH`",
    )
