"""Which files of an interpreter a copy carries, and where they go in its prefix."""

# ruff: noqa: PTH112, PTH113
# os.path: this walks thousands of files.

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pannier.environment.shared_libraries import is_elf
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter

_TEST_DIRECTORIES = frozenset({"test", "tests", "idle_test"})
# Whole directories at the top of the standard library that programs do not import.
_LEFT_DIRECTORIES = frozenset({"idlelib", "turtledemo", "site-packages", "dist-packages", "__pycache__"})
_LEFT_FILES = re.compile(
    r"sitecustomize\.py|usercustomize\.py"  # the machine's hooks: apport's, coverage's
    r"|EXTERNALLY-MANAGED|_distutils_system_mod\.py"  # Debian's word to pip and setuptools
    r"|build-details\.json|_sysconfig_vars_.*\.json"  # PEP 739: the build machine's paths again
)
_LEFT_SUFFIXES = (".pyc", ".pyo", ".a", ".o", ".exe", ".orig", ".dpkg-new")
# CPython's tests of itself and its examples for authors of extensions.
_LEFT_MODULES = re.compile(r"(_test.*|_ctypes_test|_xxtestfuzz|xxlimited.*|xxsubtype)\..*so")
# Tcl looks in `../lib/tclX.Y` from the executable; time zones and translated messages have fallbacks.
_TCL_PLACES = ("{prefix}/lib/{name}", "/usr/share/tcltk/{name}", "/usr/lib/{name}", "/usr/lib64/{name}")
_LEFT_TCL = frozenset({"tzdata", "msgs", "demos", "images"})


@dataclass(frozen=True, slots=True)
class Picked:
    """One file to carry.

    Attributes:
        name: Its path in the copy's prefix.
        source: Where it lies on this machine.
        is_elf: It is a program or a shared library.
        executable: It may be started.
    """

    name: str
    source: str
    is_elf: bool = False
    executable: bool = False


def python_minor(interpreter: Interpreter) -> str:
    """The `major.minor` version of an interpreter."""
    return ".".join(interpreter.version.split(".")[:2])


def check_copyable(interpreter: Interpreter) -> None:
    """Refuse what cannot be copied.

    Raises:
        InterpreterError: It is no CPython 3.6 or newer with its standard library in files, or a build
            (free-threaded, debug) whose wheels and directories have other names.
    """
    version = tuple(int(part) for part in re.findall(r"\d+", interpreter.version)[:2])
    wrong = ""
    if interpreter.implementation != "cpython":
        wrong = f"it is {interpreter.implementation}, not CPython"
    elif version < (3, 6):
        wrong = "it is older than Python 3.6"
    elif set(interpreter.abi_flags) & {"t", "d"}:
        wrong = f"it is a free-threaded or debug build (ABI flags `{interpreter.abi_flags}`)"
    elif not os.path.isfile(os.path.join(interpreter.stdlib, "os.py")):
        wrong = f"its standard library is not in files at {interpreter.stdlib}"
    if wrong:
        raise InterpreterError(
            f"the interpreter `{interpreter.python_executable}` cannot be copied into a pack",
            code="interpreter-not-relocatable",
            facts={"found": f"{interpreter.implementation} {interpreter.version}", "reason": wrong},
            hint="name another with `--interpreter PATH`, or use the target's own with `--interpreter none`",
        )


def pick_files(interpreter: Interpreter) -> list[Picked]:
    """List what the copy carries apart from shared libraries: program, modules, headers, Tcl's scripts."""
    minor = python_minor(interpreter)
    picked = [Picked(f"bin/python{minor}", interpreter.base_executable, is_elf=True, executable=True)]
    picked += _standard_library(interpreter.stdlib, f"lib/python{minor}")
    picked += _headers(interpreter, minor)
    if any(os.path.basename(file.name).startswith("_tkinter.") for file in picked):
        picked += _tcl_scripts(interpreter.base_prefix)
    return sorted(picked, key=lambda file: file.name)


def watched_directories(interpreter: Interpreter) -> list[str]:
    """List the directories where a new file would be carried too: their times tell whether to look again."""
    walk = os.walk(interpreter.stdlib)
    found = []
    for directory, names, _files in walk:
        names[:] = [
            name for name in names if _is_carried_directory(name, at_top=directory == interpreter.stdlib)
        ]
        found.append(directory)
    return found


def _is_carried_directory(name: str, *, at_top: bool) -> bool:
    if name in _TEST_DIRECTORIES or name == "__pycache__":
        return False
    return not (at_top and (name in _LEFT_DIRECTORIES or name.startswith("config-")))


def _standard_library(directory: str, name: str, *, at_top: bool = True) -> Iterator[Picked]:
    for entry in sorted(os.scandir(directory), key=lambda item: item.name):
        place = f"{name}/{entry.name}"
        if entry.is_dir():
            if _is_carried_directory(entry.name, at_top=at_top):
                yield from _standard_library(entry.path, place, at_top=False)
        elif entry.is_file() and not _is_left(entry.name):
            # Links are followed: what a link of the machine leads to (Debian's into /etc) is not in the copy.
            shared = entry.name.endswith(".so")
            yield Picked(place, os.path.realpath(entry.path), is_elf=shared and is_elf(entry.path))


def _is_left(name: str) -> bool:
    return name.endswith(_LEFT_SUFFIXES) or bool(_LEFT_FILES.fullmatch(name) or _LEFT_MODULES.fullmatch(name))


def _headers(interpreter: Interpreter, minor: str) -> Iterator[Picked]:
    """Headers, which triton, numba and cffi compile against at run time."""
    include = Path(interpreter.base_prefix, "include")
    directory = include / f"python{minor}{interpreter.abi_flags}"
    if not directory.is_dir():
        return
    # Debian's pyconfig.h leads to one per architecture outside this directory, which would need one more -I.
    native = next(
        iter(sorted(include.glob(f"{interpreter.platform.architecture}-*/{directory.name}/pyconfig.h"))), None
    )
    for place, names, files in os.walk(directory):
        names.sort()
        for file in sorted(files):
            source = os.path.join(place, file)
            if native is not None and source == str(directory / "pyconfig.h"):
                source = str(native)
            if os.path.isfile(source):
                yield Picked(
                    f"include/{os.path.relpath(os.path.join(place, file), include)}", os.path.realpath(source)
                )


def _tcl_scripts(prefix: str) -> Iterator[Picked]:
    for name in ("tcl8.6", "tk8.6", "tcl9.0", "tk9.0"):
        places = [place.format(prefix=prefix, name=name) for place in _TCL_PLACES]
        directory = next((place for place in places if os.path.isdir(place)), None)
        if directory is None:
            continue
        for place, names, files in os.walk(directory, followlinks=True):
            names[:] = sorted(set(names) - _LEFT_TCL)
            for file in sorted(files):
                source = os.path.realpath(os.path.join(place, file))
                if os.path.isfile(source) and not file.endswith((".a", ".sh", ".so")):
                    yield Picked(
                        f"lib/{name}/{os.path.relpath(os.path.join(place, file), directory)}", source
                    )
