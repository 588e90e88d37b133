"""The spec that follows from an analysis: what the source declares, what it imports, and what was added."""

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pannier.api.analysed_environment import AnalysedEnvironment
from pannier.formats.python_bounds import allows
from pannier.model.analysis import Analysis, FoundProject
from pannier.model.errors import AnalysisError
from pannier.model.interpreter import InstalledDistribution
from pannier.model.names import normalized_name
from pannier.model.spec import LocalProject, Spec


class Wishes(NamedTuple):
    """What the user wants of a spec besides what the sources tell; see `AnalyzeOptions`."""

    target_python: str
    extra: tuple[str, ...]
    exact_python: bool


def own_version() -> str:
    """The version of the Python that runs us."""
    return ".".join(map(str, sys.version_info[:3]))


def spec_of_analysis(
    analysis: Analysis, declared: Spec, wishes: Wishes, environment: AnalysedEnvironment
) -> Spec:
    """The requirements: what the source declares, what it imports, and what was added."""
    installed = {normalized_name(item.name): item for item in environment.distributions}
    chosen: dict[str, str] = {}
    for requirement in _pinned(wishes.extra, installed):
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
        python=_python_of(_bound_of(analysis, declared), wishes, environment),
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
        name = normalized_name(_project_name(requirement))
        present = chosen.get(name, "")
        if present in {"", implied.get(name)}:
            rest = requirement[len(_project_name(requirement)) :]
            separator = "," if present and present != _project_name(present) else ""
            chosen[name] = f"{present}{separator}{rest}" if present else requirement


def _python_of(bound: str, wishes: Wishes, environment: AnalysedEnvironment) -> str:
    """The release to ask for: the one named, or the environment's, unless the sources do not allow it."""
    version = wishes.target_python or environment.python_version
    if wishes.exact_python:
        version = version or own_version()
    if not version or not allows(bound, version):
        return bound
    return f"=={'.'.join(version.split('.')[:2])}.*"


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


def _project_name(requirement: str) -> str:
    """The name in front of a requirement."""
    from pannier.imports.projects.declarations import project_name as name_of

    return name_of(requirement)
