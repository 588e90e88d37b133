"""What every verb works with: the settings in force, the cache, and who hears of progress."""

from typing import TYPE_CHECKING, NamedTuple

from pannier.api.settings import Settings
from pannier.model.events import Reporter
from pannier.store.directories import CacheDirectories

if TYPE_CHECKING:
    from pannier.model.spec import Spec
    from pannier.store.index_settings import IndexSettings


class Workshop(NamedTuple):
    """One call's surroundings, handed down as one value.

    Attributes:
        settings: The settings in force.
        reporter: Hears of progress and warnings.
        credential_urls: URLs with a user's name and password that a requirements file has.
    """

    settings: Settings
    reporter: Reporter
    credential_urls: tuple[str, ...] = ()

    def with_credentials(self, spec: "Spec") -> "Workshop":
        """Let files be fetched with the credentials that a spec's own URLs carry, which no lock keeps."""
        if not any("://" in text for text in (*spec.requirements, *(url for _, url in spec.indexes))):
            return self
        from pannier.lock.choices import credential_urls

        return self._replace(credential_urls=credential_urls(spec, self.settings.environ))

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
        settings = read_index_settings(self.settings.environ).with_flags(
            index_url=self.settings.index_url,
            extra_index_urls=self.settings.extra_index_url,
            find_links=self.settings.find_links,
        )
        return settings.with_credentials(self.credential_urls)
