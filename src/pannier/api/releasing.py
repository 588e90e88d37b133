"""`release`: a project, checked and built, onto an index, verified there, and tagged."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.release_subject import (
    ReleaseCall,
    ReleaseOptions,
    ReleaseStep,
    ReleaseSubject,
    read_subject,
)
from pannier.api.settings import Settings
from pannier.api.workshop import Workshop
from pannier.model.errors import FetchError, UsageError
from pannier.model.events import Notice, Reporter, SilentReporter
from pannier.model.release import Distribution
from pannier.release import readiness
from pannier.release.repository import make_tag, push_tag, short, untracked_of
from pannier.release.settings import ReleaseSettings

if TYPE_CHECKING:
    from pannier.release.published import IndexReader, Published


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseResult:
    """What was released.

    Attributes:
        name: The project's name.
        version: Its version.
        index: Name of the index; empty for none.
        distributions: What was built.
        uploaded: File names that this call uploaded, or would.
        present: File names that the index had already, with the same bytes.
        commit: What was released; empty without a repository.
        tag: Its tag; empty for none.
        tagged: This call made the tag, or would.
        pushed: This call pushed the tag, or would.
        dry_run: Nothing of that was done.
    """

    name: str
    version: str
    index: str
    distributions: tuple[Distribution, ...]
    uploaded: tuple[str, ...]
    present: tuple[str, ...]
    commit: str
    tag: str
    tagged: bool
    pushed: bool
    dry_run: bool


def release(
    options: ReleaseOptions,
    settings: Settings,
    reporter: Reporter | None = None,
    on_step: Callable[[ReleaseStep], None] = lambda _: None,
) -> ReleaseResult:
    """Release a project to an index.

    Every step stands on the one before, and what is done already is not done twice: a call that was
    interrupted is completed by the next.

    Args:
        options: What to do.
        settings: The settings in force.
        reporter: Hears of progress and warnings.
        on_step: Hears of every step that is over.

    Raises:
        ReleaseError: The project is not ready, what was built is not fit, or an index refused or changed it.
        SpecError: A file of the project or of the user's configuration is not valid.
        UsageError: No index is named, or it is not known.
        BuildError: The project cannot be built.
        FetchError: The index does not answer.
    """
    workshop = Workshop(settings, reporter or SilentReporter())
    call = ReleaseCall(workshop, options, ReleaseSettings(**settings.tables.get("release", {})), on_step)
    with tempfile.TemporaryDirectory(prefix="pannier-release-") as place, _index_reader(call) as reader:
        subject, published = read_subject(call, reader, Path(place))
        distributions = _build(call, subject, Path(place, "dist"))
        _check(call, subject, distributions, reader, published)
        uploaded, present = _upload(call, subject, reader, published, distributions)
        _verify(call, subject, reader, distributions)
        tagged, pushed = _tag(call, subject)
    return ReleaseResult(
        name=subject.name.value,
        version=subject.version.value,
        index=call.release.index,
        distributions=distributions,
        uploaded=uploaded,
        present=present,
        commit=subject.repository.commit if subject.repository else "",
        tag=subject.tag,
        tagged=tagged,
        pushed=pushed,
        dry_run=options.dry_run,
    )


@contextmanager
def _index_reader(call: ReleaseCall) -> Iterator["IndexReader | None"]:
    """What reads the index that is named; a dry run needs none."""
    from pannier.release.indexes import find_index
    from pannier.release.published import IndexReader
    from pannier.store.transfer import Transfer

    settings, name = call.workshop.settings, call.release.index
    known = tuple(settings.named.get("index", {}))
    if not name:
        if not call.options.dry_run:
            raise UsageError(
                "no index is named to release to",
                code="index-unknown",
                facts={"known": known} if known else {},
                hint="name one with `--index NAME`, or as `index` in `[release]` of pannier.toml",
            )
        yield None
        return
    pypirc = Path(call.release.pypirc).expanduser() if call.release.pypirc else None
    index = find_index(name, settings.entry("index", name), pypirc, known, settings.environ)
    transfer = Transfer(settings=call.workshop.index_settings(), environ=settings.environ)
    try:
        yield IndexReader(index, transfer.client)
    finally:
        transfer.close()


def _build(call: ReleaseCall, subject: ReleaseSubject, output: Path) -> tuple[Distribution, ...]:
    from pannier.release.building import build_distributions
    from pannier.release.contents import member_names

    with call.stage("building", 2) as advance:
        distributions = build_distributions(
            subject.source, output, subject.bench, lambda one: advance(1, one.filename)
        )
    python = subject.bench.interpreter.version
    call.on_step(
        ReleaseStep("build", f"{', '.join(one.filename for one in distributions)} with Python {python}")
    )
    if subject.repository:
        names = member_names(distributions[0])
        environ = call.workshop.settings.environ
        if unknown := untracked_of(subject.repository, names, environ):
            call.workshop.reporter.warn(
                Notice(
                    "the sdist holds files that git does not know",
                    "untracked-files",
                    {"files": unknown},
                    "commit them, or leave them out of the distribution",
                )
            )
    return distributions


def _check(
    call: ReleaseCall,
    subject: ReleaseSubject,
    distributions: tuple[Distribution, ...],
    reader: "IndexReader | None",
    published: "Published | None",
) -> None:
    from pannier.release.checking import check_distributions, raise_if_any, try_wheel
    from pannier.release.indexes import with_index

    with call.stage("checking", 2) as advance:
        problems = check_distributions(
            distributions,
            subject.name.value,
            subject.version.value,
            allowed=call.release.allow_top_level,
            strict=call.release.strict,
            environ=call.workshop.settings.environ,
        )
        advance(1, "importing the wheel")
        told = ["metadata", "files", "README"]
        if not call.options.skip_import:
            # What it needs may be on the index that it goes to itself.
            bench = subject.bench
            if reader is not None and published is not None:
                url = published.simple_url or reader.index.simple_urls[0]
                bench = bench._replace(environment=with_index(bench.environment, reader.index, url))
            modules, failures = try_wheel(distributions[1], subject.name.value, bench)
            problems += failures
            names = ", ".join(f"`{module}`" for module in modules)
            told.append(
                f"imports {names} with Python {subject.bench.trial.version}" if modules else "installs"
            )
        raise_if_any(problems)
    call.on_step(ReleaseStep("check", ", ".join(told)))


def _upload(
    call: ReleaseCall,
    subject: ReleaseSubject,
    reader: "IndexReader | None",
    published: "Published | None",
    distributions: tuple[Distribution, ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Upload what the index has not: the sdist first, which comes out the same from every build."""
    if reader is None or published is None:
        call.on_step(ReleaseStep("upload", "nothing: no index is named"))
        return (), ()
    from pannier.release.uploading import upload
    from pannier.release.verifying import find_conflicts, refuse_conflicts

    same, other = find_conflicts(reader, published, distributions)
    refuse_conflicts(reader.index, published, other)
    missing = [one for one in distributions if one not in same]
    dry_run = call.options.dry_run
    with call.stage("uploading", len(missing)) as advance:
        for distribution in [] if dry_run else missing:
            upload(
                distribution,
                reader.index,
                _arrival(reader, subject.name.value, distribution),
                certificate=reader.index.certificate or call.workshop.index_settings().certificate,
            )
            advance(1, distribution.filename)
    uploaded, present = tuple(one.filename for one in missing), tuple(one.filename for one in same)
    call.on_step(
        ReleaseStep("upload", _uploading_told(uploaded, present, reader.index.name, dry_run=dry_run))
    )
    return uploaded, present


def _arrival(reader: "IndexReader", name: str, distribution: Distribution) -> Callable[[], bool]:
    """Ask the index whether it has a distribution after all."""

    def has_arrived() -> bool:
        try:
            file = reader.read(name).named(distribution.filename)
            return file is not None and reader.is_same(file, distribution.path)
        except FetchError:
            return False

    return has_arrived


def _uploading_told(uploaded: tuple[str, ...], present: tuple[str, ...], index: str, *, dry_run: bool) -> str:
    parts = []
    if uploaded:
        parts.append(f"{'would upload ' if dry_run else ''}{', '.join(uploaded)} to `{index}`")
    if present:
        parts.append(f"`{index}` has {', '.join(present)} already, with the same bytes")
    return "; ".join(parts)


def _verify(
    call: ReleaseCall,
    subject: ReleaseSubject,
    reader: "IndexReader | None",
    distributions: tuple[Distribution, ...],
) -> None:
    if reader is None or call.options.dry_run:
        told = "would compare what the index then serves with what was built" if reader else "nothing"
        call.on_step(ReleaseStep("verify", told))
        return
    from pannier.release.verifying import verify_release

    with call.stage("verifying"):
        published, compared = verify_release(reader, subject.name.value, distributions)
    call.on_step(ReleaseStep("verify", f"{published.simple_url} serves the same: {', '.join(compared)}"))


def _tag(call: ReleaseCall, subject: ReleaseSubject) -> tuple[bool, bool]:
    """Tag the commit and push the tag, as far as that is not done yet; say which of them were."""
    repository = subject.repository
    if repository is None:
        call.on_step(ReleaseStep("tag", "none: there is no git repository"))
        return False, False
    environ, dry_run = call.workshop.settings.environ, call.options.dry_run
    tagging = not subject.local_tag
    pushing = call.release.push and bool(repository.remote) and not subject.remote.tag
    with call.stage("tagging"):
        if tagging and not dry_run:
            make_tag(repository, subject.tag, _tag_message(subject), environ)
        if pushing and not dry_run:
            push_tag(repository, subject.tag, environ)
    if call.release.push and not repository.remote:
        call.workshop.reporter.warn(
            Notice("the branch tracks no remote that the tag could be pushed to", "no-remote")
        )
    told = f"{subject.tag} on {short(repository.commit)}" if tagging else f"{subject.tag} is there already"
    told = f"would tag {told}" if dry_run and tagging else told
    if pushing:
        told += f", {'to be pushed' if dry_run else 'pushed'} to `{repository.remote}`"
    elif repository.remote and not subject.remote.tag and not call.release.push and not dry_run:
        told += f"; push it with `git push {repository.remote} {subject.tag}`"
    call.on_step(ReleaseStep("tag", told))
    return tagging, pushing


def _tag_message(subject: ReleaseSubject) -> str:
    """The tag's message: what it is, and what the changelog says of it."""
    entry = readiness.entry_of(subject.changelog, subject.version.value)
    title = f"{subject.name.value} {subject.version.value}\n"
    return f"{title}\n{entry.body}\n" if entry and entry.body else title
