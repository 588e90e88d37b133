"""What a program names and a pack of it leaves behind: data beside the script, unless it is included."""

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.programs import ProgramFiles
from pannier.model.events import Notice, Reporter

if TYPE_CHECKING:
    from pannier.imports.following.named_files import NamedFile

_PYTHON = (".py", ".pyw", "")


def warn_of_left_behind(program: ProgramFiles, reporter: Reporter) -> None:
    """Warn of files that a script and its modules name, that there are, and that do not travel with them."""
    from pannier.imports.following.named_files import named_files

    carried = {os.path.realpath(path) for _, path in program.files}
    packages = {
        place.removesuffix("/__init__.py").replace("/", "."): str(path.parent)
        for place, path in program.files
        if place.endswith("/__init__.py")
    }
    found: dict[str, tuple[NamedFile, Path]] = {}
    for _, path in program.files:
        tree = _parsed(path) if path.suffix in _PYTHON else None
        for one in named_files(tree, str(path.parent), packages) if tree is not None else ():
            if not _is_carried(one.path, carried):
                found.setdefault(one.path, (one, path))
    if found:
        reporter.warn(_notice({name: f"{path}:{one.line}" for name, (one, path) in found.items()}, found))


def _notice(places: dict[str, str], found: "dict[str, tuple[NamedFile, Path]]") -> Notice:
    beside = [f"{name}, at {places[name]}" for name, (one, _) in found.items() if one.is_beside]
    elsewhere = [f"{name}, at {places[name]}" for name, (one, _) in found.items() if not one.is_beside]
    facts = {"beside the program": beside, "from the working directory": elsewhere}
    options = " ".join(f"--include {name}" for name, (one, _) in found.items() if one.is_beside)
    hint = f"take them along with `{options}`, if it needs them there" if beside else ""
    if elsewhere and not beside:
        hint = (
            "they are looked for where the command is run; to take one along, name it from `__file__` "
            "and pack with `--include`"
        )
    return Notice(
        "the program names files that are not packed with it",
        "data-left-behind",
        {name: fact for name, fact in facts.items() if fact},
        hint,
    )


def _is_carried(path: str, carried: set[str]) -> bool:
    real = os.path.realpath(path)
    return real in carried or any(one.startswith(real + os.sep) for one in carried)


def _parsed(path: Path) -> ast.Module | None:
    from pannier.imports.text.reading import read_source

    source = read_source(str(path)).source
    try:
        return ast.parse(source.text) if source is not None else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
