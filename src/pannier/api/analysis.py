"""`analyze`: what sources import, which projects provide that, and the spec that follows."""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.analysed_environment import AnalysedEnvironment, find_analysed
from pannier.api.analysed_spec import Wishes, own_version, spec_of_analysis
from pannier.api.declared import declared_by
from pannier.api.own_metadata import listed_beside, only_offered, own_requirements
from pannier.api.project_files import ProjectFiles, directories_of, read_declaring_files, read_project_files
from pannier.api.refusals import (
    refuse_contested,
    refuse_guesses,
    refuse_problems,
    refuse_specs,
    refuse_unknown,
)
from pannier.api.settings import Settings
from pannier.api.workshop import Workshop
from pannier.model.analysis import Analysis, Problem
from pannier.model.declarations import Check, Declared
from pannier.model.errors import AnalysisError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.names import normalized_name
from pannier.model.spec import Spec

if TYPE_CHECKING:
    from pannier.imports.analysis import AnalysisOptions


class AnalyzeOptions(NamedTuple):
    """What to look at and how.

    Attributes:
        python: The environment analysed: a prefix, or the path of an interpreter; empty for the active
            `VIRTUAL_ENV` or `CONDA_PREFIX`, else none.
        target_python: Version whose standard library and branches count; empty for the environment's.
        toplevel: Only imports of the module body.
        functions: Only these functions, with what they use.
        mapping: Import name to project name, before anything else known.
        extra: Requirements to add.
        strict: Unknown imports, guessed or contested projects and unreadable sources are an error.
        stdin: The text that the source `-` stands for.
        exact_python: Name one release of Python in the spec, the one that would run the sources here, even
            where they allow others.
        declared_in: Files that declare requirements, instead of those of the sources' own project.
        compare: Say how imports and declarations compare.
        is_running: The sources are to run elsewhere: what only a part of them imports is needed as well.
    """

    python: str = ""
    target_python: str = ""
    toplevel: bool = False
    functions: tuple[str, ...] = ()
    mapping: Mapping[str, str] = MappingProxyType({})
    extra: tuple[str, ...] = ()
    strict: bool = False
    stdin: str | bytes = ""
    exact_python: bool = False
    declared_in: tuple[str, ...] = ()
    compare: bool = False
    is_running: bool = False


class AnalyzeResult(NamedTuple):
    """What was found, and the environment spec that provides it.

    Attributes:
        analysis: Imports, projects, local modules, problems.
        spec: Requirements as a spec; optional projects that are not installed, and guesses, are left out.
        environment_python: Version of the interpreter of the environment analysed; empty for none.
        check: How imports and declarations compare; `None` when not asked for, or where no file declares.
    """

    analysis: Analysis
    spec: Spec
    environment_python: str = ""
    check: Check | None = None


def analyze(
    sources: Sequence[str], options: AnalyzeOptions, settings: Settings, reporter: Reporter | None = None
) -> AnalyzeResult:
    """Say what `sources` need, without running or importing any of it.

    Raises:
        AnalysisError: A source is missing, or is a file that declares requirements; with `options.strict`
            also for whatever is unknown or unreadable.
        SpecError: A source's own metadata block is not valid, where `options` take the sources to be run or
            are strict; otherwise that is a problem beside what else was found.
    """
    from pannier.imports.analysis import analyze as analyze_sources
    from pannier.store.analyses import KeptAnalyses

    refuse_specs(sources)
    workshop = Workshop(settings, reporter or SilentReporter())
    environment = find_analysed(options.python, workshop)
    target_python = options.target_python or environment.python_version or own_version()
    stdin = _text_of(options.stdin)
    project = (
        read_declaring_files(options.declared_in)
        if options.declared_in
        else read_project_files(sources, stdin)
    )
    analysis = analyze_sources(
        [("-", stdin) if name == "-" else name for name in sources],
        _how(options, settings, environment, project, target_python),
        workshop.reporter,
        KeptAnalyses(workshop.directories.analyses),
    )
    if not options.functions and any(map(os.path.isdir, sources)):
        from pannier.api.emptiness import tell_of_emptiness

        tell_of_emptiness(sources, analysis, workshop.reporter, is_error=options.strict or options.is_running)
    if project.declarations.python:
        from pannier.imports.declared_pythons import join_declared

        analysis = join_declared(analysis, project.declarations.python)
    invalid: list[Problem] = []
    leave_out = None if options.strict or options.is_running else invalid.append
    declared = declared_by(sources, stdin, leave_out)
    analysis = analysis._replace(problems=(*analysis.problems, *invalid))
    if options.strict:
        _refuse_doubts(analysis)
    wishes = Wishes(options.target_python, options.extra, options.exact_python)
    spec = spec_of_analysis(analysis, declared, wishes, environment)
    return AnalyzeResult(
        analysis=analysis,
        spec=spec,
        environment_python=environment.python_version,
        check=_compare(analysis, project, environment, options) if options.compare else None,
    )


def _refuse_doubts(analysis: Analysis) -> None:
    """Let nothing pass that is not certain, for unattended use."""
    refuse_problems(analysis.problems)
    refuse_unknown(analysis.unknown)
    refuse_guesses(analysis.projects)
    refuse_contested(analysis.projects)


def _how(
    options: AnalyzeOptions,
    settings: Settings,
    environment: AnalysedEnvironment,
    project: ProjectFiles,
    target_python: str,
) -> "AnalysisOptions":
    """How to read the sources, with all that is known beside them."""
    from pannier.imports.analysis import AnalysisOptions

    return AnalysisOptions(
        target_python=target_python,
        mapping={**settings.mapping, **options.mapping},
        installed=environment.distributions,
        declared=_requirements(project.declarations.requirements),
        locked=tuple(sorted(_locked(project))),
        toplevel=options.toplevel,
        functions=options.functions,
        required=own_requirements(project.declarations),
        offered=only_offered(project.declarations),
        listed=listed_beside(project.declarations),
        is_thorough=options.strict,
        is_running=options.is_running,
    )


def _locked(project: ProjectFiles) -> set[str]:
    """What the locks hold, the project itself aside."""
    held = {name for name in project.requires if "[" not in name}
    return held - _names(project.declarations.project_names)


def _names(projects: Sequence[str]) -> set[str]:
    return {normalized_name(name) for name in projects}


def _requirements(declared: Sequence[Declared]) -> dict[str, str]:
    """What is declared by normalized name; the program's own word goes before that for its makers."""
    groups = ("main", "optional", "development", "build")
    found: dict[str, str] = {}
    for item in sorted(declared, key=lambda item: groups.index(item.group)):
        is_plain = item.requirement.startswith(item.name) and item.group != "build"
        found.setdefault(normalized_name(item.name), item.requirement if is_plain else item.name)
    return found


def _compare(
    analysis: Analysis, project: ProjectFiles, environment: AnalysedEnvironment, options: AnalyzeOptions
) -> Check | None:
    if not project.declarations.files:
        return None
    from pannier.api.checking import check

    def requires() -> dict[str, set[str]]:
        found = {name: set(needed) for name, needed in project.requires.items()}
        if environment.place is not None:
            from pannier.environment.requirements import installed_requirements

            for name, needed in installed_requirements(environment.place).items():
                found.setdefault(name, set()).update(needed)
        return found

    def find_mentions(projects: list[str]) -> dict[str, tuple[str, int]]:
        from pannier.api.mentioned import mentions

        sources = [name for name in analysis.sources if name != "-"]
        return mentions(projects, directories_of(sources), [module.path for module in analysis.local_modules])

    target_python = options.target_python or environment.python_version or own_version()
    return check(
        analysis, project.declarations, requires, target_python, find_mentions, is_strict=options.strict
    )


def _text_of(stdin: str | bytes) -> str:
    """Decode a source as Python does: by its byte order mark or coding cookie (PEP 263), else as UTF-8."""
    if isinstance(stdin, str):
        return stdin
    if not stdin:
        return ""
    from pannier.imports.text.source import decode_source

    text, problems = decode_source(stdin, "-")
    if text is None or problems:
        raise AnalysisError(
            "the source on standard input is not text in the encoding it declares",
            code="source-encoding",
            facts={"reason": [f"it {problem.message}" for problem in problems]},
            hint="send it as UTF-8",
        )
    return text
