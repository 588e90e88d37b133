"""The files of a program: how much each is needed, where its imports are looked up, what was found in it."""

from typing import NamedTuple

from pannier.imports.scanning.file_scan import FileScan
from pannier.imports.scanning.scan import ImportSite
from pannier.imports.text.source import SourceText

# How much a file's imports are needed: a file inherits the weakest link on its strongest chain of imports.
REQUIRED, OPTIONAL, TYPING, DEVELOPMENT = range(4)


class SearchPath(NamedTuple):
    """Where one file's imports are looked up.

    Attributes:
        first: Directories that come before everything installed.
        last: Directories that are only plausible: they never hide a project that is known.
        shadows_standard: A local module may hide a standard one, as beside a script that is run.
    """

    first: tuple[str, ...]
    last: tuple[str, ...] = ()
    shadows_standard: bool = True


class Pending(NamedTuple):
    """A file that waits to be read; see `Unit`."""

    path: str
    root: str
    level: int
    search: SearchPath
    is_named: bool = True
    text: str | None = None
    size: int = 0

    @property
    def is_thorough(self) -> bool:
        """Whether all of it is parsed: the user named the very file."""
        return self.is_named and not self.size


class Unit:
    """One file of the program, read and scanned.

    Attributes:
        found: What it imports, as it was scanned.
        source: Where its lines stand.
        path: The file.
        root: Directory on `sys.path` under which it has `name`.
        name: Its dotted name.
        level: How much its imports are needed.
        search: Where its imports are looked up.
        python2_line: Where it shows that it is written in Python 2; 0 when it does not.
        external: Imports that are none of the program's own modules.
        local_modules: Modules of the program's own that it imports.
        imported: The program's own modules that it imports as it is imported itself, and names that may be
            such; `None` until somebody asks.
        requests: Files that it asks for and that would not be read as much as it needs them without it.
        is_thorough: All of it was parsed.
    """

    def __init__(self, found: FileScan, source: SourceText, pending: Pending, name: str) -> None:
        self.found = found
        self.source = source
        self.path = pending.path
        self.root = pending.root
        self.name = name
        self.level = pending.level
        self.search = pending.search
        self.python2_line = found.python2_line
        self.external: tuple[ImportSite, ...] = found.scan.sites
        self.local_modules: set[str] = set()
        self.imported: tuple[str, ...] | None = None
        self.requests: dict[str, int] = {}
        self.is_thorough = False
