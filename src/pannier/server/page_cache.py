"""Pages kept ready, and dropped when what they say has changed, by whichever process."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from pannier.formats import simple_api
from pannier.server.catalogue.catalogue import Catalogue, sorted_versions
from pannier.server.catalogue.records import FileRecord
from pannier.server.catalogue.rows import ROOT
from pannier.server.pages import Page, make_page, project_page

_TO_PACKAGES = "../../packages/"
_LIMIT = 12 << 20
_FILES = 2000


def format_root(names: Sequence[str], kind: str) -> bytes:
    """The list of projects, in HTML or JSON."""
    is_json = kind == simple_api.JSON_TYPE
    return simple_api.format_root_json(names) if is_json else simple_api.format_root_html(names)


class PageCache:
    """Ready pages of one process, the most recently asked for, up to a number of bytes, and files asked for.

    A page is asked for by its media type and the project's normalized name, or `ROOT` for the list of all.
    """

    def __init__(self, catalogue: Catalogue, limit: int = _LIMIT) -> None:
        self._catalogue = catalogue
        self._limit = limit
        self._size = 0
        self._pages: OrderedDict[tuple[str, str], Page] = OrderedDict()
        self._lock = threading.Lock()
        self._files: dict[str, FileRecord] = {}
        self._version: tuple[int, ...] = ()
        self._change = 0

    def ready(self, name: str, kind: str) -> Page | None:
        """A page, if it is ready; does not block."""
        self._drop_changed()
        return self._find(name, kind)

    def ready_file(self, path: str) -> FileRecord | None:
        """A file that is whole and has been read, by its path below `/packages/`; does not block."""
        self._drop_changed()
        record = self._files.get(path)
        if record is None:
            record = self._catalogue.ready_file(path)
            if record is not None:
                if len(self._files) >= _FILES:
                    self._files.clear()
                self._files[path] = record
        return record

    def make(self, name: str, kind: str) -> Page | None:
        """A page, made when it is not ready; `None` for no such project. Blocks."""
        page = self.ready(name, kind)
        if page is not None:
            return page
        before = self._change
        data = format_root(self._catalogue.projects(), kind) if name == ROOT else self._project(name, kind)
        if data is None:
            return None
        page = make_page(data, content_type(kind))
        self._drop_changed()
        if self._change == before:
            self._keep(name, kind, page)
        return page

    def _project(self, name: str, kind: str) -> bytes | None:
        record = self._catalogue.project(name)
        if record is None:
            return None
        versions = sorted_versions([file.version for file in record.files])
        page = project_page(record, versions, _TO_PACKAGES)
        is_json = kind == simple_api.JSON_TYPE
        return simple_api.format_project_json(page) if is_json else simple_api.format_project_html(page)

    def _find(self, name: str, kind: str) -> Page | None:
        page = self._pages.get((name, kind))
        if page is not None:
            self._pages.move_to_end((name, kind))
        return page

    def _keep(self, name: str, kind: str, page: Page) -> None:
        with self._lock:
            self._pages[name, kind] = page
            self._size += _weight(page)
            while self._size > self._limit and len(self._pages) > 1:
                _, oldest = self._pages.popitem(last=False)
                self._size -= _weight(oldest)

    def _drop_changed(self) -> None:
        version = self._catalogue.version()
        if version == self._version:
            return
        with self._lock:
            is_other = version[:1] != self._version[:1]  # another store, which counts its changes anew
            self._version = version
            self._files.clear()
            self._change, names = self._catalogue.changes_since(0 if is_other else self._change)
            changed = set(names)
            for key in [key for key in self._pages if is_other or key[0] in changed]:
                self._size -= _weight(self._pages.pop(key))


def _weight(page: Page) -> int:
    return len(page.plain) + len(page.compressed) + 2000


def content_type(kind: str) -> str:
    """What a page's `Content-Type` says, for a media type of the Simple API."""
    return kind if kind == simple_api.JSON_TYPE else f"{kind}; charset=utf-8"
