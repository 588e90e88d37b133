"""`serve`: a private package index over directories of distributions."""

from pathlib import Path
from typing import TYPE_CHECKING

from pannier.model.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pannier.server.settings import ServeSettings


def serve(settings: "ServeSettings") -> None:
    """Serve the directories until the process is told to stop.

    Args:
        settings: What to serve, and how.

    Raises:
        UsageError: No directory is named.
        StorageError: One of them is not there.
    """
    if not settings.directories:
        raise UsageError("there is no directory to serve", hint="name one, as in `pannier serve packages/`")
    missing = [str(path) for path in settings.directories if not Path(path).is_dir()]
    if missing:
        raise StorageError(
            "what should be served is no directory", code="no-such-file", facts={"missing": missing}
        )
    from pannier.server.running import serve as run

    run(settings)
