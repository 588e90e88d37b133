"""`serve clean`: make what an index keeps of its upstream smaller."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.serving import parse_size, serve_settings
from pannier.api.settings import Settings
from pannier.model.errors import UsageError

if TYPE_CHECKING:
    from pannier.store.upstream.cleaning import Cleaning

_DAY = 24 * 3600


class CleanOptions(NamedTuple):
    """What may stay.

    Attributes:
        keep: How much, such as `20G`; empty for any size.
        unused: Days after which what nobody asked for goes; 0 for never.
        dry_run: Say what would be removed, and remove nothing.
    """

    keep: str = ""
    unused: int = 0
    dry_run: bool = False


class CleanResult(NamedTuple):
    """What was, or would be, removed.

    Attributes:
        directory: Where the files were.
        cleaning: The files and their sizes.
    """

    directory: Path
    cleaning: "Cleaning"


def clean_upstream(directories: Sequence[str], options: CleanOptions, settings: Settings) -> CleanResult:
    """Remove files and pages fetched from upstream; with neither `keep` nor `unused`, all of them.

    Args:
        directories: Those that are served; none for those of the settings.
        options: What may stay.
        settings: The settings in force.

    Raises:
        UsageError: There is nothing to be served, or `keep` is no size.
        StorageError: A directory is not there.
    """
    from pannier.store.upstream.cleaning import clean, plan_cleaning

    served = serve_settings(directories, settings)
    place = (
        Path(served.upstream_cache) if served.upstream_cache else served.directories[0] / ".pannier/upstream"
    )
    try:
        limit = parse_size(options.keep) if options.keep else (1 << 62 if options.unused else 0)
    except ValueError as error:
        raise UsageError(str(error), hint="write `--keep 20G`") from None
    plan = plan_cleaning(place, limit=limit, unused=float(options.unused * _DAY))
    return CleanResult(place, plan if options.dry_run else clean(plan))
