"""What a subject needs, whatever it is: one spec, and the program's own files where there are any."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.api.analysis import AnalyzeOptions, analyze
from pannier.api.declared import script_settings
from pannier.api.environments import spec_of_environment
from pannier.api.programs import ProgramFiles, program_files
from pannier.api.refusals import refuse_guesses, refuse_problems, refuse_unknown
from pannier.api.subjects import Subject, read_spec
from pannier.api.workshop import Workshop
from pannier.model.analysis import Problem
from pannier.model.errors import SpecError
from pannier.model.events import Notice, Reporter
from pannier.model.spec import LocalProject, Spec


class Needs(NamedTuple):
    """What to resolve, and what to carry along.

    Attributes:
        spec: Requirements, interpreter bound, local projects, data.
        program: The program's own files; `None` for a spec, a project, or a program on standard input.
    """

    spec: Spec
    program: ProgramFiles | None = None


def needs_of(
    subject: Subject, includes: tuple[str, ...], workshop: Workshop, *, is_strict: bool = False
) -> Needs:
    """Read a program, a project or a spec.

    Args:
        subject: What the user named; not a lock.
        includes: Data to carry with a program.
        workshop: Settings and reporter.
        is_strict: Refuse what `pannier analyze --strict` refuses in a program.

    Raises:
        AnalysisError: A source could not be read, or needs an import that nothing known provides or that only
            a guess explains.
        SpecError: A spec is not valid, or asks for nothing.
    """
    if subject.kind == "source":
        return _program_needs(subject, includes, workshop, is_strict=is_strict)
    if subject.kind == "environment":
        return Needs(spec=spec_of_environment(subject.path))
    if subject.kind == "project":
        directory = subject.path if subject.path.is_dir() else subject.path.parent
        spec = Spec(
            local_projects=(LocalProject(path=str(directory.resolve())),), python=_project_python(directory)
        )
        return Needs(spec=spec)
    spec = _absolute(read_spec(subject.path, subject.content, workshop.settings.environ))
    if spec.is_empty:
        raise SpecError(
            f"`{subject.path}` asks for no package at all",
            code="spec-empty",
            facts={"read as": spec.dialect},
            hint="list what is needed under `dependencies`, PyPI projects in its `pip` list",
        )
    return Needs(spec=spec)


def _program_needs(
    subject: Subject, includes: tuple[str, ...], workshop: Workshop, *, is_strict: bool
) -> Needs:
    options = AnalyzeOptions(is_running=True, strict=is_strict, stdin=subject.content or b"")
    result = analyze([str(subject.path)], options, workshop.settings, workshop.reporter)
    refuse_problems(_problems_of_program(result.analysis.problems, subject, workshop.reporter))
    refuse_unknown(result.analysis.unknown)
    refuse_guesses(result.analysis.projects)
    if subject.content is not None:
        return Needs(spec=result.spec)
    own = () if subject.path.is_dir() else tuple(script_settings(subject.path).get("include", ()))
    return Needs(spec=result.spec, program=program_files(subject.path, result.analysis, (*includes, *own)))


def _problems_of_program(
    problems: Sequence[Problem], subject: Subject, reporter: Reporter
) -> Sequence[Problem]:
    """What is wrong with the program itself; of its tests and their like, only a warning is given."""
    if not problems or not subject.path.is_dir():
        return problems
    from pannier.imports.following.tree import is_for_development

    aside = [one for one in problems if is_for_development(one.location.path, str(subject.path))]
    if aside:
        reporter.warn(
            Notice(
                "files that only makers of the program use could not be read",
                aside[0].code,
                {"where": [f"{problem.location}: {problem.message}" for problem in aside]},
            )
        )
    return [problem for problem in problems if problem not in aside]


def program_of(subject: Subject, includes: tuple[str, ...], workshop: Workshop) -> ProgramFiles:
    """The program's own files alone, when a lock already says what it needs."""
    options = AnalyzeOptions(is_running=True)
    result = analyze([str(subject.path)], options, workshop.settings, workshop.reporter)
    refuse_problems(_problems_of_program(result.analysis.problems, subject, workshop.reporter))
    own = () if subject.path.is_dir() else tuple(script_settings(subject.path).get("include", ()))
    return program_files(subject.path, result.analysis, (*includes, *own))


def _project_python(directory: Path) -> str:
    pyproject = directory / "pyproject.toml"
    return read_spec(pyproject).python if pyproject.is_file() else ""


def _absolute(spec: Spec) -> Spec:
    projects = tuple(
        project._replace(path=str(Path(project.path).resolve())) for project in spec.local_projects
    )
    return spec._replace(local_projects=projects)
