"""requirements.txt, as pip reads it."""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pannier.formats.requirement_lines import (
    RequirementLine,
    RequirementLineError,
    normalized_project_name,
    parse_requirement_line,
)
from pannier.formats.requirements_text import (
    expand_variables,
    iter_requirement_lines,
    split_option,
    unset_variables,
)
from pannier.formats.spec_problems import SpecProblems
from pannier.model.spec import LocalProject, Spec

_HASH = re.compile(r"\s+--hash[=\s]\s*(\S+)")
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_LINE_OPTION = re.compile(r"\s(--[a-z][a-z-]*)")
_FILES = {
    "-r": "requirement",
    "--requirement": "requirement",
    "-c": "constraint",
    "--constraint": "constraint",
}
_INDEXES = {
    "-i": "index-url",
    "--index-url": "index-url",
    "--extra-index-url": "extra-index-url",
    "-f": "find-links",
    "--find-links": "find-links",
}
# What may be chosen: options with a value, and those without.
_CHOICES = {"--no-binary": True, "--only-binary": True, "--trusted-host": True, "--pre": False,
    "--no-index": False}  # fmt: skip
# They change nothing for us: wheels are preferred, and every file has its hash in the lock.
_HARMLESS = ("--prefer-binary", "--require-hashes")


def _nothing_wrong(path: str) -> str:
    del path
    return ""


def _is_there(path: str) -> bool:
    del path
    return True


class References(NamedTuple):
    """What a requirements file refers to beyond itself.

    Attributes:
        read: Gives the text of an included file, named relative to the first file's directory.
        environ: The variables that `${NAME}` stands for; they are looked up, and left in the text.
        problem_of: Says what is wrong with a path that is to be a project, a wheel or an sdist; empty for
            nothing.
        is_there: Says whether a place for distributions is there.
    """

    read: Callable[[str], str]
    environ: Mapping[str, str] | None = None
    problem_of: Callable[[str], str] = _nothing_wrong
    is_there: Callable[[str], bool] = _is_there


def parse_requirements(
    text: str, *, filename: str, references: References, is_constraints: bool = False
) -> Spec:
    """Read a requirements file and those it includes.

    Args:
        text: The file's text.
        filename: Where it was read from, for messages; local projects in it start from its directory.
        references: What it refers to.
        is_constraints: It only bounds versions, as a file named by `-c` does.

    Raises:
        SpecError: Lines are no requirements; all are told at once, with file and line.
    """
    problems = SpecProblems(filename, dialect="requirements file")
    reader = _Reader(problems, posixpath.dirname(filename), references)
    reader.read_file(text, filename, "", is_constraints=is_constraints)
    reader.problems.raise_if_any()
    return Spec(
        requirements=tuple(dict.fromkeys(reader.requirements)),
        local_projects=tuple(dict.fromkeys(reader.local_projects)),
        constraints=tuple(dict.fromkeys(reader.constraints)),
        hashes=tuple(sorted((name, tuple(sorted(found))) for name, found in reader.hashes.items())),
        indexes=tuple(dict.fromkeys(reader.indexes)),
        choices=tuple(dict.fromkeys(reader.choices)),
        dialect="requirements file",
    )


class _Reader:
    """What has been read so far, over all files."""

    def __init__(self, problems: SpecProblems, directory: str, references: References) -> None:
        self.problems = problems
        self.directory = directory
        self.references = references
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.local_projects: list[LocalProject] = []
        self.hashes: dict[str, set[str]] = {}
        self.indexes: list[tuple[str, str]] = []
        self.choices: list[tuple[str, str]] = []
        self.seen: set[tuple[str, bool]] = set()

    def read_file(self, text: str, filename: str, inside: str, *, is_constraints: bool) -> None:
        """Read one file.

        Args:
            text: Its text.
            filename: For messages.
            inside: Its directory, relative to the first file's.
            is_constraints: It was included by `-c`.
        """
        for number, line in iter_requirement_lines(text):
            place = f"{filename}:{number}"
            self._check_variables(line, place)
            option, value = split_option(line)
            if option in _FILES:
                is_constraint = is_constraints or _FILES[option] == "constraint"
                self._include(value, place, inside, is_constraints=is_constraint)
            elif option in _INDEXES or option in _CHOICES:
                self._read_option(option, value, place, inside)
            elif option not in _HARMLESS:
                self._read_requirement(line, place, inside, is_constraints=is_constraints)

    def _check_variables(self, line: str, place: str) -> None:
        environ = self.references.environ
        for name in () if environ is None else unset_variables(line, environ):
            self.problems.add(place, f"the environment variable `{name}` is not set, or empty")

    def _read_option(self, option: str, value: str, place: str, inside: str) -> None:
        if option in _CHOICES and not _CHOICES[option]:
            self.choices.append((option.removeprefix("--"), ""))
        elif not value:
            self.problems.add(place, f"`{option}` needs a value")
        elif option in _INDEXES:
            self.indexes.append((_INDEXES[option], self._index_value(value, place, inside)))
        else:
            self.choices.append((option.removeprefix("--"), value))

    def _include(self, name: str, place: str, inside: str, *, is_constraints: bool) -> None:
        name = expand_variables(name, self.references.environ or {})
        if "://" in name:
            self.problems.add(place, f"`{name}` is not read: download it, and name the file")
            return
        path = posixpath.normpath(posixpath.join(inside, name))
        if (path, is_constraints) in self.seen:
            return
        self.seen.add((path, is_constraints))
        try:
            text = self.references.read(path)
        except (OSError, ValueError) as error:
            self.problems.add(place, f"`{name}` cannot be read: {getattr(error, 'strerror', '') or error}")
            return
        shown = posixpath.join(self.directory, path)
        self.read_file(text, shown, posixpath.dirname(path), is_constraints=is_constraints)

    def _index_value(self, value: str, place: str, inside: str) -> str:
        if "://" in value or value.startswith("${"):
            return value
        path = posixpath.join(self.directory, inside, value)
        if not self.references.is_there(expand_variables(path, self.references.environ or {})):
            self.problems.add(place, f"`{value}` is neither a URL nor there")
        return path

    def _read_requirement(self, line: str, place: str, inside: str, *, is_constraints: bool) -> None:
        hashes = _HASH.findall(line)
        text = _HASH.sub("", line).strip()
        if option := _LINE_OPTION.search(text):
            self.problems.add(place, f"`{option[1]}` for one requirement is not taken")
            return
        try:
            found = self._parse(text, inside)
        except RequirementLineError as error:
            self.problems.add(place, f"`{text}` is not a requirement: {error}")
            return
        if found.local_project is not None:
            self._note_project(found.local_project, place, is_constraints=is_constraints)
            return
        (self.constraints if is_constraints else self.requirements).append(found.requirement)
        self._note_hashes(normalized_project_name(found.requirement), hashes, place)

    def _parse(self, text: str, inside: str) -> RequirementLine:
        """Read a requirement. A path has its variables replaced, a URL keeps them: they may be secrets."""
        directory = posixpath.join(self.directory, inside)
        expanded = expand_variables(text, self.references.environ or {})
        found = parse_requirement_line(expanded, directory=directory)
        if found.local_project is not None or expanded == text:
            return found
        return parse_requirement_line(text, directory=directory)

    def _note_project(self, project: LocalProject, place: str, *, is_constraints: bool) -> None:
        if is_constraints:
            self.problems.add(place, f"`{project.path}` is no bound on versions, which constraints are")
        elif problem := self.references.problem_of(project.path):
            self.problems.add(place, f"`{project.path}` {problem}")
        else:
            self.local_projects.append(project)

    def _note_hashes(self, name: str, hashes: list[str], place: str) -> None:
        digests = {match[1] for text in hashes if (match := _SHA256.fullmatch(text))}
        if hashes and not digests:
            self.problems.add(place, f"none of the hashes of `{name}` is a sha256")
        if digests:
            self.hashes.setdefault(name, set()).update(digests)
