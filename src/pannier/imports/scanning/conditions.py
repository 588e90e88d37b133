"""Conditions that are known before a program runs: the Python version, the platform, type checking."""

import ast
import operator
from collections.abc import Callable, Set
from functools import cached_property
from typing import Any

# Names that mean the same wherever they are kept (`compat.PY2`, `from sys import version_info`).
_TELLING_NAMES = {
    "PY2": "PY2",
    "PY3": "PY3",
    "version_info": "sys.version_info",
    "hexversion": "sys.hexversion",
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_FOR_TYPES = frozenset(
    {"TYPE_CHECKING", "MYPY", "typing.TYPE_CHECKING", "t.TYPE_CHECKING", "te.TYPE_CHECKING"}
)
_AVAILABILITY_PREFIXES = ("has_", "have_", "with_", "use_", "got_", "is_have_")
_AVAILABILITY_SUFFIXES = ("_available", "_installed", "_found", "_enabled", "available")


class Unknown(Exception):  # noqa: N818 - it is a verdict inside this module, not an error
    """The value is not known before the program runs."""


class Surroundings:
    """What is known of the Python that will run a program.

    Attributes:
        python_version: Its version as numbers.
        platform: Its `sys.platform`.
        constants: Names of the module at hand that were assigned a known value.
    """

    def __init__(self, python_version: tuple[int, ...], platform: str = "linux") -> None:
        self.python_version = python_version
        self.platform = platform
        self.constants: dict[str, object] = {}

    @cached_property
    def facts(self) -> dict[str, object]:
        """Dotted names to their values on the target."""
        version = (*self.python_version, 0, 0)[:3]
        major, minor, micro = version
        return {
            "sys.version_info": (*version, "final", 0),
            "sys.version_info.major": major,
            "sys.version_info.minor": minor,
            "sys.version": f"{major}.{minor}.{micro} ",
            "sys.hexversion": (major << 24) | (minor << 16) | (micro << 8) | 0xF0,
            "sys.platform": self.platform,
            "sys.implementation.name": "cpython",
            "os.name": "nt" if self.platform == "win32" else "posix",
            "PY2": major == 2,
            "PY3": major >= 3,
            "six.PY2": major == 2,
            "six.PY3": major >= 3,
        }

    def calls(self) -> dict[str, object]:
        """Dotted names of functions to what they return on the target."""
        system = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}.get(self.platform, self.platform)
        return {
            "platform.system": system,
            "platform.python_implementation": "CPython",
            "platform.python_version_tuple": tuple(map(str, (*self.python_version, 0)[:3])),
        }


def dotted_name(node: ast.expr) -> str:
    """The dotted name an expression spells, or an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def is_for_types(test: ast.expr, names: frozenset[str] = frozenset()) -> bool:
    """Whether a condition holds only while a type checker reads the program.

    Args:
        test: The condition.
        names: What the module calls `TYPE_CHECKING` besides that.
    """
    if isinstance(test, ast.Constant):
        # `if False:` before TYPE_CHECKING existed (PEP 484's own advice), and `if 0:`.
        return not test.value
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.And) and any(is_for_types(part, names) for part in test.values)
    name = dotted_name(test)
    return name in _FOR_TYPES or name in names or name.endswith(".TYPE_CHECKING")


def asks_availability(test: ast.expr, names: Set[str] = frozenset()) -> bool:
    """Whether a condition asks if something optional is there (`HAS_NUMPY`, `is_torch_available()`).

    Args:
        test: The condition.
        names: What the module sets where an import succeeds or fails.
    """
    if isinstance(test, ast.BoolOp):
        return any(asks_availability(part, names) for part in test.values)
    if isinstance(test, ast.Compare):
        # `"pytest" in sys.modules`: somebody else has brought it.
        is_loaded = isinstance(test.ops[0], ast.In) and dotted_name(test.comparators[0]) == "sys.modules"
        return is_loaded or asks_availability(test.left, names)
    if isinstance(test, ast.NamedExpr):
        return asks_availability(test.value, names)
    if isinstance(test, ast.Name) and test.id in names:
        return True
    if isinstance(test, ast.Call):
        name = dotted_name(test.func)
        if name.rpartition(".")[2] in {"find_spec", "find_loader", "find_module"}:
            return True
        test = test.func
    name = dotted_name(test).rpartition(".")[2].lower().lstrip("_")
    return name.startswith(_AVAILABILITY_PREFIXES) or name.endswith(_AVAILABILITY_SUFFIXES)


def verdict(test: ast.expr, surroundings: Surroundings) -> bool | None:
    """Whether a condition holds on the target; `None` when only running would tell."""
    try:
        return bool(value(test, surroundings))
    except (Unknown, TypeError, IndexError, KeyError, ValueError):
        return None


def value(node: ast.expr, surroundings: Surroundings) -> Any:
    """The value of an expression on the target.

    Raises:
        Unknown: Only running would tell.
    """
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return tuple(value(item, surroundings) for item in node.elts)
    if isinstance(node, ast.BoolOp):
        return _boolean(node, surroundings)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not value(node.operand, surroundings)
    if isinstance(node, ast.Compare):
        return _comparison(node, surroundings)
    if isinstance(node, ast.IfExp):
        return value(node.body if value(node.test, surroundings) else node.orelse, surroundings)
    if isinstance(node, ast.Subscript):
        return value(node.value, surroundings)[_index(node.slice, surroundings)]
    if isinstance(node, ast.Call):
        return _call(node, surroundings)
    return _named(dotted_name(node), surroundings)


def _named(name: str, surroundings: Surroundings) -> object:
    if name in surroundings.constants:
        return surroundings.constants[name]
    facts = surroundings.facts
    known = name if name in facts else _TELLING_NAMES.get(name.rpartition(".")[2], "")
    if known not in facts:
        raise Unknown
    return facts[known]


def _boolean(node: ast.BoolOp, surroundings: Surroundings) -> object:
    """One decisive operand decides, even beside operands nobody knows."""
    decisive = isinstance(node.op, ast.Or)
    verdicts = [verdict(operand, surroundings) for operand in node.values]
    if decisive in verdicts:
        return decisive
    if None in verdicts:
        raise Unknown
    return not decisive


def _comparison(node: ast.Compare, surroundings: Surroundings) -> bool:
    left = value(node.left, surroundings)
    for comparison, item in zip(node.ops, node.comparators, strict=True):
        right = value(item, surroundings)
        if not _COMPARISONS[type(comparison)](left, right):
            return False
        left = right
    return True


def _index(node: ast.expr, surroundings: Surroundings) -> Any:
    if not isinstance(node, ast.Slice):
        return value(node, surroundings)
    bounds = [value(bound, surroundings) if bound else None for bound in (node.lower, node.upper, node.step)]
    return slice(*bounds)


def _call(node: ast.Call, surroundings: Surroundings) -> object:
    name = dotted_name(node.func)
    if name in surroundings.calls():
        return surroundings.calls()[name]
    arguments = [value(argument, surroundings) for argument in node.args]
    if name in {"int", "str", "tuple"} and len(arguments) == 1:
        return {"int": int, "str": str, "tuple": tuple}[name](arguments[0])
    if isinstance(node.func, ast.Attribute) and node.func.attr in {"startswith", "lower", "endswith"}:
        text = value(node.func.value, surroundings)
        if isinstance(text, str):
            return getattr(text, node.func.attr)(*arguments)
    raise Unknown
