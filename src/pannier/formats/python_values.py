"""Values that Python source states plainly, read from its syntax tree; nothing is run.

`__version__` of a module, the keywords of a `setup()` call: text, or what joins texts of the same file.
"""

import ast
from collections.abc import Mapping
from typing import NamedTuple

_Scope = Mapping[str, ast.expr]
_DEEPEST = 20
_SETUP = {"setup", "setuptools.setup", "core.setup", "distutils.core.setup"}


class ImportedName(NamedTuple):
    """A name that a module has from another one.

    Attributes:
        module: Dotted, with leading dots where it is relative.
        attribute: The name there.
    """

    module: str
    attribute: str


class SetupCall(NamedTuple):
    """What the `setup()` call of a `setup.py` says.

    Attributes:
        texts: Keyword to text, for those whose text stands in the file.
        imported: Keyword to the name in another module that it takes its text from.
        open: Keywords that only running the file tells; `**` where it passes on a mapping.
    """

    texts: Mapping[str, str]
    imported: Mapping[str, ImportedName]
    open: frozenset[str]


def find_text(source: str, name: str) -> str | ImportedName | None:
    """Look up a name that a module binds.

    Args:
        source: The module's source.
        name: Such as `__version__`; dotted for an attribute of a class.

    Returns:
        Its text; where it was imported from; or `None` where only running the module tells.
    """
    tree = _parse(source)
    if tree is None:
        return None
    scope = _scope(tree.body)
    for part in name.split(".")[:-1]:
        owner = next(
            (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == part), None
        )
        if owner is None:
            return None
        scope = _scope(owner.body)
    attribute = name.rpartition(".")[2]
    return _text_of(ast.Name(attribute), scope, 0) or _imports(tree).get(attribute)


def find_setup_call(source: str) -> SetupCall | None:
    """Read the `setup()` call of a `setup.py`.

    Returns:
        What it says; `None` where there is none to be seen, or where the file is not Python 3.
    """
    tree = _parse(source)
    if tree is None:
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _dotted(node.func) in _SETUP)
    call = next(calls, None)
    return None if call is None else _read_call(call, _scope(tree.body), _imports(tree))


def _read_call(call: ast.Call, scope: _Scope, imports: Mapping[str, ImportedName]) -> SetupCall:
    texts: dict[str, str] = {}
    imported: dict[str, ImportedName] = {}
    left: set[str] = set()
    for keyword, value in _keywords(call, scope):
        text = _text_of(value, scope, 0)
        origin = imports.get(_dotted(value)) or _attribute_of_import(value, imports)
        if text is not None:
            texts[keyword] = text
        elif origin is not None:
            imported[keyword] = origin
        else:
            left.add(keyword)
    return SetupCall(texts, imported, frozenset(left))


def _keywords(call: ast.Call, scope: _Scope) -> list[tuple[str, ast.expr]]:
    """The keywords of a call, those of a `**` mapping that stands in the file among them."""
    found: list[tuple[str, ast.expr]] = []
    for keyword in call.keywords:
        value = scope.get(keyword.value.id) if isinstance(keyword.value, ast.Name) else keyword.value
        if keyword.arg is not None:
            found.append((keyword.arg, keyword.value))
        elif isinstance(value, ast.Dict):
            found += [
                (str(key.value), item)
                for key, item in zip(value.keys, value.values, strict=True)
                if isinstance(key, ast.Constant)
            ]
        elif isinstance(value, ast.Call) and _dotted(value.func) == "dict":
            found += [(item.arg, item.value) for item in value.keywords if item.arg is not None]
        else:
            found.append(("**", keyword.value))
    return found


def _attribute_of_import(value: ast.expr, imports: Mapping[str, ImportedName]) -> ImportedName | None:
    """`pkg.__version__` where `pkg` was imported."""
    dotted = _dotted(value)
    module, _, attribute = dotted.rpartition(".")
    first, _, rest = module.partition(".")
    known = imports.get(first)
    if not module or known is None:
        return None
    whole = ".".join(filter(None, (known.module, known.attribute, rest)))
    return ImportedName(whole, attribute)


def _parse(source: str) -> ast.Module | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, which are the author's concern
            return ast.parse(source.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _scope(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """Names to what is assigned to them, where that happens once and under no condition."""
    scope: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for name in (target.id for target in targets if isinstance(target, ast.Name)):
            twice |= {name} & scope.keys()
            scope[name] = value
    changed = {
        node.target.id
        for node in body
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    return {name: value for name, value in scope.items() if name not in twice | changed}


def _imports(tree: ast.Module) -> dict[str, ImportedName]:
    found: dict[str, ImportedName] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {item.asname or item.name: ImportedName(module, item.name) for item in node.names}
        elif isinstance(node, ast.Import):
            for item in node.names:
                whole = item.name if item.asname else item.name.partition(".")[0]
                found[item.asname or whole] = ImportedName(whole, "")
    return found


def _text_of(node: ast.expr, scope: _Scope, depth: int) -> str | None:
    """The text that an expression surely gives: literals, and names, sums, f-strings and joins of such."""
    if depth > _DEEPEST:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=int(number)) if not isinstance(node.value, bool) and depth:
            return str(number)
        case ast.Name(id=name) if name in scope:
            return _text_of(scope[name], scope, depth + 1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([left, right], "", scope, depth)
        case ast.JoinedStr(values=values):
            return _joined(values, "", scope, depth)
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return _text_of(value, scope, depth + 1)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"), args=[items], keywords=[]
        ):
            return _joined_items(items, between, scope, depth)
    return None


def _joined_items(items: ast.expr, between: str, scope: _Scope, depth: int) -> str | None:
    """What `".".join(...)` gives of a sequence, of one with `map(str, ...)`, or of `str(x) for x in ...`."""
    match items:
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="str"), inner], keywords=[]):
            items = inner
        case ast.GeneratorExp(
            elt=ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=element)], keywords=[]),
            generators=[ast.comprehension(target=ast.Name(id=target), iter=inner, ifs=[])],
        ) if element == target:
            items = inner
    if isinstance(items, ast.Name) and items.id in scope:
        items = scope[items.id]
    return _joined(items.elts, between, scope, depth) if isinstance(items, ast.Tuple | ast.List) else None


def _joined(parts: list[ast.expr], between: str, scope: _Scope, depth: int) -> str | None:
    texts = [_text_of(part, scope, depth + 1) for part in parts]
    return None if None in texts else between.join(text for text in texts if text is not None)


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""
