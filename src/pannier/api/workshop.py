"""What every verb works with: the settings in force, the cache, and who hears of progress."""

from typing import TYPE_CHECKING, NamedTuple

from pannier.api.settings import Settings
from pannier.model.events import Reporter
from pannier.store.directories import CacheDirectories

if TYPE_CHECKING:
    from pannier.store.index_settings import IndexSettings


class Workshop(NamedTuple):
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

    def index_settings(self) -> "IndexSettings":
        """The indexes to ask: the user's own configuration, and what our settings replace of it.

        Raises:
            FetchError: One of our settings is neither a URL nor there.
        """
        from pannier.store.index_settings import check_places, read_index_settings

        check_places([self.settings.index_url, *self.settings.extra_index_url, *self.settings.find_links])
        return read_index_settings(self.settings.environ).with_flags(
            index_url=self.settings.index_url,
            extra_index_urls=self.settings.extra_index_url,
            find_links=self.settings.find_links,
        )
