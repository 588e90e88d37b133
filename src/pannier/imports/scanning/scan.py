"""One pass over a syntax tree for everything that imports, and under which condition.

Only statements are visited: expressions cannot import except by calls that the text gives away beforehand.
"""

import ast
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pannier.imports.scanning.conditions import (
    Surroundings,
    Unknown,
    asks_availability,
    is_for_types,
    value,
    verdict,
)
from pannier.imports.scanning.guards import (
    bound_in,
    catches_import_errors,
    gives_up,
    modules_in,
    suppresses_import_errors,
)
from pannier.imports.scanning.idioms import find_mentions
from pannier.imports.scanning.mentions import Mentions
from pannier.imports.scanning.search_paths import added_directories
from pannier.imports.scanning.tells import Tells
from pannier.imports.text.syntax import Feature
from pannier.model.analysis import ImportKind

_LITERAL_OPERATORS = (ast.IfExp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Attribute, ast.Subscript)


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
        alternatives: Modules that serve as well; the one that the program imports anyway is meant.
        is_project: `module` is a project's name, as `importlib.metadata` takes it.
        is_own: It can only be a module of the program itself.
        in_function: It takes place when a function is called, if ever.
        is_handled: Something else than the import's own error tells of its absence.
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
    alternatives: tuple[str, ...] = ()
    is_project: bool = False
    is_own: bool = False
    in_function: bool = False
    is_handled: bool = False


class Scan(NamedTuple):
    """What one source imports.

    Attributes:
        sites: In the order of the text.
        features: What bounds the Python version, each kind once.
        directories: What it adds to `sys.path`, relative to its own directory.
    """

    sites: tuple[ImportSite, ...]
    features: tuple[Feature, ...] = ()
    directories: tuple[str, ...] = ()


class _Context(NamedTuple):
    kind: ImportKind = "required"
    fallbacks: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()
    in_function: bool = False
    in_class: bool = False
    is_certain: bool = True
    is_handled: bool = False

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
    tells: Tells = Tells(None, has_backends=True),  # noqa: B008 - a value, never changed
) -> Scan:
    """Find the imports of a module.

    Args:
        tree: The module.
        text: What it was parsed from.
        surroundings: The Python and platform that decide conditional imports.
        toplevel: Leave out imports inside functions.
        wanted: Identities (`id`) of the only imported names and calls to report; `None` for all.
        tells: What gives away that it may name modules by texts, too.
    """
    mentions = Mentions()
    if tells.places != ():
        mentions = find_mentions(tree, text, surroundings, has_backends=tells.has_backends)
    scanner = _Scanner(surroundings, mentions, toplevel, wanted)
    scanner.visit_body(tree.body, _Context())
    # What changes the path is among what only all of a file tells.
    directories = added_directories(tree, text) if tells.places is None else ()
    return Scan(tuple(scanner.sites), directories=directories)


class _Scanner:
    def __init__(
        self, surroundings: Surroundings, mentions: Mentions, toplevel: bool, wanted: frozenset[int] | None
    ) -> None:
        self.sites: list[ImportSite] = []
        self.surroundings = surroundings
        self.toplevel = toplevel
        self.wanted = wanted
        self.mentions = mentions
        self.for_types: frozenset[str] = frozenset()
        self.flags: set[str] = set()

    def visit_body(self, body: Iterable[ast.stmt], context: _Context) -> None:
        for statement in body:
            if self.mentions and self.mentions.touch(statement):
                self.visit_mentions(statement, context)
            visit = _VISITS.get(statement.__class__)
            if visit is not None:
                visit(self, statement, context)

    def visit_class(self, statement: ast.ClassDef, context: _Context) -> None:
        self.visit_body(statement.body, context._replace(in_class=True))

    def visit_match(self, statement: ast.Match, context: _Context) -> None:
        for case in statement.cases:
            self.visit_body(case.body, context)

    def visit_import(self, statement: ast.Import, context: _Context) -> None:
        for alias in statement.names:
            if self.is_wanted(alias):
                self.add(statement, alias.name, (), 0, context)

    def visit_import_from(self, statement: ast.ImportFrom, context: _Context) -> None:
        names = tuple(alias.name for alias in statement.names if self.is_wanted(alias))
        if statement.module in {"typing", "typing_extensions"}:
            for alias in statement.names:
                if alias.name == "TYPE_CHECKING" and alias.asname:
                    self.for_types |= {alias.asname}
        if statement.module == "sys" and not statement.level:
            facts = self.surroundings.facts
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
        self.sites.append(self.site(node, module, names, level, context))

    def site(
        self,
        node: ast.stmt | ast.expr,
        module: str,
        names: tuple[str, ...],
        level: int,
        context: _Context,
    ) -> ImportSite:
        """What an import in a context is."""
        return ImportSite(
            module,
            names,
            level,
            context.kind,
            node.lineno,
            node.col_offset + 1,
            context.fallbacks,
            context.instead_of,
            context.is_certain and not context.instead_of,
            in_function=context.in_function,
            is_handled=context.is_handled,
        )

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

    def visit_if(self, statement: ast.If, context: _Context) -> None:
        negated = isinstance(statement.test, ast.UnaryOp) and isinstance(statement.test.op, ast.Not)
        inner = (
            statement.test.operand if isinstance(statement.test, ast.UnaryOp) and negated else statement.test
        )
        body, otherwise = (
            (statement.orelse, statement.body) if negated else (statement.body, statement.orelse)
        )
        if is_for_types(inner, self.for_types):
            self.visit_body(body, context.weakened("typing"))
            self.visit_body(otherwise, context)
            return
        holds = verdict(statement.test, self.surroundings)
        if isinstance(inner, ast.BoolOp) and any(is_for_types(part, self.for_types) for part in inner.values):
            # `TYPE_CHECKING or ...`: the other operands decide when the program runs.
            holds = self.holds_without_types(inner)
            if holds is False and not negated:
                self.visit_body(body, context.weakened("typing"))
        if holds is None:
            either = context._replace(is_certain=False)
            asks = asks_availability(inner, self.flags)
            self.visit_body(body, either.weakened("optional") if asks else either)
            self.visit_body(otherwise, either)
        else:
            self.visit_body(statement.body if holds else statement.orelse, context)

    def holds_without_types(self, test: ast.BoolOp) -> bool | None:
        """What a condition is once nothing is only for type checkers."""
        others = [part for part in test.values if not is_for_types(part, self.for_types)]
        verdicts = [verdict(part, self.surroundings) for part in others]
        if True in verdicts:
            return True
        return None if None in verdicts else False

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
        self.visit_body(statement.body, context)
        self.visit_body(statement.orelse, context)

    def visit_try(self, statement: ast.Try | ast.TryStar, context: _Context) -> None:
        catching = [handler for handler in statement.handlers if catches_import_errors(handler, statement)]
        tried = tuple(modules_in(statement.body))
        if self.mentions and tried:
            inner = (node for part in statement.body for node in ast.walk(part))
            named = (mention.module for node in inner for mention in self.mentions.of(node))
            tried = tuple(dict.fromkeys((*tried, *named)))
        guarded = context
        if catching and not all(gives_up(handler.body) for handler in catching):
            rescues = (name for handler in catching for name in modules_in(handler.body))
            guarded = context.weakened("optional", tuple(rescues))
            if tried:
                self.flags.update(bound_in([*statement.body, *statement.orelse, *catching]))
        elif catching:
            guarded = context._replace(is_handled=True)
        self.visit_body(statement.body, guarded)
        for handler in statement.handlers:
            rescue = context._replace(instead_of=tried) if handler in catching else context
            self.visit_body(handler.body, rescue)
        self.visit_body(statement.orelse, guarded._replace(fallbacks=()))
        self.visit_body(statement.finalbody, context)

    def visit_mentions(self, statement: ast.stmt, context: _Context) -> None:
        """Add what a statement's own expressions name, those of the statements inside it aside."""
        self.add_mentions(statement, context)
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr | ast.withitem | ast.arguments | ast.keyword):
                self.visit_expression(child, context)

    def visit_expression(self, root: ast.AST, context: _Context) -> None:
        """Add what an expression names, some of it only where something is there (`f() if HAS_X else 0`)."""
        pending = [(root, context)]
        while pending:
            node, inside = pending.pop()
            if isinstance(node, ast.expr):
                self.add_mentions(node, inside)
            if isinstance(node, ast.IfExp) and asks_availability(node.test):
                pending += [
                    (node.body, inside.weakened("optional")),
                    (node.orelse, inside),
                    (node.test, inside),
                ]
            elif isinstance(node, ast.BoolOp) and asks_availability(node.values[0]):
                guarded = inside.weakened("optional")
                pending += [(node.values[0], inside), *((value, guarded) for value in node.values[1:])]
            else:
                pending.extend((child, inside) for child in ast.iter_child_nodes(node))

    def add_mentions(self, node: ast.stmt | ast.expr, context: _Context) -> None:
        mentions = self.mentions.of(node)
        if not mentions or not self.is_wanted(node):
            return
        for mention in mentions:
            inner = context.weakened("optional") if mention.kind == "optional" else context
            kind: ImportKind = mention.kind if inner.kind == "required" else inner.kind
            site = self.site(node, mention.module, mention.names, mention.level, inner)
            self.sites.append(
                site._replace(
                    kind=kind,
                    alternatives=mention.alternatives,
                    is_project=mention.is_project,
                    is_own=mention.is_own,
                    is_certain=False,
                )
            )


# Of the other kinds of statements nothing can be inside.
_VISITS: dict[type[ast.stmt], Callable[[_Scanner, Any, _Context], None]] = {
    ast.Import: _Scanner.visit_import,
    ast.ImportFrom: _Scanner.visit_import_from,
    ast.Assign: _Scanner.visit_assignment,
    ast.If: _Scanner.visit_if,
    ast.FunctionDef: _Scanner.visit_function,
    ast.AsyncFunctionDef: _Scanner.visit_function,
    ast.ClassDef: _Scanner.visit_class,
    ast.Try: _Scanner.visit_try,
    ast.TryStar: _Scanner.visit_try,
    ast.For: _Scanner.visit_block,
    ast.AsyncFor: _Scanner.visit_block,
    ast.While: _Scanner.visit_block,
    ast.With: _Scanner.visit_block,
    ast.AsyncWith: _Scanner.visit_block,
    ast.Match: _Scanner.visit_match,
}
