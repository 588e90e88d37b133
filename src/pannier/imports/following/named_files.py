"""Files that a program names in its text, for those who carry it elsewhere: data beside the script."""

import ast
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pannier.imports.following.local import join
from pannier.imports.scanning.conditions import dotted_name
from pannier.imports.scanning.search_paths import PathReader

_LONGEST = 300
_DEEPEST = 8
_RESOURCES = frozenset(
    {"get_data", "open_text", "read_text", "open_binary", "read_binary", "path", "contents"}
)
# Where a library looks without being told.
_IMPLIED = {"Flask": ("templates", "static")}


class NamedFile(NamedTuple):
    """A file or directory that there is, and that a program names.

    Attributes:
        path: Where it lies.
        line: Where it is named.
        is_beside: It is looked for from the program's own place, not from the working directory.
    """

    path: str
    line: int
    is_beside: bool


def named_files(tree: ast.Module, directory: str, packages: Mapping[str, str]) -> list[NamedFile]:
    """The files that a module names and that there are, each once, in the order of the text.

    Args:
        tree: The module.
        directory: Its own.
        packages: The program's own packages, by their dotted names, with their directories.
    """
    nodes = list(ast.walk(tree))
    reader = PathReader(nodes)
    found: dict[str, NamedFile] = {}
    for node in nodes:
        if isinstance(node, ast.expr):
            for path, is_beside in _named(node, reader, directory, packages):
                if path not in found or is_beside > found[path].is_beside:
                    found[path] = NamedFile(path, node.lineno, is_beside)
    return _outermost(sorted(found.values(), key=lambda one: one.line))


def _named(
    node: ast.expr, reader: PathReader, directory: str, packages: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and 0 < len(node.value) < _LONGEST:
            yield from ((path, False) for path in _there(directory, node.value, is_file=True))
        return
    if isinstance(node, ast.Call):
        function = dotted_name(node.func).rpartition(".")[2]
        for name in _IMPLIED.get(function, ()):
            yield from ((path, True) for path in _there(directory, name))
        if function in _RESOURCES and len(node.args) > 1:
            yield from _resource(node.args[0], [node.args[1]], directory, packages)
    if isinstance(node, (ast.BinOp, ast.Call, ast.JoinedStr)):
        base, parts = _resource_path(node)
        if base is not None:
            yield from _resource(base, parts, directory, packages)
        elif _starts_from_file(node, reader):
            path = reader.path(node, 0)
            yield from ((one, True) for one in _there(directory, path or ""))


def _starts_from_file(node: ast.expr, reader: PathReader, depth: int = 0) -> bool:
    """Whether a path is made from `__file__`, by way of the module's names too."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            value = reader.values.get(inner.id)
            if inner.id == "__file__" or (
                value and depth < 8 and _starts_from_file(value, reader, depth + 1)
            ):
                return True
    return False


def _resource_path(node: ast.expr) -> tuple[ast.expr | None, list[ast.expr]]:
    """The package and the parts of `files("package") / "part"` and of its `joinpath`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        base, parts = _resource_path(node.left)
        return base, [*parts, node.right]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "joinpath":
            base, parts = _resource_path(node.func.value)
            return base, [*parts, *node.args]
        if dotted_name(node.func) in {"files", "resources.files", "importlib.resources.files"} and node.args:
            return node.args[0], []
    return None, []


def _resource(
    package: ast.expr, parts: list[ast.expr], directory: str, packages: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    base = None
    if isinstance(package, ast.Name):
        base = directory if package.id in {"__package__", "__name__"} else packages.get(package.id)
    elif isinstance(package, ast.Constant) and isinstance(package.value, str):
        base = packages.get(package.value)
    words = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if base is not None and words and len(words) == len(parts):
        yield from ((path, True) for path in _there(base, "/".join(words)))


def _there(directory: str, name: str, *, is_file: bool = False) -> Iterator[str]:
    """The path that a name is from a directory on, where something is there that may be data."""
    if not name or "\0" in name or "\n" in name or name.startswith(("/", "~")):
        return
    path = os.path.normpath(join(directory, name))
    try:
        exists = os.path.isfile(path) or (not is_file and os.path.isdir(path))  # noqa: PTH112, PTH113
    except (OSError, ValueError):
        return
    if exists and path not in {os.curdir, os.path.normpath(directory or os.curdir)}:
        yield path


def _outermost(found: list[NamedFile]) -> list[NamedFile]:
    """A directory is a step on the way to a file in it that is named as well."""
    return [
        one
        for one in found
        if not any(other.path.startswith(one.path + os.sep) for other in found if other is not one)
        and not (one.path.endswith(os.pardir) or one.path.startswith(os.pardir + os.sep + os.pardir))
    ]
