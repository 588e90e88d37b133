"""Which of the program's own files an import runs, and which imports are none of the program's."""

import os

from pannier.imports.following.local import Found, LocalFile, LocalFinder, join, module_name, parent_directory
from pannier.imports.following.units import Unit
from pannier.imports.projects.known_projects import is_obscure
from pannier.imports.projects.resolution import Resolver
from pannier.imports.projects.standard_library import standard_modules
from pannier.imports.scanning.scan import ImportSite


def _below(base: str, directory: str) -> str:
    """A directory as seen from here that is spelled as seen from another, without needless `..`."""
    while directory == os.pardir or directory.startswith(os.pardir + os.sep):
        base = parent_directory(base)
        directory = directory[len(os.pardir) + 1 :]
    return join(base, directory) if directory not in {"", os.curdir} else base


def _is_itself(unit: "Unit", found: Found) -> bool:
    """Whether a unit that is no package finds nothing but itself."""
    path = unit.source.path
    name = path.rpartition("/")[2]
    if name == "__init__.py" or not any(file.path.endswith(name) for file in found.files):
        return False
    this = os.path.normpath(path)
    return any(os.path.normpath(file.path) == this for file in found.files)


def _directory_of(root: str, module: str) -> str:
    return join(root, module.replace(".", "/")) if module else root


def _is_relative_first(unit: "Unit") -> bool:
    """Whether Python 2 looks into a file's own package first, before all else."""
    is_inside = "." in unit.name or unit.path.endswith("__init__.py")
    return is_inside and not any(
        site.module == "__future__" and "absolute_import" in site.names for site in unit.found.scan.sites
    )


class Lookup:
    """Looks up what files import by the import system's rule, where certain names are not standard or known.

    Args:
        target_python: Version of the Python that will run the program; decides what is standard.
        resolver: Knows which names are projects, for directories that are not certain to be meant.

    Attributes:
        finder: Where local modules are.
        is_of_python2: Enough of the program is Python 2 for all of it to be so.
    """

    def __init__(self, target_python: str, resolver: Resolver) -> None:
        self.is_of_python2 = False
        self.finder = LocalFinder()
        self._standard = standard_modules(target_python)
        self._resolver = resolver

    def files_of(self, unit: Unit, site: ImportSite) -> list[LocalFile] | None:
        """The program's own files that an import runs; `None` when it is of something else."""
        if site.is_project:
            found = self._absolute(unit, site._replace(module=site.module.replace("-", "_")))
            return None if found is None else []
        return self._relative(unit, site) if site.level else self._absolute(unit, site)

    def added(self, unit: Unit) -> list[str]:
        """The directories that a file adds to `sys.path`, those that there are.

        Some are meant from the file's own directory, some from that of the script, or the project's.
        """
        own = os.path.dirname(unit.source.path) or os.curdir
        bases = dict.fromkeys((own, *unit.search.first, *unit.search.last))
        found: list[str] = []
        for directory in unit.found.scan.directories:
            places = (_below(base, directory) for base in bases)
            found.extend(next(([place] for place in places if self.finder.directories.entries(place)), []))
        return found

    def first(self, unit: Unit) -> tuple[str, ...]:
        """Where a file's imports are looked up before all else, what it adds to `sys.path` at the end."""
        if not unit.found.scan.directories:
            return unit.search.first
        return tuple(dict.fromkeys((*unit.search.first, *self.added(unit))))

    def _relative(self, unit: Unit, site: ImportSite) -> list[LocalFile]:
        """What a relative import runs; never anything else than local, found or not."""
        base = os.path.dirname(unit.source.path) or os.curdir
        for _ in range(site.level - 1):
            base = parent_directory(base)
        files: list[LocalFile] = []
        names = self.finder.expanded(_directory_of(base, site.module), site.names)
        modules = [site.module] if site.module else []
        modules += [f"{site.module}.{name}".lstrip(".") for name in names if name != "*"]
        for module in modules:
            found = self.finder.find(base, module)
            if found is not None:
                files.extend(found.files)
        return [LocalFile(file.path, module_name(file.path, unit.root), unit.root) for file in files]

    def _absolute(self, unit: Unit, site: ImportSite) -> list[LocalFile] | None:
        """What an absolute import runs, when that is the program's own."""
        top = site.module.partition(".")[0]
        if not unit.search.shadows_standard and top in self._standard:
            return None
        first = self.first(unit)
        if unit.python2_line or (self.is_of_python2 and _is_relative_first(unit)):
            first = (os.path.dirname(unit.source.path) or os.curdir, *first)
        for root in first if top in self.finder.tops(first) else ():
            found = self.finder.find(root, site.module)
            if found is not None and self._is_meant(unit, site, found):
                return self._with_submodules(root, site, found)
        if self._is_elsewhere(site.module) and not self._is_obscure(site.module):
            return None
        for root in unit.search.last if top in self.finder.tops(unit.search.last) else ():
            found = self.finder.find(root, site.module)
            if found is not None and (found.is_certain or not self._is_elsewhere(site.module)):
                return self._with_submodules(root, site, found)
        return None

    def _is_meant(self, unit: Unit, site: ImportSite, found: Found) -> bool:
        """Whether a local candidate is what the import gives, and not something installed."""
        if "." not in site.module and _is_itself(unit, found) and self._is_elsewhere(site.module):
            # A script named like what it imports cannot mean itself.
            return False
        if found.is_certain:
            return not self._is_of_another(site, found)
        # Without `__init__.py` a directory gives way to an installed package, unless the module is there.
        wanted = {site.module, *(f"{site.module}.{name}" for name in site.names)}
        there = any(file.name in wanted for file in found.files) or any(
            submodule.files for submodule in self._submodules(found, site)
        )
        return there or not self._is_elsewhere(site.module)

    def _is_of_another(self, site: ImportSite, found: Found) -> bool:
        """Whether a part is meant that another project has: `azure.core` beside `azure.identity`."""
        if "." not in site.module or not found.files or found.files[-1].name == site.module:
            return False
        provider = self._resolver.resolve(site.module)
        if provider is None or "." not in provider.matched:
            return False
        return not any(file.name == provider.matched for file in found.files)

    def _submodules(self, found: Found, site: ImportSite) -> list[Found]:
        names = (f"{site.module}.{name}" for name in site.names if name != "*")
        inners = (self.finder.find(found.root, name) for name in names)
        return [inner for inner in inners if inner is not None]

    def _with_submodules(self, root: str, site: ImportSite, found: Found) -> list[LocalFile]:
        files = list(found.files)
        for name in self.finder.expanded(_directory_of(root, site.module), site.names):
            inner = self.finder.find(root, f"{site.module}.{name}") if name != "*" else None
            files.extend(inner.files if inner else ())
        return files

    def _is_obscure(self, module: str) -> bool:
        """Whether a name is one that hardly anybody means who has a module of that name at hand."""
        provider = self._resolver.resolve(module)
        if module.partition(".")[0] in self._standard or provider is None:
            return False
        return provider.confidence in {"known", "guess"} and is_obscure(provider.reasons)

    def _is_elsewhere(self, module: str) -> bool:
        """Whether a name is standard, or a project is known to provide it."""
        top = module.partition(".")[0]
        return top in self._standard or self._resolver.resolve(module) is not None
