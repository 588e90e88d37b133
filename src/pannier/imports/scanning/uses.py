"""Uses of APIs that not every version has, found in the text by the names that imports bind."""

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cached_property
from typing import NamedTuple

from pannier.imports.scanning.scan import ImportSite
from pannier.imports.scanning.version_rules import VersionRules, version_rules

# Strings and comments of one line.
_NO_CODE = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\#.*"
# What precedes a call whose result is kept.
_GIVEN = r"(?:=|\breturn)\s*[\w.]+(?:\[[^\]]*\])?$"
_GUARDS = (
    r"(?i)\s*(?:try\s*:|except\b|(?:el)?if\b.*(?:version|hasattr|PY2|PY3|six\.)|def\s+_?compat|else\s*:)"
)
_DOTTED = re.compile(r"([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*")
# Enough for the arguments of any call that a person reads.
_CALL_LENGTH = 600
_STATEMENT_LINES = 60


class Use(NamedTuple):
    """One API in use that a rule speaks of.

    Attributes:
        token: The rule's; `version_rules().bounds` says what follows.
        name: As a person would write it (`numpy.int`).
        line: In the scanned text, from 1.
        column: From 1.
    """

    token: str
    name: str
    line: int
    column: int


def find_uses(text: str, sites: Sequence[ImportSite]) -> tuple[Use, ...]:
    """Find what a source uses that bounds versions, each rule once; nothing that a condition asks for first.

    Args:
        text: The source.
        sites: What it imports.
    """
    rules = version_rules()
    relevant = [site for site in sites if not site.level and rules.speak_of(site.module.partition(".")[0])]
    if not relevant:
        return ()
    finder = _Finder(text, rules)
    for site in relevant:
        finder.visit_import(site)
    for name, target in sorted(finder.bound.items()):
        finder.visit_name(name, target)
    for top in sorted({site.module.partition(".")[0] for site in relevant} & rules.texts.keys()):
        finder.visit_texts(rules.texts[top])
    return tuple(sorted(finder.found.values(), key=lambda use: (use.line, use.column, use.token)))


class _Finder:
    def __init__(self, text: str, rules: VersionRules) -> None:
        self.text = text
        self.rules = rules
        self.bound: dict[str, str] = {}
        self.found: dict[str, Use] = {}
        self._starts: list[int] = []

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def visit_import(self, site: ImportSite) -> None:
        for target, name in self._bindings(site):
            self.bound.setdefault(name, target)
        if site.kind not in {"required", "dynamic"} or site.instead_of or site.fallbacks:
            return
        for full in (site.module, *(f"{site.module}.{name}" for name in site.names)):
            for token in self._tokens(full, ""):
                self._add(token, full, site.line, site.column)

    def _bindings(self, site: ImportSite) -> Iterator[tuple[str, str]]:
        """Dotted names that rules reach into, and what the import statement calls them from then on."""
        targets = [f"{site.module}.{name}" for name in site.names] or [site.module]
        if site.names and not any(map(self._matters, targets)):
            return
        line = self.lines[site.line - 1]
        if line.rstrip().endswith(("(", "\\", ",")) or " as " in line:
            yield from self._renamed(site)
            return
        for target, name in zip(targets, site.names or [""], strict=True):
            yield (target, name) if name else (site.module.partition(".")[0],) * 2

    def _matters(self, target: str) -> bool:
        return target in self.rules.inner or target in self.rules.calls

    def _renamed(self, site: ImportSite) -> Iterator[tuple[str, str]]:
        for node in _statements(self.lines, site):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", alias.asname or alias.name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    yield (alias.name, alias.asname) if alias.asname else (top, top)

    def visit_name(self, name: str, target: str) -> None:
        """Everything that rules reach from one bound name, and how it is called."""
        if target in self.rules.inner:
            for start, match in _reached(self.text, name, self.rules.inner[target]):
                if self._stands_alone(start):
                    full = f"{target}.{match[0]}"
                    for token in self._tokens(full, target):
                        self._add_at(token, start)
                    self._visit_call(full, start, match.end())
        if target in self.rules.calls:
            for match in re.finditer(rf"{re.escape(name)}(?=\()", self.text):
                if self._stands_alone(match.start()):
                    self._visit_call(target, match.start(), match.end())

    def _tokens(self, full: str, beyond: str) -> Iterator[str]:
        """Rules that name a dotted name or what it begins with, longer than `beyond`."""
        while len(full) > len(beyond):
            token = self.rules.names.get(full)
            if token is not None:
                yield token
            full = full.rpartition(".")[0]

    def _stands_alone(self, start: int) -> bool:
        before = self.text[start - 1] if start else "\n"
        return not (before.isalnum() or before in "_.")

    def _visit_call(self, full: str, start: int, end: int) -> None:
        for form, token in self.rules.calls.get(full, ()):
            if self.text.startswith("(", end) and _is_called(form, _arguments(self.text, end)):
                self._add_at(token, start)

    def visit_texts(self, texts: Iterable[tuple[str, str]]) -> None:
        """Pieces of text that tell whatever they are attached to."""
        for piece, token in texts:
            text = piece.lstrip("=")
            place = self.text.find(text)
            while place >= 0:
                if self._is_attached(piece, place):
                    self._add_at(token, place)
                place = self.text.find(text, place + 1)

    def _is_attached(self, piece: str, place: int) -> bool:
        if piece.startswith("="):
            return re.search(_GIVEN, self.text[self.text.rfind("\n", 0, place) + 1 : place]) is not None
        return not piece[0].isalnum() or self._stands_alone(place)

    def _add_at(self, token: str, start: int) -> None:
        if token in self.found or self._is_no_code(start):
            return
        if not self._starts:
            self._starts = [0, *(match.end() for match in re.finditer(r"\n", self.text))]
        line = bisect_right(self._starts, start)
        self._add(token, _readable(token), line, start - self._starts[line - 1] + 1)

    def _add(self, token: str, name: str, line: int, column: int) -> None:
        if token not in self.found and not self._is_guarded(line):
            self.found[token] = Use(token, name, line, column)

    def _is_no_code(self, place: int) -> bool:
        """Whether a place is in a comment or a string; in triple quotes if an odd number stands before."""
        if self.text.count('"""', 0, place) % 2 or self.text.count("'''", 0, place) % 2:
            return True
        start = self.text.rfind("\n", 0, place) + 1
        end = self.text.find("\n", place)
        line = self.text[start : end if end >= 0 else len(self.text)]
        return any(match.start() <= place - start < match.end() for match in re.finditer(_NO_CODE, line))

    def _is_guarded(self, line: int) -> bool:
        """Whether a line stands in a `try`, or in a branch that asks for a version or an attribute."""
        indent = _indent(self.lines[line - 1])
        if not indent and re.match(_GUARDS, self.lines[line - 1]):
            return True
        for above in reversed(self.lines[: line - 1]):
            if not indent:
                return False
            if above.strip() and _indent(above) < indent:
                indent = _indent(above)
                if re.match(_GUARDS, above):
                    return True
        return False


def _reached(text: str, name: str, inner: Set[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Where one of some names is reached from another, and the dotted name that begins with it.

    A compiled expression for each name would take longer to compile than to search.
    """
    owner = f"{name}."
    start = text.find(owner)
    while start >= 0:
        match = _DOTTED.match(text, start + len(owner))
        if match is not None and match[1] in inner:
            yield start, match
        start = text.find(owner, start + len(owner))


def _statements(lines: list[str], site: ImportSite) -> list[ast.stmt]:
    """The import statement at a place, parsed alone; nothing where it does not parse."""
    text = lines[site.line - 1][site.column - 1 :]
    for following in lines[site.line : site.line + _STATEMENT_LINES]:
        if text.count("(") <= text.count(")") and not text.endswith("\\"):
            break
        text = f"{text}\n{following}"
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError):
        return []


def _arguments(text: str, start: int) -> str:
    """What stands between a call's parentheses, as far as it matters."""
    depth = 0
    for place in range(start, min(len(text), start + _CALL_LENGTH)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if not depth:
            return text[start + 1 : place]
    return text[start + 1 : start + _CALL_LENGTH]


def _is_called(form: str, arguments: str) -> bool:
    if form == "1)":
        return bool(arguments.strip()) and "," not in re.sub(r"\([^()]*\)|\[[^][]*\]", "", arguments)
    if form == "[":
        return arguments.lstrip().startswith("[")
    return all(re.search(rf"\b{re.escape(word)}", arguments) for word in form.split(",") if word)


def _readable(token: str) -> str:
    name, colon, text = token.partition(":")
    return text.lstrip("=") if colon else name if token.endswith("(1)") else token.replace("([", "([...])")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
