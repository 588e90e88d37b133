"""Directories that a program adds to `sys.path` itself, as far as its text tells where they are."""

import ast
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pannier.imports.scanning.conditions import dotted_name
from pannier.imports.scanning.walking import walk

if TYPE_CHECKING:
    from pannier.imports.scanning.literals import Scope

TELLING_TEXTS = ("sys.path", "addsitedir")
# What changes the path, and does not only read it.
_CHANGES = r"""(?x)\bpath[ \t]*\.[ \t]*(?:append|insert|extend)\b
    |\bsys[ \t]*\.[ \t]*path[ \t]*(?:\[[^\n]*\][ \t]*)?[-+*|]?=(?!=)"""
_ADDING = {"append": 0, "insert": 1, "extend": 0}
# The file itself, in whose terms all else is spelled.
_FILE = "./\0"
_SAME = frozenset(
    {
        *("abspath", "realpath", "normpath", "expanduser", "fspath", "str", "Path", "PurePath", "resolve"),
        *("absolute", "as_posix", "__str__", "strip"),
    }
)
_CURRENT = frozenset({"getcwd", "cwd", "getcwdu"})
_DEEPEST = 20


def may_add_directories(text: str) -> bool:
    """Whether a module may change `sys.path`; all of it says how."""
    path, function = TELLING_TEXTS
    return (path in text and re.search(_CHANGES, text) is not None) or function in text


def added_directories(tree: ast.Module, text: str) -> tuple[str, ...]:
    """The directories that a module adds to `sys.path`, relative to its own, in the order of the text.

    Paths that start from the working directory are taken to start from the module's: that is where such a
    program runs. What only running tells is left out.
    """
    if not may_add_directories(text):
        return ()
    nodes = [node for node in walk(tree) if isinstance(node, (ast.Call, ast.Assign, ast.AugAssign))]
    reader = PathReader(nodes)
    found = [path for node in nodes for path in reader.added(node)]
    return tuple(dict.fromkeys(path for path in found if path and "\0" not in path))


def directory_of(node: ast.expr, scope: "Scope") -> str | None:
    """The path that an expression is, relative to its module's directory; `None` when only running tells."""
    reader = PathReader(())
    while scope.outer is not None:
        scope = scope.outer
    for name, bindings in scope.bindings.items():
        if bindings[0].node is not None and bindings[0].how == "value":
            reader.values[name] = bindings[0].node
    path = reader.path(node, 0)
    return None if path is None or "\0" in path or path.startswith("/") else os.path.normpath(path)


class PathReader:
    """Works out paths that a module's text tells, from its own directory on.

    Args:
        nodes: The module's assignments, among others.

    Attributes:
        values: Names of the module to what they are first assigned.
    """

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self.values: dict[str, ast.expr] = {}
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    self.values.setdefault(target.id, node.value)

    def added(self, node: ast.AST) -> Iterator[str]:
        """The directories that one statement or call adds."""
        if isinstance(node, ast.Call):
            name = dotted_name(node.func)
            owner, _, method = name.rpartition(".")
            if owner in {"sys.path", "path"} and method in _ADDING and len(node.args) > _ADDING[method]:
                yield from self.directories(node.args[_ADDING[method]])
            elif method == "addsitedir" and node.args:
                yield from self.directories(node.args[0])
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [dotted_name(one.value if isinstance(one, ast.Subscript) else one) for one in targets]
            if "sys.path" in names:
                yield from self.directories(node.value)

    def directories(self, node: ast.expr) -> Iterator[str]:
        """The directories that an expression is, or holds."""
        if isinstance(node, (ast.List, ast.Tuple)):
            for item in node.elts:
                yield from self.directories(item.value if isinstance(item, ast.Starred) else item)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _holds_list(node):
            yield from self.directories(node.left)
            yield from self.directories(node.right)
        elif dotted_name(node) != "sys.path":
            path = self.path(node, 0)
            if path is not None:
                yield os.path.normpath(path)

    def path(self, node: ast.expr, depth: int) -> str | None:
        """The path that an expression is, from the module's directory on; `None` when only running tells."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._named(node.id, depth)
        if isinstance(node, ast.BinOp):
            return self._joined([node.left, node.right], depth, "" if isinstance(node.op, ast.Add) else "/")
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
            return self._joined(parts, depth, "")
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        if isinstance(node, ast.Subscript):
            return self._ancestor(node, depth)
        return self._called(node, depth) if isinstance(node, ast.Call) else None

    def _named(self, name: str, depth: int) -> str | None:
        if name == "__file__":
            return _FILE
        return self.path(self.values[name], depth + 1) if name in self.values else None

    def _attribute(self, node: ast.Attribute, depth: int) -> str | None:
        constant = {"os.pardir": "..", "os.curdir": ".", "os.sep": "/", "os.path.sep": "/"}
        if (name := dotted_name(node)) in constant:
            return constant[name]
        return _up(self.path(node.value, depth + 1)) if node.attr == "parent" else None

    def _ancestor(self, node: ast.Subscript, depth: int) -> str | None:
        """`Path(__file__).parents[2]`, and `sys.path[0]`, which is the script's directory."""
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if dotted_name(node.value) == "sys.path" and place == 0:
            return "."
        if not isinstance(node.value, ast.Attribute) or node.value.attr != "parents":
            return None
        path = self.path(node.value.value, depth + 1)
        for _ in range(place + 1 if isinstance(place, int) and 0 <= place < _DEEPEST else 0):
            path = _up(path)
        return path

    def _called(self, node: ast.Call, depth: int) -> str | None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted_name(node.func)
        is_method = isinstance(node.func, ast.Attribute) and not dotted_name(node.func).startswith(
            ("os.", "pathlib.")
        )
        owner = node.func.value if isinstance(node.func, ast.Attribute) and is_method else None
        if name in _CURRENT:
            return "."
        if name == "dirname" and node.args:
            return _up(self.path(node.args[0], depth + 1))
        if name in {"join", "joinpath"}:
            parts = [owner, *node.args] if name == "joinpath" and owner is not None else node.args
            return self._joined(parts, depth, "/")
        if name in _SAME:
            inner = node.args[0] if node.args else owner
            return self.path(inner, depth + 1) if inner is not None else None
        return None

    def _joined(self, nodes: Sequence[ast.expr], depth: int, separator: str) -> str | None:
        parts = [self.path(node, depth + 1) for node in nodes]
        known = [part for part in parts if part is not None]
        return separator.join(known) if len(known) == len(parts) else None


def _holds_list(node: ast.expr) -> bool:
    return any(
        isinstance(inner, ast.List) or dotted_name(inner) == "sys.path"
        for inner in ast.walk(node)
        if isinstance(inner, ast.expr)
    )


def _up(path: str | None) -> str | None:
    """The directory above, spelled relative."""
    if path is None:
        return None
    if path.endswith("\0"):
        return path[:-1].rstrip("/") or "."
    return os.path.join(path, os.pardir)
