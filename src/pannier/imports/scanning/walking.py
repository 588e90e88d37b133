"""Syntax trees walked in less than half the time that `ast.walk` takes.

Most of a tree are names, constants and contexts, and most fields of nodes hold texts; neither leads further.
"""

import ast
from collections import deque
from collections.abc import Iterator

# Nothing is below them.
LEAVES = frozenset(
    {ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, str, int, type(None)}
)
_WITHOUT_NODES = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "module", "level", "name", "asname", "type_comment", "kind"}
    | {"simple", "conversion", "is_async", "rest", "type_ignores"}
)


class _LeadingFields(dict[type[ast.AST], tuple[str, ...]]):
    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = found = tuple(name for name in kind._fields if name not in _WITHOUT_NODES)
        return found


# The fields of each kind of nodes that may hold other nodes, in order.
LEADING_FIELDS = _LeadingFields()


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but leaves, in the order of `ast.walk`."""
    pending = deque([tree])
    while pending:
        node = pending.popleft()
        yield node
        for name in LEADING_FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                pending.extend([child for child in value if child.__class__ not in LEAVES])
            elif value.__class__ not in LEAVES and isinstance(value, ast.AST):
                pending.append(value)
