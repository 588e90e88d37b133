"""What pip says when it cannot resolve, as errors of ours."""

import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from pannier.formats.wheels import normalize_project
from pannier.lock.uv_errors import unknown_projects_error
from pannier.model.errors import BuildError, FetchError, LockError, PannierError
from pannier.model.target import Target
from pannier.store.redaction import redact

_NO_MATCH = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")
_REFUSED = re.compile(r"(40[13]) (?:Error|Client Error)[^\n]*?(https?://\S+)")
_BROKEN = re.compile(r"Retrying \(.*after connection broken by '(.*)': (\S+)")
_CONFLICT = ("ResolutionImpossible", "conflicting dependencies", "No matching distribution found")
_NOISE = ("DEPRECATION:", "Collecting ", "  Downloading ", "Looking in ", "Saved ", "  Using cached")
_DISCARDED = re.compile(
    r"Discarding \S*?/([A-Za-z0-9._-]+?)-(\d[^/\s-]*?)\.(?:tar\.\w+|tgz|zip) .*Command errored out"
)
_LAST_LINE = re.compile(r"^\S+ +(\S[^\n]*)\n\S+ WARNING: Discarding ", re.MULTILINE)
_TAIL = 15


def error_from_pip(
    output: str, log: str, target: Target, *, offline: bool = False, known: Collection[str] = ()
) -> PannierError:
    """Turn what pip wrote before it gave up into the error that fits.

    Args:
        output: What it printed.
        log: Its own log, which tells the links it saw.
        target: What it resolved for.
        offline: It had no index to ask.
        known: Projects that an index has, whatever pip saw of them.
    """
    text = redact(output)
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith(_NOISE)]
    said = [line.removeprefix("ERROR: ") for line in lines][-_TAIL:]
    if offline:
        return FetchError(
            "the requirements cannot be resolved offline: pip looks in local directories only",
            code="offline-not-cached",
            facts={"target": str(target), "pip says": said},
            hint="name a directory with the distributions with `--find-links`, or lock without `--offline`",
        )
    return (
        _network_error(text, said)
        or _unknown_error(text, redact(log), known, said)
        or _unbuilt_error(text, log, target)
        or _resolution_error(text, said, target)
        or LockError(
            "pip could not resolve the requirements",
            code="pip-failed",
            facts={"target": str(target), "pip says": said},
        )
    )


def _network_error(text: str, said: list[str]) -> PannierError | None:
    """An index that did not answer, or refused to."""
    if refused := _refusal(text, said):
        return refused
    if broken := _BROKEN.search(text):
        return FetchError(
            "an index could not be reached",
            code="index-unreachable",
            facts={"at": broken[2], "reason": broken[1]},
            hint="check the network, and the index's URL",
        )
    return None


def _refusal(text: str, said: list[str]) -> FetchError | None:
    found = _REFUSED.search(text)
    if found is None:
        return None
    url = found[2].rstrip("/")
    return FetchError(
        f"`{urlsplit(url).netloc.rpartition('@')[2]}` refused with HTTP status {found[1]}",
        code="index-refused",
        facts={"url": url, "pip says": said},
        hint="check the index's URL and the credentials for it",
    )


def _unknown_error(text: str, log: str, known: Collection[str], said: list[str]) -> PannierError | None:
    """Projects of which no index has anything, or none that lets us in: that stands in pip's log alone."""
    missing = dict.fromkeys(_NO_MATCH.findall(text))
    unknown = [name for name in missing if normalize_project(name) not in known and not _is_seen(name, log)]
    if not unknown:
        return None
    return _refusal(log, said) or unknown_projects_error(unknown)


def _unbuilt_error(text: str, log: str, target: Target) -> BuildError | None:
    """Projects whose releases are sdists that do not build here."""
    wanted = {normalize_project(name) for name in _NO_MATCH.findall(text)}
    tried = [release for release in _DISCARDED.findall(text) if normalize_project(release[0]) in wanted]
    return _nothing_builds(tried, log, target) if tried else None


def _resolution_error(text: str, said: list[str], target: Target) -> PannierError | None:
    """Requirements that contradict each other, or an sdist that does not say what it needs."""
    if any(sign in text for sign in _CONFLICT):
        return LockError(
            f"no set of versions satisfies the requirements for the target `{target}`",
            code="requirements-unsatisfiable",
            facts={"target": str(target), "pip says": said},
            hint="loosen one of the requirements named above",
        )
    if "Command errored out" in text:
        return BuildError(
            "an sdist could not be built to learn what it needs",
            facts={"output": said},
            hint="ask for a version that has a wheel for the target",
        )
    return None


def _nothing_builds(tried: Sequence[tuple[str, str]], log: str, target: Target) -> BuildError:
    """All releases that could be had are sdists, and telling what they need takes building them."""
    # The last line of each build stands before the one that gives it up, after an instant.
    reasons = dict.fromkeys(_LAST_LINE.findall(log))
    return BuildError(
        f"no release of `{tried[0][0]}` can be built here to learn what it needs",
        facts={
            "target": str(target),
            "tried": [" ".join(release) for release in dict.fromkeys(tried)],
            "reason": list(reasons),
        },
        hint="install what its build wants, or name another project with `--pkg-mapping`",
    )


def _is_seen(name: str, log: str) -> bool:
    """Whether pip saw any file of a project, be it none that fits."""
    spelled = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))
    return re.search(rf"(?i)(Found|Skipping) link.*/{spelled}[-/]", log) is not None
