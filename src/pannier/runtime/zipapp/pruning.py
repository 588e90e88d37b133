"""Unpacked programs of earlier versions, removed once nobody has used them for a month.

Only what a `.pyz` unpacked is looked at: each start leaves its time in `.pannier/used`.
"""

import contextlib
import fcntl
import os
import re
import shutil
import time
from typing import Iterator, Set

_DAYS = 30
_PREFIX = re.compile(r"[0-9a-f]{64}")


def prune(prefixes: str, identity: str, name: str) -> None:
    """Remove other prefixes of a program that were not used for `$PANNIER_KEEP_DAYS` days (30).

    Args:
        prefixes: The directory they lie in.
        identity: The one to keep.
        name: What the program is called.

    Raises:
        OSError: The directory cannot be read.
    """
    oldest = time.time() - 86400 * _days()
    stale = [
        one
        for one in os.listdir(prefixes)
        if one != identity and _PREFIX.fullmatch(one) and _is_stale(os.path.join(prefixes, one), name, oldest)
    ]
    if not stale:
        return
    busy = set(_busy(prefixes))
    for one in stale:
        if one not in busy:
            _remove(os.path.join(prefixes, one))


def _days() -> float:
    text = os.environ.get("PANNIER_KEEP_DAYS", "")
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else _DAYS


def _is_stale(prefix: str, name: str, oldest: float) -> bool:
    try:
        if os.stat(os.path.join(prefix, ".pannier/used")).st_mtime >= oldest:
            return False
        with open(os.path.join(prefix, ".pannier/head"), "rb") as stream:
            return b"\nname " + name.encode() + b"\n" in stream.read(4096)
    except OSError:
        return False


def _busy(prefixes: str) -> Iterator[str]:
    """Names of prefixes that processes run from, have open or mapped, or were started in."""
    below = os.fsencode(os.path.realpath(prefixes)) + b"/"
    for process in os.listdir("/proc"):
        if process.isdigit():
            for text in _traces(os.path.join("/proc", process)):
                for rest in text.split(below)[1:]:
                    yield rest[:64].decode("ascii", "replace")


def _traces(process: str) -> Set[bytes]:
    found = set()
    for name in ("environ", "maps", "cmdline"):
        with contextlib.suppress(OSError), open(os.path.join(process, name), "rb") as stream:
            found.add(stream.read())
    links = ["cwd", "exe"]
    with contextlib.suppress(OSError):
        links += [os.path.join("fd", number) for number in os.listdir(os.path.join(process, "fd"))]
    for link in links:
        with contextlib.suppress(OSError):
            found.add(os.fsencode(os.readlink(os.path.join(process, link))) + b"/")
    return found


def _remove(prefix: str) -> None:
    """Rename it away first, under its lock, so that nobody finds half of it."""
    descriptor = os.open(prefix + ".lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside = f"{prefix}.old.{os.getpid()}"
        os.rename(prefix, aside)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(descriptor)
