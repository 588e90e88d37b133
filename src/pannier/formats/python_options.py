"""The options of a program, as its source declares them to argparse or click in plain words."""

import ast
from collections.abc import Iterator

_DECLARING = {"add_argument", "option"}


def find_options(source: str) -> tuple[tuple[str, str], ...]:
    """List what a source declares: the spellings of each argument with its value's name, and its help.

    What only running the source tells is left out. A source that is not Python declares nothing.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    return tuple(dict.fromkeys(_declared(tree)))


def _declared(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        names = [text for argument in node.args if (text := _text(argument))]
        if node.func.attr not in _DECLARING or len(names) != len(node.args) or not names:
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if _text(keywords.get("help")) is None and "help" in keywords:
            continue  # `help=SUPPRESS`, or a text that is made while it runs
        yield _spelling(names, keywords), " ".join((_text(keywords.get("help")) or "").split())


def _spelling(names: list[str], keywords: dict[str, ast.expr]) -> str:
    value = _text(keywords.get("metavar")) or ""
    if not names[0].startswith("-"):
        return value or names[0]
    takes_none = "action" in keywords or "is_flag" in keywords
    if not takes_none and not value:
        value = max(names, key=len).lstrip("-").replace("-", "_").upper()
    return ", ".join(names) + (f" {value}" if value else "")


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
