"""The names in `bin`: links through `current`, so that one rename changes what all of them start."""

import contextlib
import os
from typing import Iterable, List

from pannier.runtime.errors import ArchiveError, printable

from .layout import Site, list_generations


def target_of(site: Site, name: str) -> str:
    """Where a name of this site points."""
    return os.path.join(site.current, "bin", name)


def is_ours(site: Site, directory: str, name: str) -> bool:
    """Whether a name in a directory is one of this site."""
    try:
        return os.readlink(os.path.join(directory, name)) == target_of(site, name)
    except OSError:
        return False


def find_names(site: Site, directory: str) -> List[str]:
    """All names of this site in a directory."""
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return []
    return [name for name in entries if is_ours(site, directory, name)]


def find_directories(site: Site) -> List[str]:
    """Every directory where a generation of this site has, or had, names."""
    return sorted({generation.value["bin"] for generation in list_generations(site)})


def find_foreign(site: Site, directory: str, names: Iterable[str]) -> List[ArchiveError]:
    """The names that something else has already."""
    return [
        ArchiveError(
            f"`{name}` is there already, and not of this site",
            "name-taken",
            {"path": printable(os.path.join(directory, name))},
            "remove it, choose another --bin, or replace it with --force",
        )
        for name in names
        if os.path.lexists(os.path.join(directory, name)) and not is_ours(site, directory, name)
    ]


def add_names(site: Site, directory: str, names: Iterable[str]) -> List[str]:
    """Make the names that are not there; return them. What else has such a name is replaced."""
    added = []
    os.makedirs(directory, exist_ok=True)
    for name in names:
        if is_ours(site, directory, name):
            continue
        temporary = os.path.join(directory, f".{name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(target_of(site, name), temporary)
        os.rename(temporary, os.path.join(directory, name))
        added.append(name)
    return added


def remove_unfinished(site: Site, directory: str) -> None:
    """Remove names that an interrupted change had made, but not put in place."""
    try:
        entries = [name for name in os.listdir(directory) if name.startswith(".")]
    except OSError:
        return
    for name in entries:
        path = os.path.join(directory, name)
        if os.path.islink(path) and os.path.dirname(os.readlink(path)) == os.path.join(site.current, "bin"):
            os.unlink(path)


def remove_names(site: Site, directory: str, kept: Iterable[str] = ()) -> List[str]:
    """Remove this site's names from a directory, but those to keep; return them."""
    removed = [name for name in find_names(site, directory) if name not in set(kept)]
    for name in removed:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    return removed
