"""`serve export`: an index as static files."""

from pathlib import Path
from typing import TYPE_CHECKING

from pannier.model.events import Reporter

if TYPE_CHECKING:
    from pannier.server.exporting import Export, Manner
    from pannier.server.settings import ServeSettings


def index_export(
    settings: "ServeSettings", output: Path, files: "Manner", compress: bool, reporter: Reporter
) -> "Export":
    """Write an index as static files, which any web server can serve.

    Args:
        settings: What is served.
        output: A directory that is not there, is empty, or holds an earlier export.
        files: How distributions get there: `link`, `symlink` or `copy`.
        compress: Write each page as `.gz` too.
        reporter: Hears of progress.

    Raises:
        StorageError: There is something else in the directory, or it cannot be written.
    """
    from pannier.server.exporting import export
    from pannier.server.wiring import make_catalogue

    catalogue = make_catalogue(settings)
    catalogue.refresh()
    return export(catalogue, output, reporter, manner=files, compress=compress)
