"""Running uv: which variables it sees, and where it keeps what it learns."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pannier.model.errors import LockError
from pannier.store.directories import CacheDirectories
from pannier.store.index_settings import IndexSettings

# What the user says to uv about indexes, credentials and the network holds here as well; what is said about
# projects, Pythons and resolutions in general does not: a lock follows from the spec and our options alone.
_KEPT = (
    "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_INDEX_STRATEGY",
    "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_CREDENTIALS_DIR",
    "UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_LINK_MODE", "UV_GIT_LFS", "UV_OFFLINE",
)  # fmt: skip
_KEPT_PREFIXES = ("UV_INDEX", "UV_HTTP_", "UV_REQUEST_", "UV_CONCURRENT_")
# 1980-01-01, the first instant a zip archive can write: every build says it was made then.
_EPOCH = "315532800"
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")


@dataclass(frozen=True, slots=True)
class UvResult:
    """How a run of uv ended."""

    exit_status: int
    stdout: str
    stderr: str


def uv_environment(
    environ: Mapping[str, str], directories: CacheDirectories, settings: IndexSettings
) -> dict[str, str]:
    """Give the variables uv runs with: the user's network, none of the user's environments."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _DROPPED
        and (not name.startswith("UV_") or name in _KEPT or name.startswith(_KEPT_PREFIXES))
    }
    kept.update(settings.to_uv_environment())
    kept["UV_CACHE_DIR"] = str(directories.uv)
    kept["UV_PYTHON_DOWNLOADS"] = "never"
    kept["UV_NO_PROGRESS"] = "1"
    kept["SOURCE_DATE_EPOCH"] = _EPOCH
    kept["PYTHONHASHSEED"] = "0"
    kept["NO_COLOR"] = "1"
    return kept


def run_uv(arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> UvResult:
    """Run uv to its end.

    Raises:
        LockError: uv is not there.
    """
    try:
        done = subprocess.run(
            [find_uv(), *arguments],
            env=dict(environment),
            cwd=directory,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise _uv_missing(str(error)) from error
    stdout, stderr = (output.decode("utf-8", "replace") for output in (done.stdout, done.stderr))
    return UvResult(done.returncode, stdout, stderr)


@cache
def find_uv() -> str:
    """Find the uv that is installed with us.

    To be asked once before threads do: `sysconfig`, which knows the place, fills itself unguarded.

    Raises:
        LockError: It is not there.
    """
    import uv

    try:
        found = os.fspath(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise _uv_missing(str(error)) from error
    return found


def _uv_missing(reason: str) -> LockError:
    return LockError(
        "uv, which resolves requirements, cannot be started",
        code="uv-missing",
        facts={"reason": reason},
        hint="install it where Pannier is, with `pip install uv`",
    )
