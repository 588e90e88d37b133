"""What a function needs of its module: its own imports, and those behind every name that it uses."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reach(NamedTuple):
    """What some functions of a module reach.

    Attributes:
        nodes: Identities (`id`) of the imported names (`ast.alias`) and the calls behind them.
        found: The functions that the module has, of those asked for.
    """

    nodes: frozenset[int]
    found: frozenset[str]


def function_names(tree: ast.Module) -> tuple[str, ...]:
    """Every function of a module, methods as `Class.method`, in the order of the text."""
    return tuple(name for name, _ in _functions(tree.body, ""))


def reach(tree: ast.Module, functions: Sequence[str]) -> Reach:
    """Follow functions to the imports they need.

    Names are followed through the module's own helpers, classes and assignments, as often as it takes.

    Args:
        tree: The module.
        functions: Names as `function_names` gives them; a method or a nested function also by its last part.
    """
    found: set[str] = set()
    walker = _Walker(_bindings(tree.body))
    for name, node in _functions(tree.body, ""):
        for asked in functions:
            if asked in (name, name.rpartition(".")[2]):
                found.add(asked)
                walker.follow(node)
    walker.finish()
    return Reach(frozenset(walker.nodes), frozenset(found))


def _functions(
    body: Sequence[ast.stmt], prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for statement in body:
        if isinstance(statement, _DEFINITIONS):
            name = prefix + statement.name
            if isinstance(statement, _FUNCTIONS):
                yield name, statement
            yield from _functions(statement.body, f"{name}.")
        else:
            for inner in _inner_bodies(statement):
                yield from _functions(inner, prefix)


def _inner_bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for part in ("body", "orelse", "finalbody"):
        inner = getattr(statement, part, None)
        if isinstance(inner, list):
            yield inner
    for handler in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
        yield handler.body


def _bindings(body: Sequence[ast.stmt]) -> dict[str, list[ast.AST]]:
    """Module-level names to the statements or imported names that bind them, inside `if` and `try` too."""
    bindings: dict[str, list[ast.AST]] = {}
    for statement in _leaves(body):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                bindings.setdefault(alias.asname or alias.name.partition(".")[0], []).append(alias)
        for name in _bound_names(statement):
            bindings.setdefault(name, []).append(statement)
    return bindings


def _leaves(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if not isinstance(statement, _DEFINITIONS):
            for inner in _inner_bodies(statement):
                yield from _leaves(inner)


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITIONS):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _target_names(target)
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor)):
        yield from _target_names(statement.target)
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            if item.optional_vars:
                yield from _target_names(item.optional_vars)


def _target_names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


@dataclass(slots=True)
class _Walker:
    bindings: dict[str, list[ast.AST]]
    nodes: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    missing_name: bool = False

    def follow(self, root: ast.AST) -> None:
        pending = [root]
        while pending:
            current = pending.pop()
            if id(current) in self.seen:
                continue
            self.seen.add(id(current))
            for name in self._visit(current):
                if name in self.bindings:
                    pending.extend(self._parts(self.bindings[name]))
                else:
                    self.missing_name = True

    def finish(self) -> None:
        """A name that nothing here binds may come from any star import of the module."""
        if self.missing_name:
            self.nodes.update(map(id, self.bindings.get("*", [])))

    def _visit(self, root: ast.AST) -> Iterator[str]:
        for node in ast.walk(root):
            if isinstance(node, (ast.alias, ast.Call)):
                self.nodes.add(id(node))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id

    def _parts(self, statements: Sequence[ast.AST]) -> Iterator[ast.AST]:
        """Of a loop or a `with`, only its header binds; its body is reached by the names in it."""
        for statement in statements:
            if isinstance(statement, (ast.For, ast.AsyncFor)):
                yield statement.iter
            elif isinstance(statement, (ast.With, ast.AsyncWith)):
                yield from (item.context_expr for item in statement.items)
            else:
                yield statement
