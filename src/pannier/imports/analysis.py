"""What a program needs: its imports, the projects that provide them, and which Python."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pannier.imports.following.keeping import Keeper
from pannier.imports.following.program import Options, Program
from pannier.imports.following.roles import Roles, Site, names_of
from pannier.imports.following.units import DEVELOPMENT, OPTIONAL, REQUIRED, TYPING, Unit
from pannier.imports.projects.known_projects import conda_name, is_namespace
from pannier.imports.projects.resolution import Provider, Resolver
from pannier.imports.projects.standard_library import is_standard_somewhere, standard_modules
from pannier.imports.python_versions import PythonNeeds
from pannier.imports.scanning.scan import ImportSite
from pannier.imports.spelling import spelling_hint
from pannier.imports.version_needs import VersionNeeds, python_of_requirement
from pannier.model.analysis import Analysis, FoundProject, Import, ImportKind, LocalModule
from pannier.model.errors import AnalysisError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.interpreter import InstalledDistribution
from pannier.model.names import normalized_name

Source = str | os.PathLike[str] | tuple[str, str]
_KINDS: dict[int, ImportKind] = {OPTIONAL: "optional", TYPING: "typing", DEVELOPMENT: "development"}
# Stubs that type checkers carry inside themselves.
_ONLY_FOR_TYPES = "_typeshed"


class AnalysisOptions(NamedTuple):
    """How to analyse.

    Attributes:
        target_python: Version of the Python that will run the program; decides what is standard.
        platform: Where it will run (`linux-x86_64`).
        mapping: The user's own answers: import name to project or requirement.
        installed: What the environment analysed holds; pins versions.
        declared: What files of the project require, normalized project name to requirement.
        locked: What the project's locks hold, by normalized name, sorted.
        required: What the project's own metadata requires without an extra, by normalized name, sorted;
            `None` where there is none.
        offered: What it declares for an extra alone, in the same way.
        listed: What lists beside it require to run it, in the same way.
        toplevel: Leave out imports inside functions.
        functions: Only what these functions need; everything when empty.
        is_thorough: Check every line of every file for errors, not only what can import in files that nobody
            named.
        is_running: The program is to run: what only a part of it imports is needed as well.
    """

    target_python: str
    platform: str = "linux"
    mapping: Mapping[str, str] = MappingProxyType({})
    installed: Sequence[InstalledDistribution] = ()
    declared: Mapping[str, str] = MappingProxyType({})
    locked: tuple[str, ...] = ()
    required: tuple[str, ...] | None = None
    offered: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    toplevel: bool = False
    functions: tuple[str, ...] = ()
    is_thorough: bool = False
    is_running: bool = False


def analyze(
    sources: Sequence[Source],
    options: AnalysisOptions,
    reporter: Reporter | None = None,
    keeper: Keeper | None = None,
) -> Analysis:
    """Read sources and say what they need; nothing of them is imported or executed.

    Args:
        sources: Files, notebooks and directories, or a name with its text (`("-", text)`).
        options: How to analyse.
        reporter: Hears of each file read.
        keeper: Keeps what was read of directories for the next time.

    Returns:
        Everything found, sorted; what could not be read is among its problems.

    Raises:
        AnalysisError: A source named does not exist, or no source has a function asked for.
    """
    resolver = Resolver(options.mapping, options.installed, options.declared, options.locked)
    platform = options.platform.partition("-")[0]
    settings = Options(
        options.target_python, platform, options.toplevel, options.functions, options.is_thorough
    )
    program = Program(settings, resolver, reporter or SilentReporter())
    _check_existence(sources)
    is_kept = keeper is not None and not options.functions and _has_directory(sources)
    if keeper is not None and is_kept:
        from pannier.imports.following.kept import read_kept

        read_kept(program, keeper, _identity(sources, options), lambda: _read(program, sources))
    else:
        _read(program, sources)
    resolver.add_declared(requirement for unit in program.units for requirement, _ in unit.source.installs)
    findings = _Findings(options.target_python, resolver)
    for unit in program.units:
        findings.add(unit)
    findings.add_backends()
    findings.heed(dict(source for source in sources if isinstance(source, tuple)))
    named = [os.fspath(source) for source in sources if not isinstance(source, tuple)]
    roles = Roles(
        program.units,
        [*filter(os.path.isdir, named)],
        options.required,
        options.offered,
        options.listed,
        is_running=options.is_running,
    )
    return _assemble(sources, program, findings, roles)


def _read(program: Program, sources: Sequence[Source]) -> None:
    for source in sources:
        if isinstance(source, tuple):
            program.add_text(*source)
        elif Path(source).is_dir():
            program.add_directory(os.fspath(source))
        else:
            program.add_script(os.fspath(source))
    program.read()


def _has_directory(sources: Sequence[Source]) -> bool:
    """Whether reading may take long enough to keep what was found, and all of it is files."""
    return not any(isinstance(source, tuple) for source in sources) and any(
        not isinstance(source, tuple) and Path(source).is_dir() for source in sources
    )


def _identity(sources: Sequence[Source], options: AnalysisOptions) -> tuple[object, ...]:
    """Everything but files and directories that decides how a program is read."""
    named = tuple(os.fspath(source) for source in sources if not isinstance(source, tuple))
    fields = options._replace(mapping={}, declared={})
    return (
        os.path.realpath(os.curdir),
        named,
        fields,
        sorted(options.mapping.items()),
        sorted(options.declared.items()),
    )


def _check_existence(sources: Sequence[Source]) -> None:
    missing = [
        os.fspath(source)
        for source in sources
        if not isinstance(source, tuple) and not os.path.lexists(source)
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise AnalysisError(
            f"there is no file or directory {names}", code="no-such-file", hint=spelling_hint(missing[0])
        )


class _Findings:
    """What the units import, sorted into projects, standard modules and unknowns."""

    def __init__(self, target_python: str, resolver: Resolver) -> None:
        self.target_python = target_python
        self.resolver = resolver
        self.providers: dict[str, Provider] = {}
        self.evidence: dict[str, list[Site]] = {}
        self.unknown: dict[Import, Site] = {}
        self.declared: dict[str, list[Import]] = {}
        self.backends: list[Site] = []
        self.standard: set[str] = set()
        self.needs = PythonNeeds()
        self.versions = VersionNeeds()

    def add(self, unit: Unit) -> None:
        """Sort the imports of one file."""
        if unit.level == REQUIRED:
            self.needs.add_syntax(unit)
            for use in unit.found.uses:
                self.versions.add(use, unit.source.locate(use.line, use.column))
        for site in unit.external:
            if not site.level and site.module.partition(".")[0] != _ONLY_FOR_TYPES:
                self._add_site(unit, site)
        for requirement, line in unit.source.installs:
            location = unit.source.locate(line)
            self.declared.setdefault(requirement, []).append(
                Import(name=requirement, kind="declared", location=location)
            )

    def _add_site(self, unit: Unit, site: ImportSite) -> None:
        kind = self._kind(unit, site)
        if kind is None or site.is_own:
            return
        location = unit.source.locate(site.line, site.column)
        if site.is_project:
            self._note(
                self.resolver.project(site.module), Site(unit, site, Import(site.module, kind, location))
            )
            return
        if site.alternatives:
            self.backends.append(Site(unit, site, Import(site.module, kind, location)))
            return
        if self._is_standard(unit, site.module):
            self.standard.add(site.module.partition(".")[0])
            if kind == "required" and site.is_certain:
                self.needs.add_module(site.module, location)
            return
        for name in self.resolver.names(site.module, site.names):
            found = Import(name=name, kind=kind, location=location)
            provider = self.resolver.resolve(name)
            if provider is not None and kind == "backend" and provider.confidence == "guess":
                # What a setting names is more often the program's own than something nobody vouches for.
                provider = None
            if provider is not None:
                self._note(provider, Site(unit, site, found))
            elif not is_standard_somewhere(name.partition(".")[0]):
                self.unknown[found] = Site(unit, site, found)
            elif kind == "required":
                # Standard in another Python: no project, but a wish for that Python.
                self.standard.add(name.partition(".")[0])
                if site.is_certain:
                    self.needs.add_module(name, location)

    def _note(self, provider: Provider | None, site: Site) -> None:
        if provider is not None:
            key = normalized_name(provider.name)
            self.providers.setdefault(key, provider)
            self.evidence.setdefault(key, []).append(site)

    def add_backends(self) -> None:
        """Settle which of several modules that serve as well is meant: one there anyway, else the first."""
        settled = {
            key for key, sites in self.evidence.items() if any(site.found.kind != "typing" for site in sites)
        }
        for unit, site, found in self.backends:
            choices = [(name, self.resolver.resolve(name)) for name in (site.module, *site.alternatives)]
            known = [(name, provider) for name, provider in choices if provider is not None]
            there = [one for one in known if normalized_name(one[1].name) in settled]
            installed = [one for one in known if one[1].confidence in {"mapped", "installed"}]
            listed = [one for one in known if one[1].confidence in {"declared", "locked"}]
            for name, provider in (there or installed or listed or known)[:1]:
                self._note(provider, Site(unit, site, found._replace(name=name)))

    def heed(self, texts: Mapping[str, str]) -> None:
        """Let what the program's own messages say to install decide where the data do not."""
        doubtful = [
            (key, provider)
            for key, provider in self.providers.items()
            if provider.confidence == "guess" or (provider.confidence == "known" and provider.alternatives)
        ]
        if doubtful or self.unknown:
            from pannier.imports.following.advice import Adviser

            adviser = Adviser(texts)
            for key, provider in doubtful:
                chosen = adviser.chosen(provider, self.evidence[key])
                if chosen != provider:
                    del self.providers[key]
                    for site in self.evidence.pop(key):
                        self._note(chosen, site)
            for found, proposed in adviser.proposed(self.unknown).items():
                self._note(proposed, self.unknown.pop(found))

    def _is_standard(self, unit: Unit, module: str) -> bool:
        top = module.partition(".")[0]
        if top in standard_modules(self.target_python):
            return True
        return bool(unit.python2_line) and top in standard_modules("2.7")

    def _kind(self, unit: Unit, site: ImportSite) -> ImportKind | None:
        """How much an import is needed, all told; `None` when it never takes place on the target."""
        kind = site.kind
        if site.instead_of:
            tried = {self._status(unit, name) for name in site.instead_of}
            if tried == {"standard"}:
                return None
            if "unknown" not in tried and kind in {"required", "dynamic", "backend"}:
                kind = "optional"
        elif kind == "optional" and site.module in site.fallbacks:
            # What is missing is put there (`pip install`), or another name of it is tried.
            kind = "required"
        elif kind == "optional" and site.fallbacks:
            rescues = {self._status(unit, name) for name in site.fallbacks}
            if (
                "known" in rescues
                and not rescues & {"standard", "local"}
                and self._status(unit, site.module) == "known"
            ):
                # One of two projects is needed, and this is the one the program likes better.
                kind = "required"
        return _KINDS.get(max(unit.level, _level(kind)), kind)

    def _status(self, unit: Unit, module: str) -> str:
        if module.startswith("."):
            return "local"
        if self._is_standard(unit, module):
            return "standard"
        if module in unit.local_modules:
            return "local"
        if self.resolver.resolve(module) is not None or is_namespace(module):
            return "known"
        return "unknown"


def _level(kind: ImportKind) -> int:
    return {"optional": OPTIONAL, "typing": TYPING, "development": DEVELOPMENT}.get(kind, REQUIRED)


def _assemble(sources: Sequence[Source], program: Program, findings: _Findings, roles: Roles) -> Analysis:
    projects = {project.name: project for project in _projects(findings, roles)}
    unknown = _join_declared(projects, findings)
    bounded = {
        normalized_name(project.name): project.name
        for project in projects.values()
        if project.requirement == project.name and not project.optional
    }
    declared = [
        project.requirement
        for project in projects.values()
        if project.confidence == "declared" and not project.optional and project.requirement != project.name
    ]
    for bound in (*findings.versions.of_python(bounded), *filter(None, map(python_of_requirement, declared))):
        findings.needs.add_bound(*bound)
    requires_python, reason = findings.needs.conclude()
    projects = {
        name: _bounded(project, findings) if normalized_name(name) in bounded else project
        for name, project in projects.items()
    }
    return Analysis(
        sources=tuple(source[0] if isinstance(source, tuple) else os.fspath(source) for source in sources),
        projects=tuple(sorted(projects.values(), key=lambda project: normalized_name(project.name))),
        unknown=tuple(sorted(unknown, key=_place)),
        local_modules=tuple(_local_modules(program.units)),
        standard_library=tuple(sorted(findings.standard)),
        requires_python=requires_python,
        python_reason=reason,
        problems=tuple(
            sorted(program.all_problems(), key=lambda problem: (problem.location, problem.message))
        ),
        companions=findings.versions.companions(bounded),
        python_bounds=findings.needs.bounds(),
    )


def _bounded(project: FoundProject, findings: _Findings) -> FoundProject:
    """The project with the bounds that its use implies in its requirement."""
    bounds = findings.versions.of_project(normalized_name(project.name))
    specifiers = ",".join(bound.specifier for bound in bounds)
    return project._replace(requirement=f"{project.requirement}{specifiers}", bounds=bounds)


def _projects(findings: _Findings, roles: Roles) -> Iterator[FoundProject]:
    for key, provider in findings.providers.items():
        sites = findings.evidence[key]
        imports = tuple(sorted(names_of(sites), key=_place))
        role, reason = roles.role(provider.name, sites)
        yield FoundProject(
            name=provider.name,
            requirement=provider.requirement,
            confidence=provider.confidence,
            imports=imports,
            optional=role != "runtime",
            editable_path=provider.editable_path,
            alternatives=provider.alternatives,
            reasons=provider.reasons,
            conda_name=conda_name(provider.name),
            role=role,
            role_reason=reason,
        )


def _join_declared(projects: dict[str, FoundProject], findings: _Findings) -> set[Import]:
    """Add what notebooks install themselves, and say which unknown imports that explains."""
    from pannier.imports.projects.declarations import join_declared

    unknown = set(findings.unknown)
    if not findings.declared:
        return unknown
    is_misnomer = findings.resolver.is_misnomer
    declared = {
        requirement: places
        for requirement, places in findings.declared.items()
        if not is_misnomer(requirement, projects)
    }
    return join_declared(projects, unknown, declared)


def _local_modules(units: Sequence[Unit]) -> list[LocalModule]:
    modules = [
        LocalModule(path=unit.source.path, name=unit.name, root=unit.root) for unit in units if unit.name
    ]
    return sorted(modules, key=lambda module: (module.root, module.name, module.path))


def _place(found: Import) -> tuple[str, int, int, str]:
    return found.location.path, found.location.line, found.location.column, found.name
