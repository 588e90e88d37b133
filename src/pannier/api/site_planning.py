"""`site plan` and `site diff`: what a site would consist of, and what has changed in it."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.settings import Settings
from pannier.api.site_locking import part_of, site_tools
from pannier.api.workshop import Workshop
from pannier.model.events import Reporter, SilentReporter
from pannier.model.site import Site

if TYPE_CHECKING:
    from pannier.site.comparison import Change
    from pannier.site.planning import EnvironmentPlan


class SitePlanResult(NamedTuple):
    """What a site would consist of.

    Attributes:
        site: What site.toml says.
        environments: In its order.
    """

    site: Site
    environments: tuple["EnvironmentPlan", ...]


class SiteDiffResult(NamedTuple):
    """What has changed.

    Attributes:
        before: What was compared, for people.
        after: With what.
        environments: Names of those on either side, and what changed in each.
    """

    before: str
    after: str
    environments: tuple[tuple[str, tuple["Change", ...]], ...]


def site_plan(
    site_file: Path, environments: tuple[str, ...], settings: Settings, reporter: Reporter | None = None
) -> SitePlanResult:
    """Plan the environments of a site; download nothing, build nothing, write nothing but the cache.

    Args:
        site_file: site.toml.
        environments: Names; none for all.
        settings: The settings in force.
        reporter: Hears of progress.

    Raises:
        UsageError: There is no environment of a name.
        SpecError: site.toml or a requirements file is not valid.
    """
    from pannier.site.inputs import read_inputs
    from pannier.site.planning import plan_environments
    from pannier.site.reading import read_site
    from pannier.store.occupancy import occupied

    site = read_site(site_file)
    tools = site_tools(Workshop(settings, reporter or SilentReporter()), site_file.parent)
    with occupied(settings.cache_root):
        inputs = read_inputs(part_of(site, environments), site_file.parent, tools)
        return SitePlanResult(site, plan_environments(inputs, tools))


def site_diff(site_file: Path, before: str = "", after: str = "") -> SiteDiffResult:
    """Compare the locks of a site.

    Args:
        site_file: site.toml.
        before: A directory, a bundle or a revision; empty for git's `HEAD`.
        after: Likewise; empty for the site as it is.

    Raises:
        UsageError: One of them is none of these.
        LockError: A lock is not valid.
    """
    from pannier.site.comparison import compare_locks
    from pannier.site.sides import read_directory, read_side

    old = read_side(before or "HEAD", site_file)
    new = read_side(after, site_file) if after else read_directory(site_file.parent, site_file.name)
    names = sorted(old.locks.keys() | new.locks.keys())
    changes = tuple((name, compare_locks(old.locks.get(name), new.locks.get(name))) for name in names)
    return SiteDiffResult(old.label, new.label, changes)
