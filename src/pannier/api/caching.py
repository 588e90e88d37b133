"""`cache`: what the cache holds, and making it smaller."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pannier.api.settings import Settings
from pannier.model.errors import StorageError
from pannier.store.directories import CacheDirectories

if TYPE_CHECKING:
    from pannier.store.usage import CacheKind, CleaningPlan, Usage


def cache_usage(settings: Settings) -> "tuple[Usage, ...]":
    """Count what the cache holds, kind by kind."""
    from pannier.store.usage import cache_usage as usage_of

    return usage_of(CacheDirectories(settings.cache_root))


def cache_clean(kinds: "Sequence[CacheKind]", settings: Settings, dry_run: bool = False) -> "CleaningPlan":
    """Remove some kinds of what the cache holds, save what a running process uses.

    Args:
        kinds: What to remove.
        settings: The settings in force.
        dry_run: Say what would be removed, and remove nothing.

    Returns:
        What was, or would be, removed and kept.

    Raises:
        StorageError: Some of it may not be removed by this user.
    """
    from pannier.store.usage import clean, plan_cleaning

    plan = plan_cleaning(CacheDirectories(settings.cache_root), kinds)
    if dry_run:
        return plan
    done = clean(plan)
    if done.refused:
        raise StorageError(
            f"{len(done.refused)} of {len(plan.removed)} entries of the cache could not be removed",
            code="not-writable",
            facts={"left": [str(path) for path in done.refused], "removed": str(len(done.removed))},
            hint="see who owns them with `ls -ld`, and clean the cache as that user",
        )
    return done
