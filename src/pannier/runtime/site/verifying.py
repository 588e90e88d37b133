"""Whether what is installed is what was installed: every file of a generation by its hash, and no others."""

import hashlib
import os
import stat
from typing import Any, Dict, List, Tuple

from pannier.runtime.errors import printable
from pannier.runtime.workers import Link, count_workers, run_jobs

from .environments import locate
from .layout import Site, minor_of, need_current
from .names import is_ours
from .pool import Entry, read_entry

_BATCH = 300
_CHUNK = 1 << 20


def verify(site: Site) -> Dict[str, Any]:
    """Check the generation in force.

    Returns:
        `files`: how many were checked; `problems`: each with `path` and `because`.

    Raises:
        ArchiveError: There is none, or its list of files cannot be read.
    """
    current = need_current(site)
    problems: List[Dict[str, str]] = []
    expected: List[Tuple[str, str, int]] = []
    for entry in current.environments:
        directory = os.path.join(site.generation(current.number), entry["name"])
        pooled = [read_entry(site, sha256, minor_of(entry)) for sha256 in entry["wheels"]]
        files, written = _expected_files(pooled, minor_of(entry))
        expected += [(os.path.join(directory, path), *record) for path, record in files.items()]
        problems += _find_strangers(directory, minor_of(entry), set(files) | written)
        if not os.access(os.path.join(directory, "bin", "python"), os.X_OK):
            problems.append({"path": os.path.join(directory, "bin", "python"), "because": "it cannot be run"})
    problems += _check_files(expected)
    for name in current.names:
        if not is_ours(site, current.value["bin"], name):
            path = os.path.join(current.value["bin"], name)
            problems.append({"path": path, "because": "it does not start this site's environment"})
    problems.sort(key=lambda problem: problem["path"])
    return {"generation": current.number, "files": len(expected), "problems": problems}


def _expected_files(pooled: List[Entry], minor: str) -> Tuple[Dict[str, Tuple[str, int]], "set[str]"]:
    """The files linked from the pool, by their path in the environment, and those written for it alone."""
    files: Dict[str, Tuple[str, int]] = {}
    written = set()
    for entry in pooled:
        for place, record in entry.files.items():
            path = locate(place, minor, entry.project)
            if place.startswith("scripts/"):
                written.add(path)
            else:
                files[path] = record
        info = locate("lib/" + entry.dist_info, minor, entry.project)
        written |= {"bin/" + name for name in entry.scripts} | {info + "/RECORD", info + "/INSTALLER"}
    for path in written & set(files):
        del files[path]
    return files, written


def _find_strangers(directory: str, minor: str, known: "set[str]") -> List[Dict[str, str]]:
    """Files among the packages that no wheel brought. Byte code that Python wrote later is none."""
    packages = os.path.join(directory, "lib", "python" + minor, "site-packages")
    problems = []
    for parent, _, names in os.walk(packages):
        for name in names:
            path = os.path.join(parent, name)
            is_known = os.path.relpath(path, directory) in known
            if not is_known and not name.endswith((".pyc", ".pyo")):
                problems.append({"path": path, "because": "no wheel of the lock brought it"})
    return problems


def _check_files(expected: List[Tuple[str, str, int]]) -> List[Dict[str, str]]:
    batches = [expected[start : start + _BATCH] for start in range(0, len(expected), _BATCH)]

    def check(number: int) -> List[Link]:
        checked = [(path, _judge(path, digest, size)) for path, digest, size in batches[number]]
        return [(path, because) for path, because in checked if because]

    workers = min(count_workers(), max(1, len(batches)))
    results = run_jobs(check, len(batches), workers, "", follow_parent=False)
    return [{"path": path, "because": because} for result in results for path, because in result]


def _judge(path: str, digest: str, size: int) -> str:
    """Why a file is not as it should be; empty when it is."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return "it is no file"
        if status.st_size != size:
            return f"it has {status.st_size} bytes, not {size}"
        found = hashlib.sha256()
        with open(path, "rb") as stream:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                found.update(chunk)
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return printable(error.strerror or str(error))
    return "" if found.hexdigest() == digest else "its content is another"
