"""`cache`: what the cache holds, and making it smaller."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pannier.api.settings import Settings
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
    """
    from pannier.store.usage import clean, plan_cleaning

    plan = plan_cleaning(CacheDirectories(settings.cache_root), kinds)
    return plan if dry_run else clean(plan)
