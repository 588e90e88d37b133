"""All environments of a site locked: what has not changed is left alone, the rest resolved side by side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pannier.lock.uv import find_uv
from pannier.model.errors import LockError, PannierError, UsageError
from pannier.model.events import Stage
from pannier.model.lock import Lock
from pannier.model.names import normalized_name
from pannier.site.building import build_all
from pannier.site.comparison import Change, compare_locks
from pannier.site.inputs import Inputs
from pannier.site.problems import together
from pannier.site.resolution import Resolved, check_lost, resolve_environment, seal
from pannier.site.tools import Relay, SiteTools
from pannier.store.writing import write_whole

_PARALLEL = 4


class EnvironmentLock(NamedTuple):
    """An environment that is locked.

    Attributes:
        inputs: What it follows from.
        lock: What was chosen.
        path: Its lockfile.
        is_kept: The lock that was there holds, and nothing was asked.
        changes: Against the lock that was there.
    """

    inputs: Inputs
    lock: Lock
    path: Path
    is_kept: bool
    changes: tuple[Change, ...]


class Upgrade(NamedTuple):
    """What of the versions that are locked is to be chosen anew.

    Attributes:
        everything: All of them.
        projects: Only these, by normalized name.
    """

    everything: bool = False
    projects: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Upgrade":
        """Read project names; an empty one stands for all."""
        return cls("" in words, frozenset(normalized_name(word) for word in words if word))

    def __bool__(self) -> bool:
        """Whether anything is to be chosen anew."""
        return self.everything or bool(self.projects)


def lock_environments(
    inputs: Sequence[Inputs], directory: Path, upgrade: Upgrade, tools: SiteTools
) -> tuple[EnvironmentLock, ...]:
    """Lock environments, and write their locks once all of them are there.

    Args:
        inputs: What to lock.
        directory: Where the locks are.
        upgrade: What to choose anew.
        tools: How.

    Raises:
        UsageError: A project to upgrade is in no lock.
        PannierError: Environments cannot be locked; all of them are told, and nothing is written.
    """
    _check_upgrade(upgrade, inputs)
    stale = [one for one in inputs if upgrade or not one.is_current]
    made = {
        one.inputs.environment.name: seal(one)
        for one in build_all(_resolve_all(stale, upgrade, tools), tools)
    }
    locked = []
    for one in inputs:
        name, path = one.environment.name, directory / one.environment.lock_name
        if name in made:
            changes = compare_locks(one.previous, made[name])
            locked.append(EnvironmentLock(one, made[name], path, is_kept=False, changes=changes))
        elif one.previous is not None:
            locked.append(EnvironmentLock(one, one.previous, path, is_kept=True, changes=()))
    for entry in locked:
        if not entry.is_kept:
            write_whole(entry.path, entry.inputs.format(entry.lock).encode())
    return tuple(locked)


def check_current(inputs: Sequence[Inputs]) -> None:
    """Refuse locks that are not those of their requirements.

    Raises:
        LockError: Some are not; all of them are told, with the reason.
    """
    stale = {one.environment.lock_name: one.staleness for one in inputs if not one.is_current}
    if stale:
        what = "a lock is" if len(stale) == 1 else f"{len(stale)} locks are"
        raise LockError(
            f"{what} not that of the site's requirements",
            code="site-lock-stale",
            facts=stale,
            hint="run `pannier site lock`",
        )


def resolve_all(
    inputs: Sequence[Inputs], upgrade: Upgrade, tools: SiteTools
) -> list[tuple[Inputs, Resolved | PannierError]]:
    """Resolve environments side by side, and give for each what was found or what went wrong."""
    if not inputs:
        return []
    find_uv()
    stage = Stage(name="locking", total=len(inputs), unit="items")
    tools.reporter.begin(stage)

    def one(item: Inputs) -> tuple[Inputs, Resolved | PannierError]:
        relay = Relay(tools.reporter, stage, item.environment.name)
        try:
            return item, resolve_environment(item, tools, _preferred(item.previous, upgrade), relay)
        except PannierError as error:
            return item, error
        finally:
            tools.reporter.advance(stage, 1, item.environment.name)

    try:
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            return list(pool.map(one, inputs))
    finally:
        tools.reporter.end(stage)


def _resolve_all(inputs: Sequence[Inputs], upgrade: Upgrade, tools: SiteTools) -> list[Resolved]:
    found: list[Resolved] = []
    problems: list[tuple[str, PannierError]] = []
    for item, answer in resolve_all(inputs, upgrade, tools):
        try:
            if isinstance(answer, PannierError):
                raise answer
            check_lost(answer)
            found.append(answer)
        except PannierError as error:
            problems.append((item.environment.name, error))
    if problems:
        raise together(problems, "be locked")
    return found


def _preferred(previous: Lock | None, upgrade: Upgrade) -> Lock | None:
    if previous is None or upgrade.everything:
        return None
    kept = tuple(project for project in previous.projects if project.name not in upgrade.projects)
    return replace(previous, projects=kept)


def _check_upgrade(upgrade: Upgrade, inputs: Sequence[Inputs]) -> None:
    known = {project.name for one in inputs if one.previous for project in one.previous.projects}
    unknown = sorted(upgrade.projects - known)
    if unknown:
        raise UsageError(
            f"no lock has {'the project' if len(unknown) == 1 else 'the projects'} {', '.join(unknown)}",
            hint="add it to a requirements file instead",
        )
