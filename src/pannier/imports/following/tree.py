"""Directories to the Python files in them that belong to the program."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.imports.following.local import Listing, as_listing, join
from pannier.model.analysis import Location, Problem, Role

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_SUFFIXES = (".py", ".pyw", ".ipynb")
_NEVER = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages", "__pypackages__"})
# Skipped unless they are packages: projects named `build` exist.
_BUILT = frozenset({"build", "dist", "_build", "wheelhouse", "htmlcov"})
_BY_GITIGNORE = "named by .gitignore"
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta", ".pannier-vendor.json")
_DEVELOPMENT_DIRECTORIES = frozenset(
    {
        "tests",
        "test",
        "testing",
        "docs",
        "doc",
        "examples",
        "example",
        "samples",
        "benchmarks",
        "benchmark",
        "bench",
    }
    | {"asv_bench", "ci", "docs_src", "tutorials", "demo", "demos"}
    | {"_tests", "_test", "_build_utils", "_build_backend", "build_backend", "build_tools", "maint_tools"}
)
# Names of directories in a project that hold its tests: `dagster_tests`, `tests_unit`.
_TESTS = r"\w+_tests?$|tests_\w+$"
# Beside the packages of a project these serve its makers; in a plain directory they may be the program.
_MAKERS_DIRECTORIES = frozenset(
    {
        "script",
        "scripts",
        "t",
        "extra",
        "extras",
        "notebooks",
        "profiling",
        "release",
        "gallery",
        "fuzz",
        "fuzzing",
    }
    | {"devtools", "maint", "maintenance"}
)
# The same, unless they are packages: projects of these names exist.
_MAKERS_UNLESS_PACKAGES = frozenset({"tools", "tool", "utils", "contrib", "dev", "misc", "packaging"})
# Directories beside a project's packages that hold more packages, though they are none themselves.
_HOLDS_PACKAGES = frozenset({"src", "lib", "libs", "python", "packages", "apps", "services", "plugins", "."})
_METADATA = ("pyproject.toml", "setup.py", "setup.cfg")
_INSTALLABLE = r"(?m)^\[build-system\]|^\[options\]|\bsetup\("
# How deep a package may lie in a namespace.
_DEEPEST_NAMESPACE = 3
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("tests", "test", "testing", "_tests", "_test", "t", "fuzz", "fuzzing"), "tests"),
    **dict.fromkeys(("docs", "doc", "docs_src"), "docs"),
    **dict.fromkeys(("examples", "example", "samples", "tutorials", "demo", "demos"), "examples"),
    **dict.fromkeys(("gallery", "notebooks"), "examples"),
}
_DEVELOPMENT_FILES = frozenset({"setup.py", "conftest.py", "tests.py", "setup_package.py"})
# Helpers for those who test what uses the package; a package that needs them itself imports them.
_TESTING_FILES = frozenset({"testing.py", "_testing.py"})
# Only at the top: further down, `tasks.py` is a module like any other.
_DEVELOPMENT_FILES_AT_THE_TOP = frozenset(
    {"noxfile.py", "tasks.py", "fabfile.py", "dodo.py", "versioneer.py", "hatch_build.py"}
)


class Tree:
    """What walking a directory gave.

    Attributes:
        files: Python files, sorted, as the user named the directory joined with their place in it.
        project_roots: Directories that hold a `pyproject.toml`, `setup.py` or `setup.cfg`.
        problems: Directories that could not be read.
        sizes: Bytes of each file that has some.
        inputs: Other files whose content or target decided.
        listings: What these directories hold.
        left_out: What was not looked at, each with the reason.
    """

    # A data class would load a tenth of the standard library for each script.
    def __init__(self) -> None:
        self.files: list[str] = []
        self.project_roots: list[str] = []
        self.problems: list[Problem] = []
        self.sizes: dict[str, int] = {}
        self.inputs: set[str] = set()
        self.listings: dict[str, Listing] = {}
        self.left_out: dict[str, str] = {}


def walk(directory: str) -> Tree:
    """Find the Python files below a directory.

    Virtual environments, build output, hidden directories and what `.gitignore` names are left out; a
    directory that symlinks make reachable twice is walked once.
    """
    tree = Tree()
    for remembered in (_serves_makers, _is_beside):
        remembered.cache_clear()
    _walk(directory, tree, (), set(), is_top=True)
    tree.files.sort()
    return tree


def is_for_development(path: str, directory: str, is_project: bool = False) -> bool:
    """Whether a file serves tests, documentation or the build, and not the program itself.

    Args:
        path: The file.
        directory: The source it lies in.
        is_project: That directory has a project file (`pyproject.toml` and its like).
    """
    above, _, name = path.rpartition("/")
    if name in _DEVELOPMENT_FILES or (is_project and name in _TESTING_FILES):
        return True
    if name.startswith("test_") or name.endswith(("_test.py", "_tests.py")):
        return True
    return _serves_makers(above, directory, is_project, name in _DEVELOPMENT_FILES_AT_THE_TOP)


def makers_role(path: str, directory: str) -> Role:
    """For which purpose of its makers a file is that does not serve the program itself."""
    above, _, name = path.rpartition("/")
    parts = [part.lower() for part in Path(os.path.relpath(above or os.curdir, directory or os.curdir)).parts]
    is_test = name in {"conftest.py", "tests.py", *_TESTING_FILES} or name.startswith("test_")
    if is_test or name.endswith(("_test.py", "_tests.py")):
        return "tests"
    if any(re.match(_TESTS, part) for part in parts):
        return "tests"
    return next((_ROLES[part] for part in parts if part in _ROLES), "tooling")


@cache
def _serves_makers(above: str, directory: str, is_project: bool, is_makers_at_the_top: bool) -> bool:
    """Whether a file in a directory does, by where that is."""
    relative = os.path.relpath(above or os.curdir, directory)
    parts = Path(relative).parts
    if is_project and not parts:
        return is_makers_at_the_top
    if is_project:
        first = parts[0].lower()
        is_package = Path(directory, parts[0], "__init__.py").exists()
        if first in _MAKERS_DIRECTORIES or (first in _MAKERS_UNLESS_PACKAGES and not is_package):
            return True
        if any(re.match(_TESTS, part) for part in parts) or _is_beside(directory, parts[0]):
            return True
    return any(part.lower() in _DEVELOPMENT_DIRECTORIES for part in parts)


@cache
def _is_beside(directory: str, name: str) -> bool:
    """Whether a directory at the top of a project is none of what its build installs.

    It is no package, holds none, lies beside packages, and the files that tell how to build do not name it.
    """
    if name in _HOLDS_PACKAGES or name.startswith(".") or _has_packages(os.path.join(directory, name)):
        return False
    text = "\n".join(_text(os.path.join(directory, file)) for file in _METADATA)
    if not re.search(_INSTALLABLE, text) or re.search(rf"['\"/]{re.escape(name)}['\"/]", text):
        return False
    return any(
        _is_package(place, entry)
        for place in (directory, os.path.join(directory, "src"))
        for entry in _listed(place)
    )


def _is_package(place: str, name: str) -> bool:
    is_makers = name.lower() in _DEVELOPMENT_DIRECTORIES | _MAKERS_DIRECTORIES or re.match(_TESTS, name)
    return not is_makers and Path(place, name, "__init__.py").exists()


def _has_packages(place: str, depth: int = _DEEPEST_NAMESPACE) -> bool:
    """Whether a directory is a package, or a namespace that holds one."""
    names = _listed(place)
    if "__init__.py" in names:
        return True
    inner = (os.path.join(place, name) for name in names if "." not in name)
    return depth > 0 and any(_has_packages(path, depth - 1) for path in inner if Path(path).is_dir())


def _listed(place: str) -> list[str]:
    try:
        return sorted(os.listdir(place))
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


class _Ignored(NamedTuple):
    directory: str
    matcher: "GitIgnoreSpec"

    def holds(self, path: str, is_directory: bool) -> bool | None:
        """Whether `.gitignore` of `directory` names the path; `None` when it says nothing."""
        relative = os.path.relpath(path, self.directory).replace(os.sep, "/")
        return self.matcher.check_file(relative + "/" if is_directory else relative).include


def _walk(
    directory: str,
    tree: Tree,
    ignored: tuple[_Ignored, ...],
    seen: set[tuple[int, int]],
    *,
    is_top: bool = False,
) -> None:
    try:
        status = os.stat(directory)  # noqa: PTH116 - thousands of directories pass here
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        message = f"cannot be read: {(error.strerror or str(error)).lower()}"
        tree.problems.append(
            Problem(location=Location(path=directory, line=1), message=message, code="source-unreadable")
        )
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    listing = as_listing(entries)
    names = listing.entries.keys()
    if not is_top and any(mark in names for mark in _ENVIRONMENT_MARKS):
        tree.inputs.add(directory)
        tree.left_out[directory] = "an environment"
        return
    tree.listings[directory] = listing
    if metadata := names & {*_METADATA}:
        tree.project_roots.append(directory)
        if is_top:
            # What they name decides what is installed.
            tree.inputs.update(join(directory, name) for name in metadata)
    if ".gitignore" in names:
        tree.inputs.add(join(directory, ".gitignore"))
        ignored = (*ignored, *_read_ignored(directory))
    for entry in entries:
        _visit(entry, join(directory, entry.name), tree, ignored, seen)


def _visit(
    entry: "os.DirEntry[str]",
    path: str,
    tree: Tree,
    ignored: tuple[_Ignored, ...],
    seen: set[tuple[int, int]],
) -> None:
    if entry.is_symlink():
        tree.inputs.add(path)
    if _is(entry.is_dir):
        if reason := _why_skipped(entry.name, path):
            tree.inputs.add(path)
            tree.left_out[path] = reason
        elif _is_ignored(path, True, ignored):
            tree.left_out[path] = _BY_GITIGNORE
        else:
            _walk(path, tree, ignored, seen)
        return
    if "." not in entry.name:
        # Whether it is Python, its content says.
        tree.inputs.add(path)
    if not _is_python(entry, path):
        return
    if _is_ignored(path, False, ignored):
        tree.left_out[path] = _BY_GITIGNORE
    else:
        tree.files.append(path)
        with suppress(OSError):
            tree.sizes[path] = entry.stat().st_size


def _is_python(entry: "os.DirEntry[str]", path: str) -> bool:
    if not entry.name.endswith(_SUFFIXES):
        # A program in `bin/` often has no suffix; its first line tells.
        return "." not in entry.name and _is(entry.is_file) and _has_python_line(path)
    # A dangling symlink is kept: reading it is the problem to report. A FIFO would block.
    return _is(entry.is_file) or (entry.is_symlink() and not os.path.exists(path))  # noqa: PTH110


def _is(asked: Callable[[], bool]) -> bool:
    """What a directory entry is; a symlink to itself is nothing."""
    try:
        return asked()
    except OSError:
        return False


def _has_python_line(path: str) -> bool:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - thousands of files pass here
            start = stream.read(100)
    except OSError:
        return False
    return start.startswith(b"#!") and b"python" in start.split(b"\n", 1)[0]


def _why_skipped(name: str, path: str) -> str:
    """Why a directory is none of the program's; empty where it may be."""
    if name.startswith("."):
        return "hidden"
    if name in _NEVER or name.endswith((".egg-info", ".egg", ".dist-info")):
        return "what others installed or Python made"
    return "build output" if name in _BUILT and not Path(path, "__init__.py").exists() else ""


def _is_ignored(path: str, is_directory: bool, ignored: tuple[_Ignored, ...]) -> bool:
    """The last file that says something decides, as git has it."""
    for one in reversed(ignored):
        verdict = one.holds(path, is_directory)
        if verdict is not None:
            return verdict
    return False


def _read_ignored(directory: str) -> Iterator[_Ignored]:
    from pathspec import GitIgnoreSpec

    try:
        with open(os.path.join(directory, ".gitignore"), encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            yield _Ignored(directory, GitIgnoreSpec.from_lines(stream.read().splitlines()))
    except (OSError, ValueError):
        return
