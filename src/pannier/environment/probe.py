"""Ask a Python what it is, by running it once and remembering the answer."""

# ruff: noqa: PTH100, PTH110, PTH116
# os.path: this runs before anything else, on paths as the system has them.

import hashlib
import json
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform
from pannier.store.writing import write_whole

# Raised when the script below says something else, so that older answers are not believed.
_PROBE_FORMAT = 1
_TIMEOUT_SECONDS = 60
_MARK = "pannier-probe:"
# Python 2.7 and 3.6 to today. An absolute `sys.path` first: with -c the current directory would come before
# the standard library. The answer is marked, because a sitecustomize may print.
_SCRIPT = r"""
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import json, os, struct, sysconfig
try:
    import site
except Exception:
    site = None
def first(*paths):
    for path in paths:
        if path and os.path.isfile(path):
            return os.path.realpath(path)
    return os.path.realpath(sys.executable)
def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""
info = sys.version_info
version = "%d.%d.%d" % info[:3]
if info[3] != "final":
    version += {"alpha": "a", "beta": "b", "candidate": "rc"}[info[3]] + str(info[4])
base_prefix = getattr(sys, "real_prefix", None) or getattr(sys, "base_prefix", sys.prefix)
name = "python%d.%d" % info[:2]
if base_prefix == sys.prefix:
    base_executable = first(sys.executable)
else:
    base_executable = first(os.path.join(base_prefix, "bin", name), getattr(sys, "_base_executable", None))
getsitepackages = getattr(site, "getsitepackages", None)
directories = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
directories += getsitepackages() if getsitepackages else []
directories += [entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")]
unique = []
user_site = getattr(site, "USER_SITE", None)
for directory in directories:
    if directory and directory not in unique and directory != user_site:
        unique.append(directory)
schemes = sysconfig.get_scheme_names()
implementation = getattr(sys, "implementation", None)
if implementation is None:
    import platform
    implementation = platform.python_implementation().lower()
else:
    implementation = implementation.name
answer = {
    "python_executable": os.path.abspath(sys.executable),
    "version": version,
    "implementation": implementation,
    "prefix": sys.prefix,
    "base_prefix": base_prefix,
    "base_executable": base_executable,
    "stdlib": os.path.realpath(os.path.dirname(os.__file__)),
    "site_packages": unique,
    "is_debian": "deb_system" in schemes or any(d.endswith("/dist-packages") for d in unique),
    "abi_flags": getattr(sys, "abiflags", ""),
    "library_directory": getattr(sys, "platlibdir", "lib"),
    "machine": os.uname()[4],
    "bits": struct.calcsize("P") * 8,
    "libc": libc(),
}
sys.stdout.write("\npannier-probe:" + json.dumps(answer) + "\n")
"""
_NARROW_ARCHITECTURES = {"x86_64": "i686", "aarch64": "armv7l"}


def probe(python_executable: str | Path, cache: Path | None = None) -> Interpreter:
    """Say what a Python is; a warm answer starts no process.

    The answer is remembered under the executable's path, its real path, modification time and size, and those
    of the `pyvenv.cfg` beside it.

    Args:
        python_executable: Path of the executable, of Python 2.7 or 3.6 and newer.
        cache: Directory for answers (`CacheDirectories.interpreters`); `None` to remember nothing.

    Raises:
        InterpreterError: It is not there, cannot be run, or does not answer as a Python does.
    """
    path = os.path.abspath(os.fspath(python_executable))
    try:
        remembered = cache / "probes" / f"{_key(path)}.json" if cache else None
    except OSError as error:
        raise InterpreterError(
            f"there is no Python at `{path}`",
            code="interpreter-missing",
            facts={"reason": error.strerror or str(error)},
        ) from error
    answer = _remembered(remembered) if remembered else None
    if answer is None:
        answer = _ask(path)
        if remembered:
            write_whole(remembered, json.dumps(answer, sort_keys=True).encode())
    return _interpreter(path, answer)


def machine_platform() -> Platform:
    """Say what this machine is: its architecture, and its C library with its version (glibc or musl)."""
    return _platform(os.uname().machine, struct.calcsize("P") * 8, _confstr_libc())


def clean_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Copy the environment without what changes what a Python finds (`PYTHON*`, `LD_PRELOAD`)."""
    source = os.environ if environ is None else environ
    return {
        name: value
        for name, value in source.items()
        if not name.startswith("PYTHON") and name != "LD_PRELOAD"
    }


def _key(path: str) -> str:
    real = os.path.realpath(path)
    facts = os.stat(real)
    parts = [str(_PROBE_FORMAT), path, real, str(facts.st_mtime_ns), str(facts.st_size)]
    try:
        configuration = os.stat(os.path.join(os.path.dirname(os.path.dirname(path)), "pyvenv.cfg"))
        parts.append(str(configuration.st_mtime_ns))
    except OSError:
        pass
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _remembered(file: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    # What it named may have gone since: a venv's base that was removed, for one.
    if not isinstance(answer, dict) or not os.path.exists(str(answer.get("base_executable"))):
        return None
    return answer


def _ask(path: str) -> dict[str, Any]:
    import subprocess

    # -E and -s, not -I: Python 2.7 has no -I.
    command = [path, "-E", "-s", "-c", _SCRIPT]
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            env=clean_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(path, f"no answer within {_TIMEOUT_SECONDS} seconds") from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    for line in reversed(finished.stdout.decode("utf-8", "surrogateescape").splitlines()):
        if line.startswith(_MARK):
            answer: dict[str, Any] = json.loads(line[len(_MARK) :])
            return answer
    said = finished.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = f"exit status {finished.returncode}" + (f", `{said[-1][:200]}`" if said else "")
    raise _refused(path, reason)


def _refused(path: str, reason: str) -> InterpreterError:
    return InterpreterError(
        f"`{path}` does not work as a Python",
        code="interpreter-unusable",
        facts={"tried": f"{path} -E -s -c ...", "result": reason},
    )


def _interpreter(path: str, answer: Mapping[str, Any]) -> Interpreter:
    return Interpreter(
        python_executable=path,
        version=answer["version"],
        implementation=answer["implementation"],
        platform=_platform(answer["machine"], answer["bits"], answer["libc"]),
        prefix=answer["prefix"],
        base_prefix=answer["base_prefix"],
        base_executable=answer["base_executable"],
        stdlib=answer["stdlib"],
        site_packages=tuple(answer["site_packages"]),
        is_debian=answer["is_debian"],
        abi_flags=answer["abi_flags"],
        library_directory=answer["library_directory"],
    )


def _platform(machine: str, bits: int, libc: str) -> Platform:
    architecture = _NARROW_ARCHITECTURES.get(machine, machine) if bits == 32 else machine
    # Python 2.7 may not tell; then it is this process's, unless the machine has two.
    if match := re.fullmatch(r"glibc (\d+\.\d+).*", libc or _confstr_libc()):
        family, version = "glibc", match[1]
    else:
        family, version = "musl", _musl_version()
    return Platform(system="linux", architecture=architecture, libc_family=family, libc_version=version)


def _confstr_libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""


def _musl_version() -> str:
    import subprocess

    # musl's loader, run bare, names its version on standard error; nothing else tells it.
    for loader in sorted(Path("/lib").glob("ld-musl-*.so.1")):
        try:
            finished = subprocess.run([loader], capture_output=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if match := re.search(rb"^Version (\d+\.\d+)", finished.stderr, re.MULTILINE):
            return match[1].decode()
    return "1.2"
