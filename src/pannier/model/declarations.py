"""What a project's own files say that it requires, and how that compares with what it imports."""

from typing import Literal, NamedTuple

from pannier.model.analysis import Import, Location

# For whom a requirement is: the program, those who ask for an extra, its makers, or its build.
DeclaredGroup = Literal["main", "optional", "development", "build"]
CheckState = Literal[
    "used", "missing", "unknown", "misplaced", "transitive", "unused", "excused", "not-needed"
]
# Places: in a requirements file, in one that `pip freeze` wrote, and in one that the metadata reads.
LIST = "requirements"
FROZEN_LIST = "frozen requirements"
METADATA_LIST = "requirements of the metadata"


class Declared(NamedTuple):
    """One requirement that a file declares.

    Attributes:
        name: The project's, as written.
        requirement: The whole requirement, in PEP 508's words as far as the file's own allow.
        group: For whom.
        place: Where in the file: `project.dependencies`, `extras_require.plot`.
        location: The file and the line.
    """

    name: str
    requirement: str
    group: DeclaredGroup
    place: str
    location: Location


class DeclaredPython(NamedTuple):
    """What a file says of the Python that its project runs on.

    Attributes:
        specifier: PEP 440; of classifiers the lowest release that they name (`>=3.8`), or `<3.0` for Python 2
            alone.
        place: Where in the file: `project.requires-python`, `classifiers`.
        location: The file and the line.
        is_promise: Installers hold to it; classifiers only say what was tried.
        is_local: What its makers use (`.python-version`); counts where the project promises nothing.
    """

    specifier: str
    place: str
    location: Location
    is_promise: bool = True
    is_local: bool = False


class Undecided(NamedTuple):
    """A part of a file that only running it would tell, or that is no requirement.

    Attributes:
        location: Where.
        message: What it is.
        group: For whom the requirements would be that it hides; `None` where it hides none.
    """

    location: Location
    message: str
    group: DeclaredGroup | None = "main"


class Declarations(NamedTuple):
    """Everything that some files declare.

    Attributes:
        requirements: In the order of the files.
        files: The files that were read.
        undecided: What could not be told without running or fetching something.
        project_names: What the projects themselves are called.
        python: What bounds the Python.
        includes: Requirements files that one of them reads, as it names them, and for whom they are.
    """

    requirements: tuple[Declared, ...] = ()
    files: tuple[str, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    project_names: tuple[str, ...] = ()
    python: tuple[DeclaredPython, ...] = ()
    includes: tuple[tuple[str, DeclaredGroup], ...] = ()


class Checked(NamedTuple):
    """How one project stands between imports and declarations.

    Attributes:
        name: The project.
        state: `used`: declared and imported. `missing`: needed and declared nowhere. `unknown`: an import
            that is needed and that no known project provides. `misplaced`: needed by the program and declared
            only for its makers. `transitive`: needed, not declared, and there only because something declared
            requires it. `unused`: declared and never imported. `excused`: the same, for a reason.
            `not-needed`: imported where the program does without, and declared nowhere.
        reason: Why, in words.
        imports: Where it is imported.
        declared: Where it is declared.
    """

    name: str
    state: CheckState
    reason: str = ""
    imports: tuple[Import, ...] = ()
    declared: tuple[Declared, ...] = ()


class Check(NamedTuple):
    """Imports compared with declarations.

    Attributes:
        agrees: Nothing is missing, misplaced, undeclared or unused.
        projects: Sorted by normalized name.
        files: The files that declare.
        undecided: What of them could not be told.
    """

    agrees: bool
    projects: tuple[Checked, ...]
    files: tuple[str, ...]
    undecided: tuple[Undecided, ...] = ()
