"""One pass over a syntax tree for everything that imports, and under which condition.

Only statements are visited: expressions cannot import except by calls that the text gives away beforehand.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pannier.imports.conditions import (
    Surroundings,
    Unknown,
    asks_availability,
    dotted_name,
    is_for_types,
    value,
    verdict,
)
from pannier.imports.guards import catches_import_errors, gives_up, modules_in, suppresses_import_errors
from pannier.imports.syntax import Feature, find_features
from pannier.model.analysis import ImportKind

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS_AND_BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith)
# Calls whose literal argument is a module that they import.
_IMPORTING_CALLS = frozenset({"import_module", "__import__", "importorskip", "import_string", "LazyLoader"})
_TELLING_TEXTS = ("import_module", "__import__", "importorskip", "import_string", "LazyLoader")
_LITERAL_OPERATORS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Attribute, ast.Subscript)


class ImportSite(NamedTuple):
    """One module named by one import.

    Attributes:
        module: Dotted name; empty for `from . import name`.
        names: What `from module import names` takes; `*` among them for a star.
        level: How many dots stand before it.
        kind: As the statement and what surrounds it tell.
        line: In the scanned text, from 1.
        column: From 1.
        fallbacks: Modules imported instead when this one is missing.
        instead_of: Modules whose absence brings this import about.
        is_certain: It takes place whenever the module is imported: in no function and under no condition.
    """

    module: str
    names: tuple[str, ...]
    level: int
    kind: ImportKind
    line: int
    column: int
    fallbacks: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()
    is_certain: bool = True


class Scan(NamedTuple):
    """What one source imports.

    Attributes:
        sites: In the order of the text.
        features: What bounds the Python version, each kind once.
    """

    sites: tuple[ImportSite, ...]
    features: tuple[Feature, ...] = ()


class _Context(NamedTuple):
    kind: ImportKind = "required"
    fallbacks: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()
    in_function: bool = False
    in_class: bool = False
    is_certain: bool = True

    def weakened(self, kind: ImportKind, fallbacks: tuple[str, ...] = ()) -> "_Context":
        """This context inside another condition; for types stays for types."""
        if self.kind == "typing":
            return self
        return self._replace(kind=kind, fallbacks=fallbacks, is_certain=False)


def scan_tree(
    tree: ast.Module,
    text: str,
    surroundings: Surroundings,
    *,
    toplevel: bool = False,
    wanted: frozenset[int] | None = None,
) -> Scan:
    """Find the imports of a module.

    Args:
        tree: The module.
        text: What it was parsed from.
        surroundings: The Python and platform that decide conditional imports.
        toplevel: Leave out imports inside functions.
        wanted: Identities (`id`) of the only imported names and calls to report; `None` for all.
    """
    scanner = _Scanner(surroundings, text, toplevel, wanted)
    scanner.visit_body(tree.body, _Context())
    return Scan(tuple(scanner.sites), find_features(tree))


class _Scanner:
    def __init__(
        self, surroundings: Surroundings, text: str, toplevel: bool, wanted: frozenset[int] | None
    ) -> None:
        self.sites: list[ImportSite] = []
        self.surroundings = surroundings
        self.toplevel = toplevel
        self.wanted = wanted
        self.literals: dict[str, tuple[str, ...]] = {}
        self.has_calls = any(telling in text for telling in _TELLING_TEXTS)

    def visit_body(self, body: Iterable[ast.stmt], context: _Context) -> None:
        for statement in body:
            if self.has_calls:
                self.visit_calls(statement, context)
            if isinstance(statement, ast.Import):
                self.visit_import(statement, context)
            elif isinstance(statement, ast.ImportFrom):
                self.visit_import_from(statement, context)
            elif isinstance(statement, ast.Assign):
                self.visit_assignment(statement, context)
            elif not isinstance(statement, (ast.Expr, ast.Return, ast.AugAssign)):
                self.visit_compound(statement, context)

    def visit_compound(self, statement: ast.stmt, context: _Context) -> None:
        if isinstance(statement, ast.If):
            self.visit_if(statement, context)
        elif isinstance(statement, _FUNCTIONS):
            self.visit_function(statement, context)
        elif isinstance(statement, ast.ClassDef):
            self.visit_body(statement.body, context._replace(in_class=True))
        elif isinstance(statement, (ast.Try, ast.TryStar)):
            self.visit_try(statement, context)
        elif isinstance(statement, _LOOPS_AND_BLOCKS):
            self.visit_block(statement, context)
        elif isinstance(statement, ast.Match):
            for case in statement.cases:
                self.visit_body(case.body, context)

    def visit_import(self, statement: ast.Import, context: _Context) -> None:
        for alias in statement.names:
            if self.is_wanted(alias):
                self.add(statement, alias.name, (), 0, context)

    def visit_import_from(self, statement: ast.ImportFrom, context: _Context) -> None:
        names = tuple(alias.name for alias in statement.names if self.is_wanted(alias))
        if statement.module == "sys" and not statement.level:
            facts = self.surroundings.facts()
            for alias in statement.names:
                if f"sys.{alias.name}" in facts:
                    self.surroundings.constants[alias.asname or alias.name] = facts[f"sys.{alias.name}"]
        if names:
            self.add(statement, statement.module or "", names, statement.level, context)

    def is_wanted(self, node: ast.AST) -> bool:
        """Whether the functions asked for reach a name or a call."""
        return self.wanted is None or id(node) in self.wanted

    def add(
        self,
        node: ast.stmt | ast.expr,
        module: str,
        names: tuple[str, ...],
        level: int,
        context: _Context,
    ) -> None:
        kind: ImportKind = context.kind
        if isinstance(node, ast.Call) and kind == "required":
            kind = "dynamic"
        site = ImportSite(
            module,
            names,
            level,
            kind,
            node.lineno,
            node.col_offset + 1,
            context.fallbacks,
            context.instead_of,
            context.is_certain and not context.instead_of,
        )
        self.sites.append(site)

    def visit_assignment(self, statement: ast.Assign, context: _Context) -> None:
        if context.in_function or context.in_class or len(statement.targets) != 1:
            return
        target = statement.targets[0]
        if not isinstance(target, ast.Name):
            return
        if isinstance(statement.value, _LITERAL_OPERATORS):
            try:
                self.surroundings.constants[target.id] = value(statement.value, self.surroundings)
            except (Unknown, TypeError, IndexError, KeyError, ValueError):
                self.surroundings.constants.pop(target.id, None)
        elif self.has_calls:
            self.note_literals(target, statement.value)

    def visit_if(self, statement: ast.If, context: _Context) -> None:
        negated = isinstance(statement.test, ast.UnaryOp) and isinstance(statement.test.op, ast.Not)
        inner = (
            statement.test.operand if isinstance(statement.test, ast.UnaryOp) and negated else statement.test
        )
        body, otherwise = (
            (statement.orelse, statement.body) if negated else (statement.body, statement.orelse)
        )
        if is_for_types(inner):
            self.visit_body(body, context.weakened("typing"))
            self.visit_body(otherwise, context)
            return
        holds = verdict(statement.test, self.surroundings)
        if holds is None:
            either = context._replace(is_certain=False)
            self.visit_body(body, either.weakened("optional") if asks_availability(inner) else either)
            self.visit_body(otherwise, either)
        else:
            self.visit_body(statement.body if holds else statement.orelse, context)

    def visit_function(self, statement: ast.FunctionDef | ast.AsyncFunctionDef, context: _Context) -> None:
        if not self.toplevel:
            # What surrounds a `def` guards its definition, not its calls.
            kind: ImportKind = "typing" if context.kind == "typing" else "required"
            self.visit_body(statement.body, _Context(kind=kind, in_function=True, is_certain=False))

    def visit_block(
        self, statement: ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith, context: _Context
    ) -> None:
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            if any(suppresses_import_errors(item.context_expr) for item in statement.items):
                context = context.weakened("optional")
            self.visit_body(statement.body, context)
            return
        if self.has_calls and isinstance(statement, ast.For) and isinstance(statement.target, ast.Name):
            self.note_literals(statement.target, statement.iter)
            for call in self.importing_calls(statement.body):
                self.add_call(call, context)
        self.visit_body(statement.body, context)
        self.visit_body(statement.orelse, context)

    def visit_try(self, statement: ast.Try | ast.TryStar, context: _Context) -> None:
        catching = [handler for handler in statement.handlers if catches_import_errors(handler, statement)]
        tried = tuple(modules_in(statement.body))
        guarded = context
        if catching and not all(gives_up(handler.body) for handler in catching):
            rescues = (name for handler in catching for name in modules_in(handler.body))
            guarded = context.weakened("optional", tuple(rescues))
        self.visit_body(statement.body, guarded)
        for handler in statement.handlers:
            rescue = context._replace(instead_of=tried) if handler in catching else context
            self.visit_body(handler.body, rescue)
        self.visit_body(statement.orelse, guarded._replace(fallbacks=()))
        self.visit_body(statement.finalbody, context)

    def visit_calls(self, statement: ast.stmt, context: _Context) -> None:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr | ast.withitem | ast.arguments | ast.keyword):
                for node in ast.walk(child):
                    if isinstance(node, ast.Call):
                        self.add_call(node, context)

    def importing_calls(self, body: list[ast.stmt]) -> Iterator[ast.Call]:
        """Calls in a loop's body that may import what its variable says."""
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
                    yield node

    def add_call(self, node: ast.Call, context: _Context) -> None:
        function = dotted_name(node.func).rpartition(".")[2]
        if function not in _IMPORTING_CALLS or not self.is_wanted(node):
            return
        arguments = [*node.args, *(word.value for word in node.keywords if word.arg == "name")]
        if function == "LazyLoader":
            arguments = arguments[2:3]
        if not arguments:
            return
        if function == "importorskip":
            context = context.weakened("optional")
        for text in self.literal(arguments[0]):
            module, names = text.lstrip("."), ()
            if function == "import_string":
                module = module.rpartition(".")[0]
            if all(part.isidentifier() for part in module.split(".")):
                self.add(node, module, names, len(text) - len(text.lstrip(".")), context)

    def literal(self, node: ast.expr) -> tuple[str, ...]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return (node.value,)
        if isinstance(node, ast.Name):
            return self.literals.get(node.id, ())
        return ()

    def note_literals(self, target: ast.Name, node: ast.expr) -> None:
        items = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
        texts = [
            item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)
        ]
        if texts and len(texts) == len(items):
            self.literals[target.id] = tuple(texts)
        else:
            self.literals.pop(target.id, None)
