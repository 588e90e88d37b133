"""Data that a spec carries beside an environment: a git repository at a commit, or a download."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pannier.model.errors import FetchError, HashMismatchError
from pannier.model.spec import DataSource
from pannier.store.tar_archive import unpack_tar


@contextmanager
def fetched_data(source: DataSource, *, offline: bool = False) -> Iterator[Path]:
    """Fetch one source into a temporary directory that lives as long as the block.

    Args:
        source: What to fetch.
        offline: Refuse what is not on this machine.

    Yields:
        A directory (`git`, `tar`) or a file.

    Raises:
        FetchError: It cannot be had, or is not what the spec says it is.
        HashMismatchError: The download differs from the hash in the spec.
    """
    if offline and "://" in source.url and not source.url.startswith("file://"):
        raise FetchError(
            f"the data for `{source.variable}` cannot be fetched offline",
            code="offline-not-cached",
            facts={"url": source.url},
            hint="run without `--offline`",
        )
    with tempfile.TemporaryDirectory(prefix="pannier-data-") as name:
        place = Path(name)
        if source.kind == "git":
            yield _clone(source, place / "repository")
        else:
            download = _download(source, place / (source.url.rsplit("/", 1)[-1] or "download"))
            yield download if source.kind == "file" else _extract(source, download, place / "tree")


def _clone(source: DataSource, place: Path) -> Path:
    """A work tree at exactly the ref asked for, without its history."""
    _git(source, "clone", "--quiet", "--no-checkout", "--", source.url, str(place))
    if source.ref:
        # A branch is known by its remote name only, a tag or a commit by its own.
        known = _git(source, "-C", str(place), "tag", "--list", source.ref) or _is_commit(source.ref)
        ref = source.ref if known else f"origin/{source.ref}"
    else:
        ref = "HEAD"
    _git(source, "-C", str(place), "checkout", "--quiet", "--detach", ref, "--")
    shutil.rmtree(place / ".git")
    return place


def _is_commit(ref: str) -> bool:
    return len(ref) >= 7 and all(letter in "0123456789abcdef" for letter in ref)


def _git(source: DataSource, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise FetchError(
            f"the data for `{source.variable}` needs git, which is not installed",
            code="git-missing",
            hint="install git",
        ) from None
    if done.returncode != 0:
        raise FetchError(
            f"the data for `{source.variable}` cannot be had from its repository",
            code="git-failed",
            facts={
                "url": source.url,
                "ref": source.ref or "HEAD",
                "git said": done.stderr.strip().splitlines()[-3:],
            },
            hint="check the address and that the ref exists there",
        )
    return done.stdout.strip()


def _download(source: DataSource, place: Path) -> Path:
    import urllib.error
    import urllib.request

    digest = hashlib.sha256()
    url = source.url if "://" in source.url else Path(source.url).absolute().as_uri()
    try:
        with urllib.request.urlopen(url) as answer, place.open("wb") as stream:  # noqa: S310 - the spec's own
            while chunk := answer.read(1 << 20):
                digest.update(chunk)
                stream.write(chunk)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise FetchError(
            f"the data for `{source.variable}` cannot be downloaded",
            code="fetch-failed",
            facts={"url": source.url, "reason": str(getattr(error, "reason", error))},
            hint="check the address",
        ) from error
    if source.sha256 and source.sha256 != digest.hexdigest():
        raise HashMismatchError(
            f"the data for `{source.variable}` does not match its hash in the spec",
            facts={
                "spec": f"sha256:{source.sha256}",
                "found": f"sha256:{digest.hexdigest()}",
                "url": source.url,
            },
            hint="if the file was replaced on purpose, write its new hash into the spec",
        )
    return place


def _extract(source: DataSource, archive: Path, place: Path) -> Path:
    place.mkdir()
    try:
        unpack_tar(archive, place)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(
            f"the data for `{source.variable}` is no tar archive that can be unpacked",
            code="data-invalid",
            facts={"url": source.url, "reason": str(error)},
            hint="write `type: file` into the spec to carry it as it is",
        ) from error
    return place
