"""What setuptools' own files declare: `setup.cfg`, and `setup.py` read from its syntax tree, never run."""

import ast
import configparser
import re
from collections.abc import Iterator

from pannier.formats.declared import Collector, extra_called
from pannier.model.declarations import Declarations, DeclaredGroup

_LISTS: dict[str, DeclaredGroup] = {
    "install_requires": "main",
    "requires": "main",
    "setup_requires": "build",
    "tests_require": "development",
}
_REQUIREMENTS_FILE = re.compile(r"[\w./-]*(?:requirement|require|deps|dependencies)[\w./-]*\.(?:txt|in|pip)$")
_DEEPEST = 20
# What most often keeps a Python 2 script from being read.
_PRINTED = re.compile(r"^([ \t]*)print[ \t>]+[^(=\s][^\n]*", re.MULTILINE)
_CAUGHT = re.compile(r"(\bexcept\s+[\w.()]+(?:,\s*[\w.]+\))?)\s*,\s*(\w+)(?=\s*:)")


def declared_in_setup_cfg(text: str, path: str) -> Declarations:
    """Read `[options]` and `[options.extras_require]` of a `setup.cfg`, and what pbr has for them."""
    collector = Collector(path, text)
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        collector.undecided(f"is not valid: {str(error).splitlines()[0]}")
        return collector.result()
    collector.call(parser.get("metadata", "name", fallback=""))
    collector.bound_python(parser.get("options", "python_requires", fallback=""), "options.python_requires")
    classifiers = parser.get(
        "metadata", "classifiers", fallback=parser.get("metadata", "classifier", fallback="")
    )
    collector.classify(classifiers.splitlines(), "metadata.classifiers")
    for key, group in _LISTS.items():
        _add_lines(collector, parser.get("options", key, fallback=""), group, f"options.{key}")
    if parser.has_section("options.extras_require"):
        for extra, value in parser.items("options.extras_require"):
            name, _, _ = extra.partition(":")
            group = extra_called(name) if name else "main"
            _add_lines(collector, value, group, f"options.extras_require.{extra}")
    is_of_pbr = any(map(parser.has_section, ("files", "extras", "entry_points")))
    if is_of_pbr and not parser.has_section("options"):
        _read_pbr(collector, parser)
    return collector.result()


def _read_pbr(collector: Collector, parser: configparser.RawConfigParser) -> None:
    """Read as pbr does: requirements from the file beside it, extras from a section of its own."""
    collector.include(["requirements.txt"], "main")
    for extra, value in parser.items("extras") if parser.has_section("extras") else ():
        _add_lines(collector, value, extra_called(extra), f"extras.{extra}")


def _add_lines(collector: Collector, value: str, group: DeclaredGroup, place: str) -> None:
    if value.strip().startswith("file:"):
        collector.include(value.strip().removeprefix("file:").replace("\n", ",").split(","), group)
        return
    for line in re.split(r"[\n;](?!\s*(?:python_|sys_|platform_|extra|os_|implementation_))", value):
        if line.strip() and not line.strip().startswith("#"):
            collector.add(line, group, place)


def declared_in_setup_script(text: str, path: str) -> Declarations:
    """Read the keywords of a `setup.py`'s call of `setup`, as far as its text alone tells them."""
    collector = Collector(path, text)
    try:
        tree = _parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        collector.undecided(f"is not Python 3: {str(error).partition('(')[0].strip()}")
        return collector.result()
    _SetupReader(tree, collector).read()
    return collector.result()


def _parsed(text: str) -> ast.Module:
    """The syntax tree, also of a Python 2 that differs from 3 in what prints and what catches."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(_CAUGHT.sub(r"\1 as \2", _PRINTED.sub(r"\1pass", text)))


class _SetupReader:
    """Follows names of one script to the lists that they stand for."""

    def __init__(self, tree: ast.Module, collector: Collector) -> None:
        self.tree = tree
        self.collector = collector
        self.values: dict[str, list[ast.expr]] = {}
        self.additions: dict[str, list[ast.expr]] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.followed: set[int] = set()
        for node in ast.walk(tree):
            self.note(node)

    def note(self, node: ast.AST) -> None:
        """Remember what a statement says of a name."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.values.setdefault(target.id, []).append(node.value)
                else:
                    self.note_entry(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            if isinstance(node.target, ast.Name):
                table = self.values if isinstance(node, ast.AnnAssign) else self.additions
                table.setdefault(node.target.id, []).append(node.value)
            else:
                self.note_entry(node.target, node.value)
        elif isinstance(node, ast.FunctionDef):
            self.functions[node.name] = node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner, method = node.func.value, node.func.attr
            if method in {"append", "extend", "update"}:
                added = ast.List(elts=[node.args[0]]) if method == "append" else node.args[0]
                if isinstance(owner, ast.Name):
                    self.additions.setdefault(owner.id, []).append(added)
                else:
                    self.note_entry(owner, added)

    def note_entry(self, target: ast.expr, value: ast.expr) -> None:
        """Remember what is added to an entry of a dictionary (`arguments["install_requires"] += [...]`)."""
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            entry = ast.Dict(keys=[target.slice], values=[value])
            self.additions.setdefault(target.value.id, []).append(entry)

    def read(self) -> None:
        """Take the keywords of every call of `setup`, `**` of a dictionary among them."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _called(node.func) == "setup":
                for keyword in node.keywords:
                    if keyword.arg is not None:
                        self.read_keyword(keyword.arg, keyword.value)
                    else:
                        for key, value in self.entries(keyword.value, 0):
                            self.read_keyword(key, value)

    def read_keyword(self, name: str, value: ast.expr) -> None:
        """Take one keyword of `setup`."""
        if name == "name" and isinstance(value, ast.Constant):
            self.collector.call(value.value)
        elif name == "name" and isinstance(value, ast.Name):
            for one in self.values.get(value.id, ()):
                self.collector.call(one.value if isinstance(one, ast.Constant) else None)
        elif name == "python_requires":
            for text, line in self.texts(value, 0):
                self.collector.bound_python(text, name, line)
        elif name == "classifiers":
            texts = [text for text, _ in self.texts(value, 0) if text is not None]
            self.collector.classify([line for text in texts for line in text.splitlines()], name)
        elif name in _LISTS:
            self.take(value, _LISTS[name], name)
        elif name == "extras_require":
            for extra, items in self.entries(value, 0):
                plain = extra.partition(":")[0]
                self.take(items, extra_called(plain) if plain else "main", f"{name}.{extra}")

    def take(self, node: ast.expr, group: DeclaredGroup, place: str) -> None:
        """Take a list of requirements, or say that only running tells it."""
        undecided = False
        for text, line in self.texts(node, 0):
            if text is None:
                undecided = True
            elif _REQUIREMENTS_FILE.match(text):
                self.collector.include(text, group)
            else:
                for part in text.splitlines():
                    if part.strip() and not part.strip().startswith("#"):
                        self.collector.add(part, group, place, line)
        if undecided:
            self.collector.undecided(f"part of `{place}` is known only when it is run", node.lineno, group)

    def texts(self, node: ast.expr, depth: int) -> Iterator[tuple[str | None, int]]:
        """Yield each text of an expression with its line; `None` for a part that only running tells."""
        if depth > _DEEPEST:
            yield None, 1
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node.value, node.lineno
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            for item in node.elts:
                inner = item.value if isinstance(item, ast.Starred) else item
                yield from self.texts(inner, depth + 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from self.texts(node.left, depth + 1)
            yield from self.texts(node.right, depth + 1)
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body, depth + 1)
            yield from self.texts(node.orelse, depth + 1)
        elif isinstance(node, ast.Name):
            yield from self.named(node, depth)
        elif isinstance(node, ast.Subscript):
            yield from self.picked(node, depth)
        elif isinstance(node, ast.Call):
            yield from self.called(node, depth)
        elif isinstance(node, ast.ListComp):
            yield from self.computed(node, depth)
        else:
            yield None, node.lineno

    def named(self, node: ast.Name, depth: int) -> Iterator[tuple[str | None, int]]:
        """The texts that a name stands for, with what is added to it later."""
        found = [*self.values.get(node.id, ()), *self.additions.get(node.id, ())]
        if not found:
            yield None, node.lineno
        for value in found:
            yield from self.texts(value, depth + 1)

    def picked(self, node: ast.Subscript, depth: int) -> Iterator[tuple[str | None, int]]:
        """The texts of one entry of a dictionary."""
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        chosen = [value for name, value in self.entries(node.value, depth + 1) if key in (None, name)]
        if not chosen:
            yield None, node.lineno
        for value in chosen:
            yield from self.texts(value, depth + 1)

    def called(self, node: ast.Call, depth: int) -> Iterator[tuple[str | None, int]]:
        """The texts behind a call: of a list in other clothes, or of a requirements file that is read."""
        name = _called(node.func)
        if name in {"list", "sorted", "set", "tuple"} and node.args:
            yield from self.texts(node.args[0], depth + 1)
            return
        passes_on = name in {"split", "splitlines", "strip", "copy"}
        if passes_on and isinstance(node.func, ast.Attribute) and not self.reads_file(node):
            yield from self.texts(node.func.value, depth + 1)
            return
        files = [*self.named_files(node), *self.files_of_function(name)]
        if not files:
            yield None, node.lineno
        for file in files:
            yield file, node.lineno

    def computed(self, node: ast.ListComp, depth: int) -> Iterator[tuple[str | None, int]]:
        """A comprehension that passes its items on: over a file that is read, or over texts."""
        files = list(self.named_files(node))
        if files:
            for file in files:
                yield file, node.lineno
            return
        yield from self.texts(node.generators[0].iter, depth + 1)

    def reads_file(self, node: ast.AST) -> bool:
        """Whether an expression opens or reads something."""
        return any(
            isinstance(inner, ast.Call) and _called(inner.func) in {"open", "read", "read_text", "readlines"}
            for inner in ast.walk(node)
        )

    def named_files(self, node: ast.AST) -> Iterator[str]:
        """Names of requirements files that are written in an expression, or behind its names."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                if _REQUIREMENTS_FILE.match(inner.value):
                    yield inner.value
            elif isinstance(inner, ast.Name) and id(inner) not in self.followed:
                self.followed.add(id(inner))
                for value in self.values.get(inner.id, ()):
                    yield from self.named_files(value)

    def files_of_function(self, name: str) -> Iterator[str]:
        """Names of requirements files inside a function of the script."""
        function = self.functions.get(name)
        if function is not None:
            yield from self.named_files(function)

    def entries(self, node: ast.expr, depth: int) -> Iterator[tuple[str, ast.expr]]:
        """The entries of a dictionary that the script writes out."""
        if depth > _DEEPEST:
            return
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
                elif key is None:
                    yield from self.entries(value, depth + 1)
        elif isinstance(node, ast.Name):
            for value in [*self.values.get(node.id, ()), *self.additions.get(node.id, ())]:
                yield from self.entries(value, depth + 1)
        elif isinstance(node, ast.Call) and _called(node.func) == "dict":
            for keyword in node.keywords:
                if keyword.arg:
                    yield keyword.arg, keyword.value


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
