"""Builds of CPython that run on any Linux of their C library (python-build-standalone), through uv."""

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from pannier.environment.find import is_fitting, managed_directory
from pannier.environment.probe import clean_environment, probe
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.store.writing import write_whole

_MANAGED = re.compile(r"cpython-(\d+\.\d+\.\d+)-linux-\w+-(gnu|musl)\w*")
_LIBC = {"glibc": "gnu", "musl": "musl"}
_ASK_AGAIN_SECONDS = 6 * 3600
_INSTALL_SECONDS = 900
# One attempt, soon given up: without a way there, a machine's own interpreter serves.
_IMPATIENCE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "10", "UV_HTTP_CONNECT_TIMEOUT": "5"}
# What decides where uv looks: another answer must be asked for when one of these changes.
_SOURCES = ("UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_DOWNLOADS")


def find_standalone(
    specifier: str,
    interpreters: Path,
    *,
    libc_family: str = "glibc",
    offline: bool = False,
    again: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Interpreter | None:
    """Find a standalone build: one that uv has already, else one it can get; `None` soon when it cannot.

    That it could not is remembered for six hours, so that machines without a way there do not ask at every
    pack. uv's own settings hold: `UV_PYTHON_DOWNLOADS=never`, `UV_PYTHON_INSTALL_MIRROR`,
    `UV_PYTHON_DOWNLOADS_JSON_URL`.

    Args:
        specifier: Versions that fit (`==3.11.*`).
        interpreters: Where new ones are kept (`CacheDirectories.interpreters`), unless
            `UV_PYTHON_INSTALL_DIR` says.
        libc_family: `glibc` or `musl`: the builds for the other do not run here.
        offline: Ask no network.
        again: Ask even if the last answer was no.
        environ: Environment variables; the process's own by default.
    """
    places = os.environ if environ is None else environ
    own = Path(places.get("UV_PYTHON_INSTALL_DIR") or interpreters / "standalone")
    directories = [own, Path(managed_directory(places))]
    if found := _installed(specifier, directories, interpreters, libc_family):
        return found
    if (
        offline
        or _flag(places.get("UV_OFFLINE"))
        or places.get("UV_PYTHON_DOWNLOADS", "").lower() in {"never", "false"}
    ):
        return None
    refusal = _refusal(specifier, interpreters, places)
    if not again and _is_recent(refusal):
        return None
    reason = _install(specifier, own, places)
    if reason:
        write_whole(refusal, json.dumps({"wanted": specifier, "reason": reason}).encode())
        return None
    return _installed(specifier, directories, interpreters, libc_family)


def last_refusal(specifier: str, interpreters: Path, environ: Mapping[str, str] | None = None) -> str:
    """Say why uv could not get a build when it was last asked; empty when it was not, or could."""
    places = os.environ if environ is None else environ
    try:
        return str(json.loads(_refusal(specifier, interpreters, places).read_bytes())["reason"])
    except (OSError, ValueError, KeyError):
        return ""


def _installed(specifier: str, directories: list[Path], cache: Path, libc_family: str) -> Interpreter | None:
    found: list[tuple[tuple[int, ...], str]] = []
    for directory in dict.fromkeys(directories):
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in names:
            match = _MANAGED.fullmatch(name)
            if match and match[2] == _LIBC[libc_family] and is_fitting(match[1], specifier):
                numbers = tuple(int(number) for number in match[1].split("."))
                found.append((numbers, str(directory / name / "bin" / f"python{numbers[0]}.{numbers[1]}")))
    for _version, executable in sorted(found, reverse=True):
        try:
            return probe(executable, cache)
        except InterpreterError:
            continue  # built for another machine, or half removed
    return None


def _install(specifier: str, directory: Path, environ: Mapping[str, str]) -> str:
    """Let uv fetch a build; return why it could not, or nothing."""
    import subprocess

    from uv import find_uv_bin

    minor = re.fullmatch(r"==(\d+\.\d+)\.\*", specifier)
    exact = re.fullmatch(r"==(\d+\.\d+\.\d+)", specifier)
    request = (minor or exact or ["", specifier])[1] or "3"
    command = [find_uv_bin(), "python", "install", "--no-bin", "--no-progress", request]
    variables = {**_IMPATIENCE, **clean_environment(environ), "UV_PYTHON_INSTALL_DIR": str(directory)}
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            env=variables,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if finished.returncode == 0:
        return ""
    return finished.stderr.strip()[-2000:] or f"uv ended with status {finished.returncode}"


def _refusal(specifier: str, interpreters: Path, environ: Mapping[str, str]) -> Path:
    asked = [specifier, *(environ.get(name, "") for name in _SOURCES)]
    return interpreters / "refused" / f"{hashlib.sha256(repr(asked).encode()).hexdigest()}.json"


def _is_recent(file: Path) -> bool:
    try:
        age = time.time() - file.stat().st_mtime
    except OSError:
        return False
    return 0 <= age < _ASK_AGAIN_SECONDS


def _flag(value: str | None) -> bool:
    return (value or "").lower() in {"1", "true", "yes", "on"}
