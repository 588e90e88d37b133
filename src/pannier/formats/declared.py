"""What the files of a project declare, read leniently: what is not understood is reported, never refused.

The readers beside it (`requirements_files`, `project_files`) are strict, since what they read is locked.
Here it is evidence.
"""

import re
from collections.abc import Iterator
from typing import Any

from pannier.formats.python_bounds import is_bound
from pannier.model.analysis import Location
from pannier.model.declarations import Declarations, Declared, DeclaredGroup, DeclaredPython, Undecided

_NAME = r"(?s)\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(.*)$"
_REST = r"(?:\[[^\]]*\]\s*)?(?:$|[<>=!~@;(]|\s*#)"
_URL_NAME = r"[#&]egg=([\w.-]+)"
_REPOSITORY_NAME = r"/([\w.-]+?)(?:\.git)?(?:@[^/]*)?(?:#.*)?$"
# The minor release of a version, or a family of versions, and of nothing else.
_RELEASE = r"=*\s*([23]\.\d+)(?:\.[\d*]\w*)?(?:=\S*)?$"
_CLASSIFIER = r"\s*Programming Language :: Python :: ([23])(?:\.(\d+))?\s*$"
_DEVELOPMENT = frozenset(
    {
        *("dev", "devel", "develop", "development", "test", "tests", "testing", "lint", "linting", "linters"),
        *("typing", "types", "typecheck", "mypy", "docs", "doc", "documentation", "style", "format", "ci"),
        *("fmt", "formatting", "precommit", "release", "bench", "benchmark", "benchmarks", "coverage", "cov"),
        *("nox", "tox", "qa", "check", "checks", "quality", "local", "debug", "tools", "tooling", "maintain"),
        *("examples", "example", "pytest", "contributing", "build", "publish", "packaging", "notebooks"),
        *(
            "developer",
            "developers",
            "benchmarking",
            "stubs",
            "testsuite",
            "unittest",
            "unittests",
            "pkgutils",
        ),
        *(
            "hooks",
            "prek",
            "typehints",
            "pyright",
            "profiling",
            "profile",
            "static",
            "changelog",
            "integration",
        ),
    }
)
# As extras these add something to the program itself.
_FOR_USERS_TOO = frozenset(
    {"format", "formatting", "types", "debug", "local", "tools", "notebooks", "examples", "example", "style"}
)


def group_called(name: str, default: DeclaredGroup = "optional") -> DeclaredGroup:
    """For whom a group of dependencies or a requirements file of this name is."""
    words = re.split(r"[-_./\s]+", name.lower())
    if any(word in _DEVELOPMENT for word in words):
        return "development"
    return "optional" if "extras" in words else default


def extra_called(name: str) -> DeclaredGroup:
    """For whom an extra of this name is: most are for users, also where a group of makers has such a name."""
    return "optional" if name.lower() in _FOR_USERS_TOO else group_called(name)


class Collector:
    """Gathers what one file declares.

    Args:
        path: The file, for locations.
        text: Its text, to find lines in.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._text = text
        self._lines = text.splitlines()
        self._requirements: list[Declared] = []
        self._undecided: list[Undecided] = []
        self._names: list[str] = []
        self._python: list[DeclaredPython] = []
        self._includes: list[tuple[str, DeclaredGroup]] = []

    def add(self, requirement: str, group: DeclaredGroup, place: str, line: int = 0) -> None:
        """Take one requirement in PEP 508's or pip's words; anything else is undecided."""
        name = requirement_name(requirement)
        location = Location(self.path, line or self.line_of(requirement))
        if not name:
            self._undecided.append(Undecided(location, f"`{requirement.strip()}` names no project", group))
            return
        self._requirements.append(Declared(name, " ".join(requirement.split()), group, place, location))

    def add_named(self, name: str, constraint: str, group: DeclaredGroup, place: str) -> None:
        """Take a requirement whose name stands apart from its versions, as in poetry and Pipfile."""
        location = Location(self.path, self.line_of(name))
        self._requirements.append(Declared(name, name + constraint, group, place, location))

    def add_all(self, items: Any, group: DeclaredGroup, place: str) -> None:
        """Take a list of requirements; items that are no text are left to who knows them."""
        for item in items if isinstance(items, list) else ():
            if isinstance(item, str):
                self.add(item, group, place)

    def undecided(self, message: str, line: int = 1, group: DeclaredGroup | None = "main") -> None:
        """Note what could not be told, and for whom it would be."""
        self._undecided.append(Undecided(Location(self.path, line), message, group))

    def include(self, files: Any, group: DeclaredGroup) -> bool:
        """Note requirements files that this one reads: one, or a list; whether these were such."""
        names = [files] if isinstance(files, str) else files
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return False
        self._includes += [(name.strip(), group) for name in names if name.strip()]
        return bool(names)

    def call(self, name: Any) -> None:
        """Note what the project itself is called."""
        if isinstance(name, str) and name.strip():
            self._names.append(name.strip())

    def bound_python(self, specifier: Any, place: str, line: int = 0, *, is_local: bool = False) -> None:
        """Note which Python the project requires, or only its makers' environment."""
        if not isinstance(specifier, str) or not specifier.strip():
            return
        location = Location(self.path, line or self.line_of(specifier))
        bound = ",".join(part.strip().replace(" ", "") for part in specifier.split(",") if part.strip())
        bound = re.sub(r"([<>]=?[\d.]+)\.\*", r"\1", bound)  # `>=3.6.*`, which once was let pass
        if is_bound(bound):
            self._python.append(DeclaredPython(bound, place, location, is_local=is_local))
        else:
            self._undecided.append(Undecided(location, f"`{place}` is no bound: `{specifier.strip()}`", None))

    def use_python(self, version: Any, place: str) -> None:
        """Note which Python the project's makers use: a version, of which the minor release matters."""
        match = re.match(_RELEASE, version.strip()) if isinstance(version, str) else None
        if match:
            location = Location(self.path, self.line_of(version))
            self._python.append(DeclaredPython(f"=={match[1]}.*", place, location, is_local=True))

    def classify(self, classifiers: Any, place: str, line: int = 0) -> None:
        """Note which Pythons the project was tried with, by its trove classifiers."""
        texts = (
            [text for text in classifiers if isinstance(text, str)] if isinstance(classifiers, list) else []
        )
        named = {text: match for text in texts if (match := re.match(_CLASSIFIER, text))}
        specifier = _classified([(int(match[1]), match[2]) for match in named.values()])
        if specifier:
            release = specifier.removeprefix(">=").removesuffix(".0")
            first = next((text for text in named if text.strip().endswith(f" {release}")), min(named))
            location = Location(self.path, line or self.line_of(first))
            self._python.append(DeclaredPython(specifier, place, location, is_promise=False))

    def line_of(self, needle: str) -> int:
        """The first line that holds a text; 1 where none does."""
        wanted = needle.strip().splitlines()[0] if needle.strip() else needle
        return next((number for number, line in enumerate(self._lines, 1) if wanted in line), 1)

    def result(self) -> Declarations:
        """Everything taken so far."""
        return Declarations(
            tuple(self._requirements),
            (self.path,),
            tuple(self._undecided),
            tuple(self._names),
            tuple(self._python),
            tuple(self._includes),
        )


def _classified(releases: list[tuple[int, str | None]]) -> str:
    """The bound that classifiers come to: the lowest Python 3 where none is a 2; Python 2 where all are."""
    majors = {major for major, _ in releases}
    if len(majors) != 1:
        return ""
    if majors == {2}:
        return "<3.0"
    return f">=3.{min((int(minor) for _, minor in releases if minor), default=0)}"


def requirement_name(requirement: str) -> str:
    """The project's name in a requirement, a URL with `#egg=` or that of a repository; empty for none."""
    text = requirement.strip()
    if text.startswith(("-e ", "--editable ", "--editable=")):
        text = text.partition("=" if text.startswith("--editable=") else " ")[2].strip()
    if re.match(r"[a-z+]+://|git\+|hg\+|git@", text):
        found = re.search(_URL_NAME, text) or re.search(_REPOSITORY_NAME, text.partition("#")[0])
        return found[1] if found else ""
    match = re.match(_NAME, text)
    if match is None or not re.match(_REST, match[2]) or text.startswith(("./", "../", "/")):
        return ""
    if "/" in match[1] or match[1].endswith((".whl", ".txt", ".tar.gz", ".zip")):
        return ""
    return match[1]


def join(parts: Iterator[Declarations] | list[Declarations]) -> Declarations:
    """Several files as one."""
    listed = list(parts)
    return Declarations(
        requirements=tuple(item for part in listed for item in part.requirements),
        files=tuple(dict.fromkeys(file for part in listed for file in part.files)),
        undecided=tuple(item for part in listed for item in part.undecided),
        project_names=tuple(dict.fromkeys(name for part in listed for name in part.project_names)),
        python=tuple(item for part in listed for item in part.python),
    )
