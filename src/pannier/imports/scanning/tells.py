"""What gives away that a file names modules by texts, and whether an excerpt of it shows them as well.

Most files hold no such idiom. In most others it is a call with a literal, `import_module("numpy")`, which
says the same in an excerpt. What depends on the rest of the file (a name, a table, a setting) needs it all.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pannier.imports.scanning import backends, calls
from pannier.imports.scanning.search_paths import may_add_directories
from pannier.imports.text.lexical import Code

# Libraries whose back ends matter only in files that import them; the other texts may stand anywhere.
_LIBRARIES = frozenset(
    {
        *("matplotlib", "pylab", "pandas", "polars", "dask", "xarray", "sqlalchemy", "sqlmodel", "flask"),
        *("dj_database_url", "slowapi", "marimo", "uvicorn", "joblib", "smart_open", "passlib", "jwt"),
        *("testclient", "pydantic", "fastapi", "starlette", "tensorboard", "tqdm.notebook", "backend_qt"),
        *("backend_wx", "backend_gtk", "networkx", "transformers", "plotly", "bs4", "databases", "dataset"),
        *("tortoise", "peewee", "playhouse", "django", "httpx", "fsspec"),
    }
)
_ANYWHERE = tuple(telling for telling in backends.TELLING_TEXTS if telling not in _LIBRARIES)
# Most of those are written in capitals, of which there are few in a text: they are looked for in these alone.
_OTHERS = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_FEWEST = 4


def _capitals(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(None, _OTHERS)


_IN_CAPITALS = tuple(capitals for one in _ANYWHERE if len(capitals := _capitals(one)) >= _FEWEST)
# Looking for what several have in common is a look less for each of the others.
_SMALL = ("socks", *(one for one in _ANYWHERE if len(_capitals(one)) < _FEWEST and "socks" not in one))
# Modules whose functions import by texts that stand elsewhere than in the call.
_MODULES_OF_CALLS = (
    *("hypercorn", "granian", "uvicorn", "pkg_resources", "lazy_loader", "importlib_metadata"),
    *("pkgutil", "define_import_structure"),
)
# Patterns are compiled when a text asks for them: few do.
_PARTS_OF_IMPORTLIB = (
    r"(?m)importlib(?:\.(?:metadata|resources)\b|[ \t]+import\b|[ \t]+(as)\b)[^\n]*?(\bas\b|$)"
)
# What these parts have that is called with the name of a package or a project.
_CALLED_WITH_NAMES = (
    r"\b(?:version|metadata|distribution|requires|files|path|(?:open|read)_(?:text|binary))\b(?=[ \t]*\()"
)
# A Python, an option of it, or what may stand for one in a text that is put together, before its `-m`.
_MODULE_COMMAND = r"""(?:py[\w.]*|executable|[}"']|%s|-[uBbEIsSOvqd]+)["'}]*\s+-m\s"""
_MODULE_OPTION = r""",\s*["']-m["']\s*[],]"""
# What both hold, which is found sooner.
_OPTION = re.compile(r"""-m["'\s](?<=["'\s]...)""", re.DOTALL)
# Functions that import what their argument says: a text that tells of them, the end of their names, and the
# module that they have to come from. Patterns that begin with a literal are searched as fast as texts.
_FUNCTIONS = (
    ("exec(", r"""exec(?=\((?:["']|\w*import))""", ""),
    ("optional_package", r"optional_package\b", ""),
    ("is_module_available", r"is_module_available\b", ""),
    ("", r"find_(?:spec|loader)\b", ""),
    ("", r"azy(?<=[lL]azy)(?:Import|Module|_module|\.load)\b", ""),
    ("from_object", r"(?:[Cc]onf\w*|cfg|[Ss]ettings)\.from_object\b", ""),
    ("get_", r"get_(?:loader|data)\b", "pkgutil"),
    ("resolve_name", r"resolve_name\b", "pkgutil"),
    ("run_module", r"run_module\b", "runpy"),
    ("PackageLoader", r"PackageLoader\b", "jinja2"),
)
_IMPORT = re.compile("import")
_NAMED_IMPORT = re.compile(r"import(?:(?=\w)|(?<=\wimport))")
_WORD = re.compile(r"\w+")
_FIELD = re.compile(r"""\b(?:[fF][rR]?|[rR][fF])["'][^\n]*\{[^{}\n]*$""")
_LITERAL_CALL = re.compile(r"""[\w.]*[ \t]*\(\s*+["'][^"'\\\n]*["']\s*+[,)]""")


class Tells(NamedTuple):
    """What gives away that a file names modules by texts.

    Attributes:
        places: Where it imports by calls with literals, empty for nowhere; `None` when only all of it tells.
        has_backends: The table of back ends may say something of it.
    """

    places: tuple[int, ...] | None
    has_backends: bool = False


def find_tells(code: Code, *, is_named: bool = False) -> Tells:
    """Look for what names modules by texts.

    Args:
        code: The file.
        is_named: Look for what runs files by their paths, which in a directory are read anyway, and programs
            in constants, which many files may hold and few do.
    """
    lines = _import_lines(code.text)
    if _has_backends(code.text, lines):
        return Tells(None, has_backends=True)
    if is_named and (_runs_files(code.text) or _runs_programs(code.text)):
        return Tells(None)
    return Tells(_telling_places(code, lines))


def _telling_places(code: Code, lines: str) -> tuple[int, ...] | None:
    text = code.text
    if any(module in lines for module in _MODULES_OF_CALLS):
        return None
    if "LazyLoader" in text or _runs_modules(text) or may_add_directories(text):
        return None
    parts = [*re.finditer(_PARTS_OF_IMPORTLIB, lines)] if "importlib" in lines else []
    if any(part[1] or part[2] for part in parts):
        return None
    places: list[int] = []
    for place in (*_names(text, lines), *(_places(text, _CALLED_WITH_NAMES) if parts else ())):
        if not (code.holds(place) or _is_in_field(text, place)):
            continue
        if _LITERAL_CALL.match(text, place) is None:
            return None
        places.append(place)
    return tuple(places)


def _runs_files(text: str) -> bool:
    """Whether a file may run or load another one that it names by its path."""
    return ".py" in text and ('.py"' in text or ".py'" in text or ".py " in text)


def _runs_programs(text: str) -> bool:
    """Whether a file may run programs that are texts of its own."""
    return "exec(" in text or "timeit" in text or '"-c"' in text or "'-c'" in text


def _is_in_field(text: str, place: int) -> bool:
    """Whether a place is in the field of an f-string, as far as its line tells."""
    return _FIELD.search(text, text.rfind("\n", 0, place) + 1, place) is not None


def _runs_modules(text: str) -> bool:
    """Whether a command `python -m` may be run, as a list of words or as one text."""
    if _OPTION.search(text) is None:
        return False
    return bool(re.search(_MODULE_OPTION, text) or re.search(_MODULE_COMMAND, text))


def _import_lines(text: str) -> str:
    """The lines with `import` in them."""
    lines = []
    end = 0
    for match in _IMPORT.finditer(text):
        if match.start() >= end:
            start = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.end())
            end = len(text) if end < 0 else end
            lines.append(text[start:end])
    return "\n".join(lines)


def _has_backends(text: str, lines: str) -> bool:
    told = [*filter(lines.__contains__, _LIBRARIES)]
    if any(map(text.__contains__, _SMALL)) or any(map(_capitals(text).__contains__, _IN_CAPITALS)):
        told += filter(text.__contains__, _ANYWHERE)
    return told != [] and backends.may_hold_backends(text, told)


def _names(text: str, lines: str) -> Iterator[int]:
    """Where functions that import are named, in the order of the text within each kind."""
    if _NAMED_IMPORT.search(lines):
        yield from _named_import(text)
    for telling, pattern, module in _FUNCTIONS:
        if module in lines and telling in text:
            yield from _places(text, pattern)


def _places(text: str, pattern: str) -> Iterator[int]:
    for match in re.finditer(pattern, text):
        start = _word_start(text, match.start())
        if not _is_imported(text, start):
            yield start


def _named_import(text: str) -> Iterator[int]:
    for match in _NAMED_IMPORT.finditer(text):
        start = _word_start(text, match.start())
        word = _WORD.match(text, start)
        name = word[0] if word else ""
        if (name in calls.IMPORTERS or name == "importlib") and not _is_imported(text, start):
            yield start


def _word_start(text: str, place: int) -> int:
    while place and _is_word(text[place - 1]):
        place -= 1
    return place


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_imported(text: str, place: int) -> bool:
    """Whether a name stands in an import statement under its own name, or in its own definition."""
    line = text[text.rfind("\n", 0, place) + 1 : text.find("\n", place)].lstrip(" \t")
    if line.startswith("def "):
        return text.startswith("def ", place - 4)
    return line.startswith(("import ", "from ")) and " as " not in line and ";" not in line
