"""Going back, cleaning up, and taking a site away."""

import os
import shutil
from typing import Any, Dict, List, Optional, Tuple

from pannier.runtime.errors import ArchiveError, printable

from .installer import FRONT_NAME, find_installer
from .layout import (
    Generation,
    Site,
    find_current,
    interpreter_key,
    list_generations,
    locked,
    need_current,
    read_log,
    switch,
    write_log,
)
from .names import add_names, find_directories, find_foreign, find_names, remove_names
from .processes import find_users
from .recovery import recover, remove_tree


def rollback(site: Site, number: Optional[int]) -> Dict[str, Any]:
    """Put an earlier generation in force, or any that is there.

    Args:
        site: Where.
        number: Which; `None` for the latest one before the one in force.

    Raises:
        ArchiveError: There is none such, or it can no longer work.
    """
    need_current(site)
    with locked(site):
        recover(site)
        current = need_current(site)
        chosen = _choose(site, current, number)
        _check_works(site, chosen)
        foreign = find_foreign(site, chosen.value["bin"], chosen.names)
        if foreign:
            raise foreign[0]
        added = add_names(site, chosen.value["bin"], chosen.names)
        switch(site, chosen.number)
        removed = remove_names(site, chosen.value["bin"], chosen.names)
        if current.value["bin"] != chosen.value["bin"]:
            removed += remove_names(site, current.value["bin"])
        write_log(site, "rollback", generation=chosen.number, before=current.number, id=chosen.value["id"])
    return {
        "generation": chosen.number,
        "before": current.number,
        "id": chosen.value["id"],
        "added": added,
        "removed": removed,
    }


def _choose(site: Site, current: Generation, number: Optional[int]) -> Generation:
    known = list_generations(site)
    chosen = [
        one for one in known if (one.number < current.number if number is None else one.number == number)
    ]
    if not chosen:
        raise ArchiveError(
            "there is no earlier generation" if number is None else f"there is no generation {number}",
            "no-generation",
            {"in force": str(current.number), "there are": ", ".join(str(one.number) for one in known)},
            "`site list` shows them",
        )
    return chosen[-1]


def _check_works(site: Site, chosen: Generation) -> None:
    """Check that an interpreter was not taken away since."""
    for entry in chosen.environments:
        python = os.path.join(site.generation(chosen.number), entry["name"], "bin", "python")
        if not os.access(python, os.X_OK):
            raise ArchiveError(
                f"generation {chosen.number} can no longer work: its interpreter is gone",
                "no-interpreter",
                {"environment": entry["name"], "wanted": printable(entry["found"]["executable"])},
                "install that Python again, or choose another generation",
            )


def clean(site: Site, keep: int, is_dry: bool) -> Dict[str, Any]:
    """Remove old generations and what only they used.

    Args:
        site: Where.
        keep: How many whole generations to keep beside the one in force; the newest. The one that was in
            force before it stays in any case.
        is_dry: Only say what would be removed.
    """
    need_current(site)
    with locked(site):
        if not is_dry:
            recover(site)
        current = need_current(site)
        removable = _find_removable(site, current, keep)
        used = {one.number: find_users(site.generation(one.number)) for one in removable}
        gone = [one for one in removable if not used[one.number]]
        left = [one for one in list_generations(site) if one.number not in {other.number for other in gone}]
        leftovers = _find_leftovers(site, left)
        freed = _measure([site.generation(one.number) for one in gone] + leftovers)
        if not is_dry:
            for one in gone:
                # Without this file it is not whole, should the rest be interrupted.
                os.unlink(os.path.join(site.generation(one.number), "generation.json"))
                remove_tree(site.generation(one.number))
            for path in leftovers:
                remove_tree(path)
            if gone or leftovers:
                write_log(site, "clean", removed=[one.number for one in gone], freed=freed)
    return {
        "removed": [one.number for one in gone],
        "in_use": {str(number): users for number, users in used.items() if users},
        "kept": [one.number for one in left],
        "unpacked": len(leftovers),
        "freed": freed,
        "dry_run": is_dry,
    }


def _find_removable(site: Site, current: Generation, keep: int) -> List[Generation]:
    before = _find_before(site, current)
    others = [one for one in list_generations(site) if one.number not in (current.number, before)]
    kept = max(0, keep - (1 if before else 0))
    return others[: len(others) - kept] if kept else others


def _find_before(site: Site, current: Generation) -> int:
    """The generation that was in force before the present one, and may still be running: 0 for none."""
    known = {one.number for one in list_generations(site)}
    for entry in reversed(read_log(site)):
        before = entry.get("before")
        if entry.get("generation") == current.number and before in known and before != current.number:
            return int(before)
    return max((number for number in known if number < current.number), default=0)


def _find_leftovers(site: Site, kept: List[Generation]) -> List[str]:
    """What lies in the pool, or among the interpreters and installers, that nothing kept uses."""
    pooled = {os.path.basename(site.pooled(*pair)) for one in kept for pair in one.pooled}
    keys = {
        interpreter_key(entry["interpreter"]["file"])
        for one in kept
        for entry in one.environments
        if entry["interpreter"]["kind"] == "bundled"
    }
    installers = {os.path.basename(find_installer(site))}
    found: List[str] = []
    for directory, used in ((site.pool, pooled), (site.interpreters, keys), (site.installers, installers)):
        found += [os.path.join(directory, name) for name in _list(directory) if name not in used]
    return found


def _list(directory: str) -> List[str]:
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def _measure(paths: List[str]) -> int:
    """How many bytes removing trees frees: a file with links elsewhere frees none."""
    seen: Dict[Tuple[int, int], List[int]] = {}
    for path in paths:
        for directory, _, names in os.walk(path):
            for name in names:
                status = os.lstat(os.path.join(directory, name))
                entry = seen.setdefault(
                    (status.st_dev, status.st_ino), [status.st_nlink, status.st_blocks * 512]
                )
                entry[0] -= 1
    return sum(size for links, size in seen.values() if links <= 0)


def uninstall(site: Site, is_dry: bool, force: bool) -> Dict[str, Any]:
    """Remove the site: its names first, then everything below the prefix that is of it."""
    if not os.path.isdir(site.state):
        need_current(site)
    users: List[str] = []
    for one in list_generations(site):
        users += find_users(site.generation(one.number))
    if users and not force and not is_dry:
        facts = {f"process {number + 1}": user for number, user in enumerate(users[:20])}
        hint = "end these processes, or remove the site all the same with --force"
        raise ArchiveError("programs of this site are running", "site-in-use", facts, hint)
    with locked(site):
        directories = set(find_directories(site))
        current = find_current(site)
        names = {directory: find_names(site, directory) for directory in sorted(directories)}
        paths = [site.current, site.generations, os.path.join(site.prefix, FRONT_NAME), site.state]
        if not is_dry:
            for directory in directories:
                remove_names(site, directory)
            _remove(paths)
            _remove_directory(site.prefix)
    return {
        "prefix": site.prefix,
        "generation": current.number if current else None,
        "names": [os.path.join(directory, name) for directory, found in names.items() for name in found],
        "paths": paths,
        "in_use": users,
        "dry_run": is_dry,
    }


def _remove(paths: List[str]) -> None:
    for path in paths:
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)


def _remove_directory(path: str) -> None:
    """Remove a directory unless something of others is in it."""
    if not os.listdir(path):
        os.rmdir(path)
