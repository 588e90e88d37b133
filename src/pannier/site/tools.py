"""What planning and locking a site works with, handed down as one value."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pannier.lock.build import BuildOptions
from pannier.lock.engine import ResolveOptions
from pannier.model.events import Notice, Reporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.target import Platform
from pannier.store.directories import CacheDirectories
from pannier.store.distributions import DistributionStore
from pannier.store.index_settings import IndexSettings


class SiteTools(NamedTuple):
    """The surroundings of one call.

    Attributes:
        directories: The cache.
        indexes: Which indexes to ask.
        platform: What is locked for where neither site.toml nor a lock says.
        interpreters: The Pythons of this machine, to build and resolve with.
        reporter: Hears of progress and warnings.
        environ: Environment variables.
        offline: Ask no network.
        prereleases: Let pre-releases be chosen.
        exclude_newer: Ignore what was uploaded after this date; empty for no bound.
        made: Files that the site's own commands made, perhaps inside a project that is built.
    """

    directories: CacheDirectories
    indexes: IndexSettings
    platform: Platform
    interpreters: tuple[Interpreter, ...]
    reporter: Reporter
    environ: Mapping[str, str]
    offline: bool = False
    prereleases: bool = False
    exclude_newer: str = ""
    made: tuple[Path, ...] = ()

    def resolve_options(self, prefer: Lock | None, interpreters: tuple[Interpreter, ...]) -> ResolveOptions:
        """How to resolve one environment."""
        return ResolveOptions(
            directories=self.directories,
            indexes=self.indexes,
            offline=self.offline,
            prereleases=self.prereleases,
            exclude_newer=self.exclude_newer,
            prefer=prefer,
            interpreters=interpreters,
            environ=self.environ,
        )

    def build_options(self) -> BuildOptions:
        """How to build an sdist or a directory."""
        return BuildOptions(
            directories=self.directories,
            indexes=self.indexes,
            offline=self.offline,
            environ=self.environ,
            skipped=self.made,
        )

    def store(self) -> DistributionStore:
        """The distributions of the cache."""
        return DistributionStore(
            self.directories, self.indexes, self.offline, self.reporter, environ=self.environ
        )


class Relay:
    """Passes warnings on with their environment, and takes the stages of one environment as details of all.

    Args:
        reporter: Hears of it.
        stage: The stage of all environments.
        name: This environment.
    """

    def __init__(self, reporter: Reporter, stage: Stage, name: str) -> None:
        self._reporter, self._stage, self._name = reporter, stage, name

    def begin(self, stage: Stage) -> None:
        """Say what this environment is at."""
        self._reporter.advance(self._stage, 0, f"{self._name}: {stage.name}")

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """Say what this environment is at."""
        del stage, amount
        self._reporter.advance(self._stage, 0, f"{self._name}: {detail}")

    def end(self, stage: Stage) -> None:
        """Ignore the end: that of all environments counts."""

    def warn(self, warning: Notice) -> None:
        """Pass it on."""
        self._reporter.warn(warning._replace(facts={"environment": self._name, **warning.facts}))
