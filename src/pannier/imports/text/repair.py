"""Python that today's parser refuses, made into a skeleton it takes, on the same lines.

Python 2, a Python newer than ours, and files with an error all still say what they import. Each logical line
that does not parse on its own is rewritten or replaced by `pass`, so that one scanner serves every dialect.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pannier.imports.text.magics import without_magic

# "older" is Python 3 before it had some keyword; "interactive" what IPython or a console takes.
Dialect = Literal["python2", "newer", "older", "interactive", "broken"]

_TOKEN = re.compile(
    r"""
    (?P<triple>[A-Za-z]{0,3}(?P<quotes>\"{3}|'{3})(?:\\.|.)*?(?P=quotes))
    |(?P<string>[A-Za-z]{0,3}(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<comment>\#[^\n]*)
    |(?P<continued>\\\n)
    |(?P<newline>\n)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<semicolon>;)
    |(?P<plain>\w+|[ \t\f]+|.)
    """,
    re.DOTALL | re.VERBOSE,
)
# No bracket is still open where a line begins like this: the one before it was never closed.
_FRESH_START = re.compile(r"[ \t]*(?:import\s+\w|from\s+[\w.]+\s+import\b|def\s+\w+\s*\(|class\s+\w+\s*[(:])")
_BLOCK = re.compile(
    r"(?:async\s+)?(?:if|elif|else|for|while|try|except|finally|with|def|class|match|case)\b.*:\s*$",
    re.DOTALL,
)
_ONE_LINE_BLOCK = re.compile(
    r"((?:async\s+)?(?:if|elif|else|for|while|try|except|finally|with|def|class)\b[^\n]*?:)(?!=)\s*(\S[^\n]*)$"
)
_OLD_EXCEPT = re.compile(
    r"except\b\s*(?P<error>\(.*?\)|[\w.]+)\s*,\s*(?P<name>[\w.]+|\(.*?\))\s*:(?P<rest>.*)$", re.DOTALL
)
_DEFINITION = re.compile(r"(?P<head>(?:async\s+)?def\s+\w+)\s*(?P<parameters>\[)?")
_CLASS = re.compile(r"(?P<head>class\s+\w+)\s*(?P<parameters>\[)?")
_PYTHON_2 = re.compile(
    r"""(?:^|[:;]\s*)print\b(?!\s*[(=.,:)\]}])|^print\s*\(.*\)\s*%|^print\s*>>|(?:^|[:;]\s*)exec(?:\s+[^=(\s]|["'])
    |^raise\s+[\w.]+(?:\[[^\]]*\])?\s*,|^except\b.*\bas\s*\(|`|<>
    |(?<![\w.])0[0-7]+(?![\w.])|\b\d+[lL]\b|\b0[xX][0-9a-fA-F]+[lL]\b|\b[uU][rR]["']|^def\s+\w+\s*\(.*\(|\blambda\s*\(""",
    re.VERBOSE | re.DOTALL,
)
# PEP 695 and PEP 750; and PEP 701, which lets the braces of an f-string hold line ends.
_NEWER = re.compile(
    r"^type\s+\w+.*=|\b[tT][rR]?[\"']|^(?:async\s+)?(?:def|class)\s+\w+\s*\[|\b[fF][rR]?[\"'][^\n\"']*\{[^\n}\"']*\n"
)
# Keywords since 3.7 that were names before.
_ONCE_A_NAME = re.compile(r"\b(?:async|await)\b")
# What a console prints in front of what is typed, and IPython.
_PROMPT = re.compile(r"(?m)^[ \t]*(?:>>>|\.\.\.|In \[\d+\]:|\.\.\.+:)(?:[ ]|$)")
_MAGIC = re.compile(r"[%!]{1,2}\s*[\w./~$&({]")
# What copying from a page leaves in a text, where Python wants a space, or nothing.
_STRAY = {0xA0: " ", 0x202F: " ", 0x3000: " ", 0x200B: None, 0xFEFF: None}
# PEP 810.
_LAZY_IMPORT = re.compile(r"lazy\s+(?=(?:import|from)\b)")
_SAME_IN_FSTRING = (
    "unmatched",
    "expecting '}'",
    "cannot include",
    "unterminated",
    "invalid syntax",
    "unexpected",
)


class Repaired(NamedTuple):
    """A tree for text that does not parse, and why it did not.

    Attributes:
        tree: What could be kept, each node on its line of the text.
        dialect: What the text is.
        line: Where that was first seen, from 1.
    """

    tree: ast.Module
    dialect: Dialect
    line: int


@dataclass(slots=True)
class _LogicalLine:
    line: int
    text: str
    pieces: list[str]

    @property
    def indent(self) -> str:
        margin = self.text[: len(self.text) - len(self.text.lstrip(" \t\f"))]
        return " " * len(margin.replace("\f", "").expandtabs(8))

    @property
    def code(self) -> str:
        return self.text.strip()


def repair(text: str, error: SyntaxError) -> Repaired:
    """Make a tree of what parses line by line.

    Args:
        text: The source.
        error: What `ast.parse` said of it.
    """
    rewritten: list[tuple[_LogicalLine, str]] = []
    found: dict[Dialect, int] = {}
    if not text.isascii() and (spaced := text.translate(_STRAY)) != text:
        text = spaced
        found["broken"] = error.lineno or 1
    if ">>> " in text or "In [" in text:
        # What a session printed between its prompts is no Python and goes like any other such line.
        text = _PROMPT.sub("", text)
    for logical in _logical_lines(text):
        code, dialect = _rewrite(logical)
        rewritten.append((logical, code))
        if dialect is not None:
            found.setdefault(dialect, logical.line)
    if isinstance(error, TabError):
        found.setdefault("python2", error.lineno or 1)
    elif isinstance(error, IndentationError):
        found.setdefault("broken", error.lineno or 1)
    tree = _parsed(_assemble(rewritten))
    if tree is None:
        tree = _imports_alone(rewritten)
        found.setdefault("broken", error.lineno or 1)
    if "python2" in found:
        return Repaired(tree, "python2", found["python2"])
    for dialect in ("newer", "older", "interactive") if "broken" not in found else ():
        if dialect in found:
            return Repaired(tree, dialect, found[dialect])
    return Repaired(tree, "broken", error.lineno or 1)


def imports_alone(text: str) -> ast.Module:
    """The import statements of a text, each for itself."""
    return _imports_alone([_rewritten(logical) for logical in _logical_lines(text)])


def _rewritten(logical: _LogicalLine) -> tuple[_LogicalLine, str]:
    is_import = logical.code.startswith(("import", "from")) and _parses(logical.code)
    return logical, logical.code if is_import else "pass"


def _logical_lines(text: str) -> Iterator[_LogicalLine]:
    """Split into logical lines without their comments, a bracket left open notwithstanding."""
    line = first = 1
    depth = 0
    parts: list[str] = []
    pieces: list[str] = [""]
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        kind = "triple" if match["triple"] is not None else kind
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        ends = kind == "newline" and (depth == 0 or _FRESH_START.match(text, match.end()) is not None)
        if ends:
            if "".join(parts).strip():
                yield _LogicalLine(first, "".join(parts), pieces)
            parts, pieces, depth, first = [], [""], 0, line + 1
        elif kind == "semicolon" and depth == 0:
            parts.append(token)
            pieces.append("")
        elif kind != "comment":
            parts.append(token)
            pieces[-1] += token
        line += token.count("\n")
    if "".join(parts).strip():
        yield _LogicalLine(first, "".join(parts), pieces)


def _rewrite(logical: _LogicalLine) -> tuple[str, Dialect | None]:
    code = logical.code
    if _parses(code):
        return code, None
    lazy = _LAZY_IMPORT.match(code)
    if lazy and _parses(code[lazy.end() :]):
        return code[lazy.end() :], "newer"
    named = _ONCE_A_NAME.sub(r"\g<0>_", code)
    if named != code and _parses(named):
        return named, "older"
    if _MAGIC.match(code):
        return without_magic(code), "interactive"
    if _BLOCK.match(code):
        return _rewrite_block(code)
    block = _ONE_LINE_BLOCK.match(code)
    if block:
        head, dialect = _rewrite(_LogicalLine(logical.line, block[1], [block[1]]))
        body, body_dialect = _rewrite(_LogicalLine(logical.line, block[2], _split_again(block[2])))
        return f"{head} {body}", dialect or body_dialect or _dialect_of(code)
    slashed = code.replace("\\", "/")
    if _parses(slashed):
        # A path of Windows' in a string whose `\\U` is taken for a character's number.
        return slashed, _dialect_of(code)
    kept = [piece.strip() for piece in logical.pieces if _parses(piece.strip())]
    return "; ".join(piece for piece in kept if piece) or "pass", _dialect_of(code)


def _first_word(code: str) -> str:
    match = re.match(r"\w+", code)
    return match[0] if match else ""


def _split_again(code: str) -> list[str]:
    return next((logical.pieces for logical in _logical_lines(code)), [code])


def _rewrite_block(code: str) -> tuple[str, Dialect]:
    old = _OLD_EXCEPT.match(code)
    if old:
        caught = f"({old['error'].strip('()')},)"
        # PEP 758 lets several exception types stand without parentheses; a type's name begins upper case.
        if old["name"].rpartition(".")[2][:1].isupper():
            return f"except ({old['error']}, {old['name']}):", "newer"
        return f"except {caught}:", "python2"
    definition = _DEFINITION.match(code)
    if definition:
        return f"{definition['head']}(*_):", "newer" if definition["parameters"] else _dialect_of(code)
    named = _CLASS.match(code)
    if named:
        return f"{named['head']}:", "newer" if named["parameters"] else _dialect_of(code)
    word = _first_word(code)
    if word in {"match", "case"}:
        return "if _:", "newer"
    if word in {"elif", "except"}:
        return f"{word} _:", _dialect_of(code)
    return "if _:", _dialect_of(code)


def _dialect_of(code: str) -> Dialect:
    if _PYTHON_2.search(code):
        return "python2"
    if _NEWER.search(code):
        return "newer"
    try:
        ast.parse(code)
    except SyntaxError as error:
        message = error.msg
        if message.startswith("f-string") and any(part in message for part in _SAME_IN_FSTRING):
            return "newer"
        # PEP 701: a nested quote ends the string for a parser older than 3.12.
        if re.search(r"\b[fF][rR]?([\"'])[^\"'\n]*\{[^}\n]*\1[^}\n]*\1", code):
            return "newer"
    except (ValueError, RecursionError, MemoryError):
        pass
    return "broken"


def _parses(code: str) -> bool:
    if _BLOCK.match(code):
        code += " pass"
        word = _first_word(code)
        if word in {"match", "case"}:
            return False
        if word == "elif":
            code = code[2:]
        elif word in {"except", "finally"}:
            code = f"try: pass\n{code}"
        elif word == "else":
            code = f"if _: pass\n{code}"
        elif word == "try":
            code = f"{code}\nfinally: pass"
    return _parsed(code) is not None


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _assemble(rewritten: list[tuple[_LogicalLine, str]]) -> str:
    """The rewritten lines on their places, indented as far as the blocks that they stand in ask for."""
    lines: list[str] = []
    margins = [len(rewritten[0][0].indent)] if rewritten else []
    for place, (logical, code) in enumerate(rewritten):
        opens = place > 0 and _BLOCK.match(rewritten[place - 1][1]) is not None
        _indent(margins, len(logical.indent), opens=opens)
        lines.extend("" for _ in range(logical.line - 1 - len(lines)))
        lines.extend(f"{' ' * (len(margins) - 1)}{code}".split("\n"))
        following = rewritten[place + 1][0] if place + 1 < len(rewritten) else None
        is_empty = following is None or len(following.indent) <= margins[-1]
        if is_empty and _BLOCK.match(code):
            lines[-1] += " pass"
    return "\n".join(lines) + "\n"


def _indent(margins: list[int], margin: int, *, opens: bool) -> None:
    """Enter or leave blocks for a line; one indented as no block is stands in the block around it.

    Args:
        margins: Of the block around and those around that; changed in place.
        margin: The line's own.
        opens: The line before opens a block.
    """
    if opens and margin > margins[-1]:
        margins.append(margin)
        return
    while len(margins) > 1 and margin < margins[-1]:
        margins.pop()
    margins[0] = min(margins[0], margin)


def _imports_alone(rewritten: list[tuple[_LogicalLine, str]]) -> ast.Module:
    """The import statements without the blocks around them, for text whose blocks make no sense."""
    lines: list[str] = []
    for logical, code in rewritten:
        if re.match(r"(?:import|from)\b", code) and _parses(code):
            lines.extend("" for _ in range(logical.line - 1 - len(lines)))
            lines.extend(code.split("\n"))
    return _parsed("\n".join(lines) + "\n") or ast.Module(body=[], type_ignores=[])
