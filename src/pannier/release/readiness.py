"""Whether a project is ready to be released: its versions agree, and its changelog tells of the newest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.formats.changelogs import ChangelogEntry, parse_changelog
from pannier.model.errors import ReleaseError, SpecError
from pannier.model.release import Problem, Statement
from pannier.release.project import Project

_NAMES = (
    "changelog",
    "changes",
    "history",
    "news",
    "release_notes",
    "releasenotes",
    "release-notes",
    "whatsnew",
)
_SUFFIXES = ("", ".md", ".markdown", ".rst", ".txt")
_DIRECTORIES = ("", "docs", "doc")


class Changelog(NamedTuple):
    """A changelog, and where it is.

    Attributes:
        path: As people are told of it: relative to the project.
        entries: In the file's order, without an empty "Unreleased" on top.
    """

    path: str
    entries: tuple[ChangelogEntry, ...]


def read_changelog(directory: Path, configured: str = "") -> Changelog | None:
    """Find and read the changelog of a project; `None` where there is none.

    Args:
        directory: The project's.
        configured: Its path from there; empty to find it by its name.

    Raises:
        SpecError: The one that is configured is not there.
    """
    paths = [directory / configured] if configured else list(_iter_changelogs(directory))
    if configured and not paths[0].is_file():
        raise SpecError(
            f"there is no changelog `{paths[0]}`", code="no-such-file", hint="name it with `--changelog PATH`"
        )
    # One in `docs` may do nothing but include the other.
    read = [_read(directory, path) for path in paths]
    return next((one for one in read if one.entries), read[0] if read else None)


def _read(directory: Path, path: Path) -> Changelog:
    entries = parse_changelog(path.read_bytes().decode("utf-8", "replace"))
    # Keep a Changelog has an "Unreleased" stay on top, for what comes next.
    if entries and not entries[0].version and entries[0].is_empty:
        entries = entries[1:]
    return Changelog(
        str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path), entries
    )


def _iter_changelogs(directory: Path) -> Iterator[Path]:
    for name in _DIRECTORIES:
        place = directory / name
        files = {path.name.lower(): path for path in sorted(place.iterdir())} if place.is_dir() else {}
        for path in (files.get(f"{stem}{suffix}") for stem in _NAMES for suffix in _SUFFIXES):
            if path is not None and path.is_file():
                yield path


def version_problems(project: Project) -> list[Problem]:
    """Say where the files of a project state other versions than a build goes by."""
    if not project.versions:
        return []
    first = project.versions[0]
    others = [one for one in project.versions[1:] if not is_same_version(one.value, first.value)]
    if not others:
        return []
    told = ", ".join(f"{_named(one.where)} says {one.value}" for one in others)
    sentence = f"{_named(first.where)} says {first.value}, {told}"
    return [Problem("version", sentence, "state it in one place, or the same in each")]


def changelog_problems(
    changelog: Changelog | None, version: Statement, *, is_by_tag: bool = False
) -> list[Problem]:
    """Say how the changelog disagrees with the version that is to be released.

    Args:
        changelog: `None` for none.
        version: What the project says.
        is_by_tag: The version follows from git's tags.
    """
    heading = f"a heading for {version.value}"
    if changelog is None:
        remedy = f"write a CHANGELOG.md with {heading}, or say that there is none with `--changelog none`"
        return [Problem("changelog", "there is none", remedy)]
    if not changelog.entries:
        return [
            Problem("changelog", f"`{changelog.path}` has no heading with a version", f"give it {heading}")
        ]
    top = changelog.entries[0]
    place = f"`{changelog.path}`, line {top.line}"
    if not top.is_released:
        sentence = f"its newest entry is still unreleased: `{top.title}` ({place})"
        return [Problem("changelog", sentence, f"give that entry the version {version.value} and its date")]
    if is_same_version(top.version, version.value):
        return []
    known = any(is_same_version(entry.version, version.value) for entry in changelog.entries)
    sentence = (
        f"its newest entry is {top.version} ({place}), but {_named(version.where)} says {version.value}"
    )
    if is_by_tag:
        remedy = (
            f"the version follows from git's tags: tag the commit first, as with `git tag v{top.version}`"
        )
        return [Problem("changelog", sentence, remedy)]
    remedy = (
        f"set the version to {top.version}"
        if known
        else f"write an entry for {version.value}, or set the version"
    )
    return [Problem("changelog", sentence, remedy)]


def _named(where: str) -> str:
    """A place that states something: a file in backticks, words as they are."""
    return where if " " in where else f"`{where}`"


def entry_of(changelog: Changelog | None, version: str) -> ChangelogEntry | None:
    """What the changelog says of a version."""
    entries = changelog.entries if changelog else ()
    return next((entry for entry in entries if is_same_version(entry.version, version)), None)


def is_same_version(one: str, other: str) -> bool:
    """Compare two versions as PEP 440 does: 1.2 is 1.2.0."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def refuse(problems: Sequence[Problem], what: str) -> None:
    """Refuse to release, with every reason at once.

    Args:
        problems: The reasons.
        what: Name and version of what was to be released.

    Raises:
        ReleaseError: There is a reason.
    """
    if not problems:
        return
    many = len(problems) > 1
    # One hint is all an error has; with several problems each has its own remedy below it.
    told: dict[str, list[str]] = {}
    for problem in problems:
        lines = [problem.sentence, problem.remedy if many else ""]
        told.setdefault(problem.subject, []).extend(line for line in lines if line)
    again = "correct these, and see what is left with `pannier release --dry-run`"
    raise ReleaseError(
        f"`{what}` is not ready to be released" + (f": {len(problems)} problems" if many else ""),
        code="release-refused",
        facts={subject: "\n".join(lines) for subject, lines in told.items()},
        hint=again if many else problems[0].remedy,
    )
