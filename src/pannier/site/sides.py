"""The locks of a site where it is, as a revision of git has it, or inside a bundle."""

import re
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pannier.formats.pylock import parse_lock
from pannier.formats.site_files import parse_site
from pannier.model.errors import LockError, UsageError
from pannier.model.lock import Lock

_LOCK = re.compile(r"pylock\.([a-z0-9][a-z0-9_-]*)\.toml")
# A lock of a thousand projects has a megabyte.
_LARGEST = 64 << 20


class Side(NamedTuple):
    """One side of a comparison.

    Attributes:
        label: What it is, for people.
        locks: Environments' names to their locks.
    """

    label: str
    locks: Mapping[str, Lock]


def read_side(text: str, site_file: Path) -> Side:
    """Read the locks that a word names.

    Args:
        text: A directory, a bundle, or a revision of the repository that site_file is in.
        site_file: The site's own file.

    Raises:
        UsageError: It is none of these.
        LockError: A lock is not valid.
        SpecError: A site.toml is not valid.
    """
    path = Path(text)
    if path.is_dir():
        return read_directory(path, site_file.name)
    if path.is_file():
        return _read_bundle(path)
    return read_revision(text, site_file)


def read_directory(directory: Path, site_name: str) -> Side:
    """Read the locks of a directory: those of the environments in its site.toml, or all where it has none."""
    names = [path.name for path in sorted(directory.iterdir()) if _is_wanted(path.name, site_name)]
    texts = {name: (directory / name).read_text("utf-8", "replace") for name in names}
    return Side(str(directory), _locks(texts, site_name, f"{directory}/"))


def read_revision(revision: str, site_file: Path) -> Side:
    """Read the locks as a revision of git has them.

    Raises:
        UsageError: There is no such revision, or no repository.
    """
    directory = site_file.absolute().parent
    if revision.startswith("-"):
        raise _no_side(revision, "no revision begins with `-`")
    commit = _git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit is None:
        raise _no_side(revision, f"`{directory}` is in no git repository with such a revision")
    listed = _git(directory, "ls-tree", "--name-only", commit.strip(), "./") or ""
    names = [name for line in listed.splitlines() if _is_wanted(name := line.split("/")[-1], site_file.name)]
    texts = {name: _git(directory, "show", f"{commit.strip()}:./{name}") or "" for name in names}
    return Side(revision, _locks(texts, site_file.name, f"{revision}:"))


def _read_bundle(path: Path) -> Side:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {item.filename: item for item in archive.infolist() if _LOCK.fullmatch(item.filename)}
            if any(item.file_size > _LARGEST for item in members.values()):
                raise _no_side(str(path), "a lock in it is too large to be one")
            texts = {name: archive.read(name).decode("utf-8", "replace") for name in sorted(members)}
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise _no_side(str(path), str(error)) from error
    return Side(str(path), _locks(texts, "", f"{path}:"))


def _is_wanted(name: str, site_name: str) -> bool:
    return name == site_name or _LOCK.fullmatch(name) is not None


def _locks(texts: Mapping[str, str], site_name: str, where: str) -> dict[str, Lock]:
    known = None
    if site_name in texts:
        site = parse_site(texts[site_name], filename=f"{where}{site_name}")
        known = {environment.name for environment in site.environments}
    locks = {}
    for filename, text in texts.items():
        match = _LOCK.fullmatch(filename)
        if match and (known is None or match[1] in known):
            locks[match[1]] = parse_lock(text, filename=f"{where}{filename}")
    return locks


def _git(directory: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *words], capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise LockError("git cannot be started", code="git-missing", facts={"reason": str(error)}) from error
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _no_side(text: str, reason: str) -> UsageError:
    return UsageError(
        f"`{text}` is no directory, bundle or revision of a site",
        code="site-side",
        facts={"reason": reason},
        hint="name what to compare, such as `HEAD~1`, another directory, or `site.run`",
    )
