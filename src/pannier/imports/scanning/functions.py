"""What a function needs of its module: its own imports, and those behind every name that it uses."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pannier.imports.scanning.conditions import dotted_name

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reach(NamedTuple):
    """What some functions of a module reach.

    Attributes:
        nodes: Identities (`id`) of the imported names (`ast.alias`) behind them, and of all that they run.
        found: The functions that the module has, of those asked for.
    """

    nodes: frozenset[int]
    found: frozenset[str]


def function_names(tree: ast.Module) -> tuple[str, ...]:
    """Every function of a module, methods as `Class.method`, in the order of the text."""
    return tuple(name for name, *_ in _functions(tree.body, ""))


def reach(tree: ast.Module, functions: Sequence[str]) -> Reach:
    """Follow functions to the imports they need.

    Names are followed through the module's own helpers, classes and assignments, as often as it takes.

    Args:
        tree: The module.
        functions: Names as `function_names` gives them; a method or a nested function also by its last part.
    """
    found: set[str] = set()
    walker = _Walker(_bindings(tree))
    for name, node, owner in _functions(tree.body, ""):
        for asked in functions:
            if asked in (name, name.rpartition(".")[2]):
                found.add(asked)
                walker.follow(node)
                if owner is not None:
                    walker.follow_method(node, owner)
    for asked in functions:
        # What is called may be no `def`: `f = lambda x: ...`, `f = numpy.vectorize(g)`.
        made = [node for node in walker.bindings.get(asked, ()) if _makes_function(node)]
        if made and asked not in found:
            found.add(asked)
            for statement in made:
                walker.follow(statement)
    walker.finish()
    return Reach(frozenset(walker.nodes), frozenset(found))


def _functions(
    body: Sequence[ast.stmt], prefix: str, owner: ast.ClassDef | None = None
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, ast.ClassDef | None]]:
    """Every function with its dotted name, and the class that it is a method of."""
    for statement in body:
        if isinstance(statement, _DEFINITIONS):
            name = prefix + statement.name
            if isinstance(statement, _FUNCTIONS):
                yield name, statement, owner
            inside = statement if isinstance(statement, ast.ClassDef) else None
            yield from _functions(statement.body, f"{name}.", inside)
        else:
            for inner in _inner_bodies(statement):
                yield from _functions(inner, prefix, owner)


def _makes_function(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, (ast.Lambda, ast.Call))


def _inner_bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for part in ("body", "orelse", "finalbody"):
        inner = getattr(statement, part, None)
        if isinstance(inner, list):
            yield inner
    for handler in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
        yield handler.body


def _bindings(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """Module-level names to the statements or imported names that bind them, inside `if` and `try` too.

    A function that declares a name `global` binds it too, and so may a call of its method (`TABLE.update()`).
    """
    bindings: dict[str, list[ast.AST]] = {}
    for _, function, _ in _functions(tree.body, ""):
        for node in ast.walk(function):
            for name in node.names if isinstance(node, ast.Global) else ():
                bindings.setdefault(name, []).append(function)
    for statement in _leaves(tree.body):
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
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute):
            yield dotted_name(function).partition(".")[0]
    if isinstance(statement, (ast.Assign, ast.Expr, ast.If, ast.While)):
        test = statement.value if isinstance(statement, (ast.Assign, ast.Expr)) else statement.test
        yield from (node.target.id for node in ast.walk(test) if isinstance(node, ast.NamedExpr))


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

    def follow_method(self, method: ast.AST, owner: ast.ClassDef) -> None:
        """Follow what calling a method needs of its class: bases, decorators, attributes, `self.other()`."""
        for part in (*owner.bases, *owner.keywords, *owner.decorator_list):
            self.follow(part)
        by_name: dict[str, list[ast.AST]] = {}
        for statement in owner.body:
            if isinstance(statement, _FUNCTIONS):
                by_name.setdefault(statement.name, []).append(statement)
            else:
                self.follow(statement)
        pending = [method, *(one for name in ("__init__", "__new__") for one in by_name.pop(name, ()))]
        while pending:
            current = pending.pop()
            self.follow(current)
            for node in ast.walk(current):
                if isinstance(node, ast.Attribute) and node.attr in by_name:
                    pending.extend(by_name.pop(node.attr))

    def finish(self) -> None:
        """A name that nothing here binds may come from any star import of the module."""
        if self.missing_name:
            self.nodes.update(map(id, self.bindings.get("*", [])))

    def _visit(self, root: ast.AST) -> Iterator[str]:
        for node in ast.walk(root):
            self.nodes.add(id(node))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
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
