"""Import statements at the margin of a module, read without a parser.

Most modules have no others, and such a statement means the same whatever surrounds it.
"""

import re

from pannier.imports.lexical import Code
from pannier.imports.scan import ImportSite

IMPORTING = re.compile(r"import\b(?<!\wimport)")
_STATEMENT = re.compile(
    r"(?:import[ \t]++([\w., \t]++)"
    r"|from[ \t]++(\.*+)([\w.]*+)[ \t]++import(?:[ \t]++(\*|[\w, \t]++)|[ \t]*+\(([\w,\s]++)\)))"
    r"[ \t]*+(?:\n|\Z)"
)


def top_imports(code: Code) -> tuple[ImportSite, ...] | None:
    """What a text imports that has plain import statements at its margin and no others; `None` for the rest.

    Args:
        code: Python that `is_usual`, and names no modules by texts.
    """
    blanked = code.blanked
    sites: list[ImportSite] = []
    line, counted = 1, 0
    for hit in IMPORTING.finditer(blanked):
        start = blanked.rfind("\n", 0, hit.start()) + 1
        statement = _STATEMENT.match(blanked, start)
        if statement is None or blanked.endswith("\\\n", 0, start):
            return None
        line, counted = line + blanked.count("\n", counted, start), start
        found = _sites(statement, line)
        if not found:
            return None
        sites += found
    return tuple(sites)


def _sites(statement: re.Match[str], line: int) -> list[ImportSite]:
    """The modules that a statement names; none where it is not valid."""
    plain, dots, module, listed, enclosed = statement.groups()
    if plain is not None:
        modules = _names(plain)
        is_valid = all(map(_is_dotted, modules))
        return [ImportSite(name, (), 0, "required", line, 1) for name in modules] if is_valid else []
    names = _names(listed or enclosed.rstrip(" \t\n,"))
    is_valid = _is_dotted(module) if module else dots != ""
    if not is_valid or not all(name == "*" or name.isidentifier() for name in names):
        return []
    return [ImportSite(module, names, len(dots), "required", line, 1)] if names else []


def _names(listed: str) -> tuple[str, ...]:
    """The names in a list of some, without what they are called from then on; none where one is not valid."""
    found: list[str] = []
    for part in listed.split(","):
        words = part.split()
        if len(words) != 1 and not (len(words) == 3 and words[1] == "as" and words[2].isidentifier()):
            return ()
        found.append(words[0])
    return tuple(found)


def _is_dotted(name: str) -> bool:
    return all(map(str.isidentifier, name.split(".")))
