"""What of a program's own travels: its files, where they go in the prefix, and what starts it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.api.provided import imports_to_check
from pannier.formats.vendor_markers import MARKER_NAME
from pannier.model.analysis import Analysis, Import
from pannier.model.errors import PackError, UsageError

# Never part of a program, whatever directory is packed.
_LITTER = {"__pycache__", "node_modules"}
RESERVED_NAMES = {"python", "python3", "run_in_env", "sh"}


class ProgramFiles(NamedTuple):
    """A program's own files.

    Attributes:
        files: Path below `program/` in the prefix to the file on this machine, sorted.
        script: The file below `program/` that starts it; empty when `module` does.
        module: The package to run as `python -m` would; empty when `script` is set.
        imports: What it cannot do without, one import of each name.
    """

    files: tuple[tuple[str, Path], ...]
    script: str = ""
    module: str = ""
    imports: tuple[Import, ...] = ()


def program_files(source: Path, analysis: Analysis, includes: Sequence[str]) -> ProgramFiles:
    """Gather a script or a package with its local modules and data.

    Args:
        source: The script, or the directory, that the user named.
        analysis: What reading it told; its local modules are carried.
        includes: Data files and directories to carry as well.

    Raises:
        PackError: An included path does not exist, two files would go to the same place, or a name is not
            UTF-8.
    """
    files: dict[str, Path] = {}
    for module in analysis.local_modules:
        _add(files, _below(Path(module.path), Path(module.root)), Path(module.path))
    home = source if source.is_dir() else source.parent
    root = _package_root(home)
    if source.is_dir():
        for path in _walk(source):
            _add(files, _below(path, root), path)
    else:
        _add(files, source.name, source)
    for place, path in _included(includes, home):
        _add(files, place if home == root else f"{_below(home, root)}/{place}", path)
    _check_names(files)
    script, module_name = _entry(source, root)
    return ProgramFiles(tuple(sorted(files.items())), script, module_name, imports_to_check(analysis))


def entry_named(files: ProgramFiles, wanted: str) -> ProgramFiles:
    """The same files, started by the script or module that the user names.

    Raises:
        UsageError: None of the files is that.
    """
    places = {place for place, _ in files.files}
    if wanted in places:
        return files._replace(script=wanted, module="")
    path = wanted.replace(".", "/")
    if f"{path}.py" in places or f"{path}/__main__.py" in places:
        return files._replace(script="", module=wanted)
    raise UsageError(
        f"the program has no script or module `{wanted}`",
        code="program-entry",
        facts={"scripts": sorted(place for place in places if place.endswith(".py"))},
        hint="name one of them with `--program`",
    )


def command_name(name: str) -> str:
    """Check the name a program gets in `bin`.

    Raises:
        UsageError: The name would hide something of the prefix, or is no file name.
    """
    if not name or name in RESERVED_NAMES or name.startswith(("python3", "-")) or "/" in name:
        raise UsageError(
            f"a packed program cannot be called `{name}`",
            code="program-name",
            hint="choose another name with `--name`",
        )
    return name


def _add(files: dict[str, Path], place: str, path: Path) -> None:
    there = files.setdefault(place, path)
    if there != path and there.resolve() != path.resolve():
        raise PackError(
            "two files of the program would go to the same place in the pack",
            code="program-clash",
            facts={"place": f"program/{place}", "files": [str(there), str(path)]},
            hint="leave one of them out",
        )


def _check_names(places: Iterable[str]) -> None:
    """Refuse names that are no text: a manifest, and the script that starts the program, are UTF-8."""
    wrong = [place for place in places if not _is_text(place)]
    if wrong:
        raise PackError(
            "a pack holds files whose names are UTF-8, and some here are not",
            code="name-not-utf8",
            facts={"files": wrong},
            hint="rename them or leave them out; in a locale without UTF-8, set `LC_ALL=C.UTF-8`",
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _below(path: Path, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _package_root(directory: Path) -> Path:
    """The directory that must be on `sys.path` for the package `directory` to be imported by its name."""
    while (directory / "__init__.py").is_file():
        directory = directory.parent
    return directory


def _walk(directory: Path) -> Iterator[Path]:
    """The files of a directory that belong to a program, in order; links to directories are not followed."""
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(
            name
            for name in directories
            if name not in _LITTER and not name.startswith(".") and not _is_environment(Path(place, name))
        )
        for name in sorted(names):
            if not name.endswith((".pyc", ".pyo")) and not name.startswith("."):
                yield Path(place, name)


def _is_environment(directory: Path) -> bool:
    marks = ("pyvenv.cfg", MARKER_NAME)
    return any((directory / mark).is_file() for mark in marks) or (directory / "conda-meta").is_dir()


def _included(includes: Sequence[str], home: Path) -> Iterable[tuple[str, Path]]:
    """Where each included file goes: as it lies beside the script, or by its name when it lies elsewhere."""
    missing = [item for item in includes if not Path(item).exists()]
    if missing:
        raise PackError(
            "there is nothing to include at some of the paths given",
            code="no-such-file",
            facts={"missing": missing},
            hint="check the paths; in a configuration file they are relative to that file",
        )
    for item in includes:
        path = Path(item)
        relative = os.path.relpath(path.resolve(), home.resolve())
        place = path.resolve().name if relative.startswith("..") else relative
        if not path.is_dir():
            yield place, path
            continue
        for file in _walk(path):
            yield os.path.normpath(os.path.join(place, os.path.relpath(file, path))), file


def _entry(source: Path, root: Path) -> tuple[str, str]:
    """The script and the module that start the program: one of them, or neither for a bag of modules."""
    if not source.is_dir():
        return _below(source, root) if source.suffix != ".ipynb" else "", ""
    if not (source / "__main__.py").is_file():
        return "", ""
    if (source / "__init__.py").is_file():
        return "", _below(source, root).replace("/", ".")
    return "__main__.py", ""
