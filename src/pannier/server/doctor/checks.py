"""What is right and wrong with an index: findings from what it answered. Pure; `probing` does the asking."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheels import normalize_project

State = Literal["good", "warning", "problem", "skipped"]
_PUBLISHED_HASHES = frozenset(("sha256", "sha384", "sha512", "blake2b"))


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        check: Its stable name.
        state: `problem` makes the command fail, `warning` does not; `skipped` could not be checked.
        message: One sentence.
        subjects: The projects, files or settings it is about.
        hint: What to do; empty where nothing is to be done.
    """

    check: str
    state: State
    message: str
    subjects: Sequence[str] = ()
    hint: str = ""


class Namesake(NamedTuple):
    """A project of the index that exists upstream too.

    Attributes:
        name: Normalized.
        version: The newest here.
        upstream_version: The newest upstream.
        shared: Files of upstream that the index offers under this name.
    """

    name: str
    version: str
    upstream_version: str
    shared: Sequence[str]


def check_namesakes(
    namesakes: Sequence[Namesake], count: int, unknown: Sequence[str], allowed: Sequence[str]
) -> list[Finding]:
    """Judge the names that exist upstream too.

    Args:
        namesakes: What was found.
        count: How many names were asked for.
        unknown: Names that upstream gave no answer on.
        allowed: Names that are meant to be in both.
    """
    meant = {normalize_project(name) for name in allowed}
    found = [namesake for namesake in namesakes if namesake.name not in meant]
    findings = [
        Finding(
            "names",
            "problem",
            f"{len(found)} of {count} projects also exist upstream, where others decide what they are",
            [f"{one.name} (here {one.version}, upstream {one.upstream_version})" for one in found],
            "let clients use this index alone, with `--index-url` and no `--extra-index-url`; "
            "`--allow NAME` if both are meant to be the same",
        )
        if found
        else Finding("names", "good", f"none of {count} projects exists upstream", sorted(meant))
    ]
    if unknown:
        findings.append(
            Finding(
                "names", "skipped", "upstream did not say whether these exist", unknown, "try again later"
            )
        )
    mixed = [namesake for namesake in found if namesake.shared]
    if mixed:
        findings.append(
            Finding(
                "mixing",
                "problem",
                "the index offers files of upstream under names of its own",
                [f"{one.name}: {one.shared[0]}" for one in mixed],
                "whoever owns the name upstream can publish to your clients: serve it from here only",
            )
        )
    return findings


def check_pages(pages: Mapping[str, ProjectPage]) -> list[Finding]:
    """Judge what the pages of an index say of their files."""
    files = [(name, file) for name, page in pages.items() for file in page.files]
    return [
        _judge(
            "hashes",
            "problem",
            [file for _, file in files if not _PUBLISHED_HASHES & set(file.hashes)],
            "files have no hash that clients can rely on",
            f"all {len(files)} files have hashes",
            "serve them with an index that hashes what it serves",
        ),
        _judge(
            "metadata",
            "warning",
            [file for _, file in files if file.filename.endswith(".whl") and file.metadata is None],
            "wheels come without their metadata, so that clients fetch each whole to learn what it needs",
            "every wheel's metadata can be had without the wheel",
            "use an index that serves it (PEP 658)",
        ),
        _judge(
            "upload-times",
            "warning",
            [file for _, file in files if not file.upload_time],
            "files do not say when they came, so that `--exclude-newer` finds nothing",
            "every file says when it came",
            "use an index that says so (PEP 700)",
        ),
        _judge(
            "file-names",
            "problem",
            [file for name, file in files if not normalize_project(file.filename).startswith(f"{name}-")],
            "files are on the page of a project that is not theirs",
            "every file is on its project's page",
            "clients ignore them: move them, or rename them",
        ),
    ]


def _judge(check: str, state: State, bad: Sequence[FileLink], wrong: str, right: str, hint: str) -> Finding:
    if not bad:
        return Finding(check, "good", right)
    return Finding(check, state, f"{len(bad)} {wrong}", [file.filename for file in bad], hint)


def check_clients(
    index_url: str, default_index: str, extra_indexes: Sequence[str], strategy: str
) -> list[Finding]:
    """Judge what pip and uv are set up for on this machine.

    Args:
        index_url: The index looked over.
        default_index: The index they use; empty for the one they are made with.
        extra_indexes: What is asked beside it.
        strategy: uv's index strategy; empty for its default.
    """
    findings = []
    if extra_indexes:
        findings.append(
            Finding(
                "extra-index-url",
                "warning",
                "pip or uv on this machine asks several indexes, and takes the highest version of any",
                extra_indexes,
                "configure one index, this one, with `index-url`; it can bring the rest with `--upstream`",
            )
        )
    if strategy.startswith("unsafe"):
        findings.append(
            Finding(
                "index-strategy",
                "warning",
                "uv on this machine mixes the versions of several indexes",
                [f"UV_INDEX_STRATEGY={strategy}"],
                "leave UV_INDEX_STRATEGY unset",
            )
        )
    if not findings:
        is_ours = default_index.rstrip("/") == index_url.rstrip("/")
        what = "this index and no other" if is_ours else "one index, which is not this one"
        findings.append(Finding("extra-index-url", "good", f"pip and uv on this machine use {what}"))
    return findings
