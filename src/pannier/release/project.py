"""What a project says of itself: name, version, the Python it needs; from its files, none of them run.

`pyproject.toml` (PEP 621; the dynamic versions of hatch, setuptools, flit and pdm; poetry's and flit's own
tables), `setup.cfg` and `setup.py`. What only a build tells is left open, with the reason.
"""

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pannier.formats.python_values import ImportedName, SetupCall, find_setup_call, find_text
from pannier.formats.wheels import normalize_project
from pannier.model.errors import SpecError
from pannier.model.release import Statement

_SOURCE_ROOTS = ("", "src", "lib", "python")
_DEEPEST_IMPORT = 4
_BY_VERSION_CONTROL = ("setuptools-scm", "setuptools_scm", "hatch-vcs", "versioneer", "versioningit", "pbr")
_HATCH_PATTERN = r"""(?i)^(__version__|VERSION)(?: ?\: ?str)? *= *([\'"])v?(?P<version>.+?)\2"""
_PDM_PATTERN = r"""^__version__\s*=\s*[\'"](?P<version>.+?)[\'"]\s*(?:#.*)?$"""


class Project(NamedTuple):
    """What the files of a project state.

    Attributes:
        directory: Where it is.
        name: `None` where only a build tells.
        versions: Every statement of the version, the one that a build goes by first; empty where only a build
            tells.
        requires_python: A version specifier; empty for none that is known.
        reason: Why only a build tells the version; empty where the files do.
    """

    directory: Path
    name: Statement | None
    versions: tuple[Statement, ...]
    requires_python: str = ""
    reason: str = ""


class _Declared(NamedTuple):
    """What one of the project's files declares; `reason` says why it leaves the version open."""

    name: Statement | None = None
    version: Statement | None = None
    requires_python: str = ""
    reason: str = ""


def read_project(directory: Path) -> Project:
    """Read what the project in a directory says of itself.

    Raises:
        SpecError: There is no project, or its files are not valid.
    """
    declared = [found for found in (_read_pyproject(directory), *_read_setup_files(directory)) if found]
    if not declared:
        raise SpecError(
            f"there is no project in `{directory}`",
            code="no-project",
            facts={"looked for": "pyproject.toml, setup.cfg, setup.py"},
            hint="run it in the project's directory, or name that",
        )
    name = next((found.name for found in declared if found.name), None)
    versions = [found.version for found in declared if found.version]
    reason = (
        ""
        if versions
        else next((found.reason for found in reversed(declared) if found.reason), "no file states it")
    )
    if name and versions:
        versions += _own_version(directory, name.value)
    return Project(
        directory=directory,
        name=name,
        versions=tuple({statement.where: statement for statement in versions}.values()),
        requires_python=next((found.requires_python for found in declared if found.requires_python), ""),
        reason=reason,
    )


def _own_version(directory: Path, name: str) -> list[Statement]:
    """What the package of the project's name says of its version, if it says anything."""
    module = normalize_project(name).replace("-", "_")
    found = _resolve(directory, ImportedName(module, "__version__"))
    return [found] if found else []


def _read_pyproject(directory: Path) -> _Declared | None:
    path = directory / "pyproject.toml"
    if not path.is_file():
        return None
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        facts = {"reason": str(error)}
        raise SpecError(f"`{path}` is not valid TOML", code="spec-syntax", facts=facts) from None
    tools = _table(document, "tool")
    if _table(document, "project"):
        return _read_project_table(directory, document)
    if poetry := _table(tools, "poetry"):
        python = poetry.get("dependencies", {}).get("python", "")
        return _Declared(
            name=_statement(poetry.get("name"), "pyproject.toml"),
            version=_poetry_version(tools),
            requires_python=_poetry_bound(python) if isinstance(python, str) else "",
            reason=_poetry_reason(tools),
        )
    if metadata := _table(_table(tools, "flit"), "metadata"):
        module = str(metadata.get("module", ""))
        return _Declared(
            name=_statement(metadata.get("dist-name", module), "pyproject.toml"),
            version=_resolve(directory, ImportedName(module, "__version__")),
            requires_python=str(metadata.get("requires-python", "")),
            reason=f"flit takes it from the module `{module}`, which computes it",
        )
    return _Declared(reason="its build backend knows it") if "build-system" in document else None


def _read_project_table(directory: Path, document: Mapping[str, Any]) -> _Declared:
    project = _table(document, "project")
    version = _statement(project.get("version"), "pyproject.toml")
    reason = ""
    if version is None:
        version, reason = _dynamic_version(directory, document, str(project.get("name", "")))
    return _Declared(
        name=_statement(project.get("name"), "pyproject.toml"),
        version=version,
        requires_python=str(project.get("requires-python", "")),
        reason=reason,
    )


def _dynamic_version(directory: Path, document: Mapping[str, Any], name: str) -> tuple[Statement | None, str]:
    """The version that a build backend takes from elsewhere, or why that cannot be seen."""
    system, tools = _table(document, "build-system"), _table(document, "tool")
    backend = str(system.get("build-backend", "setuptools.build_meta"))
    if plugin := _version_control_plugin(system, tools):
        return None, f"`{plugin}` takes it from version control"
    if backend.startswith("hatchling"):
        hatch = _table(_table(tools, "hatch"), "version")
        if hatch.get("source", "regex") != "regex":
            return None, f"hatch takes it from its source `{hatch['source']}`"
        return _by_pattern(
            directory, hatch.get("path"), hatch.get("pattern") or _HATCH_PATTERN
        ), "hatch computes it"
    if backend.startswith("pdm."):
        pdm = _table(_table(tools, "pdm"), "version")
        path = pdm.get("path") if pdm.get("source", "file") == "file" else None
        return _by_pattern(directory, path, _PDM_PATTERN), "pdm computes it"
    if backend.startswith("flit_core"):
        module = str(
            _table(_table(tools, "flit"), "module").get("name") or normalize_project(name).replace("-", "_")
        )
        found = _resolve(directory, ImportedName(module, "__version__"))
        return found, f"flit takes it from the module `{module}`, which computes it"
    if backend.startswith("poetry"):
        return _poetry_version(tools), _poetry_reason(tools)
    if backend.startswith("setuptools"):
        dynamic = _table(_table(_table(tools, "setuptools"), "dynamic"), "version")
        return _of_setuptools(directory, dynamic), "setuptools computes it"
    return None, f"`{backend}` computes it"


def _poetry_version(tools: Mapping[str, Any]) -> Statement | None:
    if "poetry-dynamic-versioning" in tools:
        return None
    return _statement(_table(tools, "poetry").get("version"), "pyproject.toml")


def _poetry_reason(tools: Mapping[str, Any]) -> str:
    is_dynamic = "poetry-dynamic-versioning" in tools
    return "`poetry-dynamic-versioning` takes it from version control" if is_dynamic else ""


def _poetry_bound(text: str) -> str:
    """Poetry's own spelling of a bound on Python, as PEP 440 writes it; empty where that is not simple."""
    bounds = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\^|~|>=|<=|>|<|==|!=)?\s*(\d+(?:\.\d+)*(?:\.\*)?)\s*", part)
        if match is None:
            return ""
        sign, version = match[1] or "==", match[2]
        if sign == "^":
            bounds.append(f">={version},<{int(version.split('.')[0]) + 1}")
        else:
            bounds.append(
                f"~={version}" if sign == "~" and "." in version else f"{sign.replace('~', '>=')}{version}"
            )
    return ",".join(bounds)


def _version_control_plugin(system: Mapping[str, Any], tools: Mapping[str, Any]) -> str:
    requires = system.get("requires", [])
    named = [str(line) for line in requires] if isinstance(requires, list) else []
    named += [tool for tool in tools if tool in _BY_VERSION_CONTROL]
    return next((plugin for plugin in _BY_VERSION_CONTROL for line in named if line.startswith(plugin)), "")


def _of_setuptools(directory: Path, dynamic: Mapping[str, Any]) -> Statement | None:
    if attribute := dynamic.get("attr"):
        return _by_attribute(directory, str(attribute))
    files = dynamic.get("file")
    return _by_files(directory, [files] if isinstance(files, str) else files) if files else None


def _read_setup_files(directory: Path) -> Iterator[_Declared]:
    configured = _read_setup_configuration(directory)
    if configured is not None:
        yield configured
    path = directory / "setup.py"
    if path.is_file():
        call = find_setup_call(_read_source(path))
        yield _of_setup_call(directory, call)


def _of_setup_call(directory: Path, call: SetupCall | None) -> _Declared:
    if call is None:
        return _Declared(reason="`setup.py` has no `setup()` call that can be read without running it")
    version = _statement(call.texts.get("version"), "setup.py")
    if version is None and "version" in call.imported:
        version = _resolve(directory, call.imported["version"])
    return _Declared(
        name=_statement(call.texts.get("name"), "setup.py"),
        version=version,
        requires_python=call.texts.get("python_requires", ""),
        reason="`setup.py` computes it"
        if {"version", "**"} & call.open or call.imported.get("version")
        else "",
    )


def _read_setup_configuration(directory: Path) -> _Declared | None:
    path = directory / "setup.cfg"
    if not path.is_file():
        return None
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise SpecError(
            f"`{path}` is not a valid configuration file", code="spec-syntax", facts={"reason": str(error)}
        ) from None
    version = parser.get("metadata", "version", fallback="").strip()
    kind, colon, rest = version.partition(":")
    if colon and kind == "attr":
        statement = _by_attribute(directory, rest.strip())
    elif colon and kind == "file":
        statement = _by_files(directory, [item.strip() for item in rest.split(",")])
    else:
        statement = _statement(version or None, "setup.cfg")
    return _Declared(
        name=_statement(parser.get("metadata", "name", fallback="").strip() or None, "setup.cfg"),
        version=statement,
        requires_python=parser.get("options", "python_requires", fallback="").strip(),
        reason="`setup.cfg` names a place that computes it" if version and statement is None else "",
    )


def _by_attribute(directory: Path, dotted: str) -> Statement | None:
    """The attribute of a module, or of a class in it, that setuptools is told to take."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found = _resolve(directory, ImportedName(".".join(parts[:length]), ".".join(parts[length:])))
        if found is not None:
            return found
    return None


def _by_files(directory: Path, names: object) -> Statement | None:
    paths = [directory / str(name) for name in names] if isinstance(names, list) else []
    if not paths or not all(path.is_file() for path in paths):
        return None
    text = "\n".join(path.read_text("utf-8", "replace").strip() for path in paths).strip()
    return _statement(text, ", ".join(str(path.relative_to(directory)) for path in paths))


def _by_pattern(directory: Path, name: object, pattern: object) -> Statement | None:
    path = directory / str(name)
    if name is None or not path.is_file():
        return None
    try:
        match = re.search(str(pattern), _read_source(path), re.MULTILINE)
    except re.error:
        return None  # the backend will say so
    is_named = match is not None and "version" in match.groupdict()
    return _statement(match["version"] if match and is_named else None, str(name))


def _resolve(directory: Path, name: ImportedName, depth: int = 0) -> Statement | None:
    """Follow a name through the project's own modules to where its text stands."""
    path = _module_file(directory, name.module)
    if path is None or depth > _DEEPEST_IMPORT:
        return None
    found = find_text(_read_source(path), name.attribute)
    if isinstance(found, ImportedName):
        module = _absolute(found.module, name.module, is_package=path.name == "__init__.py")
        return _resolve(directory, ImportedName(module, found.attribute), depth + 1)
    return _statement(found, str(path.relative_to(directory)))


def _absolute(module: str, importer: str, *, is_package: bool) -> str:
    """The whole name of a module that another one imports relatively."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parents = importer.split(".")
    kept = parents[: len(parents) - level + is_package]
    return ".".join(filter(None, (*kept, module.lstrip("."))))


def _module_file(directory: Path, module: str) -> Path | None:
    if not re.fullmatch(r"\w+(\.\w+)*", module):
        return None
    inside = module.replace(".", "/")
    places = (
        directory / root / f"{inside}{end}" for root in _SOURCE_ROOTS for end in ("/__init__.py", ".py")
    )
    return next((path for path in places if path.is_file()), None)


def _read_source(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _statement(value: object, where: str) -> Statement | None:
    return Statement(value.strip(), where) if isinstance(value, str) and value.strip() else None


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    return value if isinstance(value, dict) else {}
