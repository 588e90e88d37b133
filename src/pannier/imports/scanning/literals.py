"""Texts that are known before a program runs: literals, and names, loops and tables made of them.

Everything that a text may be is given, whichever branch is taken; what depends on more than the file itself
gives nothing.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from pannier.imports.scanning.conditions import dotted_name

# Past this many, a product of texts is no table of modules.
_MOST = 200
_DEEPEST = 12
_SAME_ITEMS = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "dict", "str"})
_SAME_TEXT = frozenset({"strip", "rstrip", "lstrip", "decode", "encode"})
_FIELD = r"\{(\w*)(?:![rs])?(?::s?)?\}"
_PERCENT = r"%s|%\((\w+)\)s"


class Binding(NamedTuple):
    """One way in which a name gets its value.

    Attributes:
        node: The expression.
        how: The `value` itself, one `item` of it, or what callers pass as a `parameter`.
        path: Places in tuples that lead from there to the value.
        scope: Where the expression is evaluated.
    """

    node: ast.expr | None
    how: Literal["value", "item", "parameter"]
    path: tuple[int, ...]
    scope: "Scope"


class Argument(NamedTuple):
    """What one call passes to a function of the file, and where that is evaluated."""

    node: ast.expr
    scope: "Scope"


class Scope:
    """The names of a module, a function or a comprehension.

    Attributes:
        outer: The scope around it.
        bindings: Names to all that binds them.
        modules: Names to the dotted names that imports bind them to.
        arguments: For a function: parameters to what its callers pass.
        busy: Names whose value is being worked out; one that leads back to itself adds nothing.
    """

    def __init__(self, outer: "Scope | None" = None) -> None:
        self.outer = outer
        self.bindings: dict[str, list[Binding]] = {}
        self.modules: dict[str, str] = {}
        self.arguments: dict[str, list[Argument]] = {}
        self.busy: set[str] = set()

    def bind(self, target: ast.expr, node: ast.expr, how: Literal["value", "item"]) -> None:
        """Note an assignment or a loop, its tuples taken apart."""
        self._bind(target, node, how, ())

    def _bind(
        self, target: ast.expr, node: ast.expr, how: Literal["value", "item"], path: tuple[int, ...]
    ) -> None:
        if isinstance(target, ast.Name):
            self.bindings.setdefault(target.id, []).append(Binding(node, how, path, self))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for place, inner in enumerate(target.elts):
                self._bind(inner, node, how, (*path, place))

    def find(self, name: str) -> "Scope | None":
        """The nearest scope that binds a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings or name in scope.modules:
                return scope
            scope = scope.outer
        return None

    def qualified(self, node: ast.expr, depth: int = 0) -> str:
        """The dotted name of a function as its module has it (`pd.read_csv` is `pandas.read_csv`).

        Of what no import gives, only the last part is kept, behind a dot: a method, or anybody's function.
        """
        name = dotted_name(node)
        root, _, rest = name.partition(".")
        scope = self.find(root) if root else None
        if scope is None:
            return name if root and not rest else f".{_last_part(node)}"
        if root in scope.modules:
            return f"{scope.modules[root]}.{rest}".rstrip(".")
        values = scope.bindings[root]
        if depth < _DEEPEST and len(values) == 1 and values[0].node is not None and not values[0].path:
            inner = values[0].node
            if values[0].how == "value" and isinstance(inner, (ast.Name, ast.Attribute)):
                return f"{values[0].scope.qualified(inner, depth + 1)}.{rest}".rstrip(".")
        return f".{rest.rpartition('.')[2] or root}"


def _last_part(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def texts(node: ast.expr | None, scope: Scope, depth: int = 0) -> tuple[str, ...]:
    """Every text that an expression may be, in the order of the file; empty when only running would tell."""
    if node is None or depth > _DEEPEST:
        return ()
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, ast.Name):
        with _bindings(node, scope) as bindings:
            return _unique(text for binding in bindings for text in _bound_texts(binding, node.id, depth + 1))
    if isinstance(node, ast.JoinedStr):
        return _joined([_piece(value, scope, depth + 1) for value in node.values])
    if isinstance(node, ast.BinOp):
        return _operation(node, scope, depth + 1)
    if isinstance(node, ast.IfExp):
        if isinstance(node.test, ast.Constant):
            return texts(node.body if node.test.value else node.orelse, scope, depth + 1)
        return _unique((*texts(node.body, scope, depth + 1), *texts(node.orelse, scope, depth + 1)))
    if isinstance(node, ast.BoolOp):
        return _unique(text for value in node.values for text in texts(value, scope, depth + 1))
    if isinstance(node, ast.Subscript):
        return _unique(text for item in _picked(node, scope, depth) for text in texts(*item, depth + 1))
    if isinstance(node, ast.Call):
        return _call(node, scope, depth + 1)
    return ()


def outlines(node: ast.expr | None, scope: Scope, depth: int = 0) -> tuple[str, ...]:
    """Texts of which only parts are known, each unknown part as `_`: `f"s3://{bucket}/x.csv"`."""
    known = texts(node, scope, depth)
    if known or node is None or depth > _DEEPEST:
        return known
    if isinstance(node, ast.JoinedStr):
        return _joined([outlines(value, scope, depth + 1) or ("_",) for value in node.values])
    if isinstance(node, ast.FormattedValue):
        return outlines(node.value, scope, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        sides = [outlines(side, scope, depth + 1) or ("_",) for side in (node.left, node.right)]
        return _joined(sides, "/" if isinstance(node.op, ast.Div) else "")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        filler = (outlines(node.right, scope, depth + 1) or ("_",))[0]
        return tuple(
            re.sub(r"%(?:\(\w+\))?[sdr]", filler, text) for text in texts(node.left, scope, depth + 1)
        )
    if isinstance(node, ast.Name):
        with _bindings(node, scope) as bindings:
            return _unique(
                text
                for binding in bindings
                if binding.how == "value" and not binding.path
                for text in outlines(binding.node, binding.scope, depth + 1)
            )
    if isinstance(node, ast.Call):
        return _outlined_call(node, scope, depth + 1)
    return ("python",) if dotted_name(node) == "sys.executable" else ()


def _outlined_call(node: ast.Call, scope: Scope, depth: int) -> tuple[str, ...]:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return tuple(re.sub(_FIELD, "_", text) for text in texts(node.func.value, scope, depth))
    last = dotted_name(node.func).rpartition(".")[2]
    if last in {"join", "joinpath", "Path", "PurePath", "str", "URL", "quote", "fspath", "text"}:
        return _joined([outlines(item, scope, depth) or ("_",) for item in node.args], "/")
    return ()


def items(node: ast.expr | None, scope: Scope, depth: int = 0) -> list[tuple[ast.expr, Scope]]:
    """The expressions that iterating over an expression gives, as far as the file itself tells."""
    if node is None or depth > _DEEPEST:
        return []
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [(item, scope) for item in node.elts if not isinstance(item, ast.Starred)] + [
            inner
            for item in node.elts
            if isinstance(item, ast.Starred)
            for inner in items(item.value, scope, depth + 1)
        ]
    if isinstance(node, ast.Dict):
        return [(key, scope) for key in node.keys if key is not None]
    if isinstance(node, ast.Name):
        with _bindings(node, scope) as bindings:
            return [
                inner
                for binding in bindings
                if binding.how == "value" and not binding.path
                for inner in items(binding.node, binding.scope, depth + 1)
            ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return items(node.left, scope, depth + 1) + items(node.right, scope, depth + 1)
    if isinstance(node, ast.Call):
        return _iterated_call(node, scope, depth + 1)
    return []


def entries(
    node: ast.expr | None, scope: Scope, depth: int = 0
) -> Iterator[tuple[ast.expr, ast.expr, Scope]]:
    """The keys and values of a dictionary that the file writes out."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield key, value, scope
            else:
                yield from entries(value, scope, depth + 1)
    elif isinstance(node, ast.Name) and depth <= _DEEPEST:
        with _bindings(node, scope) as bindings:
            for binding in bindings:
                if binding.how == "value" and not binding.path:
                    yield from entries(binding.node, binding.scope, depth + 1)
    elif isinstance(node, ast.Call) and dotted_name(node.func) == "dict":
        for keyword in node.keywords:
            if keyword.arg:
                yield ast.Constant(keyword.arg), keyword.value, scope
        for argument in node.args:
            yield from entries(argument, scope, depth + 1)


def all_texts(node: ast.AST) -> Iterator[ast.Constant]:
    """Every text written anywhere inside an expression, docstrings of nothing else among them."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner


@contextmanager
def _bindings(node: ast.Name, scope: Scope) -> Iterator[Sequence[Binding]]:
    """What binds a name; nothing while that is being worked out already (`name = name + "x"`)."""
    found = scope.find(node.id)
    if found is None or node.id in found.busy:
        yield ()
        return
    found.busy.add(node.id)
    try:
        yield found.bindings.get(node.id, ())
    finally:
        found.busy.discard(node.id)


def _bound_texts(binding: Binding, name: str, depth: int) -> Iterator[str]:
    if binding.how == "parameter":
        yield from texts(binding.node, binding.scope.outer or binding.scope, depth)
        for argument in binding.scope.arguments.get(name, ()):
            yield from texts(argument.node, argument.scope, depth)
        return
    found = [(binding.node, binding.scope)]
    if binding.how == "item":
        found = list(items(binding.node, binding.scope, depth))
    for place in binding.path:
        found = [
            inner
            for node, scope in found
            if len(parts := items(node, scope, depth)) > place
            for inner in [parts[place]]
        ]
    for node, scope in found:
        yield from texts(node, scope, depth)


def _piece(value: ast.expr, scope: Scope, depth: int) -> tuple[str, ...]:
    return texts(value.value if isinstance(value, ast.FormattedValue) else value, scope, depth)


def _joined(pieces: Sequence[tuple[str, ...]], separator: str = "") -> tuple[str, ...]:
    count = 1
    for piece in pieces:
        count *= len(piece)
    if not pieces or not 0 < count <= _MOST:
        return ()
    return _unique(separator.join(parts) for parts in itertools.product(*pieces))


def _operation(node: ast.BinOp, scope: Scope, depth: int) -> tuple[str, ...]:
    if isinstance(node.op, ast.Add):
        return _joined([texts(node.left, scope, depth), texts(node.right, scope, depth)])
    if (
        isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
    ):
        if isinstance(node.right, ast.Dict):
            named = {
                name: texts(value, inner, depth)
                for key, value, inner in entries(node.right, scope)
                for name in texts(key, inner, depth)
            }
            return _filled(_PERCENT, node.left.value, [], named)
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(_PERCENT, node.left.value, [texts(item, scope, depth) for item in given], {})
    return ()


def _filled(
    field: str, template: str, given: Sequence[tuple[str, ...]], named: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """A template with its fields filled in."""
    pieces: list[tuple[str, ...]] = []
    last = place = 0
    for match in re.finditer(field, template):
        name = match[1] or str(place)
        place += not match[1]
        value = given[int(name)] if name.isdecimal() and int(name) < len(given) else named.get(name, ())
        pieces += [(template[last : match.start()],), value]
        last = match.end()
    return _joined([*pieces, (template[last:],)])


def _picked(node: ast.Subscript, scope: Scope, depth: int) -> list[tuple[ast.expr, Scope]]:
    """What a subscript may give: the entry of a known key, else any entry."""
    keys = texts(node.slice, scope, depth + 1)
    found = list(entries(node.value, scope, depth + 1))
    chosen = [
        (value, inner)
        for key, value, inner in found
        if isinstance(key, ast.Constant) and (not keys or key.value in keys)
    ]
    if found:
        return chosen
    parts = items(node.value, scope, depth + 1)
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
        return parts[node.slice.value :][:1]
    return parts


def _call(node: ast.Call, scope: Scope, depth: int) -> tuple[str, ...]:
    if not isinstance(node.func, ast.Attribute):
        return texts(node.args[0], scope, depth) if dotted_name(node.func) == "str" and node.args else ()
    method, owner = node.func.attr, node.func.value
    if method in {"get", "setdefault", "pop", "getenv"}:
        return _unique(
            (
                *_looked_up(owner, node, scope, depth),
                *texts(node.args[1] if len(node.args) > 1 else None, scope, depth),
            )
        )
    if method == "join" and node.args:
        parts = [texts(*item, depth) for item in items(node.args[0], scope, depth)]
        return _unique(text for separator in texts(owner, scope, depth) for text in _joined(parts, separator))
    if method in _SAME_TEXT:
        return texts(owner, scope, depth)
    if method in {"lower", "upper"}:
        return tuple(getattr(text, method)() for text in texts(owner, scope, depth))
    if method == "format" and isinstance(owner, ast.Constant) and isinstance(owner.value, str):
        named = {word.arg: texts(word.value, scope, depth) for word in node.keywords if word.arg}
        return _filled(_FIELD, owner.value, [texts(item, scope, depth) for item in node.args], named)
    return ()


def _looked_up(owner: ast.expr, node: ast.Call, scope: Scope, depth: int) -> Iterator[str]:
    keys = texts(node.args[0], scope, depth) if node.args else ()
    for key, value, inner in entries(owner, scope, depth):
        if not keys or (isinstance(key, ast.Constant) and key.value in keys):
            yield from texts(value, inner, depth)


def _iterated_call(node: ast.Call, scope: Scope, depth: int) -> list[tuple[ast.expr, Scope]]:
    name = dotted_name(node.func)
    if name in _SAME_ITEMS and node.args:
        return items(node.args[0], scope, depth)
    if name == "enumerate" and node.args:
        return [
            (ast.Tuple(elts=[ast.Constant(place), item], ctx=ast.Load()), inner)
            for place, (item, inner) in enumerate(items(node.args[0], scope, depth))
        ]
    if not isinstance(node.func, ast.Attribute):
        return []
    method, owner = node.func.attr, node.func.value
    if method in {"items", "iteritems"}:
        return [
            (ast.Tuple(elts=[key, value], ctx=ast.Load()), inner)
            for key, value, inner in entries(owner, scope, depth)
        ]
    if method in {"values", "itervalues"}:
        return [(value, inner) for _, value, inner in entries(owner, scope, depth)]
    if method in {"keys", "iterkeys"}:
        return [(key, inner) for key, _, inner in entries(owner, scope, depth)]
    if method in {"split", "splitlines"}:
        separator = (texts(node.args[0] if node.args else None, scope, depth) or (None,))[0]
        return [
            (ast.Constant(part), scope)
            for text in texts(owner, scope, depth)
            for part in text.split(separator)
        ]
    return []


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(itertools.islice(found, _MOST)))
