"""What is to be released, learned before anything is built, and refused when it is not ready."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.workshop import Workshop
from pannier.model.errors import FetchError, InterpreterError, SpecError, UsageError
from pannier.model.events import Notice, Stage
from pannier.model.release import Problem, Statement
from pannier.release import readiness
from pannier.release.project import Project, read_project
from pannier.release.repository import (
    RemoteState,
    Repository,
    ask_remote,
    find_tag,
    is_valid_tag,
    read_repository,
    repository_problems,
    short,
    tag_problems,
)
from pannier.release.settings import ReleaseSettings

if TYPE_CHECKING:
    from pannier.release.building import Bench
    from pannier.release.published import IndexReader, Published


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseOptions:
    """What one call of `release` is to do.

    Attributes:
        directory: The project's.
        dry_run: Read, build and check; upload and tag nothing.
        skip_import: Do not install and import the wheel.
    """

    directory: Path
    dry_run: bool = False
    skip_import: bool = False


class ReleaseStep(NamedTuple):
    """A step that is over.

    Attributes:
        name: `read`, `build`, `check`, `upload`, `verify` or `tag`.
        told: What came of it, or what would be done, for people.
    """

    name: str
    told: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseSubject:
    """What is to be released, as far as it is known before it is built."""

    project: Project
    name: Statement
    version: Statement
    changelog: readiness.Changelog | None
    repository: Repository | None
    tag: str
    local_tag: str
    remote: RemoteState
    source: Path
    bench: "Bench"


class ReleaseCall(NamedTuple):
    """One call: what it was asked for, and who hears of it."""

    workshop: Workshop
    options: ReleaseOptions
    release: ReleaseSettings
    on_step: Callable[[ReleaseStep], None]

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
        """A stage of work, and how to say that some of it is done."""
        stage, reporter = Stage(name=name, total=total), self.workshop.reporter
        reporter.begin(stage)
        try:
            yield lambda amount, detail: reporter.advance(stage, amount, detail)
        finally:
            reporter.end(stage)


def read_subject(
    call: ReleaseCall, reader: "IndexReader | None", place: Path
) -> "tuple[ReleaseSubject, Published | None]":
    """Learn what is to be released; refuse what is not ready, with every reason at once."""
    from pannier.lock.sources import copy_source

    with call.stage("reading"):
        directory, environ = call.options.directory.absolute(), call.workshop.settings.environ
        project = read_project(directory)
        repository = read_repository(directory, environ)
        configured = call.release.changelog
        changelog = None if configured == "none" else readiness.read_changelog(directory, configured)
        source = copy_source(directory, place / "source" / directory.name)
        bench = _bench(call, project, repository)
        name, version = _identity(call, project, source, bench)
        tag = _tag_name(call.release.tag_format, name.value, version.value)
        remote, local_tag = RemoteState(), ""
        if repository and repository.commit:
            local_tag = find_tag(repository, tag, environ)
            remote = ask_remote(repository, tag, environ) if repository.remote else remote
        subject = ReleaseSubject(
            project=project,
            name=name,
            version=version,
            changelog=changelog,
            repository=repository,
            tag=tag if repository else "",
            local_tag=local_tag,
            remote=remote,
            source=source,
            bench=bench,
        )
        published = _refuse_unready(call, subject, reader)
    call.on_step(ReleaseStep("read", _told(subject)))
    return subject, published


def _bench(call: ReleaseCall, project: Project, repository: Repository | None) -> "Bench":
    """The Pythons that the project is for, and the variables that builds run with."""
    from pannier.environment.find import find_interpreter, version_specifier
    from pannier.lock.uv import uv_environment
    from pannier.release.building import OLDEST_PYTHON, Bench

    workshop, settings = call.workshop, call.workshop.settings
    asked = version_specifier(settings.python) if settings.python else ""
    wanted = ",".join(filter(None, (asked, project.requires_python)))
    trial = find_interpreter(wanted, cache=workshop.directories.interpreters, environ=settings.environ)
    try:
        builder = find_interpreter(
            ",".join(filter(None, (wanted, OLDEST_PYTHON))),
            cache=workshop.directories.interpreters,
            environ=settings.environ,
        )
    except InterpreterError:  # a project for older ones only: what it packs does not depend on the builder's
        builder = find_interpreter(
            OLDEST_PYTHON, cache=workshop.directories.interpreters, environ=settings.environ
        )
    variables = uv_environment(settings.environ, workshop.directories, workshop.index_settings())
    variables |= {"UV_OFFLINE": "1"} if settings.offline else {}
    return Bench(builder, trial, variables, repository.commit_time if repository else 0)


def _identity(
    call: ReleaseCall, project: Project, source: Path, bench: "Bench"
) -> tuple[Statement, Statement]:
    """Name and version: from the files, else from the build backend."""
    if project.name and project.versions:
        return project.name, project.versions[0]
    from pannier.release.building import build_metadata

    reason = project.reason or "no file states the name"
    call.workshop.reporter.warn(
        Notice(
            "what the project is called, or its version, only a build tells",
            "built-metadata",
            {"reason": reason},
        )
    )
    metadata = build_metadata(source, bench)
    name = project.name or Statement(metadata.name, "the built metadata")
    version = project.versions[0] if project.versions else Statement(metadata.version, "the built metadata")
    if not name.value or name.value == "UNKNOWN" or not version.value:
        raise SpecError(
            "neither the project's files nor its build say what it is called, and its version",
            code="no-project",
            facts={"name": name.value or "none", "version": version.value or "none"},
            hint="state both in pyproject.toml",
        )
    return name, version


def _tag_name(tag_format: str, name: str, version: str) -> str:
    try:
        tag = tag_format.format(version=version, name=name)
    except (KeyError, IndexError, ValueError):
        tag = ""
    if not tag or "{version}" not in tag_format:
        raise UsageError(
            f"`{tag_format}` is no format of a tag",
            code="tag-format",
            facts={"wanted": "a text with {version} in it, and {name} where it is wanted"},
            hint="write it like `v{version}`",
        )
    return tag


def _refuse_unready(
    call: ReleaseCall, subject: ReleaseSubject, reader: "IndexReader | None"
) -> "Published | None":
    """Raise what keeps the project from being released; give what the index has of it."""
    environ = call.workshop.settings.environ
    problems = readiness.version_problems(subject.project)
    if call.release.changelog != "none":
        is_by_tag = "version control" in subject.project.reason
        problems += readiness.changelog_problems(subject.changelog, subject.version, is_by_tag=is_by_tag)
    repository = subject.repository
    if repository is None:
        message = "the project is in no git repository, so nothing says what is released, and no tag is made"
        call.workshop.reporter.warn(Notice(message, "no-repository"))
    else:
        problems += repository_problems(repository, subject.remote, environ)
        if not is_valid_tag(repository, subject.tag, environ):
            problems.append(
                Problem("tag", f"`{subject.tag}` is no name for one", "choose another `tag-format`")
            )
        problems += tag_problems(repository, subject.tag, subject.local_tag, subject.remote)
    published = None
    try:
        published = reader.read(subject.name.value) if reader else None
    except FetchError as error:
        reason = error.facts.get("reason", error.message)
        problems.append(Problem("index", f"`{call.release.index}` does not answer: {reason}", error.hint))
    if problems and published and (files := published.of_version(subject.version.value)):
        sentence = f"`{call.release.index}` has {subject.version.value} already, in {len(files)} of its files"
        problems.append(
            Problem("index", sentence, "what is built must have the same bytes, or a new version")
        )
    readiness.refuse(problems, f"{subject.name.value} {subject.version.value}")
    return published


def _told(subject: ReleaseSubject) -> str:
    """What is to be released, on one line."""
    entry = readiness.entry_of(subject.changelog, subject.version.value)
    parts = [f"{subject.name.value} {subject.version.value} ({subject.version.where})"]
    if entry and subject.changelog:
        parts.append(f"{subject.changelog.path}" + (f" of {entry.date}" if entry.date else ""))
    if subject.repository:
        parts.append(f"{subject.repository.branch} at {short(subject.repository.commit)}")
    return ", ".join(parts)
