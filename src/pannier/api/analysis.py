"""`analyze`: what sources import, which projects provide that, and the spec that follows."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pannier.api.declared import declared_by
from pannier.api.project_files import ProjectFiles, read_declaring_files, read_project_files
from pannier.api.settings import Settings
from pannier.api.workshop import Workshop
from pannier.formats.python_bounds import allows
from pannier.model.analysis import Analysis, FoundProject, Import, Problem
from pannier.model.declarations import Check, Declared
from pannier.model.errors import AnalysisError, InterpreterError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.interpreter import InstalledDistribution, Interpreter
from pannier.model.names import normalized_name
from pannier.model.spec import LocalProject, Spec


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
        strict: Unknown imports, guessed projects and unreadable sources are an error.
        stdin: The text that the source `-` stands for.
        exact_python: Name one release of Python in the spec, the one that would run the sources here, even
            where they allow others.
        declared_in: Files that declare requirements, instead of those of the sources' own project.
        compare: Say how imports and declarations compare.
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


class AnalysedEnvironment(NamedTuple):
    """The environment whose versions and names come first.

    Attributes:
        python_version: Of its interpreter.
        distributions: What it has installed.
        place: Its prefix, or its probed interpreter; `None` for no environment.
    """

    python_version: str = ""
    distributions: tuple[InstalledDistribution, ...] = ()
    place: Path | Interpreter | None = None


def analyze(
    sources: Sequence[str], options: AnalyzeOptions, settings: Settings, reporter: Reporter | None = None
) -> AnalyzeResult:
    """Say what `sources` need, without running or importing any of it.

    Raises:
        AnalysisError: A source is missing; with `options.strict` also for whatever is unknown or unreadable.
        SpecError: A source's own metadata block is not valid.
    """
    from pannier.imports.analysis import AnalysisOptions
    from pannier.imports.analysis import analyze as analyze_sources
    from pannier.store.analyses import KeptAnalyses

    workshop = Workshop(settings, reporter or SilentReporter())
    environment = _environment(options.python, workshop)
    target_python = options.target_python or environment.python_version or _own_version()
    stdin = _text_of(options.stdin)
    project = (
        read_declaring_files(options.declared_in)
        if options.declared_in
        else read_project_files(sources, stdin)
    )
    analysis = analyze_sources(
        [("-", stdin) if name == "-" else name for name in sources],
        AnalysisOptions(
            target_python=target_python,
            mapping={**settings.mapping, **options.mapping},
            installed=environment.distributions,
            declared=_requirements(project.declarations.requirements),
            locked=tuple(sorted(project.requires.keys() - _names(project.declarations.project_names))),
            toplevel=options.toplevel,
            functions=options.functions,
            is_thorough=options.strict,
        ),
        workshop.reporter,
        KeptAnalyses(workshop.directories.analyses),
    )
    if project.declarations.python:
        from pannier.imports.declared_pythons import join_declared

        analysis = join_declared(analysis, project.declarations.python)
    if options.strict:
        refuse_problems(analysis.problems)
        refuse_unknown(analysis.unknown)
        refuse_guesses(analysis.projects)
    spec = _spec_of(analysis, declared_by(sources, stdin), options, environment)
    return AnalyzeResult(
        analysis=analysis,
        spec=spec,
        environment_python=environment.python_version,
        check=_compare(analysis, project, environment, target_python) if options.compare else None,
    )


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
    analysis: Analysis, project: ProjectFiles, environment: AnalysedEnvironment, target_python: str
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

    return check(analysis, project.declarations, requires, target_python)


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


def guessed(projects: Sequence[FoundProject]) -> list[FoundProject]:
    """The projects that the sources cannot do without and that are only guessed."""
    return [project for project in projects if project.confidence == "guess" and not project.optional]


def _import_of(project: FoundProject) -> str:
    return project.imports[0].name.partition(".")[0]


def _why_guessed(project: FoundProject) -> str:
    first = project.imports[0]
    return f"for `{first.name}` at {first.location}: {', '.join(project.reasons)}"


def _environment(python: str, workshop: Workshop) -> AnalysedEnvironment:
    """The environment to take names and versions from; an explicit one must exist."""
    environ = workshop.settings.environ
    place = python or environ.get("VIRTUAL_ENV", "") or environ.get("CONDA_PREFIX", "")
    if not place:
        return AnalysedEnvironment()
    from pannier.environment.installed import installed_distributions

    path = Path(place)
    version = _prefix_python(path)
    if version:
        return AnalysedEnvironment(version, installed_distributions(path), path)
    if not python:
        return AnalysedEnvironment()  # a stale VIRTUAL_ENV, or a conda environment of other tools
    if path.is_dir():
        raise InterpreterError(
            f"`{path}` holds no Python environment",
            code="no-environment",
            facts={"looked for": "pyvenv.cfg, lib/python3*"},
            hint="name its directory or its interpreter with `--python`",
        )
    from pannier.environment.probe import probe

    interpreter = probe(python, workshop.directories.interpreters)
    return AnalysedEnvironment(interpreter.version, installed_distributions(interpreter), interpreter)


def _prefix_python(prefix: Path) -> str:
    """The version of a prefix's Python, told from its files: starting it would cost more than all else.

    Empty when the directory is no prefix of a Python.
    """
    configuration = prefix / "pyvenv.cfg"
    if configuration.is_file():
        for line in configuration.read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() in {"version", "version_info"}:
                return ".".join(value.strip().split(".")[:3])
    for directory in sorted(prefix.glob("lib/python3*"), reverse=True):
        return directory.name.removeprefix("python")
    return ""


def _own_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _spec_of(
    analysis: Analysis, declared: Spec, options: AnalyzeOptions, environment: AnalysedEnvironment
) -> Spec:
    """The requirements: what the source declares, what it imports, and what was added."""
    installed = {normalized_name(item.name): item for item in environment.distributions}
    chosen: dict[str, str] = {}
    for requirement in _pinned(options.extra, installed):
        chosen[_name_of(requirement)] = requirement
    for requirement in declared.requirements:
        chosen.setdefault(_name_of(requirement), requirement)
    projects = [project for project in analysis.projects if _is_wanted(project)]
    for project in projects:
        if not project.editable_path:
            name = normalized_name(project.name)
            if normalized_name(chosen.get(name, name)) == name:
                # A bare name says nothing of versions: what the code shows of them holds.
                chosen[name] = project.requirement
    _add_companions(chosen, analysis)
    return Spec(
        requirements=tuple(chosen[name] for name in sorted(chosen)),
        python=_python_of(_bound_of(analysis, declared), options, environment),
        local_projects=declared.local_projects
        + tuple(
            LocalProject(path=project.editable_path, name=project.name)
            for project in projects
            if project.editable_path
        ),
        dialect="analysis",
    )


def _bound_of(analysis: Analysis, declared: Spec) -> str:
    """What bounds the Python; a source's own metadata goes before files that the user names instead."""
    is_joined = any(bound.origin == "requires-python" for bound in analysis.python_bounds)
    return analysis.requires_python if is_joined else declared.python or analysis.requires_python


def _add_companions(chosen: dict[str, str], analysis: Analysis) -> None:
    """Bound what the bounded projects do not bound themselves, except where somebody else has done so."""
    implied = {normalized_name(project.name): project.requirement for project in analysis.projects}
    for companion in analysis.companions:
        requirement = companion.specifier
        name = normalized_name(project_name(requirement))
        present = chosen.get(name, "")
        if present in {"", implied.get(name)}:
            rest = requirement[len(project_name(requirement)) :]
            separator = "," if present and present != project_name(present) else ""
            chosen[name] = f"{present}{separator}{rest}" if present else requirement


def _python_of(bound: str, options: AnalyzeOptions, environment: AnalysedEnvironment) -> str:
    """The release to ask for: the one named, or the environment's, unless the sources do not allow it."""
    version = options.target_python or environment.python_version
    if options.exact_python:
        version = version or _own_version()
    if not version or not allows(bound, version):
        return bound
    return f"=={'.'.join(version.split('.')[:2])}.*"


def _text_of(stdin: str | bytes) -> str:
    """Decode a source as Python does: by its byte order mark or coding cookie (PEP 263), else as UTF-8."""
    if isinstance(stdin, str):
        return stdin
    if not stdin:
        return ""
    import io
    import tokenize

    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(stdin).readline)
        return stdin.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise AnalysisError(
            "the source on standard input is not text in the encoding it declares",
            code="source-encoding",
            facts={"reason": str(error)},
            hint="send it as UTF-8",
        ) from None


def _is_wanted(project: FoundProject) -> bool:
    """Optional imports count only where the environment analysed has them; guesses never do."""
    if project.confidence == "guess":
        return False
    return not project.optional or project.confidence == "installed"


def _pinned(extra: Sequence[str], installed: Mapping[str, InstalledDistribution]) -> list[str]:
    """Bare names take the version that the analysed environment has."""
    pinned: list[str] = []
    for requirement in extra:
        found = installed.get(normalized_name(requirement))
        pinned.append(f"{found.name}=={found.version}" if found and not found.editable_path else requirement)
    return pinned


def _name_of(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return normalized_name(Requirement(requirement).name)
    except InvalidRequirement as error:
        raise AnalysisError(
            f"`{requirement}` is no requirement",
            code="requirement-invalid",
            facts={"reason": str(error).splitlines()[0]},
            hint="write a project's name, with a version if need be: `name==1.2`",
        ) from None


def project_name(requirement: str) -> str:
    """The name in front of a requirement."""
    from pannier.imports.declarations import project_name as name_of

    return name_of(requirement)
