"""Packing a lock again: a pack is remembered by all that decides it, and then only copied."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pannier import __version__
from pannier.api.subjects import Subject
from pannier.api.workshop import Workshop
from pannier.model.manifest import Manifest

if TYPE_CHECKING:
    from pannier.api.targets import Surroundings
    from pannier.formats.pack_forms import Form
    from pannier.pack.writer import WrittenPack

_PACKAGE = Path(__file__).parents[1]


class _OutdatedError(Exception):
    """What is remembered is not what would come out now."""


def request_of(subject: Subject, wishes: Sequence[str | None]) -> str:
    """A digest of all that was asked for, and of whom; empty for what is not remembered.

    Only a lock says by itself what goes into its pack; everything else has files of the user's own, which may
    have changed.

    Args:
        subject: What is packed.
        wishes: Everything else that was said of the pack, in an order that stays.
    """
    if subject.kind != "lock":
        return ""
    lock = hashlib.sha256(subject.path.read_bytes()).hexdigest()
    return _digest([lock, subject.name, *wishes, __version__, str(_PACKAGE)])


def write_again(
    request: str, output: Path, form: "Form", look: "Callable[[str], Surroundings]", workshop: Workshop
) -> tuple[Manifest, int] | None:
    """Write the pack asked for once more, and return what is in it and its size.

    The interpreter and our own files are looked at while the bytes are copied already, and the pack appears
    only when they are what they were; else, or when the pack is not remembered, `None` is returned.

    Args:
        request: What `request_of` calls it.
        output: The file to write, whole or not at all.
        form: What it is to be.
        look: Chooses the interpreter by what the lock demands of it.
        workshop: Settings and cache.

    Raises:
        InterpreterError: No interpreter fits any more.
        StorageError: The pack cannot be written.
    """
    from pannier.pack.forms import writer_of
    from pannier.pack.repeats import find_repeat

    repeat = find_repeat(workshop.directories.layers, request) if request else None
    if repeat is None:
        return None

    def confirm() -> None:
        if _name_of(look(repeat.specifier)) != repeat.surroundings:
            raise _OutdatedError

    try:
        _, size = writer_of(form)(repeat.assembly, output, workshop.reporter, confirm)
    except _OutdatedError:
        return None
    return repeat.assembly.manifest, size


def remember(
    request: str, written: "WrittenPack", specifier: str, surroundings: "Surroundings", workshop: Workshop
) -> None:
    """Keep what was made for a request, unless it came with warnings, which must come each time."""
    from pannier.pack.repeats import Repeat, keep_repeat

    if request and not written.has_notices:
        repeat = Repeat(written.assembly, specifier, _name_of(surroundings))
        keep_repeat(workshop.directories.layers, request, repeat)


def _name_of(surroundings: "Surroundings") -> str:
    """A digest of our own code, the target, the interpreter that compiles, and the copy that is carried."""
    from pannier.pack.bytecode import compiler_of

    compiler = compiler_of(surroundings.interpreter) if surroundings.interpreter else None
    tree = surroundings.tree
    carried = [tree.fingerprint, tree.version, tree.executable, str(tree.platform)] if tree else None
    return _digest([*_code_stamps(), str(surroundings.target), compiler, carried])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _code_stamps() -> Iterator[tuple[str, int, int]]:
    """Names, sizes and times of our own files: other code may make other packs, and some of it travels."""
    for directory in sorted(entry.path for entry in os.scandir(_PACKAGE) if entry.is_dir()):
        with os.scandir(directory) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.endswith((".py", ".sh")):
                    facts = entry.stat()
                    yield entry.path, facts.st_size, facts.st_mtime_ns
