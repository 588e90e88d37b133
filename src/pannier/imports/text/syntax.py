"""Syntax that only some Pythons have, found in the text itself.

Looking for the few characters that give a feature away, and asking whether they stand in code, costs a
hundredth of walking over a tree, works on what this Python cannot parse, and gives the same answer whichever
Python runs it.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from pannier.imports.text.lexical import Code

# Words after the type are prose, as in many a docstring.
_ANNOTATION = r"""(?mx)[ \t]*+(?!(?:else|try|finally|except|lambda)\b)[A-Za-z_]\w*+(?:\.\w++)*+[ ]?:[ ]
    (?:[\w.]++(?:\[[^\n]*\])?(?:[ ]\|[^\n=]*)?|"[^"\n]*"|'[^'\n]*'|\([^\n]*\))[ ]*(?:$|=(?!=)|\#|;)"""
_FUTURE_ANNOTATIONS = re.compile(r"from[ \t]+__future__[ \t]+import[^\n#]*\bannotations\b")


class Feature(NamedTuple):
    """Something that bounds the Python that can run a source.

    Attributes:
        name: What it is, for people.
        line: Where it first stands in the scanned text, from 1.
        since: The first version that has it.
        before: The first version that no longer has it.
    """

    name: str
    line: int
    since: tuple[int, int] | None = None
    before: tuple[int, int] | None = None


class _Rule(NamedTuple):
    """A kind of syntax.

    Attributes:
        name: What it is.
        patterns: What it looks like, one for each literal beginning: only those are searched at full speed.
        since: The first version that has it.
        before: The first version that no longer has it.
        is_meant: What else has to hold at a place, given the text and the place.
        only_with: A text without which it is not looked for.
        only_after: A rule that has to be met as well.
        is_spare: Looked for only where nothing else asks for as much, since looking takes long.
        texts: What its patterns begin with, where that is found sooner than they are.
        is_within: It is about what strings hold; others see code alone.
    """

    name: str
    patterns: tuple[str, ...]
    since: tuple[int, int] | None = None
    before: tuple[int, int] | None = None
    is_meant: Callable[[str, int], bool] | None = None
    only_with: str = ""
    only_after: str = ""
    is_spare: bool = False
    texts: tuple[str, ...] = ()
    is_within: bool = False


def _is_evaluated(text: str, place: int) -> bool:
    """Whether Python evaluates an annotation: all but those of a function's own variables."""
    if "annotations" in text and _FUTURE_ANNOTATIONS.search(text):
        return False
    line = text[text.rfind("\n", 0, place) + 1 : place]
    if re.match(r"[ \t]*(?:async[ \t]+)?(?:def|class)\b|[ \t]*\)", line):
        return True
    header = next(headers(text, place), "")
    return not header.rstrip().endswith(":") or re.match(r"[ \t]*class\b", header) is not None


def _is_statement(text: str, place: int) -> bool:
    """Whether a colon after a name makes a statement, and no entry, parameter or slice within brackets.

    Those come after a bracket or a comma, with nothing but comments between.
    """
    place = text.rfind("\n", 0, place) + 1
    if not _annotation().match(text, place):
        return False
    while place > 0:
        start = text.rfind("\n", 0, place - 1) + 1
        line = text[start : place - 1].strip()
        if line and not line.startswith("#"):
            return not any(part.rstrip().endswith(("(", "[", "{", ",")) for part in _uncommented(line))
        place = start
    return True


def _uncommented(line: str) -> Iterator[str]:
    """A line, and all that it may be without the comment at its end."""
    yield line
    for match in re.finditer("#", line):
        yield line[: match.start()]


def _strings(*prefixes: str) -> tuple[str, ...]:
    return tuple(rf"""{prefix}"(?<![\w"'.]{prefix}")""" for prefix in prefixes)


# What begins a line, found in one search; a rule is met where its group matches.
_BEGINNINGS = r"""\n[ \t]*+(?=[nardmetcwl])(?:
    (?P<nonlocal>nonlocal[ ])
    |(?P<async>async[ ]++def[ ])
    |(?P<unpacking>return[ ]\*[^,\n]*,)
    |(?P<with>with[ ]\((?:[^()\n]|\([^()\n]*\)|\n)*?[ \t]as[ \t]+\w+[^()]*\)[ \t]*:)
    |(?P<match>match\b[^\n]*:[ \t]*(?:\#[^\n]*)?\n(?:[ \t]*(?:\#[^\n]*)?\n)*[ \t]+case\b)
    |(?P<group>except[ ]?\*)
    |(?P<types>except[ ]++[\w.]++[ ]*+,[ ]*+(?:\w+\.)*[A-Z]\w*[ ]*(?:,[^:\n]*)?:)
    |(?P<default>(?:async[ ]++)?(?:def|class)[ ]++\w++[ ]*+\[[^\]()=]*=)
    |(?P<parameter>(?:async[ ]++)?(?:def|class)[ ]++\w++[ ]*+\[)
    |(?P<lazy>lazy[ ]++(?:import|from)[ ])
    |(?P<type>type[ ]++[A-Za-z_]\w*[ ]*(?:=(?!=)|\[[^\]\n]*\][ ]*=))
    )"""
_OF_GROUP = {
    "nonlocal": ("`nonlocal`", (3, 0)),
    "async": ("`async def`", (3, 5)),
    "unpacking": ("unpacking in `return`", (3, 8)),
    "with": ("`with` in parentheses", (3, 9)),
    "match": ("`match` statement", (3, 10)),
    "group": ("`except*`", (3, 11)),
    "parameter": ("type parameter", (3, 12)),
    "default": ("default of a type parameter", (3, 13)),
    "type": ("`type` statement", (3, 12)),
    "lazy": ("`lazy` import", (3, 15)),
    "types": ("`except` of several types without parentheses", (3, 14)),
}
_GENERICS = tuple(
    rf"{name}\[(?:(?<=: {name}\[)|(?<=-> {name}\[))" for name in ("list", "dict", "tuple", "set")
)
_RULES = (
    _Rule("f-string", _strings("f", "fr"), since=(3, 6)),
    _Rule("`async` as a name", (r"async\b(?<![\w]async)(?![ \t]++(?:def|for|with)\b)",), before=(3, 7)),
    _Rule(
        "`=` in an f-string",
        tuple(
            rf"""f{quote}(?<![\w"'.]f{quote})(?!{quote})[^{quote}\n]*?(?<!\{{)(?:\{{\{{)*+\{{(?!\{{)"""
            rf"""[^{{}}{quote}\n!:]*[^{{}}{quote}\s!:=<>]\s*=\s*[!:}}]"""
            for quote in ('"', "'")
        ),
        since=(3, 8),
        only_after="f-string",
        is_within=True,
    ),
    _Rule("assignment expression", (":=",), since=(3, 8)),
    _Rule("positional-only parameter", (r"/(?<=[(,\s]/)\s*+[,):]",), since=(3, 8)),
    _Rule(
        "`list[...]` in an annotation",
        _GENERICS,
        since=(3, 9),
        is_meant=_is_evaluated,
        only_with="->",
    ),
    _Rule(
        "`X | None` in an annotation",
        (r"\| None\b", r"None \|"),
        since=(3, 10),
        is_meant=_is_evaluated,
        only_with="->",
        texts=("| None", "None |"),
    ),
    _Rule(
        "quotes of an f-string within it",
        tuple(
            rf"""f{quote}(?<![\w"'.]f{quote})(?!{quote})[^"'{{\n]*\{{[^}}"'\n]*{quote}[^}}"'\n]*{quote}"""
            for quote in ('"', "'")
        ),
        since=(3, 12),
        only_after="f-string",
        is_within=True,
    ),
    _Rule("t-string", _strings("t"), since=(3, 14)),
    _Rule(
        "annotation of a variable",
        (r""": (?<=[\w ]: )(?=[\w"'(\[])""",),
        since=(3, 6),
        is_meant=_is_statement,
        is_spare=True,
    ),
)


@cache
def _annotation() -> re.Pattern[str]:
    return re.compile(_ANNOTATION)


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))


def find_features(code: Code) -> tuple[Feature, ...]:
    """The syntax that bounds the Python version, each kind where it first stands in a text."""
    found = {**_shebang(code.text), **_beginnings(code.blanked)}
    for rule in _RULES:
        text = code.text if rule.is_within else code.blanked
        if rule.only_with not in code.text or (rule.only_after and rule.only_after not in found):
            continue
        if rule.texts and not any(map(text.__contains__, rule.texts)):
            continue
        if rule.is_spare and any((other.since or (0,)) >= (rule.since or ()) for other in found.values()):
            continue
        places = [_first(pattern, rule, code) for pattern in _compiled(rule.patterns)]
        place = min((place for place in places if place >= 0), default=-1)
        if place >= 0:
            line = text.count("\n", 0, place) + 1
            found[rule.name] = Feature(rule.name, line, rule.since, rule.before)
    return tuple(sorted(found.values(), key=lambda feature: (feature.line, feature.name)))


def _shebang(text: str) -> dict[str, Feature]:
    """What a `#!` line says of Python; one without a version says nothing."""
    match = re.match(r"#![^\n]*\bpython([23])", text)
    if match is None:
        return {}
    name = f"`#!` line for Python {match[1]}"
    return {name: Feature(name, 1, (3, 0)) if match[1] == "3" else Feature(name, 1, before=(3, 0))}


def _beginnings(text: str) -> dict[str, Feature]:
    found: dict[str, Feature] = {}
    for match in re.finditer(_BEGINNINGS, "\n" + text, re.VERBOSE):
        group = match.lastgroup or ""
        name, since = _OF_GROUP[group]
        place = match.start(group) - 1
        if name not in found:
            found[name] = Feature(name, text.count("\n", 0, place) + 1, since)
    return found


def _first(pattern: re.Pattern[str], rule: _Rule, code: Code) -> int:
    for match in pattern.finditer(code.text if rule.is_within else code.blanked):
        place = match.start()
        if (rule.is_meant is None or rule.is_meant(code.text, place)) and code.holds(place):
            return place
    return -1


def headers(text: str, place: int) -> Iterator[str]:
    """The first lines of the blocks around a place, the innermost first, told by their indentation."""
    start = text.rfind("\n", 0, place) + 1
    margin = len(text[start:place]) - len(text[start:place].lstrip(" \t"))
    while margin and start:
        end = start - 1
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        stripped = line.lstrip(" \t")
        if stripped and not stripped.startswith("#") and len(line) - len(stripped) < margin:
            margin = len(line) - len(stripped)
            yield line
