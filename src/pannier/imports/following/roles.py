"""What a project is there for: the program, a back end it works without, its tests, its documentation.

docs/decisions/0049-roles.md says what was measured.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from pannier.imports.following.local import join
from pannier.imports.following.units import REQUIRED, Unit
from pannier.imports.scanning.scan import ImportSite
from pannier.model.analysis import LATE, Import, ImportKind, Role
from pannier.model.names import normalized_name

_NOT_NEEDED = frozenset({"optional", "typing", "development"})
# What a project's name and its import's have besides the word that they are known by.
_AFFIXES = r"^(?:python3?|py)|[-_.]"
_ORDER: tuple[Role, ...] = ("tests", "docs", "examples", "tooling")

# Letters that tell a project when more follows them (`oracle` for oracledb, `mongodb` for pymongo).
_TELLING = 4
_HANDLED = "the program itself tells when it is missing"
_CALLED_AND_DISPENSABLE = "imported in functions only, and done without elsewhere"
_ADAPTER = "imported in a module for it that nothing else imports"
_OFFERED = "declared for an extra alone"


class Site(NamedTuple):
    """One import of a project, where it stands."""

    unit: Unit
    site: ImportSite
    found: Import


class Roles:
    """Tells the roles of what a program imports.

    Only code that is installed to be imported by others is read so: of a script, everything that it may
    import is needed.

    Args:
        units: The program.
        directories: The directories among its sources.
        required: What the project's own metadata requires without an extra, normalized; `None` where there is
            none.
        offered: What it declares for those who ask for an extra, and for nobody else, normalized.
        listed: What lists beside it require to run it (`requirements.txt`), normalized.
        is_running: All that the program may import is needed: it is to be packed, and run elsewhere.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        directories: Sequence[str],
        required: Sequence[str] | None,
        offered: Sequence[str] = (),
        listed: Sequence[str] = (),
        *,
        is_running: bool,
    ) -> None:
        self._units = [unit for unit in units if unit.level == REQUIRED]
        self._directories = sorted(directories, key=len, reverse=True)
        self._required = frozenset(required) if required is not None else None
        self._offered = frozenset(offered)
        self._listed = frozenset(listed)
        self._is_running = is_running

    def role(self, project: str, sites: Sequence[Site]) -> tuple[Role, str]:
        """The role of a project, and why it is that where nothing in a single line tells."""
        kinds = {site.found.kind for site in sites}
        if self._is_promised(normalized_name(project), kinds):
            return "runtime", ""
        if not kinds - _NOT_NEEDED:
            if "optional" in kinds:
                return "optional", ""
            if "typing" in kinds:
                return "typing", ""
            roles = {self._makers_role(site.unit) for site in sites}
            return min(roles, key=_ORDER.index), ""
        reason = self._dispensable(project, sites) if self._is_library else ""
        return ("optional", reason) if reason else ("runtime", "")

    def _is_promised(self, project: str, kinds: set[ImportKind]) -> bool:
        """Whether a project is there anyway: by the metadata, or by a list if not makers alone use it."""
        if self._required is not None and project in self._required:
            return True
        return project in self._listed and kinds != {"development"}

    @cached_property
    def _is_library(self) -> bool:
        """Whether all of it lies in packages, or its metadata says what it requires."""
        if self._is_running or not self._directories:
            return False
        if self._required is not None:
            return True
        loose = [unit for unit in self._units if not unit.path.startswith(self._packages)]
        imported = set().union(*(unit.local_modules for unit in self._units)) if loose else set()
        return all(unit.name in imported for unit in loose)

    @cached_property
    def _packages(self) -> tuple[str, ...]:
        """The directories of the program's packages."""
        tops = (join(unit.root, unit.name.partition(".")[0]) for unit in self._units if _is_in_package(unit))
        return tuple({f"{top}/" for top in tops})

    def _makers_role(self, unit: Unit) -> Role:
        directory = next((place for place in self._directories if _lies_in(unit.path, place)), "")
        from pannier.imports.following.tree import makers_role

        return makers_role(unit.path, directory)

    def _dispensable(self, project: str, sites: Sequence[Site]) -> str:
        """Why a library does without a project at whatever place it imports it; empty where it does not."""
        if normalized_name(project) in self._offered:
            return _OFFERED
        told = {site.unit.path for site in sites if site.site.is_handled and not site.site.in_function}
        reasons = {self._place(project, site, told) for site in sites if site.found.kind not in _NOT_NEEDED}
        if "" in reasons:
            return ""
        if reasons == {LATE} and self._required is None:
            is_elsewhere = any(site.found.kind == "optional" or site.site.is_handled for site in sites)
            return _CALLED_AND_DISPENSABLE if is_elsewhere else ""
        return "; ".join(sorted(reasons))

    def _place(self, project: str, site: Site, told: set[str]) -> str:
        """Why an import is not needed, as far as its own place tells."""
        unit = site.unit
        is_inside = _is_in_package(unit) or unit.path.startswith(self._packages)
        if not is_inside or site.found.kind == "declared":
            return ""
        if site.site.is_handled or unit.path in told:
            return _HANDLED
        if self._is_adapter(unit.name, {_stem(project), _stem(site.found.name.partition(".")[0])}):
            return _ADAPTER
        return LATE if site.site.in_function else ""

    def _is_adapter(self, module: str, stems: set[str]) -> bool:
        """Whether a module, or a package around it, is named for a project and imported only by such."""
        place = _named_for(module, stems)
        return bool(place) and all(
            importer.startswith(f"{place}.") or _named_for(importer, stems)
            for importer in self._importers.get(place, ())
        )

    @cached_property
    def _importers(self) -> dict[str, set[str]]:
        """Each module of the program to those that import it, or something below it, when they are."""
        found: dict[str, set[str]] = {}
        for unit in self._units:
            for imported in imported_first(unit):
                module = imported
                while module and unit.name not in found.setdefault(module, set()):
                    found[module].add(unit.name)
                    module = module.rpartition(".")[0]
        return found


def imported_first(unit: Unit) -> tuple[str, ...]:
    """The program's own modules that a module imports as it is imported, and names that may be such."""
    if unit.imported is None:
        unit.imported = tuple(dict.fromkeys(_modules_and_names(unit)))
    return unit.imported


def _modules_and_names(unit: Unit) -> Iterator[str]:
    external = set(unit.external)
    for site in unit.found.scan.sites:
        if site.in_function or site.kind in _NOT_NEEDED or site in external:
            continue
        module = _absolute(unit, site)
        yield module
        yield from (f"{module}.{name}" for name in site.names)


def _absolute(unit: Unit, site: ImportSite) -> str:
    """The dotted name of what is imported, the dots in front of it resolved."""
    if not site.level:
        return site.module
    parts = unit.name.split(".")
    steps = site.level - unit.path.endswith("__init__.py")
    return ".".join((*parts[: len(parts) - steps], *filter(None, [site.module])))


def _named_for(module: str, stems: set[str]) -> str:
    """The module, or the package around it, whose own name is a project's or begins one; empty for none."""
    place, _, rest = module.partition(".")
    for part in rest.split("."):
        place = f"{place}.{part}"
        if any(_is_akin(_stem(part), stem) or _ends_in(part, stem) for stem in stems):
            return place
    return ""


def _is_akin(word: str, stem: str) -> bool:
    return word == stem or (
        min(len(word), len(stem)) >= _TELLING and (stem.startswith(word) or word.startswith(stem))
    )


def _ends_in(part: str, stem: str) -> bool:
    return len(stem) >= _TELLING and part.lower().rpartition("_")[2] == stem


def _is_in_package(unit: Unit) -> bool:
    return "." in unit.name or unit.path.endswith("__init__.py")


def _lies_in(path: str, directory: str) -> bool:
    return directory in {"", "."} or path.startswith(f"{directory.rstrip('/')}/")


def _stem(name: str) -> str:
    return re.sub(_AFFIXES, "", name.lower()) or name.lower()


def names_of(sites: Iterable[Site]) -> set[Import]:
    """The imports, each place once."""
    return {site.found for site in sites}
