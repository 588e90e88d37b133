"""A program as the files it consists of: the sources named, and every local module that they import."""

import gc
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pannier.imports.following.local import LocalFile, join, module_name, parent_directory
from pannier.imports.following.lookup import Lookup
from pannier.imports.following.units import DEVELOPMENT, OPTIONAL, REQUIRED, TYPING, Pending, SearchPath, Unit
from pannier.imports.projects.resolution import Resolver
from pannier.imports.scanning.file_scan import FileScan, ScanOptions, scan_file, scan_reading
from pannier.imports.scanning.mentions import RUN
from pannier.imports.scanning.scan import ImportSite
from pannier.imports.text.reading import parse_text
from pannier.model.analysis import Problem
from pannier.model.errors import AnalysisError
from pannier.model.events import Reporter, Stage

if TYPE_CHECKING:
    from pannier.imports.following.crew import Crew

_LEVELS = {"optional": OPTIONAL, "typing": TYPING}
# Most files of a Python 2 program are Python 3 as well; in a newer program hardly one in hundreds is not.
_FILES_FOR_ONE_OF_PYTHON2 = 50
_UNLISTED = DEVELOPMENT + 1
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


class Options(NamedTuple):
    """What decides how a program is read; see `AnalysisOptions`."""

    target_python: str
    platform: str
    toplevel: bool
    functions: tuple[str, ...]
    is_thorough: bool = False


class Program:
    """Reads sources and follows their local imports.

    Args:
        options: How to read.
        resolver: Knows which names are projects, for directories that are not certain to be meant.
        reporter: Hears of each file read.

    Attributes:
        units: Everything read, in the order it was reached.
        problems: What else is wrong than that a file could not be read or parsed.
        unread: Files that could not be read, and why.
        listed: Files of directories that were named, and the level at which they are read anyway.
        inputs: What decided besides directories and the files read: `.gitignore`, symlinks.
        finder: Where local modules are.
        scan_options: How files are scanned.
        changed: Files read again since the program was kept, and when that began.
    """

    def __init__(self, options: Options, resolver: Resolver, reporter: Reporter) -> None:
        self.units: list[Unit] = []
        self.problems: list[Problem] = []
        version = tuple(int(part) for part in options.target_python.split(".") if part.isdecimal())
        self._options = options
        self.scan_options = ScanOptions(version, options.platform, options.toplevel, options.functions)
        self._reporter = reporter
        self._queues: tuple[deque[Pending], ...] = tuple(deque() for _ in range(4))
        self._seen: set[str] = set()
        self._crew: Crew | None = None
        self._scanned: dict[str, FileScan] = {}
        # The strongest level at which each path waits already.
        self._queued: dict[str, int] = {}
        self.listed: dict[str, int] = {}
        self._lookup = Lookup(options.target_python, resolver)
        self.finder = self._lookup.finder
        self.inputs: set[str] = set()
        self.changed: dict[str, tuple[Unit, int]] = {}
        self.unread: dict[str, tuple[Problem, ...]] = {}
        # Files that are run by their paths.
        self._run: set[str] = set()
        self._functions_found: set[str] = set()
        # Files that were named, and of which only functions count.
        self._partly: set[str] = set()
        self._functions_there: list[str] = []

    def all_problems(self) -> list[Problem]:
        """Everything that is wrong with what was read, and with what could not be."""
        return list(
            dict.fromkeys(
                (
                    *self.problems,
                    *(problem for problems in self.unread.values() for problem in problems),
                    *(problem for unit in self.units for problem in unit.found.problems),
                )
            )
        )

    def add_text(self, name: str, text: str) -> None:
        """Add a source that is no file, such as standard input; its local modules lie beside us."""
        search = SearchPath((os.curdir,))
        self._queues[REQUIRED].append(Pending(name, os.curdir, REQUIRED, search, text=text))

    def add_script(self, path: str) -> None:
        """Add a file: its directory is `sys.path[0]`, or its package's root when it is in a package."""
        own = os.path.dirname(path) or os.curdir
        root = self._package_root(path)
        search = SearchPath(tuple(dict.fromkeys((root, own))), self._enclosing_project(root))
        self._queues[REQUIRED].append(Pending(path, root, REQUIRED, search))

    def add_directory(self, directory: str) -> None:
        """Add every Python file below a directory; tests, documentation and the like only as development."""
        from pannier.imports.following.tree import is_for_development, walk

        tree = walk(directory)
        self.problems.extend(tree.problems)
        self.inputs |= tree.inputs
        self.finder.directories.know(tree.listings)
        base = self.finder.directories.package_root(directory)
        is_project = directory in tree.project_roots
        main = [path for path in tree.files if not is_for_development(path, directory, is_project)]
        development = set(tree.files) - set(main) if main else set()
        roots = {path: self._package_root(path) for path in tree.files}
        tops = [base, directory, *tree.project_roots]
        tops = [place for top in tops for place in (top, join(top, "src"))]
        others = sorted(set(roots.values()))
        searches: dict[tuple[str, str], SearchPath] = {}
        for path in tree.files:
            own = os.path.dirname(path) or os.curdir
            place = (own if roots[path] == own else "", roots[path])
            if place not in searches:
                first = tuple(dict.fromkeys((*filter(None, place), *tops)))
                last = tuple(other for other in others if other not in first)
                searches[place] = SearchPath(first, last, shadows_standard=False)
            search = searches[place]
            level = DEVELOPMENT if path in development else REQUIRED
            self._queued[path] = self.listed[path] = min(level, self.listed.get(path, level))
            # No file counts as empty here: a size says that it lies in a directory.
            size = max(tree.sizes.get(path, 0), 1)
            self._queues[level].append(Pending(path, roots[path], level, search, size=size))

    def _package_root(self, path: str) -> str:
        return self.finder.directories.package_root(os.path.dirname(path) or os.curdir)

    def read(self) -> None:
        """Read everything that was added and everything local that it imports.

        Raises:
            AnalysisError: A function asked for is nowhere.
        """
        stage = Stage(name="reading", unit="files")
        self._reporter.begin(stage)
        with _uncollected(), self._scanning_ahead(stage):
            if self._options.functions:
                self._keep_those_with_functions()
            self._read_queues(stage)
            self._follow_as_python2()
            self._read_queues(stage)
            while self._follow_late():
                self._read_queues(stage)
        self._reporter.end(stage)
        self._check_functions()

    def _read_queues(self, stage: Stage) -> None:
        for queue in self._queues:
            while queue:
                self._read_one(queue.popleft(), stage)

    def _follow_as_python2(self) -> None:
        """Look again for what is imported where only the whole program shows that it is of Python 2."""
        self.tell_python2(unit.python2_line for unit in self.units)
        for unit in self.units if self._lookup.is_of_python2 else ():
            if not unit.python2_line:
                for file, level in self.follow(unit):
                    self._queue(unit, file, level)

    def _follow_late(self) -> bool:
        """Look for what was found nowhere in the directories that other files add to `sys.path`.

        Only beside scripts: in a directory every file is read, and explains what nothing else does.
        """
        added = dict.fromkeys(place for unit in self.units for place in self._lookup.added(unit))
        for unit in self.units if added and not self.listed else ():
            new = tuple(place for place in added if place not in unit.search.first)
            if new:
                unit.search = unit.search._replace(first=(*unit.search.first, *new))
                for file, level in self.follow(unit):
                    self._queue(unit, file, level)
        return any(self._queues)

    @contextmanager
    def _scanning_ahead(self, stage: Stage) -> Iterator[None]:
        """Have what lies in directories scanned before it is asked for, on every core."""
        waiting = {pending.path: pending.size for queue in self._queues for pending in queue if pending.size}
        if not waiting:
            yield
            return
        from pannier.imports.following.crew import Crew, Order

        def advance(count: int) -> None:
            self._reporter.advance(stage, count)

        options = self.scan_options._replace(is_thorough=self._options.is_thorough)
        without = options._replace(has_versions=False)
        unneeded = {path: without for path in waiting if self.listed[path] == DEVELOPMENT}
        self._crew = Crew(waiting, Order(options, unneeded), advance)
        try:
            yield
        finally:
            self._crew.dismiss()

    def _keep_those_with_functions(self) -> None:
        """Of the files named, only those that have a function asked for count by themselves.

        The others count as any local module: whole, and where one of these imports them.
        """
        for queue in self._queues:
            for pending in tuple(queue):
                found = self._scanned_ahead(pending) or self._scan(pending)
                self._functions_there.extend(found.functions)
                if found.found:
                    self._scanned[pending.path] = found
                    self._partly.add(pending.path)
                    self._functions_found |= found.found
                    continue
                queue.remove(pending)
                self._queued.pop(pending.path, None)
                self.listed.pop(pending.path, None)
                self.problems.extend(found.problems)

    def tell_python2(self, lines: Iterable[int]) -> None:
        """Tell whether a program is of Python 2, by where each of its files shows that, or 0."""
        shown = [line > 0 for line in lines]
        self._lookup.is_of_python2 = sum(shown) * _FILES_FOR_ONE_OF_PYTHON2 > len(shown)

    def _read_one(self, pending: Pending, stage: Stage) -> None:
        if self._is_seen(pending):
            return
        found = None if self._lacks_versions(pending) else self._scanned_ahead(pending)
        if found is None:
            found = self._scan(pending)
            self._reporter.advance(stage, 1, pending.path)
        if found.source is None:
            self.unread[pending.path] = found.problems
            return
        name = module_name(pending.path, pending.root) if pending.text is None else ""
        unit = Unit(found, found.source, pending, name)
        unit.is_thorough = self._options.is_thorough or pending.is_thorough
        self.units.append(unit)
        for file, level in self.follow(unit):
            self._queue(unit, file, level)

    def _scanned_ahead(self, pending: Pending) -> FileScan | None:
        """What was found in a file before its turn came; `None` where it was not scanned ahead."""
        found = self._scanned.pop(pending.path, None)
        if found is None and self._crew is not None:
            found = self._crew.take(pending.path)
        return found

    def _lacks_versions(self, pending: Pending) -> bool:
        """Whether a file that was not expected to be needed is."""
        return pending.level == REQUIRED and self.listed.get(pending.path) == DEVELOPMENT

    def _is_seen(self, pending: Pending) -> bool:
        """Whether a file was read before, by this path or by another one that symlinks lead to."""
        if pending.text is not None:
            return False
        if pending.path in self._seen:
            return True
        self._seen.add(pending.path)
        identity = self.finder.directories.real_path(pending.path)
        seen = identity != pending.path and identity in self._seen
        self._seen.add(identity)
        return seen

    def _scan(self, pending: Pending) -> FileScan:
        is_thorough = self._options.is_thorough or pending.is_thorough
        options = self.scan_options._replace(is_thorough=is_thorough)
        if not pending.is_named:
            options = options._replace(functions=())
        if pending.text is None:
            return scan_file(pending.path, options)
        return scan_reading(parse_text(pending.text, pending.path), options)

    def follow(self, unit: Unit) -> list[tuple[LocalFile, int]]:
        """Tell apart what a unit imports, and list the program's own files among that with their levels."""
        external: list[ImportSite] = []
        wanted: list[tuple[LocalFile, int]] = []
        met: set[tuple[str, int]] = set()
        for site in unit.found.scan.sites:
            files = self._lookup.files_of(unit, site)
            if files is None:
                external.append(site)
                continue
            unit.local_modules.add(site.module)
            if site.names == (RUN,):
                self._run.update(file.path for file in files)
            level = max(unit.level, _LEVELS.get(site.kind, REQUIRED))
            for file in files:
                # Of a package whose parts a unit imports one by one, its own files come each time again.
                if (file.path, level) not in met:
                    met.add((file.path, level))
                    wanted.append((file, level))
        unit.external = tuple(external)
        for file, level in wanted:
            if level < self.listed.get(file.path, _UNLISTED):
                unit.requests[file.path] = min(level, unit.requests.get(file.path, level))
        return wanted

    def _queue(self, unit: Unit, file: LocalFile, level: int) -> None:
        if self._options.functions:
            self._take_whole(file.path)
        if file.path in self._seen or self._queued.get(file.path, _UNLISTED) <= level:
            return
        self._queued[file.path] = level
        search = unit.search._replace(first=self._lookup.first(unit))
        if file.root not in search.first:
            search = search._replace(first=(file.root, *search.first))
        if file.path in self._run:
            own = os.path.dirname(file.path) or os.curdir
            search = search._replace(first=tuple(dict.fromkeys((own, *search.first))))
        root = file.root
        if unit.path in self._run and root == (os.path.dirname(unit.path) or os.curdir):
            # It has to lie beside the script, wherever that is.
            root = unit.root
            self._run.add(file.path)
        self._queues[level].append(Pending(file.path, root, level, search, is_named=False))

    def _take_whole(self, path: str) -> None:
        """What is imported runs as a whole, a file of which a function was asked for too."""
        if path in self._partly:
            self._partly.remove(path)
            self.units = [unit for unit in self.units if unit.path != path]
            self._seen -= {path, self.finder.directories.real_path(path)}
            self._queued.pop(path, None)
            for queue in self._queues:
                for pending in [one for one in queue if one.path == path]:
                    queue.remove(pending)
            self._scanned.pop(path, None)

    def _enclosing_project(self, directory: str) -> tuple[str, ...]:
        """The project that a script lies in: its root and `src`, plausible places for its imports."""
        place = directory
        for _ in range(4):
            if any(name in self.finder.directories.entries(place) for name in _PROJECT_FILES):
                return (place, join(place, "src"))
            place = parent_directory(place)
        return ()

    def _check_functions(self) -> None:
        missing = [name for name in self._options.functions if name not in self._functions_found]
        if not missing:
            return
        names = ", ".join(f"`{name}`" for name in missing)
        there: Sequence[str] = sorted(set(self._functions_there)) or ["none"]
        raise AnalysisError(
            f"no source has a function named {names}",
            code="function-not-found",
            facts={"functions": there},
            hint="name one of these with `--function`",
        )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at each tree again and again and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
