"""Where the cache lies, and what lies where in it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pannier.model.errors import StorageError


class CacheDirectories(NamedTuple):
    """The directories of one cache; none is made by naming it.

    Attributes:
        root: The cache's own directory.
    """

    root: Path

    @property
    def distributions(self) -> Path:
        """Fetched wheels and sdists, as `<sha256[:2]>/<sha256>/<filename>`."""
        return self.root / "distributions"

    @property
    def built(self) -> Path:
        """Wheels built from sdists and local projects, by what they were built from and for."""
        return self.root / "built"

    @property
    def bytecode(self) -> Path:
        """Byte code of a wheel's modules, by wheel and Python."""
        return self.root / "bytecode"

    @property
    def layers(self) -> Path:
        """Finished frames of packs, by what they hold."""
        return self.root / "layers"

    @property
    def interpreters(self) -> Path:
        """Relocatable copies of interpreters."""
        return self.root / "interpreters"

    @property
    def prefixes(self) -> Path:
        """Unpacked packs, by the pack's id; the launcher on the target uses the same."""
        return self.root / "prefixes"

    @property
    def uv(self) -> Path:
        """The cache of uv: index answers and metadata, which let locks be made offline."""
        return self.root / "uv"

    @property
    def pages(self) -> Path:
        """Project pages of indexes and the metadata of files on them, as pip for old Pythons needs them."""
        return self.root / "pages"

    @property
    def analyses(self) -> Path:
        """What was read of directories of source, for the next time."""
        return self.root / "analyses"

    @property
    def foreign(self) -> Path:
        """Unpacked archives that other tools made."""
        return self.root / "foreign"


def default_cache_root(environ: Mapping[str, str]) -> Path:
    """Find the cache as the launcher in a pack does (docs/reference/pack-format.md, "Unpacking").

    `$PANNIER_CACHE_DIR`, else `$XDG_CACHE_HOME/pannier`, else `$HOME/.cache/pannier`, else
    `${TMPDIR:-/tmp}/pannier-UID`; an empty variable counts as unset.
    """
    if explicit := environ.get("PANNIER_CACHE_DIR"):
        return Path(explicit)
    cache_home = environ.get("XDG_CACHE_HOME", "")
    if cache_home.startswith("/"):
        return Path(cache_home, "pannier")
    if home := environ.get("HOME"):
        return Path(home, ".cache", "pannier")
    return _last_resort(environ)


def usable_cache_root(environ: Mapping[str, str]) -> Path:
    """Find the cache, or the last resort where the user's own directory cannot be written to.

    Raises:
        StorageError: The last resort cannot be made; or it is somebody else's, who could change what is run
            from it.
    """
    root = default_cache_root(environ)
    if environ.get("PANNIER_CACHE_DIR") or _can_write(root):
        return root
    root = _last_resort(environ)
    try:
        root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"no cache can be kept: neither in a home directory nor as `{root}`",
            code="storage",
            facts={"reason": error.strerror or str(error)},
            hint="name a directory that you may write to with `--cache-dir` or PANNIER_CACHE_DIR",
        ) from error
    if root.is_symlink() or root.stat().st_uid != os.getuid():
        raise StorageError(
            "the cache directory belongs to someone else",
            code="unsafe-cache",
            facts={"directory": str(root)},
            hint="name another cache with `--cache-dir` or PANNIER_CACHE_DIR",
        )
    return root


def _can_write(directory: Path) -> bool:
    nearest = next(place for place in (directory, *directory.parents) if os.path.lexists(place))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _last_resort(environ: Mapping[str, str]) -> Path:
    temporary = environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the launcher's last resort, and it names the user
    return Path(temporary, f"pannier-{os.getuid()}")
