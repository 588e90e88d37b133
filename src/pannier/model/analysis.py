"""What was found by reading source: imports, the projects that provide them, and what is not known."""

from typing import Literal, NamedTuple

ImportKind = Literal["required", "optional", "typing", "dynamic", "backend", "development", "declared"]
BoundOrigin = Literal["code", "requires-python", "classifiers"]
Role = Literal["runtime", "optional", "typing", "tests", "docs", "examples", "tooling"]
Confidence = Literal["declared", "mapped", "installed", "locked", "known", "guess"]

# Among the reasons for a project: its name is another than the import's, which a further project has.
CONTESTED = "another project has the import's very name"
# Why a project may be optional that is imported without a condition: installers of the metadata bring none.
LATE = "imported in functions only, and not declared"


class Location(NamedTuple):
    """Where in a source something stands; lines and columns count from 1.

    Attributes:
        path: As the user named the source, joined with the file's place in it; `-` for stdin.
    """

    path: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Import(NamedTuple):
    """One import of something from outside the source and the standard library.

    Attributes:
        name: Dotted name as imported (`google.cloud.storage`).
        kind: `required`; `optional` in a try/except ImportError; `typing` under TYPE_CHECKING;
            `dynamic` for `import_module("x")` with a text that is known; `backend` for what a library imports
            because a text names it (`matplotlib.use("Qt5Agg")`, a database's URL); `development` in a
            project's tests, documentation and build files; `declared` in a PEP 723 block, a project file or a
            notebook's `%pip install`.
        location: Where.
    """

    name: str
    kind: ImportKind
    location: Location


class Bound(NamedTuple):
    """A limit on versions, and why.

    Attributes:
        specifier: `<1.24`; or a whole requirement (`protobuf<3.21`) where the project is not plain.
        reason: What is used, and where.
    """

    specifier: str
    reason: str


class FoundProject(NamedTuple):
    """A project the source needs, and how we know.

    Attributes:
        name: Project name as the index shows it (`PyYAML`).
        requirement: PEP 508 requirement, pinned where the analysed environment has it.
        confidence: `declared` by the source or its project, `mapped` by the user, `installed` in the
            environment analysed, `locked` by the project, `known` to our data, `guess` when only the name
            fits.
        imports: The evidence.
        optional: The program does without: its role is not `runtime`.
        editable_path: Directory of the project when the environment has it as an editable install.
        alternatives: Other projects that provide the same import.
        reasons: Why the shipped data name it, in words.
        bounds: What the program's use of it says of its version; part of `requirement`.
        conda_name: What conda-forge calls it; empty where it packages none of it.
        role: What it is there for: `runtime`; `optional`, without which the program works; `typing`; or the
            project's own `tests`, `docs`, `examples` or `tooling` (builds, benchmarks, scripts).
        role_reason: Why it is not for `runtime`, where that follows from all its places together.
    """

    name: str
    requirement: str
    confidence: Confidence
    imports: tuple[Import, ...]
    optional: bool = False
    editable_path: str = ""
    alternatives: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()
    conda_name: str = ""
    role: Role = "runtime"
    role_reason: str = ""


class LocalModule(NamedTuple):
    """A module of the program's own, to be packed with it.

    Attributes:
        path: The file on this machine.
        name: Dotted module name, as the program imports it.
        root: Directory that must be on `sys.path` for that name to work.
    """

    path: str
    name: str
    root: str


class Problem(NamedTuple):
    """A source that could not be read, with where and why."""

    location: Location
    message: str
    code: str


class PythonBound(NamedTuple):
    """Something in the sources, or in the files of their project, that bounds the Python that can run them.

    Attributes:
        specifier: `>=` the first version that has it, or `<` the first that has it no more; what is declared
            as its file has it.
        what: What it is (`f-string`, `asyncio.run`).
        location: Where it first stands; `None` when it follows from something else.
        others: How many more files have it.
        origin: The code itself, or what is declared.
        contradicts: The declared bound that cannot hold if this one does; empty for none.
    """

    specifier: str
    what: str
    location: Location | None = None
    others: int = 0
    origin: BoundOrigin = "code"
    contradicts: str = ""

    def __str__(self) -> str:
        return f"{self.what} at {self.location}" if self.location else self.what


class Analysis(NamedTuple):
    """Everything that reading the sources told.

    Attributes:
        sources: What was asked for, as the user named it.
        projects: Sorted by normalized name.
        unknown: Imports that nothing known provides.
        local_modules: The program's own modules, the sources themselves among them.
        standard_library: Top-level standard modules used.
        requires_python: Version specifier that is declared, else the one that the sources ask for by their
            syntax and the standard modules they use; empty for none.
        python_reason: Why, for people.
        python_bounds: Everything that bounds it: what is declared, then the decisive ones first in each
            direction.
        problems: Files that could not be read.
        companions: Requirements that hold beside the bounded projects, which do not bound these themselves.
    """

    sources: tuple[str, ...]
    projects: tuple[FoundProject, ...]
    unknown: tuple[Import, ...] = ()
    local_modules: tuple[LocalModule, ...] = ()
    standard_library: tuple[str, ...] = ()
    requires_python: str = ""
    python_reason: str = ""
    problems: tuple[Problem, ...] = ()
    companions: tuple[Bound, ...] = ()
    python_bounds: tuple[PythonBound, ...] = ()
