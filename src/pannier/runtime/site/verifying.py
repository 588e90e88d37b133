"""Whether what is installed is what was installed: every file of a generation by its hash, and no others."""

import os
import re
from typing import Any, Dict, List, NamedTuple, Set

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.workers import Link, count_workers, run_jobs

from .environments import locate
from .installer import FRONT_NAME, find_installer
from .layout import GENERATION_NAME, Generation, Site, interpreter_key, minor_of, need_current
from .listing import LISTING_NAME, Made, judge, read_listing, read_summed, walk
from .names import find_names, is_ours
from .pool import WHEEL_LISTING, read_entry

_BATCH = 300
_CACHED = re.compile(r"(.*/|)__pycache__/([^/]+?)\.[a-z]+-[0-9]+(?:\.opt-[12])?\.pyc\Z", re.DOTALL)


def verify(site: Site) -> Dict[str, Any]:
    """Check the generation in force, and all that it needs of the site: wheels, interpreters, the installer.

    Returns:
        `files`: how many were checked; `problems`: each with `path` and `because`.

    Raises:
        ArchiveError: There is none.
    """
    current = need_current(site)
    check = _Check(site)
    check.add_generation(current)
    for entry in current.environments:
        if entry["interpreter"]["kind"] == "bundled":
            check.add_listed(os.path.join(site.interpreters, interpreter_key(entry["interpreter"]["file"])))
    check.add_installer()
    check.add_names(current)
    problems = [{"path": printable(path), "because": because} for path, because in check.finish()]
    return {"generation": current.number, "files": check.count, "problems": problems}


class _Expected(NamedTuple):
    """What has to lie at a path, and where else links to the same file, or copies of it, were made."""

    path: str
    made: Made
    links: List[str]


class _Check:
    """Gathers what has to be where, and holds the disk against it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._expected: Dict[str, _Expected] = {}
        # What may lie below a directory, by path relative to it.
        self._known: Dict[str, Set[str]] = {}
        self._problems: Set[Link] = set()

    @property
    def count(self) -> int:
        """How many paths are checked."""
        return sum(1 + len(one.links) for one in self._expected.values())

    def add_generation(self, current: Generation) -> None:
        """Everything in a generation, and the wheels that it is made of."""
        root = self._site.generation(current.number)
        try:
            read_summed(os.path.join(root, GENERATION_NAME))
        except ArchiveError as error:
            self._add_problem(error)
        self.add_listed(root)
        links: Dict[str, str] = {}
        for environment in current.environments:
            directory = os.path.join(root, environment["name"])
            for sha256 in environment["wheels"]:
                links.update(self._add_wheel(sha256, minor_of(environment), directory))
            python = os.path.join(directory, "bin", "python")
            if os.path.islink(python) and not os.access(python, os.X_OK):
                self._problems.add((python, "its interpreter is gone"))
        for path, origin in links.items():
            # Where two have a file of one name, the later is there; what was made alone is listed already.
            if path not in self._expected:
                self._expected[origin].links.append(path)
        if root in self._known:
            self._known[root].update({GENERATION_NAME}, (os.path.relpath(path, root) for path in links))

    def _add_wheel(self, sha256: str, minor: str, directory: str) -> Dict[str, str]:
        """A wheel in the pool; return where an environment has its files: path to the path in the pool."""
        pooled = self._site.pooled(sha256, minor)
        try:
            entry = read_entry(self._site, sha256, minor)
        except ArchiveError as error:
            self._add_problem(error)
            return {}
        self._known[pooled] = set(entry.files) | {WHEEL_LISTING}
        links = {}
        for place, (digest, size) in entry.files.items():
            path = os.path.join(pooled, place)
            made = Made(digest, size, place in entry.executables, "")
            self._expected.setdefault(path, _Expected(path, made, []))
            if not place.startswith("scripts/"):
                links[os.path.join(directory, locate(place, minor, entry.project))] = path
        return links

    def add_listed(self, root: str) -> None:
        """A directory with a list of what is in it."""
        try:
            listing = read_listing(os.path.join(root, LISTING_NAME))
        except ArchiveError as error:
            self._add_problem(error)
            return
        self._known[root] = set(listing) | {LISTING_NAME}
        for name, made in listing.items():
            path = os.path.join(root, name)
            self._expected[path] = _Expected(path, made, [])

    def add_installer(self) -> None:
        """The copy of this program, and the link that starts it."""
        directory = find_installer(self._site)
        if directory:
            self.add_listed(directory)
        else:
            front = os.path.join(self._site.prefix, FRONT_NAME)
            self._problems.add((front, "it does not start this site's installer"))

    def add_names(self, current: Generation) -> None:
        """The names in `bin`: all that there should be, and no others; and the link behind them."""
        directory = current.value["bin"]
        if os.readlink(self._site.current) != f"generations/{current.number}":
            self._problems.add((self._site.current, "it leads elsewhere"))
        for name in current.names:
            if not is_ours(self._site, directory, name):
                self._problems.add(
                    (os.path.join(directory, name), "it does not start this site's environment")
                )
        for name in set(find_names(self._site, directory)) - set(current.names):
            self._problems.add((os.path.join(directory, name), "no environment in force has this name"))

    def _add_problem(self, error: ArchiveError) -> None:
        self._problems.add((str(error.facts["path"]), str(error.facts["because"])))

    def finish(self) -> List[Link]:
        """Look at the disk; return all that is wrong, by path."""
        for root, known in self._known.items():
            self._problems.update(
                (os.path.join(root, path), _STRANGER) for path in _find_strangers(root, known)
            )
        self._problems.update(_check_files(list(self._expected.values())))
        return sorted(self._problems)


_STRANGER = "nothing that was installed brought it"


def _find_strangers(root: str, known: Set[str]) -> List[str]:
    """What lies below a directory and was not put there; byte code that Python wrote later is no stranger."""
    try:
        return [path for path in walk(root) if path not in known and _source_of(path) not in known]
    except OSError:
        # What cannot be listed cannot be read either, and that is said of each file.
        return []


def _source_of(path: str) -> str:
    """The module that a file is byte code of, by its name; empty when it is none."""
    cached = _CACHED.match(path)
    if cached:
        return cached.group(1) + cached.group(2) + ".py"
    # Python 2.7's lies beside it.
    return path[:-1] if path.endswith((".pyc", ".pyo")) else ""


def _check_files(expected: List[_Expected]) -> List[Link]:
    batches = [expected[start : start + _BATCH] for start in range(0, len(expected), _BATCH)]

    def check(number: int) -> List[Link]:
        return [problem for one in batches[number] for problem in _check_copies(one)]

    workers = min(count_workers(), max(1, len(batches)))
    results = run_jobs(check, len(batches), workers, "", follow_parent=False)
    return [problem for result in results for problem in result]


def _check_copies(one: _Expected) -> List[Link]:
    """Check a file and what is linked to it, reading what they share once."""
    verdicts: Dict[object, str] = {}
    problems = []
    for path in [one.path] + one.links:
        try:
            status = os.lstat(path)
            key: object = (status.st_dev, status.st_ino)
        except OSError:
            key = path
        if key not in verdicts:
            verdicts[key] = judge(path, one.made)
        if verdicts[key]:
            problems.append((path, verdicts[key]))
    return problems
