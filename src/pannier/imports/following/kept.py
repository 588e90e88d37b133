"""A program as it was read last time, brought up to date instead of read again.

It is used only where it cannot be wrong. Of every directory that was listed and every file that was read the
size, times and inode have to be the same, and older than the reading by more than clocks and file systems are
coarse (git's rule for its index). Files that did change are read again, one by one. If one of them now wants
other files of the program than before, everything is read again.

docs/decisions/0048-kept-analyses.md says why.
"""

import hashlib
import marshal
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pannier import __version__
from pannier.imports.following.keeping import Keeper
from pannier.imports.following.local import Listing, as_listing
from pannier.imports.following.program import Program
from pannier.imports.following.roles import imported_first
from pannier.imports.following.units import Pending, SearchPath, Unit
from pannier.imports.scanning.file_scan import scan_file
from pannier.imports.scanning.plain import Plain, from_plain, to_plain
from pannier.model.analysis import Location, Problem

# FAT keeps times to two seconds; nothing in use is coarser.
_COARSEST_NS = 2_500_000_000
# With more changes than this, reading all on every core is faster.
_MOST_CHANGES = 100
# Hidden entries that decide something.
_HIDDEN = frozenset({".git", ".gitignore"})
_FORMAT = b"pannier-analysis 2\n"
_DIGEST_SIZE = 32
# Where `to_plain` has it.
_PYTHON2_LINE = 4

Signature = tuple[int, ...]


class _Kept(NamedTuple):
    inputs: dict[str, tuple[Signature | None, bytes]]
    listed: dict[str, int]
    units: list[Plain]
    unread: list[Plain]
    problems: list[Plain]


def read_kept(
    program: Program, keeper: Keeper, identity: tuple[object, ...], read: Callable[[], object]
) -> None:
    """Read a program, from what is kept of it where that still holds, and keep it for the next time.

    Args:
        program: The program, nothing added to it yet; filled.
        keeper: What keeps it.
        identity: Everything but files and directories that decides what is found.
        read: Reads the program from its sources.
    """
    name = hashlib.sha256(repr((_fingerprint(), identity)).encode("utf-8", "surrogateescape")).hexdigest()
    kept = _load(keeper.load(name))
    if kept is not None and _restore(program, kept):
        if program.changed:
            keeper.save(name, _dump(_updated(program, kept)))
        return
    started = time.time_ns()
    read()
    keeper.save(name, _dump(_taken(program, started)))


def _fingerprint() -> tuple[object, ...]:
    """What the reading itself is made of: another Pannier, another table, another Python read otherwise."""
    here = Path(__file__).parents[1]
    files = sorted([*here.rglob("*.py"), *(here / "data").iterdir(), *here.parent.glob("model/*.py")])
    return (__version__, sys.version, *((str(file), _signature(str(file))) for file in files))


def _signature(path: str) -> Signature:
    """What changes whenever a file's content or a directory's entries do; empty for what is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of files pass here
    except (OSError, ValueError):
        return ()
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


def _settled(path: str, started: int) -> Signature | None:
    """A signature that tells every later change; `None` when the last one is too fresh for that."""
    signature = _signature(path)
    if signature and max(signature[1], signature[2]) > started - _COARSEST_NS:
        return None
    return signature


def _load(content: bytes) -> _Kept | None:
    """What a kept content holds; `None` for none, and for one that is not ours or damaged."""
    if not content.startswith(_FORMAT):
        return None
    start = len(_FORMAT) + _DIGEST_SIZE
    if hashlib.sha256(content[start:]).digest() != content[len(_FORMAT) : start]:
        return None
    with suppress(EOFError, ValueError, TypeError):
        return _Kept(*marshal.loads(content[start:]))  # noqa: S302 - its digest says that it is whole
    return None


def _dump(kept: _Kept) -> bytes:
    content = marshal.dumps(tuple(kept))
    return _FORMAT + hashlib.sha256(content).digest() + content


def _taken(program: Program, started: int) -> _Kept:
    """A program that was just read, with a signature of everything that it was read from.

    A signature taken only now may be of something that changed meanwhile; but then it is too fresh to count.
    """
    directories = program.finder.directories
    listed = {path or os.curdir: _digest(directories.listing(path)) for path in directories.listed()}
    inputs = {**{path: _listing(path) for path in program.inputs - listed.keys()}, **listed}
    return _Kept(
        {path: (_settled(path, started), inputs[path]) for path in sorted(inputs)},
        program.listed,
        [_plain_unit(unit, _settled(unit.path, started)) for unit in program.units],
        [
            (path, _settled(path, started), tuple(map(_plain_problem, problems)))
            for path, problems in program.unread.items()
        ],
        [_plain_problem(problem) for problem in program.problems],
    )


def _listing(path: str) -> bytes:
    """A digest of what a directory holds, as far as it matters; empty for what is no directory.

    Editors and running programs put things beside what they work on that are none of ours.
    """
    try:
        with os.scandir(path) as found:
            return _digest(as_listing(found))
    except (OSError, ValueError):
        return b""


def _digest(listing: Listing) -> bytes:
    entries = sorted(listing.entries.items())
    kept = [
        (name, is_directory, name in listing.links)
        for name, is_directory in entries
        if name in _HIDDEN or not name.startswith((".", "__pycache__"))
    ]
    return hashlib.sha256(repr(kept).encode("utf-8", "surrogateescape")).digest()


def _holds(path: str, kept: tuple[Signature | None, bytes]) -> bool:
    """Whether an input is as it was: untouched, or a directory with the same entries all the same."""
    signature, listing = kept
    if signature is not None and _signature(path) == signature:
        return True
    return listing != b"" and _listing(path) == listing


def _plain_unit(unit: Unit, signature: Signature | None) -> Plain:
    reduced = unit.found._replace(scan=unit.found.scan._replace(sites=unit.external))
    mentioned = {name for site in unit.external for name in (*site.instead_of, *site.fallbacks)}
    return (
        unit.path,
        signature,
        to_plain(reduced),
        unit.root,
        unit.name,
        unit.level,
        tuple(unit.search),
        # Whether a module beside the packages is imported, its bare name tells.
        tuple(sorted(name for name in unit.local_modules if name in mentioned or "." not in name)),
        imported_first(unit),
        tuple(sorted(unit.requests.items())),
        unit.is_thorough,
    )


def _plain_problem(problem: Problem) -> Plain:
    return (tuple(problem.location), problem.message, problem.code)


def _problem(plain: Plain) -> Problem:
    return Problem(Location(*plain[0]), plain[1], plain[2])


def _restore(program: Program, kept: _Kept) -> bool:
    """Fill a program with what is kept; `False`, and nothing filled, when that does not hold any more."""
    if not all(_holds(path, state) for path, state in kept.inputs.items()):
        return False
    program.listed = kept.listed
    program.tell_python2(plain[2][_PYTHON2_LINE] for plain in kept.units)
    if any(_signature(path) != signature for path, signature, _ in kept.unread):
        return False
    changed = [plain[0] for plain in kept.units if plain[1] is None or _signature(plain[0]) != plain[1]]
    if len(changed) > _MOST_CHANGES:
        return False
    fresh: dict[str, Unit] = {}
    started = time.time_ns()
    by_path = {plain[0]: plain for plain in kept.units} if changed else {}
    for path in changed:
        unit = _read_again(program, by_path[path])
        if unit is None:
            return False
        fresh[path] = unit
    program.units = [fresh.get(plain[0]) or _unit(plain) for plain in kept.units]
    program.problems = [_problem(plain) for plain in kept.problems]
    program.unread = {path: tuple(map(_problem, problems)) for path, _, problems in kept.unread}
    program.changed = {path: (unit, started) for path, unit in fresh.items()}
    return True


def _unit(plain: Plain) -> Unit:
    path, _, found, root, name, level, search, local_modules, imported, requests, is_thorough = plain
    scanned = from_plain(found)
    assert scanned.source is not None
    unit = Unit(scanned, scanned.source, Pending(path, root, level, SearchPath(*search)), name)
    unit.local_modules = set(local_modules)
    unit.imported = imported
    unit.requests = dict(requests)
    unit.is_thorough = is_thorough
    return unit


def _read_again(program: Program, plain: Plain) -> Unit | None:
    """Read a file that changed; `None` when more than its own imports depends on the change."""
    old = _unit(plain)
    found = scan_file(old.path, program.scan_options._replace(is_thorough=old.is_thorough))
    if found.source is None:
        return None
    unit = Unit(found, found.source, Pending(old.path, old.root, old.level, old.search), old.name)
    unit.is_thorough = old.is_thorough
    program.follow(unit)
    is_same = unit.requests == old.requests and found.scan.directories == old.found.scan.directories
    return unit if is_same else None


def _updated(program: Program, kept: _Kept) -> _Kept:
    units: list[Any] = []
    for plain in kept.units:
        changed = program.changed.get(plain[0])
        units.append(plain if changed is None else _plain_unit(changed[0], _settled(plain[0], changed[1])))
    return kept._replace(units=units)
