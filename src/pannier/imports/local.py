"""Local modules by the import system's own rule: which file a name on `sys.path` would be."""

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

_SUFFIXES = (".py", ".pyw")
# Compiled modules are local and hold no imports to read.
_COMPILED = (".so", ".pyd", ".pyx")


class LocalFile(NamedTuple):
    """A file that an import runs.

    Attributes:
        path: The file; empty for a directory without `__init__.py`.
        name: The module's dotted name.
        root: Directory on `sys.path` that makes the name work.
    """

    path: str
    name: str
    root: str


class Found(NamedTuple):
    """What a dotted name is on a search path.

    Attributes:
        files: Every file that importing it runs, packages first.
        root: Directory it was looked up in.
        is_certain: A module or a regular package, which hides any installed one. A directory without
            `__init__.py` gives way to an installed package of its name, as in Python (PEP 420).
    """

    files: tuple[LocalFile, ...]
    root: str
    is_certain: bool


class Directories:
    """Listings of directories, each read once."""

    def __init__(self) -> None:
        self._listings: dict[str, dict[str, bool]] = {}
        self._roots: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def entries(self, directory: str) -> dict[str, bool]:
        """Names in a directory, and whether each is a directory itself."""
        listing = self._listings.get(directory)
        if listing is None:
            try:
                with os.scandir(directory or ".") as found:
                    listing = {entry.name: entry.is_dir() for entry in found}
            except OSError:
                listing = {}
            self._listings[directory] = listing
        return listing

    def listed(self) -> tuple[str, ...]:
        """Every directory that was looked at."""
        return tuple(self._listings)

    def package_root(self, directory: str) -> str:
        """The directory above the outermost package that a directory is in; itself when in none."""
        root = self._roots.get(directory)
        if root is None:
            root = directory
            if "__init__.py" in self.entries(directory) and os.path.realpath(directory) != os.sep:
                root = self.package_root(parent_directory(directory))
            self._roots[directory] = root
        return root

    def real_path(self, path: str) -> str:
        """The path of a file without symlinks."""
        if os.path.islink(path):  # noqa: PTH114 - thousands of files pass here
            return os.path.realpath(path)
        directory, name = os.path.split(path)
        if directory not in self._real:
            self._real[directory] = os.path.realpath(directory)
        return os.path.join(self._real[directory], name)


def parent_directory(directory: str) -> str:
    """The directory above, spelled relative when the given one is."""
    if directory in {"", os.curdir}:
        return os.pardir
    if os.path.basename(directory) == os.pardir:
        return os.path.join(directory, os.pardir)
    return os.path.dirname(directory) or os.curdir


def join(directory: str, name: str) -> str:
    """The path of a name in a directory, without a needless `./`."""
    if directory in {"", os.curdir}:
        return name
    return f"{directory}{name}" if directory.endswith("/") else f"{directory}/{name}"


class LocalFinder:
    """Finds modules below directories, remembering what it looked up.

    Attributes:
        directories: The listings it works from.
    """

    def __init__(self) -> None:
        self.directories = Directories()
        self._known: dict[tuple[str, str], Found | None] = {}

    def find(self, root: str, module: str) -> Found | None:
        """What importing `module` runs with `root` on `sys.path`; `None` when its first part is not there."""
        key = (root, module)
        if key not in self._known:
            self._known[key] = self._find(root, module)
        return self._known[key]

    def _find(self, root: str, module: str) -> Found | None:
        directory = root
        files: list[LocalFile] = []
        is_certain = True
        parts = module.split(".")
        for place, part in enumerate(parts):
            name = ".".join(parts[: place + 1])
            entries = self.directories.entries(directory)
            path = join(directory, part)
            if entries.get(part) and "__init__.py" in self.directories.entries(path):
                files.append(LocalFile(join(path, "__init__.py"), name, root))
                directory = path
                continue
            leaf = self._leaf(entries, directory, part)
            if leaf is not None:
                if leaf:
                    files.append(LocalFile(leaf, name, root))
                return Found(tuple(files), root, is_certain)
            if not entries.get(part):
                return Found(tuple(files), root, is_certain) if place else None
            if not self._holds_python(path):
                return Found(tuple(files), root, is_certain) if place else None
            is_certain = is_certain and place > 0
            directory = path
        return Found(tuple(files), root, is_certain)

    def _leaf(self, entries: dict[str, bool], directory: str, part: str) -> str | None:
        """The module's file; empty for a compiled one, `None` for none."""
        for suffix in _SUFFIXES:
            if entries.get(part + suffix) is False:
                return join(directory, part + suffix)
        if any(name.partition(".")[0] == part and name.endswith(_COMPILED) for name in entries):
            return ""
        return None

    def _holds_python(self, directory: str, depth: int = 3) -> bool:
        """Whether a directory could be a namespace package worth the name: Python lies in it."""
        entries = self.directories.entries(directory)
        if any(name.endswith((*_SUFFIXES, *_COMPILED)) for name in entries):
            return True
        inner = (name for name, is_directory in entries.items() if is_directory and name.isidentifier())
        return depth > 0 and any(
            self._holds_python(os.path.join(directory, name), depth - 1) for name in inner
        )


def module_name(path: str, root: str) -> str:
    """The dotted name of a file seen from a directory on `sys.path`."""
    directory, _, filename = path.rpartition("/")
    stem = filename.partition(".")[0]
    package = _package_name(directory or ("/" if path.startswith("/") else ""), root)
    if stem == "__init__" and package:
        return package
    return f"{package}.{stem}" if package else stem


@cache
def _package_name(directory: str, root: str) -> str:
    relative = os.path.relpath(directory or os.curdir, root or os.curdir)
    return ".".join(part for part in Path(relative).parts if part not in {os.pardir, os.curdir})
