"""What TOML files declare: `pyproject.toml` in every backend's words, and `Pipfile`."""

import re
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pannier.formats.declared import Collector, extra_called, group_called
from pannier.model.declarations import Declarations, DeclaredGroup

# Groups of those who run a program rather than build it.
_RUNNING = frozenset({"main", "prod", "production", "deploy", "deployment", "runtime", "server"})
# A clause about releases of Python that `_poetry_versions` writes.
_LIMIT = re.compile(r"(>=|==|<)(\d+)(?:\.(\d+))?")


def declared_in_pyproject(text: str, path: str) -> Declarations:
    """Read PEP 621, PEP 735, PEP 518 and the tables of poetry, flit, hatch, pdm, uv and setuptools.

    Args:
        text: TOML.
        path: Where it was read from.
    """
    collector = Collector(path, text)
    document = _load(collector, text)
    tool = _table(document.get("tool"))
    _read_project(collector, _table(document.get("project")), _dynamic_files(tool))
    _read_groups(collector, _table(document.get("dependency-groups")), "dependency-groups")
    collector.add_all(_table(document.get("build-system")).get("requires"), "build", "build-system.requires")
    _read_poetry(collector, _table(tool.get("poetry")))
    _read_flit(collector, _table(_table(tool.get("flit")).get("metadata")))
    _read_hatch(collector, _table(tool.get("hatch")))
    _read_groups(
        collector, _table(_table(tool.get("pdm")).get("dev-dependencies")), "tool.pdm.dev-dependencies"
    )
    collector.add_all(
        _table(tool.get("uv")).get("dev-dependencies"), "development", "tool.uv.dev-dependencies"
    )
    return collector.result()


def declared_in_pipfile(text: str, path: str) -> Declarations:
    """Read a Pipfile's `packages`, `dev-packages` and its categories, and the Python that it requires."""
    collector = Collector(path, text)
    document = _load(collector, text)
    wanted = _table(document.get("requires"))
    collector.use_python(wanted.get("python_full_version") or wanted.get("python_version"), "requires")
    for category, packages in document.items():
        if category in {"source", "requires", "scripts", "pipenv"}:
            continue
        group = "main" if category == "packages" else group_called(category)
        for name, wanted in _table(packages).items():
            collector.add_named(name, _pipfile_versions(wanted), group, category)
    return collector.result()


def _pipfile_versions(wanted: Any) -> str:
    table = _table(wanted)
    extras = table.get("extras")
    text = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) else ""
    version = table.get("version", "*") if table else wanted
    return text + ("" if version == "*" or not isinstance(version, str) else version)


def _load(collector: Collector, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        collector.undecided(f"is not valid TOML: {error}")
        return {}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_project(collector: Collector, project: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    """Read PEP 621's table; `files` are those that stand for its dynamic fields."""
    collector.call(project.get("name"))
    collector.bound_python(project.get("requires-python"), "project.requires-python")
    collector.classify(project.get("classifiers"), "project.classifiers")
    collector.add_all(project.get("dependencies"), "main", "project.dependencies")
    for extra, items in _table(project.get("optional-dependencies")).items():
        collector.add_all(items, extra_called(extra), f"project.optional-dependencies.{extra}")
    dynamic = project.get("dynamic")
    for field in ("dependencies", "optional-dependencies"):
        if isinstance(dynamic, list) and field in dynamic and not _include(collector, files.get(field)):
            group: DeclaredGroup = "main" if field == "dependencies" else "optional"
            line = collector.line_of("dynamic")
            collector.undecided(f"`{field}` is dynamic: the build decides it", line, group)


def _dynamic_files(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Which requirements files setuptools, or hatch's plug-in for them, puts in for a dynamic field."""
    setuptools = _table(_table(tool.get("setuptools")).get("dynamic"))
    hooks = _table(_table(_table(tool.get("hatch")).get("metadata")).get("hooks"))
    hatch = _table(hooks.get("requirements_txt"))
    extras = _table(setuptools.get("optional-dependencies"))
    return {
        "dependencies": _table(setuptools.get("dependencies")).get("file") or hatch.get("files"),
        "optional-dependencies": {extra: _table(value).get("file") for extra, value in extras.items()}
        or hatch.get("optional-dependencies"),
    }


def _include(collector: Collector, files: Any) -> bool:
    """Note the files of a field, or of each extra; whether all of it is in files."""
    if isinstance(files, dict):
        read = [collector.include(value, extra_called(extra)) for extra, value in files.items()]
        return bool(read) and all(read)
    return collector.include(files, "main")


def _read_groups(collector: Collector, groups: Mapping[str, Any], place: str) -> None:
    """PEP 735: groups are for makers, but for those that run it; `include-group` adds nothing of its own."""
    for name, items in groups.items():
        group: DeclaredGroup = "main" if name.lower() in _RUNNING else "development"
        collector.add_all(items, group, f"{place}.{name}")


def _read_poetry(collector: Collector, poetry: Mapping[str, Any]) -> None:
    collector.call(poetry.get("name"))
    collector.classify(poetry.get("classifiers"), "tool.poetry.classifiers")
    wanted = _table(poetry.get("dependencies")).get("python")
    if isinstance(wanted, str):
        collector.bound_python(
            _poetry_python(wanted), "tool.poetry.dependencies.python", collector.line_of(wanted)
        )
    tables: list[tuple[str, DeclaredGroup, Any]] = [
        ("tool.poetry.dependencies", "main", poetry.get("dependencies")),
        ("tool.poetry.dev-dependencies", "development", poetry.get("dev-dependencies")),
    ]
    for name, group in _table(poetry.get("group")).items():
        tables.append(
            (
                f"tool.poetry.group.{name}.dependencies",
                "main" if name == "main" else group_called(name, "development"),
                _table(group).get("dependencies"),
            )
        )
    for place, group_kind, table in tables:
        for name, wanted in _table(table).items():
            if name.lower() != "python":
                is_optional = isinstance(wanted, dict) and wanted.get("optional") is True
                kind: DeclaredGroup = "optional" if is_optional and group_kind == "main" else group_kind
                collector.add_named(name, _poetry_versions(wanted), kind, place)


def _poetry_versions(wanted: Any) -> str:
    """Poetry's caret and tilde in PEP 440's words; what has no such words is left open."""
    choice = wanted[0] if isinstance(wanted, list) and wanted else wanted
    table = _table(choice)
    extras = table.get("extras")
    text = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) else ""
    version = table.get("version", "*") if isinstance(choice, dict) else choice
    if not isinstance(version, str) or isinstance(wanted, list) or "||" in version:
        return text
    clauses = [_poetry_clause(clause.strip()) for clause in version.split(",")]
    return text + ",".join(clause for clause in clauses if clause)


def _poetry_python(wanted: str) -> str:
    """Alternatives (`^2.7 || ^3.6`) as the range that they span, without the releases between them."""
    parts = sorted(_limits(_poetry_versions(part.strip())) for part in re.split(r"\|\|?", wanted))
    if len(parts) < 2:
        return _poetry_versions(wanted)
    gaps = [
        f"!=3.{minor}.*"
        for (_, before), (after, _) in pairwise(parts)
        for minor in (range(before[1] if before[0] == 3 else 0, after[1]) if before < after > (3, 0) else ())
    ]
    (lowest, _), highest = parts[0], max(upper for _, upper in parts)
    clauses = [f">={lowest[0]}.{lowest[1]}"] if lowest > (0, 0) else []
    clauses += [f"<{highest[0]}.{highest[1]}"] if highest < (9, 0) else []
    return ",".join([*clauses, *gaps])


def _limits(bound: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first release that a bound of plain clauses allows, and the first above that it does not."""
    lower, upper = (0, 0), (9, 0)
    for sign, major, minor in _LIMIT.findall(bound):
        release = (int(major), int(minor or 0))
        if sign != "<":
            lower = max(lower, release)
        if sign == "==":
            upper = (release[0], release[1] + 1) if minor else (release[0] + 1, 0)
        elif sign == "<":
            upper = min(upper, release)
    return lower, upper


def _poetry_clause(clause: str) -> str:
    if clause in {"", "*"}:
        return ""
    if clause[0] in "<>!=" or clause.startswith("~="):
        return clause.replace(" ", "")
    if "*" in clause:
        return f"=={clause}"
    sign, numbers = clause[0], clause.lstrip("^~ ").split(".")
    if sign not in "^~" or not all(part.isdecimal() for part in numbers):
        return f"=={clause}" if clause[0].isdecimal() else ""
    return f">={'.'.join(numbers)},<{'.'.join(_next(numbers, is_caret=sign == '^'))}"


def _next(numbers: list[str], *, is_caret: bool) -> list[str]:
    """The first version that a caret or a tilde no longer allows."""
    place = min(1, len(numbers) - 1)
    if is_caret:
        place = next((i for i, part in enumerate(numbers) if int(part)), len(numbers) - 1)
    return [*numbers[:place], str(int(numbers[place]) + 1)]


def _read_flit(collector: Collector, metadata: Mapping[str, Any]) -> None:
    collector.call(metadata.get("dist-name") or metadata.get("module"))
    collector.bound_python(metadata.get("requires-python"), "tool.flit.metadata.requires-python")
    collector.classify(metadata.get("classifiers"), "tool.flit.metadata.classifiers")
    collector.add_all(metadata.get("requires"), "main", "tool.flit.metadata.requires")
    for extra, items in _table(metadata.get("requires-extra")).items():
        collector.add_all(items, extra_called(extra), f"tool.flit.metadata.requires-extra.{extra}")


def _read_hatch(collector: Collector, hatch: Mapping[str, Any]) -> None:
    for name, environment in _table(hatch.get("envs")).items():
        for key in ("dependencies", "extra-dependencies"):
            place = f"tool.hatch.envs.{name}.{key}"
            collector.add_all(_table(environment).get(key), "development", place)
