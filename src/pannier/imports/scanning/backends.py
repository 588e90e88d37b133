"""Plug-ins and back ends that libraries import because a text names them.

Which text brings what about is data: `data/backends.txt`, whose head says how it is written.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple, cast

from pannier.imports.scanning.calls import Form, written
from pannier.imports.scanning.literals import Scope, items, outlines
from pannier.imports.scanning.mentions import File, Mention, Mentions, argument

_TABLE = Path(__file__).parents[1] / "data" / "backends.txt"
# Kept beside the table so that a file without any of them costs no reading of it; a test compares the two.
TELLING_TEXTS = (
    *("matplotlib", "pylab", "MPLBACKEND", "pandas", "polars", "dask", "xarray", "bs4"),
    *("sqlalchemy", "sqlmodel", "SQLALCHEMY_", "SQLDatabase", "SQLAlchemy", "dj_database_url"),
    *("databases", "dataset", "tortoise", "peewee", "playhouse", "INSTALLED_APPS", "MIDDLEWARE"),
    *("DATABASES", "CACHES", "DJANGO_SETTINGS_MODULE", "django", "elery", "broker_url"),
    *("BROKER_URL", "CELERY_", "flask", "slowapi", "marimo", "KERAS_BACKEND", "pytest_plugins"),
    *("html_theme", "sphinx.ext", "worker_class", "uvicorn", "joblib", "socks5", "socks4", "httpx"),
    *("fsspec", "smart_open", "passlib", "jwt", "testclient", "pydantic", "fastapi", "starlette"),
    *("tensorboard", "tqdm.notebook", "backend_qt", "backend_wx", "backend_gtk", "networkx"),
    *("transformers", "plotly"),
)
# What follows a key when something is given to it, as to a name, an argument, an entry or a list that grows.
_GIVEN = r"(?:[-+*/|&^%@]|//|<<|>>|\*\*)?=(?!=)|[:,]|\.\s*(?:append|extend|insert)\b"


class Rule(NamedTuple):
    """One line of the table.

    Attributes:
        kind: What its place is: a `call`, a `key` that something is assigned to, or an `import`.
        names: Of the functions, keys or modules.
        place: Position of the argument, -1 for none.
        keywords: Names of the argument.
        values: Texts that it answers to.
        needs: What is imported then: alternatives for each need; or a form in which the text is a module.
        group: Rules of one group answer once for a place.
    """

    kind: str
    names: tuple[str, ...]
    place: int
    keywords: tuple[str, ...]
    values: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    group: str

    @property
    def asks_argument(self) -> bool:
        """Whether an argument decides, and not the call alone."""
        return self.place >= 0 or bool(self.keywords)


class Section:
    """Rules for files that hold one of some texts, and one of some others where there are any.

    Args:
        telling: The texts.
        also: The others.
        read: Gives the rules; most sections count in no file that is read.
    """

    def __init__(
        self, telling: tuple[str, ...], also: tuple[str, ...], read: Callable[[], Iterator[Rule]]
    ) -> None:
        self.telling = telling
        self.also = also
        self._read = read
        # Those that are looked for whatever the section, and those that only hold one of these.
        self._known = frozenset(telling) & frozenset(TELLING_TEXTS)
        self._longer = tuple(one for one in telling if one not in self._known)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order of the table."""
        return tuple(self._read())

    def counts_in(self, text: str) -> bool:
        """Whether a file can hold what the rules are about."""
        return any(map(text.__contains__, self.telling)) and self.is_about(text)

    def is_told(self, told: Sequence[str], text: str) -> bool:
        """Whether a text tells of what the rules are about, where all that is known of it was looked for.

        Args:
            told: The `TELLING_TEXTS` that were found.
            text: Where to look for what merely holds one of these.
        """
        return not self._known.isdisjoint(told) or any(map(text.__contains__, self._longer))

    def is_about(self, text: str) -> bool:
        """Whether a file holds one of the other texts, where there are any, and what a rule is about."""
        if self.also and not any(map(text.__contains__, self.also)):
            return False
        if self._setting is not None:
            return self._setting.search(text) is not None
        return any(map(text.__contains__, self._names))

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The last parts of what the rules are about, as whoever uses it has to write them."""
        names = (name.replace("*", "").rpartition(".")[2] for rule in self.rules for name in rule.names)
        return tuple(dict.fromkeys(names))

    @cached_property
    def _setting(self) -> re.Pattern[str] | None:
        """How something is given to one of the keys, where the rules are about nothing else."""
        if any(rule.kind != "key" for rule in self.rules):
            return None
        keys = "|".join(sorted({re.escape(name) for rule in self.rules for name in rule.names}))
        return re.compile(rf"""\b(?:{keys})["']?\s*\]?\s*(?:{_GIVEN})""")


@cache
def sections() -> tuple[Section, ...]:
    """The table, read once."""
    return parse_table(_TABLE.read_text(encoding="utf-8"))


def parse_table(text: str) -> tuple[Section, ...]:
    """Read the table; its own head says how it is written."""
    tables: dict[str, list[str]] = {}
    gathered: list[tuple[str, list[str]]] = []
    current: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        mark, _, rest = line.partition(" ")
        if mark == "?":
            current = []
            gathered.append((rest, current))
        elif mark == "*":
            current = tables.setdefault(rest, [])
        else:
            current.append(line)
    return tuple(_parse_section(head, lines, tables) for head, lines in gathered)


def _parse_section(head: str, lines: Sequence[str], tables: dict[str, list[str]]) -> Section:
    telling, _, also = head.partition(" & ")
    return Section(
        tuple(telling.split()),
        tuple(also.split()),
        lambda: (rule for line in lines for rule in _parse_rules(line, tables)),
    )


def _parse_rules(line: str, tables: dict[str, list[str]]) -> Iterator[Rule]:
    is_besides = line.startswith("+ ")
    place, _, rest = line.removeprefix("+ ").partition(" ")
    if place == "@":
        module, _, needs = rest.partition(" = ")
        yield Rule("import", (module,), -1, (), ("*",), _parse_needs(needs), module)
        return
    answers = tables[rest.removeprefix("in ")] if rest.startswith("in ") else [rest]
    kind, names, position, keywords = _parse_place(place)
    group = place if is_besides else place.partition("(")[0]
    for answer in answers:
        values, _, needs = answer.partition(" = ")
        yield Rule(kind, names, position, keywords, tuple(values.split()), _parse_needs(needs), group)


def _parse_needs(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(need.split("|")) for need in text.split() if need != "-")


def _parse_place(text: str) -> tuple[str, tuple[str, ...], int, tuple[str, ...]]:
    if text.endswith(":"):
        return "key", tuple(text[:-1].split(",")), -1, ()
    names, _, inside = text.removesuffix(")").partition("(")
    words = [word for word in inside.split("/") if word and word != "*"]
    position = next((int(word) for word in words if word.isdecimal()), -1)
    return "call", tuple(names.split(",")), position, tuple(word for word in words if not word.isdecimal())


def may_hold_backends(text: str, told: Sequence[str]) -> bool:
    """Whether a section of the table counts in a file; the table is read only where one can.

    Args:
        text: The file.
        told: The `TELLING_TEXTS` that tell something where they stand in it.
    """
    return any(section.is_told(told, text) and section.is_about(text) for section in sections())


def find_backends(file: File, found: Mentions) -> None:
    """Add what the table says that a file brings about."""
    rules = [rule for section in sections() if section.counts_in(file.text) for rule in section.rules]
    if not rules:
        return
    finder = _Finder(rules)
    for call, scope in file.calls:
        found.add(call, finder.of_call(call, scope))
    for statement, scope in file.assignments:
        found.add(statement, finder.of_assignment(statement, scope))
    for dictionary, scope in file.dictionaries:
        found.add(dictionary, finder.of_dictionary(dictionary, scope))
    for imported in file.imports:
        found.add(imported, finder.of_import(imported))


class _Finder:
    """The rules that count in one file, by what they look at."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.calls = [rule for rule in rules if rule.kind == "call"]
        self.by_name: dict[str, list[int]] = {}
        self.by_pattern = [
            place for place, rule in enumerate(self.calls) if any("*" in one for one in rule.names)
        ]
        for place, rule in enumerate(self.calls):
            for one in rule.names:
                self.by_name.setdefault(one, []).append(place)
        self.keys: dict[str, list[Rule]] = {}
        self.modules: dict[str, list[Rule]] = {}
        for rule in rules:
            by_name = self.keys if rule.kind == "key" else self.modules
            for name in rule.names if rule.kind != "call" else ():
                by_name.setdefault(name, []).append(rule)

    def candidates(self, *names: str) -> Iterator[Rule]:
        """The rules that may be about a call of one of these names, in the order of the table."""
        places = {*self.by_pattern, *(place for name in names for place in self.by_name.get(name, ()))}
        return (self.calls[place] for place in sorted(places))

    def of_call(self, call: ast.Call, scope: Scope) -> Iterator[Mention]:
        """What a call brings about by its name and arguments, or sets."""
        name = scope.qualified(call.func)
        method = f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else name
        path = _method_path(call.func)
        answered: set[str] = set()
        for rule in self.candidates(name, method, path):
            if rule.group not in answered and any(_is_named(one, name, method, path) for one in rule.names):
                mentions = [*_answer(rule, call, scope)]
                if mentions or (not rule.needs and _asked(rule, call, scope)):
                    answered.add(rule.group)
                    yield from mentions
        for keyword in call.keywords:
            # A setting's name in upper case means the same wherever it is passed; `backend=` does not.
            if keyword.arg and keyword.arg.isupper():
                yield from self.of_key(keyword.arg, keyword.value, scope)
        yield from self.of_setting_call(call, scope)

    def of_setting_call(self, call: ast.Call, scope: Scope) -> Iterator[Mention]:
        """`os.environ.setdefault("KEY", "value")` and its like; `INSTALLED_APPS.append("app")`."""
        function = call.func
        if not isinstance(function, ast.Attribute):
            return
        if function.attr in {"setdefault", "setenv", "putenv"} and len(call.args) == 2:
            key = call.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from self.of_key(key.value, call.args[1], scope)
        elif function.attr in {"append", "extend", "insert"} and call.args:
            yield from self.of_key(_key(function.value), call.args[-1], scope)

    def of_key(self, name: str, node: ast.expr, scope: Scope) -> Iterator[Mention]:
        """What a setting brings about."""
        for text in _values(node, scope) if name in self.keys else ():
            for rule in self.keys[name]:
                if fits(rule, text):
                    yield from _needed(rule, text)
                    break

    def of_assignment(
        self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope
    ) -> Iterator[Mention]:
        """What an assignment sets."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets if statement.value is not None else ():
            yield from self.of_key(_key(target), statement.value, scope)  # type: ignore[arg-type]

    def of_dictionary(self, node: ast.Dict, scope: Scope) -> Iterator[Mention]:
        """What the entries of a dictionary set."""
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from self.of_key(key.value, value, scope)

    def of_import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Mention]:
        """What importing a module needs besides the project that provides it."""
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = [alias.name for alias in node.names]
        for name in dict.fromkeys(names):
            for rule in self.modules.get(name, ()):
                yield from _needed(rule, "")


def _method_path(function: ast.expr) -> str:
    """The last two parts of an attribute (`.plot.bar`)."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Attribute):
        return f".{function.value.attr}.{function.attr}"
    return ""


def _is_named(pattern: str, name: str, method: str, path: str) -> bool:
    if pattern.startswith("."):
        return pattern in (method, path)
    if "*" in pattern:
        head, _, tail = pattern.partition("*")
        return name.startswith(head) and name.endswith(tail)
    return pattern == name


def _answer(rule: Rule, call: ast.Call, scope: Scope) -> Iterator[Mention]:
    if not rule.asks_argument:
        yield from _needed(rule, "")
        return
    for text in _asked(rule, call, scope):
        yield from _needed(rule, text)


def _asked(rule: Rule, call: ast.Call, scope: Scope) -> list[str]:
    """The texts of a call's argument that a rule answers to."""
    node = argument(call, rule.place, *rule.keywords)
    if node is None:
        return []
    if isinstance(node, ast.Tuple):
        # `include((patterns, "name"))`: what stands first is meant, the rest says more of it.
        node = node.elts[0] if node.elts else node
    if rule.values == ("*",) and not (isinstance(node, ast.Constant) and not node.value):
        return _values(node, scope) or ["_"]
    return [text for text in _values(node, scope) if fits(rule, text)]


def _values(node: ast.expr, scope: Scope) -> list[str]:
    """Every text that a setting may have, by itself or in a list; what is not known of one is a `_`."""
    inner = [text for item, inside in items(node, scope) for text in outlines(item, inside)]
    return inner or [*outlines(node, scope)]


def fits(rule: Rule, text: str) -> bool:
    """Whether a text is one of those that a rule answers to."""
    lowered = text.lower()
    return any(_is_value(value, lowered) for value in rule.values)


def _is_value(value: str, text: str) -> bool:
    if value == "*":
        return True
    if value.endswith(":"):
        return text.startswith(value + "//")
    if value.endswith("*"):
        return text.startswith(value[:-1].lower())
    if value.startswith("*"):
        return text.endswith(value[1:].lower())
    if value.startswith("."):
        return text.endswith(value)
    return text == value.lower()


def _needed(rule: Rule, text: str) -> Iterator[Mention]:
    for need in rule.needs:
        if need[0].startswith("@"):
            form, _, own = need[0][1:].partition("-")
            if "_" not in text.split("."):
                mentions = written(text, cast("Form", form), "backend")
                yield from (mention._replace(is_own=own == "own") for mention in mentions)
        else:
            yield Mention(need[0], "backend", alternatives=need[1:])


def _key(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return ""
