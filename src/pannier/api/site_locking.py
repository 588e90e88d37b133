"""`site lock`: each environment of a site to exact files, for the server's Python and platform."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.settings import Settings
from pannier.api.workshop import Workshop
from pannier.model.errors import UsageError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.site import LockedEnvironment, Site

if TYPE_CHECKING:
    from pannier.site.locking import EnvironmentLock
    from pannier.site.tools import SiteTools


class SiteLockOptions(NamedTuple):
    """What to lock.

    Attributes:
        environments: Names; none for all.
        upgrade: Projects to choose anew; an empty name stands for all.
        check: Only say whether the locks are current.
    """

    environments: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    check: bool = False


class SiteLockResult(NamedTuple):
    """The locks of a site.

    Attributes:
        site: What site.toml says.
        environments: In its order.
    """

    site: Site
    environments: tuple["EnvironmentLock", ...]


def site_lock(
    site_file: Path, options: SiteLockOptions, settings: Settings, reporter: Reporter | None = None
) -> SiteLockResult:
    """Lock the environments of a site.

    Raises:
        UsageError: There is no environment or project of a name.
        SpecError: site.toml or a requirements file is not valid.
        LockError: Environments cannot be locked; or, with `check`, locks are not current.
        PannierError: As `site.locking.lock_environments` says.
    """
    from pannier.site.inputs import read_inputs, with_credentials
    from pannier.site.locking import EnvironmentLock, Upgrade, check_current, lock_environments
    from pannier.site.reading import read_site
    from pannier.store.occupancy import occupied

    workshop = Workshop(settings, reporter or SilentReporter())
    site = read_site(site_file)
    part = part_of(site, options.environments)
    tools, directory = site_tools(workshop, site_file.parent), site_file.parent
    inputs = read_inputs(part, directory, tools)
    tools = with_credentials(tools, inputs)
    if options.check:
        check_current(inputs)
        kept = [
            EnvironmentLock(
                one, one.previous, directory / one.environment.lock_name, is_kept=True, changes=()
            )
            for one in inputs
            if one.previous is not None
        ]
        return SiteLockResult(site, tuple(kept))
    with occupied(settings.cache_root):
        locked = lock_environments(inputs, directory, Upgrade.parse(options.upgrade), tools)
    return SiteLockResult(site, locked)


def locked_site(site_file: Path, workshop: Workshop) -> tuple[Site, tuple[LockedEnvironment, ...]]:
    """Give a site and every wheel of its locks, there to be read.

    The cache is to be kept occupied while they are used.

    Raises:
        SpecError: There is no site.toml.
        SpecError: site.toml or a requirements file is not valid.
        LockError: A lock is missing, or not that of its requirements.
        PannierError: As `site.gathering.gather` says.
    """
    from pannier.site.gathering import gather
    from pannier.site.inputs import read_inputs, with_credentials
    from pannier.site.reading import read_site

    site = read_site(site_file)
    tools = site_tools(workshop, site_file.parent)
    inputs = read_inputs(site, site_file.parent, tools)
    return site, gather(inputs, with_credentials(tools, inputs))


def site_tools(workshop: Workshop, directory: Path) -> "SiteTools":
    """What the floor below works with.

    Args:
        workshop: Settings, cache and reporter.
        directory: Where site.toml is.
    """
    from pannier.api.targets import modest_platform
    from pannier.environment.find import find_interpreters
    from pannier.environment.probe import machine_platform
    from pannier.site.sources import made_beside
    from pannier.site.tools import SiteTools

    settings = workshop.settings
    return SiteTools(
        directories=workshop.directories,
        indexes=workshop.index_settings(),
        platform=modest_platform(machine_platform()),
        interpreters=find_interpreters(cache=workshop.directories.interpreters, environ=settings.environ),
        reporter=workshop.reporter,
        environ=settings.environ,
        offline=settings.offline,
        prereleases=settings.prerelease,
        exclude_newer=settings.exclude_newer,
        made=made_beside(directory),
    )


def part_of(site: Site, names: Sequence[str]) -> Site:
    """The site with only the environments named; with all where none is.

    Raises:
        UsageError: There is no environment of a name.
    """
    known = [environment.name for environment in site.environments]
    unknown = [name for name in names if name not in known]
    if unknown:
        import difflib

        nearest = difflib.get_close_matches(unknown[0], known, n=1)
        raise UsageError(
            f"the site has no environment `{unknown[0]}`",
            facts={"environments": known},
            hint=f"did you mean `{nearest[0]}`?" if nearest else "name one of these",
        )
    chosen = tuple(one for one in site.environments if not names or one.name in names)
    return site._replace(environments=chosen)
