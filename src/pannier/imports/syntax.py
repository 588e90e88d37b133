"""Syntax and names that only some Pythons have, found in a syntax tree."""

import ast
from typing import NamedTuple


class Feature(NamedTuple):
    """Something that bounds the Python that can run a source.

    Attributes:
        name: What it is, for people.
        line: Where it first stands in the scanned text, from 1.
        since: The first version that has it.
        before: The first version that no longer has it.
    """

    name: str
    line: int
    since: tuple[int, int] | None = None
    before: tuple[int, int] | None = None


def find_features(tree: ast.Module) -> tuple[Feature, ...]:
    """The syntax that bounds the Python version, each kind where it first stands."""
    found: dict[str, Feature] = {}
    for node in ast.walk(tree):
        for name, since in _syntax_of(node):
            line = getattr(node, "lineno", 1)
            if name not in found or line < found[name].line:
                found[name] = Feature(name, line, since)
    return tuple(sorted(found.values(), key=lambda feature: (feature.line, feature.name)))


def _syntax_of(node: ast.AST) -> list[tuple[str, tuple[int, int]]]:
    if isinstance(node, ast.NamedExpr):
        return [("assignment expression", (3, 8))]
    if isinstance(node, ast.Match):
        return [("`match` statement", (3, 10))]
    if isinstance(node, ast.TryStar):
        return [("`except*`", (3, 11))]
    if type(node).__name__ == "TypeAlias":
        return [("`type` statement", (3, 12))]
    found: list[tuple[str, tuple[int, int]]] = []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.args.posonlyargs:
        found.append(("positional-only parameter", (3, 8)))
    if getattr(node, "type_params", None):
        found.append(("type parameter", (3, 12)))
    return found
