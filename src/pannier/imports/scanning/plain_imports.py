"""Import statements at the margin of a module and in its functions and classes, read without a parser.

Most modules have no others. At the margin such a statement means the same whatever surrounds it; in functions
and classes, as long as nothing else is around it: no condition, no `try`.
"""

import re
from typing import NamedTuple

from pannier.imports.scanning.scan import ImportSite
from pannier.imports.text.lexical import Code

IMPORTING = re.compile(r"import\b(?<!\wimport)")
_STATEMENT = re.compile(
    r"([ \t]*+)(?:import[ \t]++([\w., \t]++)"
    r"|from[ \t]++(\.*+)([\w.]*+)[ \t]++import(?:[ \t]++(\*|[\w, \t]++)|[ \t]*+\(([\w,\s]++)\)))"
    r"[ \t]*+(?:\n|\Z)"
)
_NEXT_MARGIN = re.compile(r"(?:[ \t]*+\n)*+([ \t]*+)")
# On one line; what unpacks tuples among its parameters is Python 2.
_HEAD = re.compile(r"([ \t]*+)(?:(?:async[ \t]++)?(def)|class)[ \t]++\w[^\n]*:[ \t]*+\n")
_UNPACKING = re.compile(r"[(,][ \t]*+\(")


class _Place(NamedTuple):
    """What is around an import; see `ImportSite`."""

    is_certain: bool = True
    in_function: bool = False


_AT_MARGIN = _Place()
_IN_FUNCTION = _Place(is_certain=False, in_function=True)


def plain_imports(code: Code, *, toplevel: bool = False) -> tuple[ImportSite, ...] | None:
    """What a text imports by plain statements in nothing but functions and classes; `None` for the rest.

    Args:
        code: Python that `is_usual`, and names no modules by texts.
        toplevel: Leave out imports inside functions.
    """
    blanked = code.blanked
    sites: list[ImportSite] = []
    line, counted = 1, 0
    for hit in IMPORTING.finditer(blanked):
        start = blanked.rfind("\n", 0, hit.start()) + 1
        statement = _STATEMENT.match(blanked, start)
        if statement is None or blanked.endswith("\\\n", 0, start):
            return None
        place = _place(blanked, start, statement[1]) if statement[1] else _AT_MARGIN
        if place is None:
            return None
        line, counted = line + blanked.count("\n", counted, start), start
        found = _sites(statement, line, place)
        if not found:
            return None
        if not (toplevel and place.in_function):
            sites += found
    return tuple(sites)


def _place(blanked: str, start: int, margin: str) -> _Place | None:
    """What is around the line that begins at a place; `None` for more than functions and classes."""
    found = _AT_MARGIN
    while margin:
        if not start:
            return None
        end = start
        start = blanked.rfind("\n", 0, end - 1) + 1
        while start and (blanked.startswith(margin, start) or blanked[start:end].isspace()):
            end = start
            start = blanked.rfind("\n", 0, end - 1) + 1
        head = _HEAD.fullmatch(blanked, start, end)
        below = _NEXT_MARGIN.match(blanked, end)
        if head is None or below is None or below[1] != margin or _UNPACKING.search(head[0]):
            return None
        if head[2]:
            found = _IN_FUNCTION
        margin = head[1]
    return found


def _sites(statement: re.Match[str], line: int, place: _Place) -> list[ImportSite]:
    """The modules that a statement names; none where it is not valid."""
    margin, plain, dots, module, listed, enclosed = statement.groups()

    column = len(margin) + 1

    def site(module: str, names: tuple[str, ...], level: int) -> ImportSite:
        return ImportSite(
            module,
            names,
            level,
            "required",
            line,
            column,
            (),
            (),
            place.is_certain,
            (),
            False,
            False,
            place.in_function,
        )

    if plain is not None:
        modules = _names(plain)
        is_valid = all(map(_is_dotted, modules))
        return [site(name, (), 0) for name in modules] if is_valid else []
    names = _names(listed or enclosed.rstrip(" \t\n,"))
    is_valid = _is_dotted(module) if module else dots != ""
    if not is_valid or not (names == ("*",) or all(map(str.isidentifier, names))):
        return []
    return [site(module, names, len(dots))] if names else []


def _names(listed: str) -> tuple[str, ...]:
    """The names in a list of some, without what they are called from then on; none where one is not valid."""
    names = tuple(map(str.strip, listed.split(",")))
    if all(map(str.isidentifier, names)):
        return names
    found: list[str] = []
    for part in listed.split(","):
        words = part.split()
        if len(words) != 1 and not (len(words) == 3 and words[1] == "as" and words[2].isidentifier()):
            return ()
        found.append(words[0])
    return tuple(found)


def _is_dotted(name: str) -> bool:
    return name.isidentifier() or all(map(str.isidentifier, name.split(".")))
