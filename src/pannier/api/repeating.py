"""Packing a lock again: a pack is remembered by all that decides it, and then only copied."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.subjects import Subject
from pannier.api.targets import Surroundings
from pannier.api.workshop import Workshop

if TYPE_CHECKING:
    from pannier.pack.assembly import Assembly
    from pannier.pack.writer import WrittenPack


def request_of(subject: Subject, wishes: Sequence[str | None]) -> str:
    """A digest of all that was asked for, by whichever code; empty for what is not remembered.

    Only a lock says by itself what goes into its pack; everything else has files of the user's own, which may
    have changed.

    Args:
        subject: What is packed.
        wishes: Everything else that was said of the pack, in an order that stays.
    """
    if subject.kind != "lock":
        return ""
    lock = hashlib.sha256(subject.path.read_bytes()).hexdigest()
    return _digest([lock, subject.name, *wishes, *_code_stamps()])


def find_again(request: str, look: Callable[[str], Surroundings], workshop: Workshop) -> "Assembly | None":
    """What the pack asked for was put together from, when that would come out the same now.

    Args:
        request: What `request_of` calls it.
        look: Chooses the interpreter by what the lock demands of it.
        workshop: Settings and cache.

    Raises:
        InterpreterError: No interpreter fits any more.
    """
    from pannier.pack.repeats import find_repeat

    repeat = find_repeat(workshop.directories.layers, request) if request else None
    if repeat is None:
        return None
    return repeat.assembly if _name_of(look(repeat.specifier)) == repeat.surroundings else None


def remember(
    request: str, written: "WrittenPack", specifier: str, surroundings: Surroundings, workshop: Workshop
) -> None:
    """Keep what was made for a request, unless it came with warnings, which must come each time."""
    from pannier.pack.repeats import Repeat, keep_repeat

    if request and not written.has_notices:
        repeat = Repeat(written.assembly, specifier, _name_of(surroundings))
        keep_repeat(workshop.directories.layers, request, repeat)


def _name_of(surroundings: Surroundings) -> str:
    """A digest of the target, the interpreter that compiles, and the copy that is carried."""
    from pannier.pack.bytecode import compiler_of

    compiler = compiler_of(surroundings.interpreter) if surroundings.interpreter else None
    tree = surroundings.tree
    carried = [tree.fingerprint, tree.version, tree.executable, str(tree.platform)] if tree else None
    return _digest([str(surroundings.target), compiler, carried])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _code_stamps() -> Iterator[tuple[str, int, int]]:
    """Names, sizes and times of our own files: other code may make other packs, and some of it travels."""
    package = Path(__file__).parents[1]
    for directory in sorted(entry.path for entry in os.scandir(package) if entry.is_dir()):
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith((".py", ".sh")):
                    facts = entry.stat()
                    yield entry.path, facts.st_size, facts.st_mtime_ns
