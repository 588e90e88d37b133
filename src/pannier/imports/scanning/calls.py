"""Calls that import by name: `import_module`, `runpy`, `exec`, lazy loaders, commands `python -m`."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pannier.imports.scanning.conditions import dotted_name
from pannier.imports.scanning.literals import Scope, entries, items, outlines, texts
from pannier.imports.scanning.mentions import File, Mention, MentionKind, Mentions, argument, is_dotted_name

Form = Literal["module", "attribute", "either", "entry"]

TELLING_TEXTS = (
    *("import_", "_import", "importorskip", "importlib", "optional_package", "is_module_available"),
    *("LazyLoader", "LazyImport", "LazyModule", "lazy_module", "lazy_loader", "lazy.load"),
    *("find_spec", "find_loader", "get_loader", "get_data", "resolve_name", "run_module"),
    *("pkg_resources", "PackageLoader", "from_object", "uvicorn", "hypercorn", "granian"),
    *('exec("', "exec('", '"-m"', "'-m'", "python -m ", "python3 -m ", "} -m ", '" -m ', "' -m ", "%s -m "),
)

_EXECUTING = frozenset({"exec", "eval", "compile", "timeit", "repeat", "Timer"})
_SUFFIX = ".py"
_DISCOVERING = frozenset({"iter_modules", "walk_packages", "define_import_structure"})


class _Importer(NamedTuple):
    """A function that imports what an argument names.

    Attributes:
        place: Position of the argument.
        keyword: Its name.
        form: How the module is written in it: alone, before its last dot, or before a colon; `either` when
            only the module's own content tells whether the last part is a module.
        kind: How much it is needed.
        module: Where the function has to come from; from anywhere when empty.
    """

    place: int = 0
    keyword: str = "name"
    form: Form = "module"
    kind: MentionKind = "dynamic"
    module: str = ""


# By the last part of the function's name; some are so telling that it does not matter whose they are.
IMPORTERS = {
    "import_module": _Importer(),
    "__import__": _Importer(),
    "importorskip": _Importer(keyword="modname", kind="optional"),
    "find_spec": _Importer(kind="optional"),
    "find_loader": _Importer(kind="optional", keyword="fullname"),
    "get_loader": _Importer(kind="optional", module="pkgutil"),
    "run_module": _Importer(keyword="mod_name", module="runpy"),
    "get_data": _Importer(keyword="package", module="pkgutil"),
    "resolve_name": _Importer(form="entry", module="pkgutil"),
    "files": _Importer(keyword="anchor", module="importlib.resources"),
    "path": _Importer(keyword="anchor", module="importlib.resources"),
    "open_text": _Importer(keyword="anchor", module="importlib.resources"),
    "read_text": _Importer(keyword="anchor", module="importlib.resources"),
    "open_binary": _Importer(keyword="anchor", module="importlib.resources"),
    "read_binary": _Importer(keyword="anchor", module="importlib.resources"),
    "import_string": _Importer(keyword="dotted_path", form="either"),
    "import_from_string": _Importer(keyword="import_str", form="entry"),
    "import_class": _Importer(form="either", module="django"),
    "import_optional_dependency": _Importer(kind="optional"),
    "optional_import": _Importer(kind="optional"),
    "optional_package": _Importer(kind="optional"),
    "try_import": _Importer(kind="optional"),
    "attempt_import": _Importer(kind="optional"),
    "import_or_none": _Importer(kind="optional"),
    "maybe_import": _Importer(kind="optional"),
    "safe_import": _Importer(kind="optional"),
    "soft_import": _Importer(kind="optional"),
    "is_module_available": _Importer(kind="optional"),
    "lazy_import": _Importer(),
    "lazy_module": _Importer(),
    "lazy_import_module": _Importer(),
    "import_lazy": _Importer(),
    "LazyImport": _Importer(),
    "LazyModule": _Importer(),
    "LazyLoader": _Importer(place=2),
    "PackageLoader": _Importer(keyword="package_name", module="jinja2"),
    "from_object": _Importer(form="either", keyword="obj", module="."),
}
# The application that a server is told by name: `uvicorn.run("main:app")`.
_SERVERS = frozenset({"uvicorn.run", "uvicorn.Config", "hypercorn.run", "granian.Granian"})
_LAZY_LOADS = frozenset({"lazy_loader.load", "lazy.load"})
_PKG_RESOURCES = frozenset(
    {"resource_filename", "resource_string", "resource_stream", "resource_exists", "resource_listdir"}
)
_METADATA = frozenset({"version", "metadata", "distribution", "requires", "files"})
_PROJECTS_OF_PKG_RESOURCES = frozenset(
    {"require", "get_distribution", "load_entry_point", "working_set.require"}
)
# Compiled when a text asks for them: few do, and a script has a twentieth of a second.
_REQUIREMENT_NAME = r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)"
_IMPORT_LINE = r"(?m)^\s*(?:import\s+[\w.]|from\s+[\w.]+\s+import\b)"
# `python -m X`, with options of Python's own before it.
_MODULE_COMMAND = (
    r"(?:^|[\s\"'/}{])(?:python[\d.]*w?|pypy3?|py|sys\.executable|executable)[\"'}]*(?:\s+-[uBbEIsSOvqd]+)*"
    r"\s+-m\s+([A-Za-z_][\w.]*)"
)
_PYTHON_OPTION = r"-[uBbEIsSOvqd]+$"
_COMMANDS = frozenset(
    {
        *("run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput"),
        *("getstatusoutput", "create_subprocess_exec", "create_subprocess_shell", "execv", "execvp", "execl"),
        *("execlp", "spawnv", "spawn", "split", "cmd", "sh", "local", "sudo", "shell"),
    }
)


def find_calls(file: File, found: Mentions) -> None:
    """Add the modules that calls of a file import by name, and the files that they run."""
    for call, scope in file.calls:
        name = scope.qualified(call.func)
        last = name.rpartition(".")[2]
        found.add(call, _of_call(name, call, scope))
        if _is_lazy_module(name, call) and isinstance(call.args[2], ast.Name):
            _add_later_entries(call.args[2].id, file, found)
        if last in _DISCOVERING:
            from pannier.imports.scanning.discovery import discovered

            found.add(call, discovered(name, call, scope))
    if _SUFFIX in file.text:
        from pannier.imports.scanning.run_files import find_run_files

        find_run_files(file, found, _COMMANDS)


def written(text: str, form: Form, kind: MentionKind = "dynamic", own_level: int = 0) -> Iterator[Mention]:
    """The mention that a text is, in one of the forms in which modules are written."""
    dots = len(text) - len(text.lstrip("."))
    module, names = text.lstrip("."), ()
    if form == "entry" or (form == "either" and ":" in module):
        module = module.partition(":")[0]
    if not is_dotted_name(module):
        return
    if form == "attribute":
        module = module.rpartition(".")[0]
    elif form == "either" and "." in module:
        module, _, last = module.rpartition(".")
        yield Mention(module, kind, (last,), dots or own_level)
        return
    if module:
        yield Mention(module, kind, names, dots or own_level)


def _of_call(name: str, call: ast.Call, scope: Scope) -> Iterator[Mention]:
    last = name.rpartition(".")[2]
    importer = IMPORTERS.get(last)
    if importer is not None and _is_from(importer, name):
        yield from _imported(importer, last, call, scope)
    elif last in {"map", "filter"} and len(call.args) == 2:
        yield from _mapped(call, scope)
    elif name in _SERVERS or name in _LAZY_LOADS:
        form: Form = "entry" if name in _SERVERS else "module"
        for text in texts(argument(call, 0, "app", "fullname"), scope):
            if form == "module" or ":" in text:
                yield from (one._replace(is_own=form == "entry") for one in written(text, form))
    elif name.startswith("pkg_resources"):
        yield from _of_pkg_resources(name.removeprefix("pkg_resources."), call, scope)
    elif last in _METADATA and name.startswith(("importlib.metadata.", "importlib_metadata.")):
        yield from _projects(texts(argument(call, 0, "distribution_name"), scope))
    elif last in _EXECUTING and name in {last, f"timeit.{last}"}:
        yield from _executed(call, scope)
    elif last in {"attach", "attach_stub"} and name.startswith(("lazy_loader", "lazy")):
        yield from _attached(call, scope)
    elif _is_lazy_module(name, call):
        yield from _structure(call.args[2], scope)
    elif last in _COMMANDS:
        yield from _commanded(call, scope)


def _imported(importer: _Importer, last: str, call: ast.Call, scope: Scope) -> Iterator[Mention]:
    node = argument(call, importer.place, importer.keyword, "module", "module_name", "modulename")
    packages = texts(argument(call, 1, "package"), scope) if last == "import_module" else ()
    found = texts(node, scope)
    if not found and last in {"import_module", "__import__"}:
        from pannier.imports.scanning.discovery import partly_named

        yield from partly_named(node, argument(call, 1, "package"), scope)
    level = argument(call, 4, "level") if last == "__import__" else None
    dots = level.value if isinstance(level, ast.Constant) and isinstance(level.value, int) else 0
    for text in found:
        relative = [_absolute(text, package) for package in packages] if text.startswith(".") else []
        for one in relative or [text]:
            mentions = written(one, importer.form, importer.kind, max(dots, 0))
            # The object that Flask is configured from is the application's.
            yield from (mention._replace(is_own=last == "from_object") for mention in mentions)


def _absolute(text: str, package: str) -> str:
    """A relative name seen from a package that is named beside it (`import_module(".two", "pkg")`)."""
    module = text.lstrip(".")
    parents = package.split(".")
    parents = parents[: max(len(parents) - (len(text) - len(module)) + 1, 0)]
    return ".".join((*parents, module)) if parents else text


def _is_from(importer: _Importer, name: str) -> bool:
    if not importer.module:
        return True
    if importer.module == ".":
        return name.startswith(".") or name.count(".") > 0
    return name.startswith((f"{importer.module}.", importer.module.replace(".", "_") + "."))


def _mapped(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    """`map(import_module, names)`."""
    importer = IMPORTERS.get(scope.qualified(call.args[0]).rpartition(".")[2])
    if importer is None or importer.module:
        return
    for item, inner in items(call.args[1], scope):
        for text in texts(item, inner):
            yield from written(text, importer.form, importer.kind)


def _of_pkg_resources(name: str, call: ast.Call, scope: Scope) -> Iterator[Mention]:
    if name in _PROJECTS_OF_PKG_RESOURCES:
        for node in call.args:
            found = texts(node, scope) or [text for item in items(node, scope) for text in texts(*item)]
            yield from _projects(found)
    elif name in _PKG_RESOURCES:
        for text in texts(argument(call, 0, "package_or_requirement"), scope):
            yield from written(text, "module")


def _projects(found: Sequence[str]) -> Iterator[Mention]:
    for text in found:
        match = re.match(_REQUIREMENT_NAME, text)
        if match:
            yield Mention(match[1], is_project=True)


def _executed(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    """What a literal program imports at its top."""
    programs = [*texts(argument(call, 0, "source", "stmt"), scope), *texts(argument(call, 1, "setup"), scope)]
    for text in programs:
        yield from _of_program(text)


def _of_program(text: str) -> Iterator[Mention]:
    if not re.search(_IMPORT_LINE, text):
        return
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Mention(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Mention(node.module or "", names=names, level=node.level)


def _attached(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    """`lazy_loader.attach`: submodules, and attributes by submodule, all relative to the package."""
    for item, inner in items(argument(call, 1, "submodules"), scope):
        for text in texts(item, inner):
            yield from written(text, "module", own_level=1)
    yield from _structure(argument(call, 2, "submod_attrs"), scope)


def _structure(node: ast.expr | None, scope: Scope) -> Iterator[Mention]:
    """The submodules that are the keys of an import structure, as in `_LazyModule`."""
    for key, _, inner in entries(node, scope):
        for text in texts(key, inner):
            yield from written(text, "module", own_level=1)


def _is_lazy_module(name: str, call: ast.Call) -> bool:
    return name.rpartition(".")[2] in {"_LazyModule", "LazyModule_"} and len(call.args) >= 3


def _add_later_entries(structure: str, file: File, found: Mentions) -> None:
    """What an import structure is given after it was made: `structure["modeling"] = ["Model"]`."""
    for statement, scope in file.assignments:
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            if isinstance(target, ast.Subscript) and dotted_name(target.value) == structure:
                for text in texts(target.slice, scope):
                    found.add(statement, written(text, "module", own_level=1))


def _commanded(call: ast.Call, scope: Scope) -> Iterator[Mention]:
    """`python -m X`, as a list of words or as one text; `python -c PROGRAM` as a list."""
    for node in call.args:
        words = [_word(item, inner) for item, inner in items(node, scope)]
        if isinstance(node, (ast.List, ast.Tuple, ast.Name)) and words:
            yield from _after_option(words)
        else:
            for text in outlines(node, scope):
                yield from _in_text(text)
    if len(call.args) > 2:
        yield from _after_option([_word(node, scope) for node in call.args])


def _word(node: ast.expr, scope: Scope) -> str:
    found = texts(node, scope)
    if found:
        return found[0]
    return "python" if scope.qualified(node) in {"sys.executable", ".executable", "executable"} else ""


def _after_option(words: Sequence[str]) -> Iterator[Mention]:
    """The module after `-m`, or the program after `-c`, when what stands before it is a Python."""
    for place, word in enumerate(words[:-1]):
        if word not in {"-m", "-c"}:
            continue
        before = next((one for one in reversed(words[:place]) if not re.match(_PYTHON_OPTION, one)), "")
        name = before.rpartition("/")[2].removesuffix(".exe")
        is_python = re.fullmatch(r"(?:python|pypy|py)[\d.]*w?", name) is not None
        following = words[place + 1]
        if word == "-c" and is_python:
            yield from _of_program(following)
        elif word == "-c" and name in {"sh", "bash"}:
            yield from _in_text(following)
        elif word == "-c":
            continue
        elif (is_python or (not before and place)) and is_dotted_name(following) and following != "pip":
            yield Mention(following)
        return


def _in_text(text: str) -> Iterator[Mention]:
    for match in re.finditer(_MODULE_COMMAND, text):
        # pip is what puts things there, and no part of what a program needs.
        if match[1] != "pip":
            yield Mention(match[1].rstrip("."))
