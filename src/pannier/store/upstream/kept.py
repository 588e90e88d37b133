"""What is kept of an upstream index, on disk.

- `pages/NAME.json`: one line about the answer, then the page; its time is when the index last confirmed it
- `files/NAME/HASH/FILENAME`: a file, checked; `.metadata` or `.provenance` behind it: what lies beside it
- `files/NAME/HASH/.FILENAME.part`: one that is arriving
- `answered`: its time is that of the index's last answer
- `lock`: see `locks`
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.simple_api_pages import format_kept_page, parse_project_page, strongest_hash
from pannier.model.errors import FetchError
from pannier.store.writing import write_whole

_VERSION = 1
UNHASHED = "unhashed"


class KeptPage(NamedTuple):
    """A page as it was last answered.

    Attributes:
        page: The page; `None` where the index said that there is no such project.
        etag: Validator of the answer; empty for none.
        last_modified: Validator of the answer; empty for none.
        max_age: Seconds it is fresh after `checked`.
        checked: When the index last confirmed it, in seconds since the epoch.
        revision: Another one for other content; the same in all processes.
    """

    page: ProjectPage | None
    etag: str = ""
    last_modified: str = ""
    max_age: int = 0
    checked: float = 0.0
    revision: str = ""

    def is_fresh(self, now: float) -> bool:
        """Say whether the index need not be asked again; a time in the future is a clock set back."""
        return -60 <= now - self.checked < self.max_age


class UpstreamCache(NamedTuple):
    """The kept pages and files of one upstream index.

    Attributes:
        root: Its directory; each upstream has its own, so that pages of two never mix.
    """

    root: Path

    def page_path(self, name: str) -> Path:
        """Where the page of a project is, or would be."""
        return self.root / "pages" / f"{name}.json"

    def read_page(self, name: str) -> KeptPage | None:
        """Give what is kept; `None` for nothing that can be used."""
        try:
            with self.page_path(name).open("rb") as stream:
                found = os.fstat(stream.fileno())
                about = json.loads(stream.readline())
                if about["version"] != _VERSION:
                    return None
                page = None if about["missing"] else self._parse(stream.read(), self.root.name)
        except (OSError, ValueError, KeyError, TypeError, FetchError):
            return None
        revision = f"{found.st_ino:x}-{found.st_size:x}-{about['digest']}"
        return KeptPage(
            page, about["etag"], about["last-modified"], about["max-age"], found.st_mtime, revision
        )

    def _parse(self, content: bytes, url: str) -> ProjectPage:
        return parse_project_page(content, "application/json", url)

    def write_page(self, name: str, kept: KeptPage) -> None:
        """Keep a page, in place of the one before.

        Raises:
            StorageError: It cannot be written.
        """
        content = format_kept_page(kept.page) if kept.page else b""
        about: dict[str, Any] = {
            "version": _VERSION,
            "missing": kept.page is None,
            "etag": kept.etag,
            "last-modified": kept.last_modified,
            "max-age": kept.max_age,
            "digest": hashlib.sha256(content).hexdigest()[:16],
        }
        write_whole(self.page_path(name), json.dumps(about).encode() + b"\n" + content)

    def confirm_page(self, name: str) -> None:
        """Note that the index says it is still so."""
        with suppress(OSError):
            os.utime(self.page_path(name))

    def file_path(self, name: str, key: str, filename: str) -> Path:
        """Where a file is, or would be; `key` is that of `file_key`."""
        return self.root / "files" / name / key / filename

    def note_use(self, place: Path) -> None:
        """Remember that a kept file was asked for just now; what is asked for least is cleaned first."""
        with suppress(OSError):
            os.utime(place, ns=(time.time_ns(), place.stat().st_mtime_ns))

    def note_answer(self) -> None:
        """Remember that the index answered just now."""
        with suppress(OSError):
            place = self.root / "answered"
            place.touch()
            os.utime(place)

    def last_answer(self) -> float | None:
        """When the index last answered any process, in seconds since the epoch; `None` for never."""
        with suppress(OSError):
            return (self.root / "answered").stat().st_mtime
        return None


def file_key(file: FileLink) -> str:
    """Name a file's content in paths and URLs: its strongest hash, as `sha256-HEX`."""
    best = strongest_hash(file.hashes)
    return f"{best[0]}-{best[1]}" if best else UNHASHED


def upstream_cache(directory: Path, url: str) -> UpstreamCache:
    """Find the cache of one upstream index below a directory."""
    return UpstreamCache(directory / hashlib.sha256(url.encode()).hexdigest()[:12])
