"""The files in which a program's project declares what it requires: which there are, and what they say."""

import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.model.analysis import Location
from pannier.model.declarations import (
    FROZEN_LIST,
    LIST,
    METADATA_LIST,
    Declarations,
    DeclaredGroup,
    Undecided,
)
from pannier.model.errors import SpecError
from pannier.model.names import normalized_name

# Nothing that people write by hand is larger.
_LARGEST = 4 << 20
_SCRIPT_MARK = "# /// script"
_TOML = frozenset({"pyproject.toml", "Pipfile"})
_ENVIRONMENTS = frozenset({"environment.yml", "environment.yaml", "conda.yml", "conda.yaml"})
_RECIPES = frozenset({"meta.yaml"})
_WHOLE_NAMES = _TOML | _ENVIRONMENTS | {"setup.cfg", "setup.py"}
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_METADATA = frozenset({"pyproject.toml", "setup.cfg", "setup.py"})
_PLACES = ("requirements", "docs", "doc", "tests", "test", "conda", "conda-recipe", "recipe")
_HIGHEST = 4
_ROOT_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


class ProjectFiles(NamedTuple):
    """What a project's files tell.

    Attributes:
        declarations: What they require.
        requires: Who requires whom, by its lockfiles and compiled requirements; normalized names.
    """

    declarations: Declarations = Declarations()
    requires: dict[str, set[str]] = {}  # noqa: RUF012 - never changed


def read_project_files(sources: Sequence[str], stdin: str) -> ProjectFiles:
    """Read what the sources' own project declares.

    A script with a metadata block (PEP 723) declares for itself. Any other source belongs to the nearest
    directory above it, or itself, that holds a file which declares something.

    Args:
        sources: As the user named them.
        stdin: The text of the source `-`.
    """
    parts: list[Declarations] = []
    requires: dict[str, set[str]] = {}
    seen: set[str] = set()
    for source in sources:
        own = _declared_in_itself(source, stdin)
        if own is not None:
            parts.append(own)
            # What uv writes beside a script with metadata.
            _read_lock(Path(f"{source}.lock"), requires)
            continue
        parts += _local_pythons(source)
        directory = _project_directory(source)
        if directory is not None and directory not in seen:
            seen.add(directory)
            files = _files_in(directory)
            parts.append(_read_all(files, requires))
            for name in _LOCKS:
                _read_lock(Path(directory, name), requires)
    if not parts:
        return ProjectFiles()
    from pannier.formats.declared import join

    return ProjectFiles(join(parts), requires)


def read_declaring_files(paths: Sequence[str]) -> ProjectFiles:
    """Read files that the user names as those that declare.

    Raises:
        SpecError: One is missing, or is nothing that declares requirements.
        OSError: One may not be read.
    """
    requires: dict[str, set[str]] = {}
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        names = ", ".join(f"`{path}`" for path in missing)
        raise SpecError(f"there is no file {names}", code="no-such-file")
    for path in paths:
        with Path(path).open("rb"):
            pass
    foreign = [path for path in paths if not declares(path)]
    if foreign:
        names = ", ".join(f"`{path}`" for path in foreign)
        raise SpecError(
            f"{names} declares no requirements",
            code="declares-nothing",
            facts={"read": "requirements.txt, pyproject.toml, setup.cfg, setup.py, Pipfile, environment.yml"},
        )
    declarations = _read_all([_path(path) for path in paths], requires, everything=True)
    for directory in dict.fromkeys(os.path.dirname(path) for path in paths):
        for name in _LOCKS:
            _read_lock(Path(directory, name), requires)
    return ProjectFiles(declarations, requires)


def declares(path: str) -> bool:
    """Whether a file is of a kind that declares requirements, by its name."""
    name = os.path.basename(path)
    return (
        name in _WHOLE_NAMES
        or name in _RECIPES
        or name.endswith((".txt", ".in", ".toml", ".yml", ".yaml", ".pip"))
    )


def _declared_in_itself(source: str, stdin: str) -> Declarations | None:
    path = Path(source)
    text = stdin if source == "-" else ""
    if source != "-" and path.suffix in {".py", ".pyw", ""} and path.is_file():
        text = _read(path)
    if _SCRIPT_MARK not in text:
        return None if source != "-" else Declarations()
    from pannier.formats.declared_script import declared_in_script

    return declared_in_script(text, source)


def directories_of(sources: Sequence[str]) -> list[str]:
    """The directories of the sources' projects, or their own, each once."""
    own = [source if Path(source).is_dir() else os.path.dirname(source) or os.curdir for source in sources]
    return list(
        dict.fromkeys(_project_directory(source) or place for source, place in zip(sources, own, strict=True))
    )


def _project_directory(source: str) -> str | None:
    """The directory of a source, or the nearest root of a project above it, where it declares something."""
    start = source if Path(source).is_dir() else os.path.dirname(source) or os.curdir
    directory = start
    for _ in range(_HIGHEST):
        is_root = any(os.path.lexists(os.path.join(directory, mark)) for mark in _ROOT_MARKS)
        if (is_root or directory == start) and (_files_in(directory) or _has_lock(directory)):
            return directory
        if os.path.lexists(os.path.join(directory, ".git")) or os.path.realpath(directory) == os.sep:
            return None
        directory = os.path.normpath(os.path.join(directory, os.pardir))
    return None


def _local_pythons(source: str) -> list[Declarations]:
    """What the nearest `.python-version` says, that of the source's directory or of one above it."""
    directory = source if Path(source).is_dir() else os.path.dirname(source) or os.curdir
    for _ in range(_HIGHEST):
        path = Path(directory, ".python-version")
        if os.path.isfile(path):  # noqa: PTH113 - of a directory that may not be looked into, nothing is there
            from pannier.formats.declared_lists import declared_in_python_version

            return [declared_in_python_version(_read(path), str(path))]
        if os.path.lexists(os.path.join(directory, ".git")) or os.path.realpath(directory) == os.sep:
            break
        directory = os.path.normpath(os.path.join(directory, os.pardir))
    return []


def _has_lock(directory: str) -> bool:
    return any(os.path.isfile(os.path.join(directory, name)) for name in _LOCKS)  # noqa: PTH113


def _files_in(directory: str) -> list[str]:
    """The files of a project that declare, those in its customary subdirectories among them."""
    found: list[str] = []
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return found
    present = set(names)
    kept = [name for name in names if name in _WHOLE_NAMES or _is_list(name)]
    found += [os.path.join(directory, name) if directory != os.curdir else name for name in kept]
    for place in _PLACES if found else ():
        if place in present:
            found += _files_below(directory, place)
    return [path for path in found if Path(path).is_file()]


def _files_below(directory: str, place: str) -> Iterator[str]:
    base = os.path.join(directory, place) if directory != os.curdir else place
    try:
        names = sorted(os.listdir(base))
    except OSError:
        return
    for name in names:
        is_list = name.endswith((".txt", ".in")) if place == "requirements" else _is_list(name)
        if is_list or (name in _RECIPES and place.startswith(("conda", "recipe"))):
            yield os.path.join(base, name)


def _is_list(name: str) -> bool:
    return "requirements" in name and name.endswith((".txt", ".in", ".pip"))


def _read_all(
    paths: Sequence[str], requires: dict[str, set[str]], *, everything: bool = False
) -> Declarations:
    """Read files, and those that they include, each once.

    Args:
        paths: The files.
        requires: Takes who requires whom.
        everything: Count every file that a path names as the program's, whatever it is called.
    """
    from pannier.formats.declared import join

    parts: list[Declarations] = []
    # What is metadata first: it may read the lists beside it.
    ordered = sorted(paths, key=lambda path: os.path.basename(path) not in _METADATA)
    pending = [_Pending(path, "main" if everything else None) for path in ordered]
    seen: set[str] = set()
    while pending:
        path, group, place = pending.pop(0)
        identity = os.path.realpath(path)
        if identity in seen:
            continue
        seen.add(identity)
        declarations = _read_one(_Pending(path, group, place), requires, _has_source(path, paths))
        parts.append(declarations)
        base = os.path.dirname(path)
        is_metadata = os.path.basename(path) in _METADATA
        pending[:0] = [
            _Pending(
                _path(os.path.normpath(os.path.join(base, name))),
                kind if is_metadata else group,
                METADATA_LIST if is_metadata else place,
            )
            for name, kind in declarations.includes
        ]
    return join(parts)


class _Pending(NamedTuple):
    """A file that waits to be read: for whom it is where that is known, and what its place is called."""

    path: str
    group: DeclaredGroup | None
    place: str = LIST


def _has_source(path: str, paths: Sequence[str]) -> bool:
    """Whether a compiled list stands beside what it was compiled from."""
    return any(
        other != path and other.endswith((".in", "pyproject.toml", "setup.cfg", "setup.py"))
        for other in paths
    )


def _path(name: str) -> str:
    return name.removeprefix("./")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return (
                stream.read(_LARGEST)
                .removeprefix(codecs.BOM_UTF8)
                .decode("utf-8", "replace")
                .replace("\r\n", "\n")
            )
    except OSError:
        return ""


def _read_one(pending: _Pending, requires: dict[str, set[str]], has_source: bool) -> Declarations:
    """Read one file by its name."""
    path = pending.path
    if os.path.isfile(path) and not os.access(path, os.R_OK):  # noqa: PTH113
        hidden = Undecided(Location(path, 1), "it may not be read by this user")
        return Declarations(files=(path,), undecided=(hidden,))
    name, text = os.path.basename(path), _read(Path(path))
    if name == "Pipfile" or name.endswith(".toml"):
        from pannier.formats import declared_toml

        read = declared_toml.declared_in_pipfile if name == "Pipfile" else declared_toml.declared_in_pyproject
        return read(text, path)
    if name in {"setup.cfg", "setup.py"}:
        from pannier.formats.declared_setup import declared_in_setup_cfg, declared_in_setup_script

        return (declared_in_setup_cfg if name == "setup.cfg" else declared_in_setup_script)(text, path)
    if name.endswith((".yml", ".yaml")):
        from pannier.formats.declared_lists import declared_in_environment, declared_in_recipe

        return (declared_in_recipe if name in _RECIPES else declared_in_environment)(text, path)
    return _read_list(pending, text, requires, has_source)


def _read_list(pending: _Pending, text: str, requires: dict[str, set[str]], has_source: bool) -> Declarations:
    from pannier.formats.declared_lists import declared_in_requirements, is_frozen, requirements_group
    from pannier.formats.requirement_graphs import graph_of_compiled, is_compiled

    group = pending.group or requirements_group(pending.path)
    place = FROZEN_LIST if pending.place == LIST and is_frozen(text) else pending.place
    declarations = declared_in_requirements(text, pending.path, group, place)
    if is_compiled(text):
        graph, asked = graph_of_compiled(text)
        _merge(graph, requires)
        kept = tuple(
            item
            for item in declarations.requirements
            if not has_source and normalized_name(item.name) in asked
        )
        declarations = declarations._replace(requirements=kept)
    return declarations


def _read_lock(path: Path, requires: dict[str, set[str]]) -> None:
    if path.is_file():
        from pannier.formats.requirement_graphs import graph_of_lock

        with path.open(encoding="utf-8", errors="replace") as stream:
            _merge(graph_of_lock(stream.read(), path.name), requires)


def _merge(graph: dict[str, set[str]], requires: dict[str, set[str]]) -> None:
    for name, needed in graph.items():
        requires.setdefault(name, set()).update(needed)
