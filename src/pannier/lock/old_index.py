"""An index for one run of an old pip: short pages, and wheels that hold metadata alone.

pip 20.3.4 parses HTML at some thousand links a second and fetches whole wheels to read what they need. Here
the user's indexes are asked by us, in parallel, and pip is shown on the loopback interface what its Python
can take.
"""

import hashlib
import secrets
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage, format_project_html
from pannier.formats.simple_api_pages import strongest_hash
from pannier.formats.wheels import normalize_project
from pannier.lock.old_pages import (
    files_before,
    format_noted_metadata,
    required_names,
    stub_filename,
    stub_wheel,
    usable_files,
    wheel_metadata,
    without_left_behind,
)
from pannier.model.errors import FetchError, HashMismatchError, PannierError, UsageError
from pannier.model.interpreter import Interpreter
from pannier.model.lock import LockedFile, LockedProject
from pannier.model.target import Target
from pannier.store.distributions import DistributionStore
from pannier.store.index_pages import IndexPages
from pannier.store.transfer import Transfer
from pannier.store.writing import write_whole

_PARALLEL = 8
_BLOCK = 1 << 18
# Which kind of notes on sdists are kept: with what their classifiers say of Python.
_NOTED = "classified"


@dataclass(kw_only=True)
class IndexSource:
    """What the index answers from.

    Attributes:
        index_urls: The user's indexes; of files with the same name the last one's counts, as for pip.
        interpreter: The Python that pip is run by.
        target: What is locked for.
        store: Where files come to.
        transfer: The connections.
        offline: Ask nobody.
        cutoff: Leave out what was uploaded later.
        keeps_left_behind: Show sdists of releases that seem to be for newer Pythons alone.
    """

    index_urls: Sequence[str]
    interpreter: Interpreter
    target: Target
    store: DistributionStore
    transfer: Transfer
    offline: bool = False
    cutoff: datetime | None = None
    keeps_left_behind: bool = False


@dataclass
class _Offer:
    """A file that pip may ask for.

    Attributes:
        file: As its index offers it.
        project: Its normalized name.
        shown: The file name it is offered under where metadata are enough.
        digest: sha256 of the wheel that was made of its metadata; empty while there is none.
    """

    file: FileLink
    project: str
    shown: str
    digest: str = ""


@dataclass
class _Shown:
    """A project's page, for whoever needs files and for whoever needs metadata."""

    files: Sequence[FileLink] = ()
    full: bytes = b""
    short: bytes = b""


@dataclass
class OldIndex:
    """Serves one run of pip, between `__enter__` and `__exit__`.

    Attributes:
        source: What it answers from.
        failure: What went wrong first; pip was told that there is nothing.
        known: The projects that some index has.
        hides_some: Whether sdists were left out that seem to be for newer Pythons alone.
    """

    source: IndexSource
    failure: PannierError | None = None
    known: set[str] = field(default_factory=set)
    hides_some: bool = False
    _offers: list[_Offer] = field(default_factory=list)
    _pages: dict[str, "Future[_Shown]"] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        # Whoever else is on this machine does not know the path, and so nothing of what a private index has.
        self._token = secrets.token_urlsafe(16)
        self._pool = ThreadPoolExecutor(max_workers=_PARALLEL)
        directories = self.source.store.directories
        self._index = IndexPages(directories.pages, self.source.transfer, offline=self.source.offline)
        _ = self.source.transfer.client  # made here, before threads would each make one
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The index's URL, for pip."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._token}/simple/"

    @property
    def root(self) -> str:
        """What every URL of a page or a file here begins with."""
        return self.url.removesuffix("simple/")

    def expect(self, names: Sequence[str]) -> None:
        """Begin to fetch the pages of projects, which pip will ask for next."""
        for name in names:
            self._page(name)

    def answer(self, path: str, *, metadata_alone: bool) -> tuple[str, bytes | Path] | None:
        """Answer a request: the media type and a content or a file; `None` where there is nothing.

        Args:
            path: As requested.
            metadata_alone: Whether wheels that have metadata alone will do.
        """
        parts = path.strip("/").split("/")
        if parts[0] != self._token or self.failure:
            return None
        try:
            if len(parts) == 3 and parts[1] == "simple":
                page = self._page(normalize_project(parts[2])).result()
                content = page.short if metadata_alone else page.full
                return ("text/html", content) if page.files else None
            if len(parts) == 4 and parts[1] == "files":
                return "application/octet-stream", self._file(int(parts[2]), metadata_alone=metadata_alone)
        except PannierError as error:
            self.failure = self.failure or error
        except (RuntimeError, CancelledError):
            pass  # asked while it closes
        except (OSError, zipfile.BadZipFile) as error:
            self.failure = self.failure or FetchError(
                "a file of an index cannot be read", facts={"path": parts[-1], "reason": str(error)}
            )
        return None

    def is_own(self, url: str) -> bool:
        """Whether a URL is one of this index."""
        return url.startswith(self.root)

    def project_of(self, url: str, digest: str) -> LockedProject | None:
        """Find what pip took: the file that a URL of this index stands for, and the sdist beside it.

        Args:
            url: What pip asked for.
            digest: sha256 of what it got.
        """
        offer = self._offers[int(urlsplit(url).path.split("/")[3])]
        name = parse_distribution_filename(offer.file.filename)
        is_same = digest in (offer.digest, offer.file.hashes.get("sha256"))
        if name is None or not is_same or not offer.file.filename.endswith((".whl", ".tar.gz", ".zip")):
            return None
        if name.kind == "sdist":
            return LockedProject(name=name.project, version=name.version, sdist=self._sized(offer.file))
        return LockedProject(
            name=name.project,
            version=name.version,
            wheels=(self._sized(offer.file),),
            sdist=self.sdist_of(name.project, name.version),
        )

    def sdist_of(self, project: str, version: str) -> LockedFile | None:
        """Find the sdist of a version: a pip that does not know a wheel's manylinux takes it instead."""
        files = [link for link in self._page(project).result().files if "sha256" in link.hashes]
        beside = [file for file in files if _is_sdist_of(file, project, version)]
        return self._sized(beside[-1]) if beside else None

    def keep_notes(self, notes: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what pip learned of sdists, so that it need not run their `setup.py` again.

        Args:
            notes: By URL of this index.
        """
        for url, note in notes.items():
            offer = self._offers[int(urlsplit(url).path.split("/")[3])]
            if parse_distribution_filename(offer.shown) and "sha256" in offer.file.hashes:
                write_whole(self._metadata_path(offer.file), format_noted_metadata(note))

    def _sized(self, file: FileLink) -> LockedFile:
        locked = _locked(file)
        path = self.source.store.path_of(locked)
        return replace(locked, size=path.stat().st_size) if path.is_file() else locked

    def _page(self, name: str) -> "Future[_Shown]":
        with self._lock:
            if name not in self._pages:
                self._pages[name] = self._pool.submit(self._make_page, name)
            return self._pages[name]

    def _make_page(self, name: str) -> _Shown:
        files: dict[str, FileLink] = {}
        for index_url in self.source.index_urls:
            page = self._index.fetch(index_url, name)
            if page is None:
                continue
            self.known.add(name)
            files.update({file.filename: file for file in self._usable(page, name)})
        return self._show(name, list(files.values()))

    def _usable(self, page: ProjectPage, name: str) -> list[FileLink]:
        found = usable_files(page, name, self.source.target)
        if not self.source.keeps_left_behind:
            meant = without_left_behind(found, page, self.source.target)
            self.hides_some |= len(meant) < len(found)
            found = meant
        if self.source.cutoff is None:
            return found
        if found and not any(file.upload_time for file in found):
            minor = self.source.target.python_minor
            raise UsageError(
                f"`--exclude-newer` cannot be kept for Python {minor}: the index gives no dates",
                code="exclude-newer-unsupported",
                facts={"target": str(self.source.target), "project": f"`{name}`"},
                hint="bound the versions with `--constraint`",
            )
        return files_before(found, self.source.cutoff)

    def _show(self, name: str, files: list[FileLink]) -> _Shown:
        full: list[FileLink] = []
        short: list[FileLink] = []
        stubs: set[str] = set()
        for file in files:
            shown = file.filename
            if not shown.endswith(".whl") and self._knows_metadata(file):
                shown = stub_filename(shown, self.source.target)
                if shown in stubs:
                    continue  # another archive of the same version
                stubs.add(shown)
            with self._lock:
                self._offers.append(_Offer(file, name, shown))
                number = len(self._offers) - 1
            place = f"{self.root}files/{number}/"
            plain = file._replace(hashes={}, metadata=None, provenance="", has_signature=None)
            full.append(plain._replace(url=place + quote(file.filename)))
            short.append(plain._replace(url=place + quote(shown), filename=shown))
        pages = [format_project_html(ProjectPage(name=name, files=links)) for links in (full, short)]
        return _Shown(files, *pages)

    def _metadata_path(self, file: FileLink) -> Path:
        sha256 = file.hashes["sha256"]
        own = ""
        if not file.filename.endswith(".whl"):
            python = self.source.interpreter
            own = f"-{python.version}-{python.platform}-{_NOTED}"
        return self.source.store.directories.pages / "metadata" / sha256[:2] / f"{sha256}{own}"

    def _knows_metadata(self, file: FileLink) -> bool:
        return "sha256" in file.hashes and self._metadata_path(file).is_file()

    def _file(self, number: int, *, metadata_alone: bool) -> bytes | Path:
        offer = self._offers[number]
        if not metadata_alone or not offer.shown.endswith(".whl"):
            return self._bring(offer)
        metadata = self._metadata(offer)
        self.expect(required_names(metadata))
        stub = stub_wheel(offer.shown, metadata)
        offer.digest = hashlib.sha256(stub).hexdigest()
        return stub

    def _metadata(self, offer: _Offer) -> bytes:
        if self._knows_metadata(offer.file):
            return self._metadata_path(offer.file).read_bytes()
        metadata = self._published_metadata(offer.file)
        if not metadata:
            with self._bring(offer).open("rb") as stream:
                metadata = wheel_metadata(stream)
        write_whole(self._metadata_path(offer.file), metadata)
        return metadata

    def _published_metadata(self, file: FileLink) -> bytes:
        """What the index has beside a wheel (PEP 658), where it says with which hash."""
        promised = strongest_hash(file.metadata or {})
        if not promised or "sha256" not in file.hashes or self.source.offline:
            return b""
        content = self._index.fetch_beside(f"{file.url}.metadata")
        found = hashlib.new(promised[0], content, usedforsecurity=False).hexdigest()
        return content if found == promised[1] else b""

    def _bring(self, offer: _Offer) -> Path:
        """Have the file itself; one that the index names no sha256 of gets it here."""
        if "sha256" not in offer.file.hashes:
            self._bring_unhashed(offer)
        file = _locked(offer.file)
        return self.source.store.fetch([file])[file.sha256]

    def _bring_unhashed(self, offer: _Offer) -> None:
        file = offer.file
        if self.source.offline:
            raise FetchError(
                f"`{file.filename}` is not in the cache, and the network may not be asked",
                code="offline-not-cached",
                hint="run the same once without `--offline`",
            )
        content = self._index.fetch_beside(file.url)
        promised = strongest_hash(file.hashes)
        found = promised and hashlib.new(promised[0], content, usedforsecurity=False).hexdigest()
        if not content or (promised and found != promised[1]):
            raise HashMismatchError(
                f"`{file.filename}` is not what its index promises",
                facts={"promised": ":".join(promised or ("",)), "found": f"{found}", "url": file.url},
                hint="tell whoever runs the index",
            )
        with tempfile.TemporaryDirectory(prefix="pannier-lock-") as directory:
            path = Path(directory, file.filename)
            path.write_bytes(content)
            added = self.source.store.add(path)
        offer.file = file._replace(hashes={**file.hashes, "sha256": added.sha256})


def _is_sdist_of(file: FileLink, project: str, version: str) -> bool:
    name = parse_distribution_filename(file.filename)
    is_known = file.filename.endswith((".tar.gz", ".zip"))
    return is_known and name is not None and (name.project, name.version) == (project, version)


def _locked(file: FileLink) -> LockedFile:
    parts = urlsplit(file.url)
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    hashes = {"sha256": file.hashes["sha256"]}
    return LockedFile(filename=file.filename, url=url, hashes=hashes, size=file.size)


def _handler(answer: Callable[..., tuple[str, bytes | Path] | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            found = answer(self.path, metadata_alone=self.headers.get("X-Pannier") == "metadata")
            kind, content = found or ("text/plain", b"")
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(size))
            # pip would keep what it never asks for again: the port is another the next time.
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "HEAD":
                return
            if isinstance(content, bytes):
                self.wfile.write(content)
            else:
                with content.open("rb") as stream:
                    while block := stream.read(_BLOCK):
                        self.wfile.write(block)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
