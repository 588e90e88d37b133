"""What an analysis found that a lock, a pack or strict use cannot do with: one error for all of a kind."""

import os
from collections.abc import Sequence
from pathlib import PurePath

from pannier.model.analysis import CONTESTED, FoundProject, Import, Problem
from pannier.model.errors import AnalysisError


def refuse_problems(problems: Sequence[Problem]) -> None:
    """Raise one error for every source that could not be read.

    Raises:
        AnalysisError: There are any.
    """
    if not problems:
        return
    count = "a source" if len(problems) == 1 else f"{len(problems)} sources"
    raise AnalysisError(
        f"{count} could not be read",
        code=problems[0].code,
        facts={"where": [f"{problem.location}: {problem.message}" for problem in problems]},
        hint="mend or leave out what is named",
    )


def refuse_unknown(unknown: Sequence[Import]) -> None:
    """Raise one error for every import that the sources cannot do without and nothing known provides.

    Raises:
        AnalysisError: There are any.
    """
    places: dict[str, list[str]] = {}
    for item in unknown:
        if item.kind in {"required", "dynamic"}:
            places.setdefault(item.name, []).append(str(item.location))
    if not places:
        return
    count = "1 import has" if len(places) == 1 else f"{len(places)} imports have"
    first = min(places)
    raise AnalysisError(
        f"{count} no known project",
        code="unknown-import",
        facts={name: ", ".join(where) for name, where in sorted(places.items())},
        hint=f"name the project for each, for example `--pkg-mapping {first}=PROJECT`",
    )


def refuse_guesses(projects: Sequence[FoundProject]) -> None:
    """Raise one error for every project that is needed and only guessed.

    Raises:
        AnalysisError: There are any.
    """
    guesses = guessed(projects)
    if not guesses:
        return
    count = "1 project is" if len(guesses) == 1 else f"{len(guesses)} projects are"
    first = guesses[0]
    raise AnalysisError(
        f"{count} a guess",
        code="guessed-project",
        facts={project.name: _why_guessed(project) for project in guesses},
        hint=f"look at each, and confirm it with `--pkg-mapping {_import_of(first)}={first.name}`",
    )


def refuse_contested(projects: Sequence[FoundProject]) -> None:
    """Raise one error for every needed project that another one contests by having the import's very name.

    Raises:
        AnalysisError: There are any.
    """
    contested = [project for project in projects if CONTESTED in project.reasons and not project.optional]
    if not contested:
        return
    first = contested[0]
    count = "1 project is" if len(contested) == 1 else f"{len(contested)} projects are"
    raise AnalysisError(
        f"{count} not certain to be meant",
        code="contested-project",
        facts={project.name: _why_guessed(project) for project in contested},
        hint=f"look at each, and confirm it with `--pkg-mapping {_import_of(first)}={first.name}`",
    )


def guessed(projects: Sequence[FoundProject]) -> list[FoundProject]:
    """The projects that the sources cannot do without and that are only guessed."""
    return [project for project in projects if project.confidence == "guess" and not project.optional]


def _import_of(project: FoundProject) -> str:
    return project.imports[0].name.partition(".")[0]


def _why_guessed(project: FoundProject) -> str:
    first = project.imports[0]
    return f"for `{first.name}` at {first.location}: {', '.join(project.reasons)}"


def refuse_specs(sources: Sequence[str]) -> None:
    """Refuse what declares requirements in place of a program: some of it would even be read as Python.

    Raises:
        AnalysisError: Naming every one.
    """
    specs = [source for source in sources if _is_spec(PurePath(source)) and os.path.isfile(source)]  # noqa: PTH113
    if not specs:
        return
    raise AnalysisError(
        f"`{specs[0]}` is no program" if len(specs) == 1 else f"{len(specs)} of the sources are no programs",
        code="source-is-spec",
        facts={"declaring requirements": specs},
        hint=f"`pannier lock {specs[0]}` locks what it lists; "
        f"`pannier analyze PROGRAM --check {specs[0]}` compares a program with it",
    )


def _is_spec(path: PurePath) -> bool:
    listing = path.suffix == ".txt" and path.name.startswith(("requirements", "constraints"))
    return listing or path.suffix in {".yml", ".yaml", ".toml", ".json", ".in"} or path.name == "Pipfile"
