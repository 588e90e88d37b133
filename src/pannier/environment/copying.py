"""Put a relocatable copy of an interpreter together."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pannier.environment.neutral_text import Machine, build_directories, neutral_binary, neutral_file
from pannier.environment.selection import Picked, pick_files, python_minor
from pannier.environment.shared_libraries import ElfFacts, LibraryFinder, Relocation, is_c_library, relocate
from pannier.environment.tree import InterpreterTree, TreeEntry
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform


@dataclass
class _Made:
    """A file of the copy with the digest of its content."""

    entry: TreeEntry
    sha256: str


class Copy:
    """Puts one copy together.

    Args:
        interpreter: What to copy.
        directory: Where files that had to be changed are put.
    """

    def __init__(self, interpreter: Interpreter, directory: Path) -> None:
        self._interpreter = interpreter
        self._directory = directory
        self._minor = python_minor(interpreter)
        self._finder = LibraryFinder()
        self._machine = Machine(prefixes=())
        self._glibc: tuple[int, ...] = (2, 5)

    def make(self) -> InterpreterTree:
        """Say what the copy consists of, having written the files that had to be changed.

        Raises:
            InterpreterError: A file is not as any Python we know has it, or a library is missing.
        """
        self._directory.mkdir()
        picked = pick_files(self._interpreter)
        self._machine = self._describe_machine(picked)
        elves = [file for file in picked if file.is_elf]
        libraries = self._finder.find_all(file.source for file in elves)
        self._check_program(libraries)
        elves += [
            Picked(f"lib/{name}", os.path.realpath(path), is_elf=True) for name, path in libraries.items()
        ]
        made = [self._make_binary(file, libraries) for file in elves]
        made += [self._make_text(file) for file in picked if not file.is_elf]
        made += [_Made(entry, "") for entry in self._links()]
        made.sort(key=lambda item: item.entry.name)
        return InterpreterTree(
            fingerprint=_fingerprint(made),
            version=self._interpreter.version,
            executable=f"bin/python{self._minor}",
            platform=self._platform(),
            entries=tuple(item.entry for item in made),
        )

    def _describe_machine(self, picked: Iterable[Picked]) -> Machine:
        prefix = self._interpreter.base_prefix
        home_of_executable = os.path.dirname(os.path.dirname(self._interpreter.base_executable))
        built: set[str] = set()
        for file in picked:
            if os.path.basename(file.name).startswith("_sysconfigdata"):
                built.update(build_directories(Path(file.source).read_bytes()))
        private = sorted(built | {str(Path.home())} - {"/", "~"}, key=len, reverse=True)
        prefixes = dict.fromkeys((prefix, os.path.realpath(prefix), home_of_executable))
        return Machine(prefixes=tuple(prefixes), private=tuple(private))

    def _check_program(self, libraries: dict[str, str]) -> None:
        """Refuse a program that lacks a library; a module that lacks one fails alone, there as here."""
        needed = self._finder.facts(self._interpreter.base_executable).needed
        missing = [
            name for name in needed if not is_c_library(name) and os.path.basename(name) not in libraries
        ]
        if missing:
            raise InterpreterError(
                f"libraries of `{self._interpreter.base_executable}` are nowhere to be found",
                code="interpreter-not-relocatable",
                facts={"missing": ", ".join(missing)},
            )

    def _make_binary(self, file: Picked, libraries: dict[str, str]) -> _Made:
        facts = self._finder.facts(file.source)
        self._glibc = max(self._glibc, facts.glibc)
        needed = [name for name in facts.needed if os.path.basename(name) in libraries]
        data = neutral_binary(Path(file.source).read_bytes(), self._machine)
        if not needed and not facts.search_path and not facts.has_debug:
            return self._made(file, data, changed=data != Path(file.source).read_bytes())
        place = self._place(file.name)
        place.write_bytes(Path(file.source).read_bytes())
        relocate(place, self._relocation(file, needed, facts))
        return self._made(file, neutral_binary(place.read_bytes(), self._machine), changed=True)

    def _relocation(self, file: Picked, needed: list[str], facts: ElfFacts) -> Relocation:
        way = os.path.relpath("lib", os.path.dirname(file.name))
        origin = "$ORIGIN" if way == "." else f"$ORIGIN/{way}"
        is_glibc = self._interpreter.platform.libc_family == "glibc"
        # By path, the program's own libraries come in whatever LD_LIBRARY_PATH says: a cluster's `module load
        # python` would bring another libpython. musl does not expand $ORIGIN there, and glibc looks up symbol
        # versions by the name as written, so libraries that have those (zlib) keep their plain names.
        renamed = [
            (name, f"{origin}/{os.path.basename(name)}")
            for name in needed
            if file.executable and is_glibc and name not in facts.versioned
        ]
        return Relocation(
            search_path=origin if needed else "",
            is_program=file.executable,
            renamed=tuple(renamed),
            strip=facts.has_debug,
        )

    def _make_text(self, file: Picked) -> _Made:
        data = Path(file.source).read_bytes()
        name = file.name.removeprefix(f"lib/python{self._minor}/")
        neutral = neutral_file(name, data, self._machine, is_debian=self._interpreter.is_debian)
        return self._made(file, neutral, changed=neutral != data)

    def _made(self, file: Picked, data: bytes, *, changed: bool) -> _Made:
        source = Path(file.source)
        if changed:
            source = self._place(file.name)
            source.write_bytes(data)
        entry = TreeEntry(name=file.name, source=source, executable=file.is_elf, size=len(data))
        return _Made(entry, hashlib.sha256(data).hexdigest())

    def _place(self, name: str) -> Path:
        place = self._directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _links(self) -> list[TreeEntry]:
        program = f"python{self._minor}"
        links = [TreeEntry(name=f"bin/{name}", link_target=program) for name in ("python", "python3")]
        if (library := self._interpreter.library_directory) != "lib":
            # Fedora's Python looks in lib64 first; both names lead to the one place that packs have.
            links.append(TreeEntry(name=library, link_target="lib"))
        return links

    def _platform(self) -> Platform:
        platform = self._interpreter.platform
        if platform.libc_family != "glibc":
            return platform
        return platform._replace(libc_version=".".join(str(part) for part in self._glibc[:2]))


def _fingerprint(made: Iterable[_Made]) -> str:
    digest = hashlib.sha256(b"pannier-interpreter 1\n")
    for item in made:
        entry = item.entry
        line = f"{entry.name}\0{entry.link_target}\0{int(entry.executable)}\0{item.sha256}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
