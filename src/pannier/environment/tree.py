"""The files of a relocatable interpreter, and how to write them out."""

# ruff: noqa: PTH101, PTH103, PTH211
# os.path: this writes thousands of files.

import os
from pathlib import Path
from typing import NamedTuple

from pannier.model.target import Platform


class TreeEntry(NamedTuple):
    """One file or symbolic link of the copy.

    Attributes:
        name: Path in the prefix.
        source: The file with its content; `None` for a link.
        link_target: A bare name beside it; empty for a file.
        executable: Mode 0755 rather than 0644.
        size: Of the content, in bytes.
    """

    name: str
    source: Path | None = None
    link_target: str = ""
    executable: bool = False
    size: int = 0


class InterpreterTree(NamedTuple):
    """Everything a relocatable copy of an interpreter consists of.

    Attributes:
        fingerprint: sha256 over names, modes and contents: the same for the same bytes on any machine.
        version: Of the interpreter, whole.
        executable: Path in the prefix, `bin/python3.11`.
        platform: What it runs on; the C library's version is the least that all its files need.
        entries: Sorted by name.
    """

    fingerprint: str
    version: str
    executable: str
    platform: Platform
    entries: tuple[TreeEntry, ...]


def write_tree(tree: InterpreterTree, directory: Path, *, linked: bool = False) -> None:
    """Write the copy out as a prefix that runs.

    Args:
        tree: What to write.
        directory: The prefix; must not hold any of the files yet.
        linked: Make texts links to their sources, which is faster; for a copy that lives shortly.
    """
    import shutil

    made: set[str] = set()
    for entry in tree.entries:
        place = os.path.join(directory, entry.name)
        parent = os.path.dirname(place)
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        if entry.source is None:
            os.symlink(entry.link_target, place)
        elif linked and not entry.executable:
            os.symlink(entry.source, place)
        else:
            shutil.copyfile(entry.source, place)
            os.chmod(place, 0o755 if entry.executable else 0o644)
