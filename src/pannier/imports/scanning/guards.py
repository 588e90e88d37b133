"""What the code around an import does when the module is missing."""

import ast
from collections.abc import Iterable, Iterator

from pannier.imports.scanning.conditions import dotted_name

_IMPORT_ERRORS = frozenset(
    {"ImportError", "ModuleNotFoundError", "PackageNotFoundError", "DistributionNotFound"}
)
_BROAD_ERRORS = frozenset({"Exception", "BaseException", "StandardError"})
_STARTERS = frozenset(
    {"run", "call", "check_call", "check_output", "Popen", "system", "popen", "main", "getoutput"}
)
_EXITS = frozenset({"sys.exit", "exit", "quit", "os._exit", "parser.error", "pytest.skip", "pytest.exit"})


def _exception_names(node: ast.expr | None) -> set[str]:
    if node is None:
        return {"BaseException"}
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    return {dotted_name(item).rpartition(".")[2] for item in items}


def catches_import_errors(handler: ast.ExceptHandler, statement: ast.Try | ast.TryStar) -> bool:
    """Whether a handler is there for a missing module.

    One that catches everything is so only around imports and little else, not around a whole program.
    """
    names = _exception_names(handler.type)
    if names & _IMPORT_ERRORS:
        return True
    return bool(names & _BROAD_ERRORS) and all(_is_preparation(item) for item in statement.body)


def _is_preparation(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return all(map(_is_preparation, [*statement.body, *statement.orelse]))
    simple = (
        ast.Import,
        ast.ImportFrom,
        ast.Assign,
        ast.AnnAssign,
        ast.Pass,
        ast.Delete,
        ast.Expr,
        ast.Return,
    )
    return isinstance(statement, simple)


def suppresses_import_errors(node: ast.expr) -> bool:
    """Whether a `with` item is `contextlib.suppress` of a missing module."""
    if not isinstance(node, ast.Call) or dotted_name(node.func).rpartition(".")[2] != "suppress":
        return False
    names = {dotted_name(argument).rpartition(".")[2] for argument in node.args}
    return bool(names & (_IMPORT_ERRORS | _BROAD_ERRORS))


def gives_up(body: list[ast.stmt]) -> bool:
    """Whether a handler ends the program or passes the error on, so that its imports are needed after all."""
    if any(map(_installs, body)):
        return True
    last = body[-1]
    if isinstance(last, ast.Raise):
        return True
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return dotted_name(last.value.func) in _EXITS
    if isinstance(last, ast.If):
        return bool(last.orelse) and gives_up(last.body) and gives_up(last.orelse)
    return False


def _installs(statement: ast.stmt) -> bool:
    """Whether a statement runs `pip install`: what is missing is then put there, not done without."""
    if not isinstance(statement, (ast.Expr, ast.Assign)) or not isinstance(statement.value, ast.Call):
        return False
    name = dotted_name(statement.value.func)
    if name.rpartition(".")[2] not in _STARTERS:
        return False
    words = [
        word
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for word in node.value.split()
    ]
    return "install" in words and ("pip" in name or any(word.startswith("pip") for word in words))


def bound_in(nodes: Iterable[ast.stmt | ast.ExceptHandler]) -> Iterator[str]:
    """Names that imports and plain assignments bind, in functions aside."""
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.ExceptHandler, ast.If, ast.Try, ast.With)):
            yield from bound_in(node.body)


def modules_in(body: list[ast.stmt]) -> Iterator[str]:
    """Modules that statements import, relative ones with their dots; functions aside."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield "." * statement.level + (statement.module or "")
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody"):
                yield from modules_in(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from modules_in(handler.body)
