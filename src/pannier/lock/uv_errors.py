"""What uv says when it cannot resolve, as errors of ours."""

import errno
import os
import re
from urllib.parse import urlsplit

from pannier.lock.old_builds import build_hint
from pannier.model.errors import (
    BuildError,
    FetchError,
    LockError,
    NoCompatibleWheelError,
    PannierError,
    StorageError,
)
from pannier.model.target import Target
from pannier.store.redaction import redact

_UNKNOWN = re.compile(r"(?:Because|because|and) (\S+) was not found in the (?:package registry|provided)")
_NOT_CACHED = re.compile(r"(\S+) was not found in the cache")
_URL = re.compile(r"(?:Failed to fetch: `?|for url \()(\S+?)[`)\s]*$", re.MULTILINE)
_STATUS = re.compile(r"HTTP status (?:client|server) error \(([^)]*)\)")
_UNAUTHORIZED = re.compile(r"An index URL \((\S+)\) could not be queried due to .*?\((40[13] \w+)\)")
_NO_WHEEL = re.compile(
    r"no wheels? with a matching|no usable wheels|building source distributions is disabled|"
    r"has no wheels|no source distribution|only binary|no-build"
)
_CONNECTION = (
    "error sending request",
    "client error (Connect)",
    "dns error",
    "Connection refused",
    "timed out",
)
_FAILED_BUILD = re.compile(r"Failed to build `([^`]+)`")
_TAIL = 15
_REASON = 2


def unknown_projects(stderr: str) -> list[str]:
    """Name the projects that uv found on no index; it stops at the first, so one is the rule."""
    text = _one_line(stderr)
    # uv goes on to the next index after a 401 or 403, and then says that it found nothing.
    return [] if _UNAUTHORIZED.search(text) else list(dict.fromkeys(_UNKNOWN.findall(text)))


def unknown_projects_error(names: list[str]) -> LockError:
    """Say which projects no index has."""
    what = f"`{names[0]}` is" if len(names) == 1 else f"{len(names)} projects are"
    return LockError(
        f"{what} on no index that was asked",
        code="project-unknown",
        facts={"unknown": [f"`{name}`" for name in names]},
        hint="check the spelling and the credentials of the index, or name another with `--extra-index-url`",
    )


def error_from_uv(stderr: str, target: Target) -> PannierError:
    """Turn what uv wrote before it gave up into the error that fits."""
    text = redact(stderr).strip()
    line = _one_line(text)
    if missing := list(dict.fromkeys(_NOT_CACHED.findall(line))):
        return _not_cached(missing, line, target)
    if "network was disabled" in line or "Network connectivity is disabled" in line:
        return _not_cached([], line, target)
    if refused := _UNAUTHORIZED.search(line):
        return _refused(refused[1], refused[2], "the index wants credentials, or others than these")
    if os.strerror(errno.ENOSPC) in line:
        return StorageError(
            "no space is left for what uv keeps of an index",
            code="disk-full",
            facts={"uv says": _explanation(text)},
            hint="free some space, or name a roomier place with `--cache-dir`",
        )
    if any(sign in text for sign in _CONNECTION) or _STATUS.search(text):
        return _fetch_error(text)
    if names := unknown_projects(text):
        return unknown_projects_error(names)
    if "Failed to build" in text or "Build backend" in text or "build_wheel" in text:
        return _build_error(text)
    explanation = _explanation(text)
    if "No solution found" in text and _NO_WHEEL.search(line):
        return NoCompatibleWheelError(
            f"a project that is needed has no wheel for the target `{target}`",
            facts={"target": str(target), "uv says": explanation},
            hint="choose another `--python` or `--platform`, or another version of the project",
        )
    if "No solution found" in text:
        return LockError(
            f"no set of versions satisfies the requirements for the target `{target}`",
            code="requirements-unsatisfiable",
            facts={"target": str(target), "uv says": explanation},
            hint="loosen one of the requirements named above",
        )
    facts = {"target": str(target), "uv says": explanation}
    return LockError("uv could not resolve the requirements", code="uv-failed", facts=facts)


def _not_cached(names: list[str], line: str, target: Target) -> FetchError:
    facts: dict[str, str | list[str]] = {"target": str(target)}
    if names:
        facts["not in the cache"] = [f"`{name}`" for name in names]
    else:
        facts["uv says"] = line
    return FetchError(
        "the requirements cannot be resolved offline: the cache does not know enough",
        code="offline-not-cached",
        facts=facts,
        hint="lock once with the network, without `--offline`",
    )


def _fetch_error(text: str) -> FetchError:
    urls = [found.rstrip("`)") for found in _URL.findall(text)]
    url = urls[0] if urls else ""
    host = urlsplit(url).netloc.rpartition("@")[2] or "the index"
    causes = [line.strip().removeprefix("cause: ") for line in text.splitlines() if "cause:" in line]
    reason = causes[-1] if causes else _one_line(text)
    if status := _STATUS.search(text):
        return _refused(url, status[1], reason)
    return FetchError(
        f"`{host}` could not be reached",
        code="index-unreachable",
        facts={"host": host, "url": url, "reason": reason},
        hint="check the network, or work from the cache with `--offline`",
    )


def _refused(url: str, status: str, reason: str) -> FetchError:
    host = urlsplit(url).netloc.rpartition("@")[2] or "the index"
    return FetchError(
        f"`{host}` refused with HTTP status {status}",
        code="index-refused",
        facts={"url": url, "reason": reason},
        hint="check the index's URL and the credentials for it",
    )


def _build_error(text: str) -> BuildError:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("hint:")]
    failed = _FAILED_BUILD.search(_one_line(text))
    name = failed[1] if failed else ""
    what = f"`{name.partition(' @ ')[0]}`" if name else "an sdist"
    hint = "ask for a version that has a wheel for the target"
    if " @ file:" in name:
        hint = "mend what its build tool complains of"
    return BuildError(
        f"{what} could not be built to learn what it needs",
        # Why stands at the end, where a traceback has it.
        facts={"reason": [line.strip() for line in lines[-_REASON:]], "output": lines[-_TAIL:]},
        hint=build_hint(text) or hint,
    )


def _explanation(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [
        line.removeprefix("cause: ").removeprefix("error: ") for line in lines if "No solution" not in line
    ]
    return [line for line in told if not line.startswith("warning:")] or lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
