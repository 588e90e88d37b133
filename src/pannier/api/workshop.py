"""What every verb works with: the settings in force, the cache, and who hears of progress."""

from dataclasses import dataclass

from pannier.api.settings import Settings
from pannier.model.events import Reporter
from pannier.store.directories import CacheDirectories


@dataclass(frozen=True, slots=True)
class Workshop:
    """One call's surroundings, handed down as one value.

    Attributes:
        settings: The settings in force.
        reporter: Hears of progress and warnings.
    """

    settings: Settings
    reporter: Reporter

    @property
    def directories(self) -> CacheDirectories:
        """The cache."""
        return CacheDirectories(self.settings.cache_root)
