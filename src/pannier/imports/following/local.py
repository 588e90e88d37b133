"""Local modules by the import system's own rule: which file a name on `sys.path` would be."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pannier.imports.scanning.mentions import ALL, ALL_BELOW

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


class _Step(NamedTuple):
    """What a dotted name is, and the directory that its next part lies in, `None` for none."""

    directory: str | None
    found: Found | None


class Listing(NamedTuple):
    """What a directory holds.

    Attributes:
        entries: Names, and whether each is a directory, or a symlink to one.
        links: The symlinks among them.
    """

    entries: dict[str, bool]
    links: frozenset[str] = frozenset()


def read_listing(directory: str) -> Listing:
    """List a directory; one that cannot be read holds nothing."""
    try:
        with os.scandir(directory or os.curdir) as found:
            return as_listing(found)
    except OSError:
        return Listing({})


def as_listing(found: "Iterable[os.DirEntry[str]]") -> Listing:
    """What entries of a directory are; a symlink to itself is nothing."""
    entries: dict[str, bool] = {}
    links: set[str] = set()
    for entry in found:
        is_link = entry.is_symlink()
        if is_link:
            links.add(entry.name)
        try:
            entries[entry.name] = entry.is_dir()
        except OSError:
            entries[entry.name] = False
    return Listing(entries, frozenset(links))


class Directories:
    """Listings of directories, each read once."""

    def __init__(self) -> None:
        self._listings: dict[str, Listing] = {}
        self._tops: dict[str, frozenset[str]] = {}
        self._compiled: dict[str, frozenset[str]] = {}
        self._roots: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def entries(self, directory: str) -> dict[str, bool]:
        """Names in a directory, and whether each is a directory itself."""
        return self.listing(directory).entries

    def listing(self, directory: str) -> "Listing":
        """What a directory holds; nothing when it cannot be read."""
        listing = self._listings.get(directory)
        if listing is None:
            self._listings[directory] = listing = read_listing(directory)
        return listing

    def know(self, listings: "dict[str, Listing]") -> None:
        """Take what others have read."""
        self._listings.update(listings)

    def tops(self, directory: str) -> frozenset[str]:
        """What the names in a directory begin with, up to their first dots."""
        tops = self._tops.get(directory)
        if tops is None:
            tops = frozenset([name.partition(".")[0] for name in self.entries(directory)])
            self._tops[directory] = tops
        return tops

    def compiled(self, directory: str) -> frozenset[str]:
        """The names of the compiled modules in a directory."""
        compiled = self._compiled.get(directory)
        if compiled is None:
            compiled = frozenset(
                [name.partition(".")[0] for name in self.entries(directory) if name.endswith(_COMPILED)]
            )
            self._compiled[directory] = compiled
        return compiled

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
        directory, name = os.path.split(path)
        listing = self._listings.get(directory)
        if listing is not None and name in listing.entries:
            is_link = name in listing.links
        else:
            is_link = os.path.islink(path)  # noqa: PTH114 - thousands of files pass here
        if is_link:
            return os.path.realpath(path)
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
        self._steps: dict[tuple[str, str], _Step] = {}
        self._tops: dict[tuple[str, ...], frozenset[str]] = {}

    def tops(self, roots: tuple[str, ...]) -> frozenset[str]:
        """The first parts of all that directories may hold."""
        tops = self._tops.get(roots)
        if tops is None:
            tops = frozenset().union(*map(self.directories.tops, roots))
            self._tops[roots] = tops
        return tops

    def find(self, root: str, module: str) -> Found | None:
        """What importing `module` runs with `root` on `sys.path`; `None` when its first part is not there."""
        key = (root, module)
        if key in self._steps:
            return self._steps[key].found
        if module.partition(".")[0] not in self.directories.tops(root):
            return None
        return self._walk(root, module).found

    def expanded(self, directory: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """Names taken from the package in a directory, `ALL` and `ALL_BELOW` spelled out."""
        if ALL not in names and ALL_BELOW not in names:
            return names
        return tuple(self._modules_in(directory, is_deep=ALL_BELOW in names))

    def _modules_in(self, directory: str, prefix: str = "", *, is_deep: bool) -> Iterator[str]:
        for name, is_directory in self.directories.entries(directory).items():
            stem, dot, suffix = name.partition(".")
            if is_directory and name.isidentifier():
                path = join(directory, name)
                if "__init__.py" in self.directories.entries(path):
                    yield prefix + name
                if is_deep and self._holds_python(path):
                    yield from self._modules_in(path, f"{prefix}{name}.", is_deep=True)
            elif dot + suffix in _SUFFIXES and stem not in {"__init__", "__main__"}:
                yield prefix + stem

    def _walk(self, root: str, module: str) -> "_Step":
        """Go on from the longest beginning of a dotted name that was looked up before."""
        missing: list[str] = []
        name = module
        while name and (root, name) not in self._steps:
            missing.append(name)
            name = name.rpartition(".")[0]
        step = self._steps[root, name] if name else _Step(root, Found((), root, is_certain=True))
        for name in reversed(missing):
            if step.directory is not None and step.found is not None:
                step = self._next(step.directory, step.found, name)
            self._steps[root, name] = step
        return step

    def _next(self, directory: str, above: Found, name: str) -> "_Step":
        """One part more of a dotted name."""
        part = name.rpartition(".")[2]
        entries = self.directories.entries(directory)
        path = join(directory, part)
        is_directory = entries.get(part)
        if is_directory and "__init__.py" in self.directories.entries(path):
            return _Step(path, _with_file(above, join(path, "__init__.py"), name))
        leaf = self._leaf(entries, directory, part)
        if leaf is not None:
            return _Step(None, _with_file(above, leaf, name) if leaf else above)
        is_first = part == name
        if not is_directory or not self._holds_python(path):
            return _Step(None, None if is_first else above)
        return _Step(path, above._replace(is_certain=False) if is_first else above)

    def _leaf(self, entries: dict[str, bool], directory: str, part: str) -> str | None:
        """The module's file; empty for a compiled one, `None` for none."""
        for suffix in _SUFFIXES:
            if entries.get(part + suffix) is False:
                return join(directory, part + suffix)
        return "" if part in self.directories.compiled(directory) else None

    def _holds_python(self, directory: str, depth: int = 3) -> bool:
        """Whether a directory could be a namespace package worth the name: Python lies in it."""
        entries = self.directories.entries(directory)
        if any(name.endswith((*_SUFFIXES, *_COMPILED)) for name in entries):
            return True
        inner = (name for name, is_directory in entries.items() if is_directory and name.isidentifier())
        return depth > 0 and any(
            self._holds_python(os.path.join(directory, name), depth - 1) for name in inner
        )


def _with_file(found: Found, path: str, name: str) -> Found:
    return found._replace(files=(*found.files, LocalFile(path, name, found.root)))


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
