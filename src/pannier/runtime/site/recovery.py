"""After an installation that did not end: what it left is removed, and what is in force stays whole."""

import contextlib
import json
import os
import shutil
from typing import Any, Dict, Set

from .layout import Site, find_current, list_generations, list_numbers, read_generation, write_log
from .names import add_names, find_directories, remove_names, remove_unfinished


def recover(site: Site) -> None:
    """Remove what an interrupted or failed change left; called by whoever holds the lock.

    An installation that had switched is finished; any other is undone.
    """
    journal = _read_journal(site)
    current = find_current(site)
    doubtful = find_doubtful(site)
    if journal and (current is None or current.number != journal.get("generation")):
        _remove_generation(site, int(journal["generation"]))
    for number in list_numbers(site):
        if read_generation(site, number) is None:
            _remove_generation(site, number)
    for name in doubtful:
        remove_tree(os.path.join(site.pool, os.path.basename(name)))
    _remove_unfinished(site)
    kept = current.names if current else []
    for directory in set(find_directories(site)) | ({journal["bin"]} if journal else set()):
        is_used = current is not None and current.value["bin"] == directory
        remove_names(site, directory, kept if is_used else ())
        remove_unfinished(site, directory)
    if current is not None:
        # A name that someone else has taken since stays theirs.
        missing = [
            name for name in current.names if not os.path.lexists(os.path.join(current.value["bin"], name))
        ]
        add_names(site, current.value["bin"], missing)
    if journal:
        if current is not None and current.number == journal.get("generation"):
            write_log(site, "install finished after an interruption", generation=current.number)
        os.unlink(site.journal)


def _read_journal(site: Site) -> Dict[str, Any]:
    try:
        with open(site.journal, encoding="utf-8") as stream:
            value: Dict[str, Any] = json.load(stream)
            return value
    except (FileNotFoundError, ValueError):
        return {}


def _remove_generation(site: Site, number: int) -> None:
    """Remove a generation: first what declares it whole."""
    directory = site.generation(number)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, "generation.json"))
    remove_tree(directory)


def find_doubtful(site: Site) -> Set[str]:
    """Entries of the pool by an interrupted installation: they may never have reached the disk.

    Those that a whole generation is made of are not among them, unless that was never put in force.
    """
    journal = _read_journal(site)
    current = find_current(site)
    undone = (
        journal.get("generation") if current is None or current.number != journal.get("generation") else None
    )
    used = {
        os.path.basename(site.pooled(sha256, minor))
        for generation in list_generations(site)
        if generation.number != undone
        for sha256, minor in generation.pooled
    }
    return set(journal.get("pool", [])) - used


def _remove_unfinished(site: Site) -> None:
    """Remove what has the names of things under way."""
    for directory in (site.pool, site.interpreters, site.installers):
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(directory):
                if name.startswith("."):
                    remove_tree(os.path.join(directory, name))
    for directory, prefix in ((site.prefix, ".current."), (site.prefix, ".site."), (site.state, ".")):
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            if name.startswith(prefix) and (os.path.islink(path) or os.path.isfile(path)):
                os.unlink(path)


def remove_tree(path: str) -> None:
    """Remove a tree, or nothing when it is not there."""
    if os.path.lexists(path):
        shutil.rmtree(path)
