"""Plans of interpreter copies kept on disk, believed only while nothing they list has changed."""

# ruff: noqa: PTH116
# os.path: this stats thousands of files.

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pannier.environment.tree import InterpreterTree, TreeEntry
from pannier.model.interpreter import Interpreter
from pannier.model.target import Platform
from pannier.store.writing import write_whole

# Raised when copies come out otherwise than before.
_PLAN_FORMAT = 2

Stamp = tuple[str, int, int]


def plan_key(interpreter: Interpreter) -> str:
    """Name the plan of an interpreter by what tells its base apart from others."""
    facts = os.stat(interpreter.base_executable)
    parts = (
        _PLAN_FORMAT,
        interpreter.base_executable,
        interpreter.base_prefix,
        interpreter.stdlib,
        interpreter.version,
        facts.st_size,
        facts.st_mtime_ns,
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


def stamps(paths: Iterable[str]) -> list[Stamp]:
    """Note size and modification time of files and directories."""
    noted = []
    for path in paths:
        facts = os.stat(path)
        noted.append((path, facts.st_size, facts.st_mtime_ns))
    return noted


def write_plan(interpreters: Path, key: str, tree: InterpreterTree, watched: list[Stamp]) -> None:
    """Keep a plan with the stamps of all it depends on, the directories' from before it was made."""
    files = stamps(str(entry.source) for entry in tree.entries if entry.source is not None)
    document = {
        "fingerprint": tree.fingerprint,
        "version": tree.version,
        "executable": tree.executable,
        "platform": str(tree.platform),
        "directories": watched,
        "files": [
            [entry.name, entry.executable, *stamp]
            for entry, stamp in zip((e for e in tree.entries if e.source is not None), files, strict=True)
        ],
        "links": [[entry.name, entry.link_target] for entry in tree.entries if entry.source is None],
    }
    write_whole(_place(interpreters, key), json.dumps(document, ensure_ascii=True).encode())


def read_plan(interpreters: Path, key: str) -> InterpreterTree | None:
    """Read a plan back; `None` when there is none, or a file it lists is not as it was."""
    try:
        document = json.loads(_place(interpreters, key).read_bytes())
        if _unchanged(document):
            return _tree(document)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _place(interpreters: Path, key: str) -> Path:
    return interpreters / "plans" / f"{key}.json"


def _unchanged(document: dict[str, Any]) -> bool:
    stat = os.stat
    for path, _size, modified in document["directories"]:
        if stat(path).st_mtime_ns != modified:
            return False
    for _name, _executable, path, size, modified in document["files"]:
        facts = stat(path)
        if facts.st_mtime_ns != modified or facts.st_size != size:
            return False
    return True


def _tree(document: dict[str, Any]) -> InterpreterTree:
    entries = [
        TreeEntry(name=name, source=Path(path), executable=executable, size=size)
        for name, executable, path, size, _modified in document["files"]
    ]
    entries += [TreeEntry(name=name, link_target=target) for name, target in document["links"]]
    entries.sort(key=lambda entry: entry.name)
    return InterpreterTree(
        fingerprint=document["fingerprint"],
        version=document["version"],
        executable=document["executable"],
        platform=Platform.parse(document["platform"]),
        entries=tuple(entries),
    )
