"""What names modules and projects without importing them by a statement, found in one walk over a file.

The walk costs as much as parsing, and few files need it: the `TELLING_TEXTS` of the finders say which can
hold such an idiom at all.
"""

import ast
import bisect
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pannier.imports.scanning.conditions import Surroundings, verdict
from pannier.imports.scanning.literals import Argument, Binding, Scope
from pannier.imports.scanning.walking import LEADING_FIELDS, LEAVES

_FUNCTIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda})
_OUTSIDE = frozenset({"args", "decorator_list", "returns"})
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)
_NOTED = frozenset(
    {
        *(ast.Call, ast.Dict, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign),
        *(ast.NamedExpr, ast.ClassDef, *_LOOPS),
    }
)

MentionKind = Literal["dynamic", "optional", "backend"]

# In place of names taken from a package: every module that lies in it, and those of its packages as well.
ALL, ALL_BELOW = "**", "***"
# In place of them: the module is run as a script, from its own directory.
RUN = "__main__"


class Mention(NamedTuple):
    """A module or a project that a text names.

    Attributes:
        module: Dotted name, leading dots cut off; a project's name when `is_project`.
        kind: `dynamic` is imported by that name; `optional` where its absence is foreseen; `backend` is what
            something else imports because the text says so.
        names: What is taken from the module.
        level: How many dots stood before it.
        alternatives: Other modules that serve as well; one that the program imports anyway is the one meant.
        is_project: The name is a project's, as `importlib.metadata` takes it.
        is_own: It can only be a module of the program itself, such as its settings.
    """

    module: str
    kind: MentionKind = "dynamic"
    names: tuple[str, ...] = ()
    level: int = 0
    alternatives: tuple[str, ...] = ()
    is_project: bool = False
    is_own: bool = False


class File(NamedTuple):
    """What the finders of mentions look at.

    Attributes:
        text: The source.
        calls: Every call, with the scope it stands in.
        assignments: Every assignment to names, attributes or items, likewise.
        dictionaries: Every dictionary written out, likewise.
        imports: Every import statement.
    """

    text: str
    calls: list[tuple[ast.Call, Scope]]
    assignments: list[tuple[ast.Assign | ast.AnnAssign | ast.AugAssign, Scope]]
    dictionaries: list[tuple[ast.Dict, Scope]]
    imports: list[ast.Import | ast.ImportFrom]


class Mentions:
    """What the nodes of one file name, and on which lines such nodes begin."""

    def __init__(self) -> None:
        self._of_node: dict[int, list[Mention]] = {}
        self._lines: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._of_node)

    def add(self, node: ast.stmt | ast.expr, mentions: Iterable[Mention]) -> None:
        """Note what a node names."""
        for mention in mentions:
            self._of_node.setdefault(id(node), []).append(mention)
            bisect.insort(self._lines, node.lineno)

    def of(self, node: ast.AST) -> Sequence[Mention]:
        """What a node names."""
        return self._of_node.get(id(node), ())

    def touch(self, statement: ast.stmt) -> bool:
        """Whether something on the lines of a statement names anything."""
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        first = min((node.lineno for node in decorators), default=statement.lineno)
        place = bisect.bisect_left(self._lines, first)
        return place < len(self._lines) and self._lines[place] <= (statement.end_lineno or statement.lineno)


def read_file(tree: ast.Module, text: str, surroundings: Surroundings) -> File:
    """Walk over a file once, for everything that finders of mentions want to know.

    Of `A if CONDITION else B`, the condition is settled where the target decides it.
    """
    walker = _Walker(text, surroundings)
    walker.walk(tree, Scope())
    walker.pass_arguments()
    return walker.file


class _Walker:
    def __init__(self, text: str, surroundings: Surroundings) -> None:
        self.file = File(text, [], [], [], [])
        self.surroundings = surroundings
        self.functions: dict[str, list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Scope]]] = {}
        self.classes: set[str] = set()

    def walk(self, node: ast.AST, scope: Scope) -> None:
        pending: list[tuple[ast.AST, Scope]] = [(node, scope)]
        while pending:
            current, inside = pending.pop()
            kind = current.__class__
            if kind in _NOTED:
                self._note(current, inside)
            elif kind is ast.IfExp:
                self._settle(current)  # type: ignore[arg-type]
            inner = inside
            if kind in _FUNCTIONS:
                inner = self._enter_function(current, inside)  # type: ignore[arg-type]
            elif kind in _COMPREHENSIONS:
                inner = Scope(inside)
            # Backwards, for the first child to be popped first.
            for name in LEADING_FIELDS[kind][::-1]:
                value = getattr(current, name, None)
                place = inside if kind in _FUNCTIONS and name in _OUTSIDE else inner
                if value.__class__ is list:
                    pending += [(child, place) for child in reversed(value) if child.__class__ not in LEAVES]
                elif value.__class__ not in LEAVES and isinstance(value, ast.AST):
                    pending.append((value, place))

    def _note(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Call):
            self.file.calls.append((node, scope))
        elif isinstance(node, ast.Dict):
            self.file.dictionaries.append((node, scope))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self.file.imports.append(node)
            _note_import(node, scope)
        elif isinstance(node, ast.Assign):
            self.file.assignments.append((node, scope))
            for target in node.targets:
                scope.bind(target, node.value, "value")
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            self.file.assignments.append((node, scope))
            if node.value is not None:
                scope.bind(node.target, node.value, "value")
        elif isinstance(node, ast.NamedExpr):
            scope.bind(node.target, node.value, "value")
        elif isinstance(node, _LOOPS):
            scope.bind(node.target, node.iter, "item")
        elif isinstance(node, ast.ClassDef):
            self.classes.add(node.name)

    def _settle(self, node: ast.IfExp) -> None:
        holds = verdict(node.test, self.surroundings)
        if holds is not None:
            node.test = ast.copy_location(ast.Constant(holds), node.test)

    def _enter_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope
    ) -> Scope:
        inner = Scope(scope)
        plain = [*node.args.posonlyargs, *node.args.args]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(node.args.defaults)) + [
            *node.args.defaults
        ]
        for argument, default in [
            *zip(plain, defaults, strict=True),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]:
            inner.bindings[argument.arg] = [Binding(default, "parameter", (), inner)]
        if not isinstance(node, ast.Lambda):
            self.functions.setdefault(node.name, []).append((node, inner))
        return inner

    def pass_arguments(self) -> None:
        """Let each function know what the calls in the same file pass to it."""
        for call, scope in self.file.calls:
            function = call.func
            name = function.id if isinstance(function, ast.Name) else ""
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                owner = function.value.id
                name = function.attr if owner in {"self", "cls"} or owner in self.classes else ""
            for definition, inner in self.functions.get(name, ()):
                _pass(call, scope, definition, inner)


def _pass(
    call: ast.Call, scope: Scope, definition: ast.FunctionDef | ast.AsyncFunctionDef, inner: Scope
) -> None:
    parameters = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    if isinstance(call.func, ast.Attribute) and parameters[:1] in (["self"], ["cls"]):
        parameters = parameters[1:]
    for name, node in zip(parameters, call.args, strict=False):
        inner.arguments.setdefault(name, []).append(Argument(node, scope))
    for keyword in call.keywords:
        if keyword.arg:
            inner.arguments.setdefault(keyword.arg, []).append(Argument(keyword.value, scope))


def _note_import(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            scope.modules[alias.asname or alias.name] = f"{module}.{alias.name}" if module else alias.name
        return
    for alias in node.names:
        if alias.asname:
            scope.modules[alias.asname] = alias.name
        else:
            root = alias.name.partition(".")[0]
            scope.modules[root] = root


def argument(call: ast.Call, place: int, *keywords: str) -> ast.expr | None:
    """The argument of a call at a position, or under one of its names; `None` when it is not passed."""
    for word in call.keywords:
        if word.arg in keywords:
            return word.value
    if 0 <= place < len(call.args) and not any(
        isinstance(item, ast.Starred) for item in call.args[: place + 1]
    ):
        return call.args[place]
    return None


def is_dotted_name(text: str) -> bool:
    """Whether a text can be a module's name."""
    return bool(text) and all(part.isidentifier() for part in text.split("."))
