"""Imports to the projects that provide them: what the user says, what is installed, what is known."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pannier.imports.projects.declarations import project_name
from pannier.imports.projects.known_projects import (
    Known,
    has_deeper,
    is_namespace,
    project_called,
    providers,
    reasons,
    unranked,
)
from pannier.imports.projects.standard_library import is_standard_somewhere
from pannier.model.analysis import Confidence
from pannier.model.interpreter import InstalledDistribution
from pannier.model.names import normalized_name

# One project under several names, by what it is built for.
_VARIANT = r"-(?:binary|headless|gpu|cpu|nightly|cu\d+|cuda\w*|rocm\w*|macos|slim|lite|intel)$"


class Provider(NamedTuple):
    """The project that an import comes from.

    Attributes:
        name: As the index shows it.
        requirement: PEP 508, pinned where the environment has it.
        confidence: How we know.
        matched: The part of the dotted name that decided.
        editable_path: Directory of an editable install.
        alternatives: Other projects that provide it.
        reasons: Why the shipped data name it; empty where something better decided.
    """

    name: str
    requirement: str
    confidence: Confidence
    matched: str
    editable_path: str = ""
    alternatives: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Resolver:
    """Looks dotted import names up, the most certain source first.

    Args:
        mapping: The user's own answers, import name to project or requirement.
        installed: What the environment analysed holds.
        declared: What files of the project require, normalized project name to requirement.
        locked: What its locks hold, by normalized name.
    """

    def __init__(
        self,
        mapping: Mapping[str, str],
        installed: Sequence[InstalledDistribution],
        declared: Mapping[str, str] = MappingProxyType({}),
        locked: Iterable[str] = (),
    ) -> None:
        self._mapping = mapping
        self._declared = dict(declared)
        # A lock decides whose a name is; its versions are for one resolution, not for this one.
        self._locked = {name: name for name in locked}
        self._deeper: set[str] = set()
        self._by_import: dict[str, list[InstalledDistribution]] = {}
        self._by_project: dict[str, InstalledDistribution] = {}
        self._answers: dict[str, Provider | None] = {}
        for distribution in installed:
            self._by_project[normalized_name(distribution.name)] = distribution
            for name in distribution.import_names:
                self._by_import.setdefault(name, []).append(distribution)
        dotted = (name.replace("-", ".") for name in self._declared if "-" in name)
        for name in (*self._mapping, *self._by_import, *dotted):
            self._deeper.update(prefix for prefix in _prefixes(name) if prefix != name)

    def add_declared(self, requirements: Iterable[str]) -> None:
        """Take what the program itself installs for declared, unless a file says more of it."""
        for requirement in requirements:
            self._declared.setdefault(normalized_name(project_name(requirement)), requirement)
            self._answers.clear()

    def names(self, module: str, names: Sequence[str]) -> tuple[str, ...]:
        """The dotted names of an import: `from google.cloud import storage` is `google.cloud.storage`.

        Only below names that several projects share does it matter what is taken from them.
        """
        inner = [name for name in names if name != "*"]
        if not inner or not (module in self._deeper or has_deeper(module)):
            return (module,)
        found = (f"{module}.{name}" for name in inner)
        return tuple(dict.fromkeys(name if self._decides(name) else module for name in found))

    def _decides(self, name: str) -> bool:
        provider = self.resolve(name)
        if provider is None:
            return is_namespace(name) or is_namespace(name.rpartition(".")[0])
        return provider.matched.count(".") >= name.count(".")

    def resolve(self, name: str) -> Provider | None:
        """The project that provides a dotted name; `None` when nothing known does."""
        if name not in self._answers:
            self._answers[name] = (
                self._mapped(name)
                or self._from_installed(name)
                or self._from_listed(name, self._declared, "declared")
                or self._from_listed(name, self._locked, "locked")
                or self._from_data(name)
            )
        return self._answers[name]

    def is_misnomer(self, requirement: str, found: Container[str]) -> bool:
        """Whether a requirement is named like an import that one of the projects found provides instead.

        `pip install sklearn bs4` was meant for scikit-learn and beautifulsoup4.
        """
        name = normalized_name(project_name(requirement))
        provider = self.resolve(name.replace("-", "_"))
        if provider is None or provider.name not in found:
            return False
        return name not in map(normalized_name, (provider.name, *provider.alternatives))

    def project(self, name: str) -> Provider | None:
        """A project by its own name, as metadata has it; `None` when nothing known has that name."""
        distribution = self._by_project.get(normalized_name(name))
        if distribution is not None:
            return self._pinned(distribution, "installed", "")
        known = project_called(name)
        return Provider(known, known, "known", "") if known else None

    def _mapped(self, name: str) -> Provider | None:
        for prefix in _prefixes(name):
            if prefix in self._mapping:
                wanted = self._mapping[prefix]
                project = project_name(wanted)
                distribution = self._by_project.get(normalized_name(project))
                if distribution is not None and project == wanted:
                    return self._pinned(distribution, "mapped", prefix)
                if project == wanted:
                    wanted = self._declared_beyond_name(project) or wanted
                return Provider(project, wanted, "mapped", prefix)
        return None

    def _declared_beyond_name(self, project: str) -> str:
        """The requirement that is declared of a project, where it says more than the name."""
        name = normalized_name(project)
        requirement = self._declared.get(name, "")
        return "" if requirement == name else requirement

    def _from_installed(self, name: str) -> Provider | None:
        _, known = providers(name)
        for prefix in _prefixes(name):
            found = self._by_import.get(prefix, [])
            # Several distributions may call a namespace their own; only a deeper name tells them apart.
            if found and not is_namespace(prefix):
                return self._among(found, known, prefix)
        return self._nameless(name, known)

    def _among(self, found: list[InstalledDistribution], known: Sequence[Known], prefix: str) -> Provider:
        """One of several distributions: the best known, else the one named like the import."""
        names = (*(item.project for item in known), prefix.partition(".")[0])
        preference = [normalized_name(project) for project in names]
        by_name = {normalized_name(distribution.name): distribution for distribution in found}
        chosen = next((by_name[project] for project in preference if project in by_name), None)
        chosen = chosen or by_name[min(by_name)]
        others = sorted(other.name for other in by_name.values() if other.name != chosen.name)
        return self._pinned(chosen, "installed", prefix, tuple(others))

    def _nameless(self, name: str, known: Sequence[Known]) -> Provider | None:
        """An installed distribution whose metadata names no modules, or not deep enough in a namespace."""
        for item in known:
            distribution = self._by_project.get(normalized_name(item.project))
            if distribution is not None:
                return self._pinned(distribution, "installed", providers(name)[0])
        distribution = self._by_project.get(normalized_name(name.partition(".")[0]))
        if distribution is not None and not distribution.import_names:
            return self._pinned(distribution, "installed", name.partition(".")[0])
        return None

    def _from_listed(self, name: str, listed: Mapping[str, str], confidence: Confidence) -> Provider | None:
        """A project that is listed and known to provide the name; or, where none is known, has its name."""
        if not listed:
            return None
        matched, known = providers(name)
        exact = self._of_very_name(name, known) if confidence == "declared" else None
        if exact is not None:
            return exact
        for item in known:
            chosen = _listed_as(item.project, listed)
            if chosen:
                others = tuple(other.project for other in known if other is not item)
                is_bare = listed[chosen] == normalized_name(item.project)
                return _as_listed(item.project if is_bare else listed[chosen], confidence, matched, others)
        if any(item.is_certain for item in known):
            return None
        for prefix in _prefixes(name):
            own = _own_names(prefix)
            # A lock holds much that nobody chose; only the very name counts there.
            names = own if confidence == "declared" else [next(own)]
            chosen = next((one for one in names if one in listed), "")
            if chosen and not is_namespace(prefix):
                return _as_listed(listed[chosen], confidence, prefix, ())
        return None

    def _of_very_name(self, name: str, known: Sequence[Known]) -> Provider | None:
        """A declared project of the import's very name, unless we know by hand that the name is another's."""
        depth = providers(name)[0].count(".") if any(item.evidence == "h" for item in known) else -1
        for prefix in _prefixes(name):
            own = normalized_name(prefix)
            if own in self._declared and prefix.count(".") > depth and not is_namespace(prefix):
                others = tuple(item.project for item in known if normalized_name(item.project) != own)
                spelled = next((item.project for item in known if normalized_name(item.project) == own), own)
                requirement = self._declared[own]
                wanted = spelled if requirement == own else requirement
                return _as_listed(wanted, "declared", prefix, others)
        return None

    def _from_data(self, name: str) -> Provider | None:
        matched, projects = providers(name)
        if not projects:
            matched, projects = self._unranked(name.partition(".")[0])
        if not projects:
            return None
        first, *others = projects
        return Provider(
            first.project,
            first.project,
            "known" if first.is_certain else "guess",
            matched,
            alternatives=tuple(other.project for other in others),
            reasons=reasons(first.evidence),
        )

    def _unranked(self, top: str) -> tuple[str, tuple[Known, ...]]:
        return top, () if is_namespace(top) or is_standard_somewhere(top) else unranked(top)

    def _pinned(
        self,
        distribution: InstalledDistribution,
        confidence: Confidence,
        matched: str,
        alternatives: tuple[str, ...] = (),
    ) -> Provider:
        requirement = (
            f"{distribution.name}=={distribution.version}" if distribution.version else distribution.name
        )
        return Provider(
            distribution.name, requirement, confidence, matched, distribution.editable_path, alternatives
        )


def _listed_as(project: str, listed: Mapping[str, str]) -> str:
    """A project among the listed ones, or a variant of it (`psycopg2-binary`, `tensorflow-gpu`)."""
    name = normalized_name(project)
    if name in listed:
        return name
    return next((one for one in listed if re.sub(_VARIANT, "", one) == re.sub(_VARIANT, "", name)), "")


def _as_listed(
    requirement: str, confidence: Confidence, matched: str, alternatives: tuple[str, ...]
) -> Provider:
    name = project_name(requirement)
    return Provider(name, requirement, confidence, matched, alternatives=alternatives)


def _own_names(name: str) -> Iterator[str]:
    """What a project may be called that is known by nothing but its import's name."""
    own = normalized_name(name.replace(".", "-"))
    yield own
    yield from (f"python-{own}", f"{own}-python", f"py{own}", f"{own}-py", own.removeprefix("py"))
    yield f"django-{own}"


def _prefixes(name: str) -> Iterator[str]:
    """The dotted name, then each shorter one."""
    while name:
        yield name
        name = name.rpartition(".")[0]
