"""Run a fresh copy of an interpreter elsewhere and compare it with the original before it is believed."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pannier.environment.probe import clean_environment
from pannier.environment.shared_libraries import is_c_library
from pannier.environment.tree import InterpreterTree, write_tree
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter

_MARK = "pannier-copy:"
_TIMEOUT_SECONDS = 120
# Python 3.6 to today. Imports every extension module (or those named), for each may load libraries of its
# own.
_SCRIPT = r"""
import json, os, sys, sysconfig, warnings
warnings.simplefilter("ignore")
names = sys.argv[1:]
for path in [] if names else sys.path:
    if os.path.basename(path) == "lib-dynload":
        names = sorted({entry.split(".")[0] for entry in os.listdir(path) if entry.endswith(".so")})
failed = []
for name in names + ["ssl", "sqlite3", "ctypes", "lzma", "bz2", "zlib", "hashlib", "distutils.sysconfig"]:
    try:
        __import__(name)
    except Exception:
        failed.append(name)
site = sys.modules["site"]
files = set()
with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
    for line in maps:
        fields = line.rstrip("\n").split(None, 5)
        if len(fields) == 6 and fields[5].startswith("/"):
            files.add(fields[5])
libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")} | set(site.getsitepackages())
if "distutils.sysconfig" in sys.modules:
    libraries.add(sys.modules["distutils.sysconfig"].get_python_lib())
print("\npannier-copy:" + json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3], "prefix": sys.prefix, "path": sys.path,
    "libraries": sorted(libraries), "user_site": site.ENABLE_USER_SITE, "failed": failed, "files":
    sorted(files), "variables": sorted(k for k, v in sysconfig.get_config_vars().items() if isinstance(v,
    str) and sys.prefix in v),
}))
"""


def verify_copy(tree: InterpreterTree, interpreter: Interpreter, workshop: Path) -> None:
    """Run the copy in a directory of its own; everything it says must fit that place and the original.

    Args:
        tree: The copy.
        interpreter: The original.
        workshop: A directory on the disk where the copy may be written.

    Raises:
        InterpreterError: With every way in which it does not.
    """
    prefix = Path(os.path.realpath(workshop)) / "a copy"
    write_tree(tree, prefix, linked=True)
    try:
        problems = _problems(tree, interpreter, prefix)
    finally:
        shutil.rmtree(prefix, ignore_errors=True)
    if problems:
        raise InterpreterError(
            f"a copy of `{interpreter.base_executable}` does not work as the original does",
            code="interpreter-not-relocatable",
            facts=problems,
            hint="name another with `--interpreter PATH`, or use the target's own with `--interpreter none`",
        )


def _problems(tree: InterpreterTree, interpreter: Interpreter, prefix: Path) -> dict[str, str]:
    said = _run(prefix / tree.executable, [])
    if "error" in said:
        return {"result": said["error"]}
    problems: dict[str, str] = {}
    release = ".".join(interpreter.version.split(".")[:2])
    libraries = str(prefix / "lib" / f"python{release}" / "site-packages")
    if not interpreter.version.startswith(said["version"]):
        problems["version"] = f"{said['version']} instead of {interpreter.version}"
    if said["prefix"] != str(prefix):
        problems["prefix"] = f"{said['prefix']} instead of {prefix}"
    if elsewhere := [path for path in said["path"] if path and not path.startswith(f"{prefix}/")]:
        problems["sys.path"] = ", ".join(elsewhere)
    if elsewhere := [path for path in said["libraries"] if _plain(path, interpreter) != libraries]:
        problems["site-packages"] = ", ".join(elsewhere)
    if said["user_site"] is not False:
        problems["user site"] = "not switched off"
    if foreign := [path for path in said["files"] if _is_foreign(path, prefix)]:
        problems["libraries from elsewhere"] = ", ".join(foreign)
    if said["failed"] and (broken := _broken_only_here(said["failed"], interpreter)):
        problems["modules"] = ", ".join(broken)
    return problems


def _plain(path: str, interpreter: Interpreter) -> str:
    return path.replace(f"/{interpreter.library_directory}/python", "/lib/python")


def _is_foreign(path: str, prefix: Path) -> bool:
    name = os.path.basename(path)
    return (
        ".so" in name
        and not path.startswith(f"{prefix}/")
        and not is_c_library(name)
        and not _by_version(name)
    )


def _by_version(name: str) -> bool:
    # Before 2.34 the C library's files are called libc-2.31.so, and maps show the file, not the link.
    stem = name.partition("-")[0]
    return name.startswith(("ld-", "gconv")) or is_c_library(f"{stem}.so.6") or is_c_library(f"{stem}.so.1")


def _broken_only_here(failed: Sequence[str], interpreter: Interpreter) -> list[str]:
    original = _run(Path(interpreter.base_executable), failed)
    return sorted(set(failed) - set(original.get("failed", [])))


def _run(executable: Path, arguments: Sequence[str]) -> Mapping[str, Any]:
    # Without -I or -s: the copy must keep the user's site directory out by itself.
    command = [str(executable), "-B", "-c", _SCRIPT, *arguments]
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            env=clean_environment(),
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)}
    for line in reversed(finished.stdout.decode("utf-8", "surrogateescape").splitlines()):
        if line.startswith(_MARK):
            said: dict[str, Any] = json.loads(line[len(_MARK) :])
            return said
    complaint = finished.stderr.decode("utf-8", "replace").strip()[-500:]
    return {"error": f"exit status {finished.returncode}: {complaint}"}
