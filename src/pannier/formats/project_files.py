"""`pyproject.toml`: what a project itself requires (PEP 621)."""

import posixpath
import tomllib
from collections.abc import Sequence
from typing import Any

from pannier.formats.python_bounds import is_bound
from pannier.formats.requirement_lines import RequirementLineError, parse_requirement_line
from pannier.formats.spec_problems import SpecProblems
from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec


def parse_pyproject(text: str, *, filename: str, extras: Sequence[str] = ()) -> Spec:
    """Read the requirements of a project, without the project.

    Args:
        text: TOML.
        filename: Where it was read from, for messages.
        extras: Optional dependencies to take along.

    Raises:
        SpecError: It is no TOML, has no `[project]`, leaves its dependencies to the build, or requirements
            in it are not valid; all are told at once.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        facts = {"reason": str(error)}
        raise SpecError(f"`{filename}` is not valid TOML", code="spec-syntax", facts=facts) from error
    problems = SpecProblems(filename, dialect="pyproject.toml")
    project = problems.table(document.get("project"), "project")
    if not project:
        problems.add("project", "the table is missing, so nothing says what the project requires")
    if "dependencies" in (project.get("dynamic") or ()):
        problems.add(
            "project.dynamic", "the dependencies are known only after a build; lock the directory instead"
        )
    lists = [("project.dependencies", project.get("dependencies"))]
    lists += _extra_lists(project, extras, problems)
    requirements: list[str] = []
    local_projects: list[LocalProject] = []
    for where, value in lists:
        for place, line in problems.texts(value, where):
            try:
                found = parse_requirement_line(line, directory=posixpath.dirname(filename))
            except RequirementLineError as error:
                problems.add(place, f"`{line}` is not a requirement: {error}")
                continue
            if found.local_project is None:
                requirements.append(found.requirement)
            else:
                local_projects.append(found.local_project)
    python = read_python(project.get("requires-python"), "project.requires-python", problems)
    problems.raise_if_any()
    return Spec(
        requirements=tuple(dict.fromkeys(requirements)),
        local_projects=tuple(dict.fromkeys(local_projects)),
        python=python,
        dialect="pyproject.toml",
    )


def read_python(value: Any, where: str, problems: SpecProblems) -> str:
    """Check a `requires-python` and give it; nothing for none."""
    text = problems.text(value, where) if value is not None else ""
    if not is_bound(text):
        problems.add(where, f"`{text}` is not a version specifier (PEP 440)")
    return text


def console_script_names(text: str) -> tuple[str, ...]:
    """The console scripts that a pyproject.toml declares; none where it is not valid or leaves them open.

    Args:
        text: TOML.
    """
    try:
        project = tomllib.loads(text).get("project")
    except tomllib.TOMLDecodeError:
        return ()
    scripts = project.get("scripts") if isinstance(project, dict) else None
    return tuple(scripts) if isinstance(scripts, dict) else ()


def _extra_lists(
    project: dict[str, Any], extras: Sequence[str], problems: SpecProblems
) -> list[tuple[str, Any]]:
    table = problems.table(project.get("optional-dependencies"), "project.optional-dependencies")
    for extra in extras:
        if extra not in table:
            problems.add(
                "project.optional-dependencies", f"`{extra}` is not among {', '.join(table) or 'them'}"
            )
    return [(f"project.optional-dependencies.{extra}", table[extra]) for extra in extras if extra in table]
