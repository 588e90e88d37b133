"""Analyses kept between runs, each a file whose content only the analysis understands."""

from contextlib import suppress
from pathlib import Path

from pannier.model.errors import StorageError

# A few megabytes each for the largest trees; the ones used longest ago go first.
_MOST = 40


class KeptAnalyses:
    """The analyses of one cache.

    Args:
        directory: Where they lie; made when there is something to keep.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, name: str) -> bytes:
        """What was last saved under a name, whole; empty when there is nothing."""
        try:
            return (self._directory / name).read_bytes()
        except OSError:
            return b""

    def save(self, name: str, content: bytes) -> None:
        """Keep a content; a cache that is full or cannot be written keeps nothing."""
        from pannier.store.writing import write_whole

        with suppress(StorageError, OSError):
            write_whole(self._directory / name, content)
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        kept = [path for path in self._directory.iterdir() if not path.name.startswith(".")]
        if len(kept) > _MOST:
            kept.sort(key=lambda path: path.stat().st_mtime)
            for path in kept[: len(kept) - _MOST]:
                path.unlink(missing_ok=True)
