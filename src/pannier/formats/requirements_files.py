"""requirements.txt, as pip reads it."""

import posixpath
import re
from collections.abc import Callable, Iterator

from pannier.formats.requirement_lines import (
    RequirementLineError,
    normalized_project_name,
    parse_requirement_line,
)
from pannier.formats.spec_problems import SpecProblems
from pannier.model.spec import LocalProject, Spec

_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s+--hash[=\s]\s*(\S+)")
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
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
# They change nothing for us: wheels are preferred, and every file has its hash in the lock.
_HARMLESS = ("--prefer-binary", "--require-hashes")


def parse_requirements(text: str, *, filename: str, read: Callable[[str], str]) -> Spec:
    """Read a requirements file and those it includes.

    Args:
        text: The file's text.
        filename: Where it was read from, for messages; local projects in it start from its directory.
        read: Gives the text of an included file, named relative to the first file's directory.

    Raises:
        SpecError: Lines are no requirements; all are told at once, with file and line.
    """
    reader = _Reader(SpecProblems(filename, dialect="requirements file"), posixpath.dirname(filename), read)
    reader.read_file(text, filename, "", is_constraints=False)
    reader.problems.raise_if_any()
    return Spec(
        requirements=tuple(dict.fromkeys(reader.requirements)),
        local_projects=tuple(dict.fromkeys(reader.local_projects)),
        constraints=tuple(dict.fromkeys(reader.constraints)),
        hashes=tuple(sorted((name, tuple(sorted(found))) for name, found in reader.hashes.items())),
        indexes=tuple(dict.fromkeys(reader.indexes)),
        dialect="requirements file",
    )


class _Reader:
    """What has been read so far, over all files."""

    def __init__(self, problems: SpecProblems, directory: str, read: Callable[[str], str]) -> None:
        self.problems = problems
        self.directory = directory
        self.read = read
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.local_projects: list[LocalProject] = []
        self.hashes: dict[str, set[str]] = {}
        self.indexes: list[tuple[str, str]] = []
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
            option, value = split_option(line)
            if option in _FILES:
                is_constraint = is_constraints or _FILES[option] == "constraint"
                self._include(value, place, inside, is_constraints=is_constraint)
            elif option in _INDEXES:
                self.indexes.append((_INDEXES[option], self._index_value(value, inside)))
            elif option not in _HARMLESS:
                self._read_requirement(line, place, inside, is_constraints=is_constraints)

    def _include(self, name: str, place: str, inside: str, *, is_constraints: bool) -> None:
        path = posixpath.normpath(posixpath.join(inside, name))
        if (path, is_constraints) in self.seen:
            return
        self.seen.add((path, is_constraints))
        try:
            text = self.read(path)
        except (OSError, ValueError) as error:
            self.problems.add(place, f"`{name}` cannot be read: {getattr(error, 'strerror', '') or error}")
            return
        shown = posixpath.join(self.directory, path)
        self.read_file(text, shown, posixpath.dirname(path), is_constraints=is_constraints)

    def _index_value(self, value: str, inside: str) -> str:
        if "://" in value:
            return value
        return posixpath.join(self.directory, inside, value)

    def _read_requirement(self, line: str, place: str, inside: str, *, is_constraints: bool) -> None:
        hashes = _HASH.findall(line)
        text = _HASH.sub("", line).strip()
        try:
            found = parse_requirement_line(text, directory=posixpath.join(self.directory, inside))
        except RequirementLineError as error:
            self.problems.add(place, f"`{text}` is not a requirement: {error}")
            return
        if found.local_project is not None:
            self.local_projects.append(found.local_project)
            return
        (self.constraints if is_constraints else self.requirements).append(found.requirement)
        self._note_hashes(normalized_project_name(found.requirement), hashes, place)

    def _note_hashes(self, name: str, hashes: list[str], place: str) -> None:
        digests = {match[1] for text in hashes if (match := _SHA256.fullmatch(text))}
        if hashes and not digests:
            self.problems.add(place, f"none of the hashes of `{name}` is a sha256")
        if digests:
            self.hashes.setdefault(name, set()).update(digests)


def iter_requirement_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines and drop comments, as pip does: first the one, then the other."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            pending += line[:-1]
            continue
        whole = _COMMENT.sub("", pending + (" " + line if is_comment and pending else line)).strip()
        if whole:
            yield start, whole
        pending, start = "", 0
    if rest := _COMMENT.sub("", pending).strip():
        yield start, rest


def split_option(line: str) -> tuple[str, str]:
    """Cut `--option=value`, `--option value` and `-rvalue`; a requirement has no option."""
    if not line.startswith("-"):
        return "", ""
    if not line.startswith("--") and line[2:3] not in ("", " ", "="):
        return line[:2], line[2:].strip()
    option, _, value = line.partition(" ")
    if "=" in option:
        option, _, value = line.partition("=")
    import shlex

    try:
        return option, " ".join(shlex.split(value))
    except ValueError:
        return option, value.strip()
