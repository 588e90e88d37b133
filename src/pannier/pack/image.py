"""What a package of a system holds: a prefix of its own below `/usr/lib`, and commands in `/usr/bin`.

One image serves every kind of package. With an interpreter inside, the prefix is as in a pack. Without, it is
a virtual environment of the system's `python3` (PEP 405), whose packages lie in `lib/python3`; links named
for each minor version that they are right for lead there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pannier.formats.python_reach import Reach
from pannier.formats.system_commands import format_system_command, script_start
from pannier.formats.wheels import (
    RecordEntry,
    format_record,
    parse_record,
    python_of_command,
    record_digest,
)
from pannier.model.errors import PackError
from pannier.model.events import Notice
from pannier.pack.clashes import find_clashes
from pannier.pack.contents import Item, Trace, item_of_bytes
from pannier.pack.plan import PackPlan, recipes_of
from pannier.pack.recipes import Recipe

# Links for Pythons to come: what nothing speaks against is linked this far.
_LAST_LINKED = 30
# Where the Python of the commands in `bin` lies, away from what is found in PATH.
COMMANDS = "libexec"
_SHARED_LIBRARY = re.compile(r"\.so(\.\d+)*$")
_LARGEST_COMMAND = 1 << 20
_SYSTEM_PYTHON = "../../../../bin/python3"
# Planned with all else, and left out: a package needs nothing that unpacks.
_RUNTIME = Path(__file__).parents[1] / "runtime"
_CONFIGURATION = b"home = /usr/bin\ninclude-system-site-packages = false\n"


class SystemFacts(NamedTuple):
    """What a package says of itself.

    Attributes:
        name: The package's.
        version: Of PEP 440.
        revision: Of the package made of that version.
        maintainer: Who answers for the package: name and address.
        summary: What it is, in a few words.
        description: Paragraphs.
        homepage: Empty for none.
        license: Its name or an SPDX expression; empty where nothing says.
        authors: Who wrote it, a line each.
        requires_python: The subject's own bound; empty for none.
        depends: More packages that it needs, as the system writes that.
        options: What is known of the arguments of its commands: spelling and meaning.
        date: Of all its files, in seconds since the epoch.
    """

    name: str
    version: str
    revision: str
    maintainer: str
    summary: str
    description: tuple[str, ...] = ()
    homepage: str = ""
    license: str = ""
    authors: tuple[str, ...] = ()
    requires_python: str = ""
    depends: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    date: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemImage:
    """The files of a package that all kinds have in common, open for reading.

    Attributes:
        prefix: Path of the prefix, without the leading slash.
        items: Below `usr/`.
        notices: What the user should know of files that several distributions wanted.
    """

    prefix: str
    items: tuple[Item, ...]
    notices: tuple[Notice, ...]


def prefix_of(name: str, plan: PackPlan) -> str:
    """Say where a package's prefix lies.

    Those of the two kinds are apart: a directory of one is a link in the other, and package managers do not
    turn one into the other.
    """
    return f"usr/lib/{name}/{'environment' if plan.interpreter is None else 'bundle'}"


@contextmanager
def opened_image(plan: PackPlan, name: str, reach: Reach | None) -> Iterator[SystemImage]:
    """Lay out the files of a plan; their contents can be read while the image is open.

    Args:
        plan: What to pack.
        name: The package's.
        reach: Minor versions that a prefix without interpreter serves; `None` with one.

    Raises:
        PackError: Something cannot be packed.
    """
    prefix = prefix_of(name, plan)
    recipes = [recipe for recipe in recipes_of(plan, _RUNTIME) if recipe.kind != "runtime"]
    with ExitStack() as opened:
        listed = [list(opened.enter_context(recipe.open()).items(None, frozenset())) for recipe in recipes]
        notices = _settle(recipes, listed)
        items = {item.name: item for items in listed for item in items}
        if plan.program and plan.program.files:
            items.pop(f"bin/{plan.program.command}", None)  # made anew in `/usr/bin`
        if reach is not None:
            items = {item.name: item for item in _host_items(items.values(), plan, reach)}
        elif plan.interpreter is not None:
            _link_interpreter(items, plan.interpreter.executable)
        _start_directly(items, f"/{prefix}")
        yield SystemImage(
            prefix=prefix,
            items=tuple(_below(prefix, items[place]) for place in sorted(items)),
            notices=tuple(notices),
        )


def _start_directly(items: dict[str, Item], prefix: str) -> None:
    """Part the commands in `bin` into shell and Python: in a package the prefix stays where it is put."""
    changed: dict[str, RecordEntry] = {}
    for name in [name for name in items if name.startswith("bin/")]:
        item = items[name]
        python = None
        if item.pieces is not None and item.size < _LARGEST_COMMAND:
            python = python_of_command(b"".join(item.pieces()))
        if python is not None:
            place = f"{COMMANDS}/{name.removeprefix('bin/')}"
            shell = format_system_command(prefix, script_start(prefix, place), ())
            items[place] = item_of_bytes(place, python)
            items[name] = item_of_bytes(name, shell, executable=True)
            changed[f"../../../{name}"] = RecordEntry(
                f"../../../{name}", record_digest(shell), str(len(shell))
            )
    for name in [name for name in items if changed and name.endswith(".dist-info/RECORD")]:
        items[name] = _corrected(items[name], changed)


def _corrected(record: Item, changed: Mapping[str, RecordEntry]) -> Item:
    entries = parse_record(b"".join(record.pieces() if record.pieces else ()).decode())
    if not any(entry.path in changed for entry in entries):
        return record
    text = format_record(changed.get(entry.path, entry) for entry in entries)
    return item_of_bytes(record.name, text.encode())


def _settle(recipes: Sequence[Recipe], listed: Sequence[list[Item]]) -> list[Notice]:
    """Take out of each list what another keeps; only what stands in two is read to compare."""
    seen: set[str] = set()
    several: set[str] = set()
    for items in listed:
        names = [item.name for item in items]
        several.update(name for name in names if name in seen)
        seen.update(names)
    traces = [
        [Trace(item.name, _content(item) if item.name in several else "") for item in items]
        for items in listed
    ]
    clashes = find_clashes([recipe.name for recipe in recipes], traces)
    for number, excluded in clashes.excluded.items():
        listed[number][:] = [item for item in listed[number] if item.name not in excluded]
    return clashes.notices


def _content(item: Item) -> str:
    import hashlib

    if item.pieces is None:
        return f"-> {item.link_target}"
    digest = hashlib.sha256()
    for piece in item.pieces():
        digest.update(piece)
    return f"{item.size} {digest.hexdigest()} {item.executable}"


def _host_items(items: Iterable[Item], plan: PackPlan, reach: Reach) -> Iterator[Item]:
    """The prefix of the system's own Python."""
    versioned = f"lib/python{plan.target.python_minor}/"
    for item in items:
        if item.name.startswith(versioned):
            item.name = f"lib/python3/{item.name.removeprefix(versioned)}"
        yield item
    yield item_of_bytes("pyvenv.cfg", _CONFIGURATION)
    yield Item("bin/python", link_target="python3")
    yield Item("bin/python3", link_target=_SYSTEM_PYTHON)
    for minor in range(reach.first, reach.end or _LAST_LINKED + 1):
        yield Item(f"lib/python3.{minor}", link_target="python3")


def _link_interpreter(items: dict[str, Item], executable: str) -> None:
    target = executable.removeprefix("bin/")
    for name in ("bin/python", "bin/python3"):
        if name != executable:
            items[name] = Item(name, link_target=target)


def _below(prefix: str, item: Item) -> Item:
    if _SHARED_LIBRARY.search(item.name):
        item.executable = False  # they are loaded, not started, whatever mode their makers left them
    item.name = f"{prefix}/{item.name}"
    return item


def directories_of(items: Iterable[Item]) -> list[str]:
    """List the directories that items lie in, parents first.

    Raises:
        PackError: A file stands where another needs a directory.
    """
    found: set[str] = set()
    names = set()
    for item in items:
        names.add(item.name)
        directory = item.name.rpartition("/")[0]
        while directory and directory not in found:
            found.add(directory)
            directory = directory.rpartition("/")[0]
    if both := sorted(found & names):
        raise PackError(
            f"`{both[0]}` would be a file and a directory", code="file-clash", facts={"places": both}
        )
    return sorted(found)


def check_unique(items: Sequence[Item]) -> None:
    """Refuse two items of one name, in a sequence sorted by it.

    Raises:
        PackError: There are.
    """
    for first, second in pairwise(items):
        if first.name == second.name:
            raise PackError(f"`{first.name}` would stand in one package twice", code="member-twice")
