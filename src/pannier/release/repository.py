"""The git repository of a project: whether others have what is there, and tagging it. git does the work."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.model.errors import ReleaseError
from pannier.model.release import Problem

_SHORT = 10


class Repository(NamedTuple):
    """What git says of the tree a project lies in.

    Attributes:
        directory: Any directory in it.
        commit: Whole name of the commit that is checked out; empty in a repository without one.
        commit_time: When it was committed, in seconds since 1970.
        branch: Empty where none is checked out.
        remote: What the branch tracks: name of the remote; empty for nothing.
        remote_branch: The branch's name there.
        has_remotes: There is any remote.
        changed: Paths that are changed, added or not known to git.
    """

    directory: Path
    commit: str
    commit_time: int
    branch: str
    remote: str
    remote_branch: str
    has_remotes: bool
    changed: tuple[str, ...]


class RemoteState(NamedTuple):
    """What the remote has of the branch and the tag, asked now.

    Attributes:
        commit: That its branch points to; empty where it has no such branch.
        tag: Commit of its tag; empty where it has no such tag.
        reason: Why it could not be asked; empty where it answered.
    """

    commit: str = ""
    tag: str = ""
    reason: str = ""


def read_repository(directory: Path, environ: Mapping[str, str]) -> Repository | None:
    """Read the state of the repository around a directory; `None` where there is none.

    Raises:
        ReleaseError: git is not there, or cannot read the repository.
    """
    inside = _git(directory, environ, "rev-parse", "--is-inside-work-tree", check=False)
    if inside.returncode != 0:
        if "not a git repository" in inside.stderr:
            return None
        raise _git_failed("rev-parse", inside.stderr)
    commit, commit_time = _head(directory, environ)
    branch = _git(
        directory, environ, "symbolic-ref", "--quiet", "--short", "HEAD", check=False
    ).stdout.strip()
    status = _git(directory, environ, "status", "--porcelain=v1", "-z", "--untracked-files=normal").stdout
    return Repository(
        directory=directory,
        commit=commit,
        commit_time=commit_time,
        branch=branch,
        remote=_configured(directory, environ, f"branch.{branch}.remote") if branch else "",
        remote_branch=_configured(directory, environ, f"branch.{branch}.merge") if branch else "",
        has_remotes=bool(_git(directory, environ, "remote").stdout.strip()),
        changed=_parse_status(status),
    )


def ask_remote(repository: Repository, tag: str, environ: Mapping[str, str]) -> RemoteState:
    """Ask the remote that the branch tracks for its commit and its tag; nothing here is changed by that."""
    tag_name = f"refs/tags/{tag}"
    wanted = [repository.remote_branch, tag_name, f"{tag_name}^{{}}"]
    answer = _git(
        repository.directory, environ, "ls-remote", "--quiet", repository.remote, *wanted, check=False
    )
    if answer.returncode != 0:
        return RemoteState(reason=_last_line(answer.stderr))
    found = {
        name: commit for commit, _, name in (line.partition("\t") for line in answer.stdout.splitlines())
    }
    return RemoteState(
        commit=found.get(repository.remote_branch, ""),
        tag=found.get(f"{tag_name}^{{}}", found.get(tag_name, "")),
    )


def find_tag(repository: Repository, tag: str, environ: Mapping[str, str]) -> str:
    """The commit that a tag of this repository points to; empty for no such tag."""
    name = f"refs/tags/{tag}^{{commit}}"
    return _git(
        repository.directory, environ, "rev-parse", "--quiet", "--verify", name, check=False
    ).stdout.strip()


def is_valid_tag(repository: Repository, tag: str, environ: Mapping[str, str]) -> bool:
    """Whether git allows such a name."""
    return (
        _git(repository.directory, environ, "check-ref-format", f"refs/tags/{tag}", check=False).returncode
        == 0
    )


def repository_problems(
    repository: Repository, remote: RemoteState, environ: Mapping[str, str]
) -> list[Problem]:
    """Say what keeps others from having exactly what is checked out here."""
    problems = []
    if repository.changed:
        problems.append(
            Problem(
                "tree",
                f"{_listed(repository.changed)} not committed",
                "commit them, or have git ignore what is no source",
            )
        )
    if not repository.commit:
        return [*problems, Problem("commit", "nothing is committed yet", "commit what is to be released")]
    if not repository.branch:
        problems.append(
            Problem(
                "branch", f"none is checked out, but commit {short(repository.commit)}", "`git switch` to one"
            )
        )
    elif not repository.remote and repository.has_remotes:
        remedy = f"push it with `git push -u REMOTE {repository.branch}`"
        problems.append(Problem("branch", f"`{repository.branch}` tracks no branch of a remote", remedy))
    elif repository.remote:
        problems += _behind_or_ahead(repository, remote, environ)
    return problems


def tag_problems(repository: Repository, tag: str, local: str, remote: RemoteState) -> list[Problem]:
    """Say where the tag stands on another commit than the one checked out."""
    places = ((local, "here"), (remote.tag, f"on `{repository.remote}`"))
    wrong = [f"{short(commit)} {where}" for commit, where in places if commit and commit != repository.commit]
    if not wrong:
        return []
    sentence = f"`{tag}` is on {' and '.join(wrong)}, not on {short(repository.commit)}, which is checked out"
    return [Problem("tag", sentence, "give what is checked out a new version, or check the tag out")]


def _behind_or_ahead(
    repository: Repository, remote: RemoteState, environ: Mapping[str, str]
) -> list[Problem]:
    place = f"`{repository.branch}` of `{repository.remote}`"
    if remote.reason:
        return [
            Problem("branch", f"`{repository.remote}` cannot be asked: {remote.reason}", "check the network")
        ]
    if remote.commit == repository.commit:
        return []
    if not remote.commit:
        return [Problem("branch", f"{place} is not there", "push it with `git push`")]
    ahead = _git(repository.directory, environ, "rev-list", "--count", f"{remote.commit}..HEAD", check=False)
    is_ancestor = _git(
        repository.directory, environ, "merge-base", "--is-ancestor", remote.commit, "HEAD", check=False
    )
    if is_ancestor.returncode == 0:
        count = ahead.stdout.strip()
        what = "1 commit here is" if count == "1" else f"{count} commits here are"
        return [Problem("branch", f"{what} not pushed to {place}", "push with `git push`")]
    return [
        Problem(
            "branch", f"{place} has {short(remote.commit)}, which is not in the one here", "`git pull` first"
        )
    ]


def untracked_of(repository: Repository, names: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Those files of an sdist that git does not know, what backends generate left out."""
    listed = _git(repository.directory, environ, "ls-files", "-z").stdout
    tracked = set(listed.split("\0"))
    generated = {"PKG-INFO", "setup.cfg", "setup.py"}
    return [
        name for name in names if name not in tracked and name not in generated and ".egg-info/" not in name
    ]


def make_tag(repository: Repository, tag: str, message: str, environ: Mapping[str, str]) -> None:
    """Put an annotated tag on the commit; git signs it where `tag.gpgSign` says so.

    Raises:
        ReleaseError: git did not make it.
    """
    arguments = ["tag", "--annotate", "--cleanup=whitespace", "--file=-", tag, repository.commit]
    done = _git(repository.directory, environ, *arguments, check=False, stdin=message)
    if done.returncode != 0:
        raise ReleaseError(
            f"the tag `{tag}` could not be made",
            code="tag-failed",
            facts={"git": _last_line(done.stderr), "done before": "the upload, verified"},
            hint="correct it and run the same command again: what is done is not done twice",
        )


def push_tag(repository: Repository, tag: str, environ: Mapping[str, str]) -> None:
    """Push the tag to the remote that the branch tracks.

    Raises:
        ReleaseError: The remote did not take it.
    """
    done = _git(
        repository.directory, environ, "push", "--quiet", repository.remote, f"refs/tags/{tag}", check=False
    )
    if done.returncode != 0:
        raise ReleaseError(
            f"the tag `{tag}` could not be pushed to `{repository.remote}`",
            code="tag-failed",
            facts={
                "git": _last_line(done.stderr),
                "done before": "the upload, and the tag here",
            },
            hint=f"push it with `git push {repository.remote} {tag}`",
        )


def short(commit: str) -> str:
    """A commit's name as people write it."""
    return commit[:_SHORT]


def _head(directory: Path, environ: Mapping[str, str]) -> tuple[str, int]:
    answer = _git(directory, environ, "log", "-1", "--no-show-signature", "--format=%H %ct", check=False)
    commit, _, seconds = answer.stdout.strip().partition(" ")
    return commit, int(seconds or 0)


def _configured(directory: Path, environ: Mapping[str, str], name: str) -> str:
    return _git(directory, environ, "config", "--get", name, check=False).stdout.strip()


def _parse_status(output: str) -> tuple[str, ...]:
    """The paths of `git status --porcelain=v1 -z`; a renamed one is followed by its old name."""
    fields = iter(output.split("\0"))
    paths = []
    for field in fields:
        if field:
            paths.append(field[3:])
            if field[0] in "RC":
                next(fields, None)
    return tuple(paths)


def _listed(paths: Sequence[str]) -> str:
    shown = ", ".join(f"`{path}`" for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{shown}{more} {'is' if len(paths) == 1 else 'are'}"


def _git(
    directory: Path, environ: Mapping[str, str], *arguments: str, check: bool = True, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    # Its words are matched, so they must not be translated; a hook we are started from must not redirect it.
    kept = {
        name: value
        for name, value in environ.items()
        if name not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    }
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env={**kept, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0"},
            input=os.fsencode(stdin),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise ReleaseError(
            "git, which tells what is released, is not installed", code="git-failed", hint="install git"
        ) from None
    stdout, stderr = (output.decode("utf-8", "surrogateescape") for output in (done.stdout, done.stderr))
    if check and done.returncode != 0:
        raise _git_failed(arguments[0], stderr)
    return subprocess.CompletedProcess(done.args, done.returncode, stdout, stderr)


def _git_failed(action: str, stderr: str) -> ReleaseError:
    return ReleaseError(
        f"`git {action}` failed",
        code="git-failed",
        facts={"git": _last_line(stderr)},
        hint="see `git status`",
    )


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "gpg:"))]
    return (telling or lines or ["it said nothing"])[0 if telling else -1]
