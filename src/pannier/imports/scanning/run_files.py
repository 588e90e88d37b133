"""Calls that run files of the program by their paths: `run_path`, `execfile`, `python worker.py`, loaders."""

import ast
import os
import re
from collections.abc import Container, Iterator, Sequence

from pannier.imports.scanning.literals import Scope, items, outlines
from pannier.imports.scanning.mentions import RUN, File, Mention, Mentions, argument
from pannier.imports.scanning.search_paths import directory_of

# Which argument is the path, and what it is called.
_LOADERS = {
    "run_path": (0, "path_name"),
    "execfile": (0, "filename"),
    "load_source": (1, "pathname"),
    "spec_from_file_location": (1, "location"),
    "SourceFileLoader": (1, "path"),
}
_COMMAND = r"(?:^|[\s/])python[\d.]*(?:\s+-[a-zA-Z]+)*\s+([\w./-]+\.py)\b"
_PYTHON = r"(?:.*/)?(?:python|pypy|py)[\d.]*w?(?:\.exe)?"
_SUFFIX = ".py"
_READING = frozenset({"open", "Path"})


def find_run_files(file: File, found: Mentions, commands: Container[str]) -> None:
    """Add the files beside its own that calls of a file run, as modules relative to it.

    Args:
        file: The file.
        found: Where they are added.
        commands: Last parts of the names of functions that run commands.
    """
    for call, scope in file.calls:
        found.add(call, _run_files(scope.qualified(call.func), call, scope, commands))


def _run_files(name: str, call: ast.Call, scope: Scope, commands: Container[str]) -> Iterator[Mention]:
    last = name.rpartition(".")[2]
    if last in _LOADERS:
        yield from _file(argument(call, *_LOADERS[last]), scope)
    elif last == "exec" and call.args:
        for inner in ast.walk(call.args[0]):
            if isinstance(inner, ast.Call) and inner.args and scope.qualified(inner.func)[-4:] in _READING:
                yield from _file(inner.args[0], scope)
    elif last in commands:
        yield from _commanded(call, scope)


def _commanded(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    for node in call.args[:1]:
        words = [item for item, _ in items(node, scope)]
        if len(words) > 1 and _is_python(words[0], scope):
            script = next((word for word in words[1:] if not _is_option(word)), None)
            yield from _file(script, scope)
        elif not words:
            for text in outlines(node, scope):
                for match in re.finditer(_COMMAND, text):
                    yield from _module(match[1])


def _is_python(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and re.fullmatch(_PYTHON, node.value) is not None
    return scope.qualified(node).rpartition(".")[2] == "executable"


def _is_option(node: ast.expr) -> bool:
    """Whether it is an option of Python's own that leaves the script to come."""
    return isinstance(node, ast.Constant) and node.value in {"-u", "-B", "-O", "-OO", "-I", "-E", "-s", "-S"}


def _file(node: ast.expr | None, scope: Scope) -> Iterator[Mention]:
    path = directory_of(node, scope) if node is not None else None
    if path is not None:
        yield from _module(path)


def _module(path: str) -> Iterator[Mention]:
    path = os.path.normpath(path)
    parts: Sequence[str] = path.removesuffix(_SUFFIX).split("/")
    above = sum(part == os.pardir for part in parts)
    parts = parts[above:]
    if path.endswith(_SUFFIX) and parts and not any("." in part or not part for part in parts):
        yield Mention(".".join(parts), names=(RUN,), level=1 + above, is_own=True)
