"""The part of a text that decides what it imports, cut out without parsing the rest.

Parsing costs ten times what all else does, and most of a program cannot import anything: a function without
the word `import` in it, a table of constants, a docstring. One compiled expression splits a text into its
statements, strings, comments and brackets respected, at the speed of C; only statements that can matter are
left, each on its own line. Whatever is unusual is left to a full parse: `excerpt` then gives nothing.

docs/decisions/0047-excerpts.md says what is kept, and what this cannot see.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

from pannier.imports.scanning.plain_imports import IMPORTING
from pannier.imports.text.lexical import Code

# Brackets nested deeper than this are parsed in full.
_DEEPEST = 12
_BLANK = r"[ \t]*+\n"
# How a statement begins; clauses and what closes a bracket do not.
_BEGINNING = r"""(?=[A-Za-z0-9_"'(\[{@*~+.-])"""
_BLANK_LINES, _DEFINITION, _DECORATOR, _IMPORT, _COMPOUND, _CLAUSE, _SIMPLE = range(1, 8)
_WORD = re.compile(r"\w+")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)[ \t]*=(?!=)")

_Piece = tuple[int, int, str]


def _bracket(depth: int) -> str:
    inner = rf"(?:{_bracket(depth - 1)}[^()\[\]{{}}]*+)*+" if depth else ""
    return rf"[(\[{{][^()\[\]{{}}]*+{inner}[)\]}}]"


@cache
def _rest() -> str:
    plain = r"[^()\[\]{}\\\n]*+"
    return rf"{plain}(?:(?:{_bracket(_DEEPEST)}|\\\n){plain})*+\n"


@cache
def _chunks(indent: str) -> re.Pattern[str]:
    """One statement of a block, with the lines indented below it; the last group says of which kind."""
    return re.compile(
        rf"((?:{_BLANK})++)|{indent}{_BEGINNING}(?:"
        r"(?=(?:async[ \t]++)?(?:def|class)\b)()|(?=@)()|(?=(?:import|from)\b)()"
        r"|(?=(?:if|try|for|while|with|async)\b)()|(?=(?:elif|else|except|finally|match|case)\b)()|())"
        rf"{_rest()}(?:{_BLANK}|{indent}[ \t]++{_BEGINNING}{_rest()})*+"
    )


def excerpt(code: Code, marks: Sequence[int] = ()) -> str | None:
    """Cut out what decides what a text imports.

    Args:
        code: Python that `is_usual`.
        marks: Places in it whose statements are wanted too.

    Returns:
        The statements that matter, each on its own line and column; `None` when the text has to be parsed
        whole.
    """
    importing = [match.start() for match in IMPORTING.finditer(code.blanked)]
    cut = _Cut(code, sorted([*importing, *marks]))
    if not cut.module():
        return None
    return cut.joined()


class _Cut:
    """Statements chosen by what is code of a text; `text` has blanks for strings and comments."""

    def __init__(self, code: Code, hits: Sequence[int]) -> None:
        self.original = code.text
        self.text = code.blanked if code.blanked.endswith("\n") else f"{code.blanked}\n"
        self.hits = hits
        self.pieces: list[_Piece] = []
        self.assignments: list[tuple[int, int]] = []

    def is_hit(self, start: int, end: int) -> bool:
        place = bisect_left(self.hits, start)
        return place < len(self.hits) and self.hits[place] < end

    def module(self) -> bool:
        """Choose among the statements of the whole text; `False` when it is unusual."""
        text, match = self.text, _chunks("").match
        position, size = 0, len(text)
        decorated = -1
        while position < size:
            found = match(text, position)
            if found is None:
                return False
            start, end = found.span()
            kind = found.lastindex
            position = end
            if kind == _DECORATOR:
                decorated = start if decorated < 0 else decorated
            elif kind == _DEFINITION:
                self.definition(start if decorated < 0 else decorated, start, end)
                decorated = -1
            elif kind == _SIMPLE:
                self.simple(start, end)
            elif kind != _BLANK_LINES:
                self.pieces.append((start, end, ""))
        self.keep_constants()
        return decorated < 0

    def simple(self, start: int, end: int) -> None:
        text = self.text
        if self.is_hit(start, end) or text.find(";", start, end) >= 0 or self.has_block(start, end):
            self.pieces.append((start, end, ""))
        elif _ASSIGNED.match(text, start):
            self.assignments.append((start, end))

    def has_block(self, start: int, end: int) -> bool:
        """Whether lines are indented below a statement that is none of those known to have such."""
        first = _line(self.text, start, end)
        return bool(self.text[first:end].strip())

    def definition(self, start: int, head: int, end: int) -> None:
        """Of a function or class keep its head and what is hit of its body."""
        if not self.is_hit(start, end):
            return
        body = _line(self.text, head, end)
        indent = _indent(self.text, body, end)
        before = len(self.pieces)
        self.pieces.append((start, body, ""))
        if not indent:
            self.pieces[-1] = (start, end, "")
        elif not self.block(body, end, indent):
            self.pieces[before:] = [(start, end, "")]
        elif len(self.pieces) == before + 1:
            self.pieces.append((body, body, f"{indent}pass"))

    def block(self, start: int, end: int, indent: str) -> bool:
        """Choose among the statements of a body; `False` when it is unusual, and better kept whole."""
        match = _chunks(indent).match
        decorated = unit = -1
        position = start
        while position < end:
            found = match(self.text, position, end)
            if found is None:
                return False
            position = found.end()
            kind = found.lastindex
            if kind == _BLANK_LINES:
                continue
            if unit >= 0 and kind != _CLAUSE:
                self.statement(unit, found.start())
                unit = -1
            if kind == _DECORATOR:
                decorated = found.start() if decorated < 0 else decorated
            elif kind == _DEFINITION:
                self.definition(found.start() if decorated < 0 else decorated, found.start(), position)
                decorated = -1
            elif kind == _COMPOUND:
                unit = found.start()
            elif kind == _CLAUSE and unit < 0:
                return False
            elif kind != _CLAUSE:
                self.statement(found.start(), position)
        if unit >= 0:
            self.statement(unit, end)
        return decorated < 0

    def statement(self, start: int, end: int) -> None:
        if self.is_hit(start, end):
            self.pieces.append((start, end, ""))

    def keep_constants(self) -> None:
        """Keep assignments to names that a condition in what is kept may ask for."""
        if not self.assignments:
            return
        words: set[str] = set()
        for start, end, _ in self.pieces:
            if not self.text.startswith(("import ", "from "), start):
                words.update(_WORD.findall(self.text, start, end))
        kept: list[_Piece] = []
        for start, end in reversed(self.assignments):
            name = _ASSIGNED.match(self.text, start)
            if name and name[1] in words:
                kept.append((start, end, ""))
                words.update(_WORD.findall(self.text, start, end))
        if kept:
            self.pieces = sorted([*self.pieces, *kept])

    def joined(self) -> str:
        """The pieces, with as many line ends between them as were there."""
        parts: list[str] = []
        position = 0
        for start, end, filler in self.pieces:
            parts.append("\n" * self.text.count("\n", position, start))
            parts.append(filler or self.original[start:end])
            position = end
        return "".join(parts)


@cache
def _logical() -> re.Pattern[str]:
    return re.compile(_rest())


def _line(text: str, start: int, end: int) -> int:
    """Where the logical line that begins at `start` ends."""
    found = _logical().match(text, start, end)
    return found.end() if found else end


def _indent(text: str, start: int, end: int) -> str:
    """The margin of the first statement below a head; empty when there is none."""
    match = _MARGIN.match(text, start, end)
    return match[1] if match else ""


_MARGIN = re.compile(rf"(?:{_BLANK})*+([ \t]++)(?=\S)")
