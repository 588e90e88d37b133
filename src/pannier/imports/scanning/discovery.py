"""Calls that import modules which nobody names, but that lie in one package: plug-ins, lazy modules."""

import ast
import os
import re
from collections.abc import Iterator

from pannier.imports.scanning.literals import Scope, items, outlines
from pannier.imports.scanning.mentions import ALL, ALL_BELOW, Mention, argument, is_dotted_name
from pannier.imports.scanning.search_paths import directory_of

# What leaves only a part of the module's name open: `import_module(f"plugins.{name}")`.
_OPEN = r"(.*?)\._(\..*)?"
_FINDERS = {"iter_modules": ALL, "walk_packages": ALL_BELOW}


def discovered(name: str, call: ast.Call, scope: Scope) -> Iterator[Mention]:
    """The package whose modules a call looks for, all of them.

    Args:
        name: The function as its module has it.
        call: The call.
        scope: Where it stands.
    """
    last = name.rpartition(".")[2]
    if last == "define_import_structure":
        yield Mention("", names=(ALL,), level=1, is_own=True)
    elif last in _FINDERS and name.startswith(("pkgutil.", "setuptools.")):
        yield from _searched(argument(call, 0, "path"), _FINDERS[last], scope)


def partly_named(node: ast.expr | None, package: ast.expr | None, scope: Scope) -> Iterator[Mention]:
    """The package of a module whose name only begins in the file."""
    for outline in outlines(node, scope):
        match = re.fullmatch(_OPEN, outline)
        if match is None:
            continue
        names = (ALL_BELOW if match[2] else ALL,)
        above = match[1].lstrip(".")
        level = len(match[1]) - len(above)
        if (not match[1] and package is not None) or (match[1] == "_" and _begins_with_own_name(node)):
            yield Mention("", names=names, level=1, is_own=True)
        elif is_dotted_name(above) and "_" not in above.split("."):
            yield Mention(above, names=names, level=level + 1 if level else 0, is_own=True)


def _begins_with_own_name(node: ast.expr | None) -> bool:
    """Whether a text begins with the package's own name, as it has it itself."""
    if isinstance(node, ast.JoinedStr) and node.values:
        first = node.values[0]
        return isinstance(first, ast.FormattedValue) and _is_own_name(first.value)
    while isinstance(node, ast.BinOp):
        node = node.left
    return _is_own_name(node)


def _is_own_name(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Name) and node.id in {"__name__", "__package__"}


def _searched(node: ast.expr | None, names: str, scope: Scope) -> Iterator[Mention]:
    if isinstance(node, ast.Name) and node.id == "__path__":
        yield Mention("", names=(names,), level=1, is_own=True)
    elif isinstance(node, ast.Attribute) and node.attr == "__path__":
        module = scope.qualified(node.value)
        level = len(module) - len(module.lstrip("."))
        if is_dotted_name(module.lstrip(".")) and (level == 0 or isinstance(node.value, ast.Name)):
            yield Mention(module.lstrip("."), names=(names,), level=level, is_own=True)
    for item, inner in items(node, scope):
        directory = directory_of(item, inner)
        parts = [] if directory in {None, os.curdir} else (directory or "").split("/")
        if directory is not None and all(map(str.isidentifier, parts)):
            yield Mention(".".join(parts), names=(names,), level=1, is_own=True)
