"""Pages kept ready, and dropped when what they say has changed, by whichever process."""

import threading
from collections import OrderedDict

from pannier.formats import simple_api
from pannier.server.catalogue.catalogue import Catalogue, sorted_versions
from pannier.server.pages import Page, make_page, project_page

_ROOT = ""
_TO_PACKAGES = "../../packages/"


class PageCache:
    """Ready pages of one process, the most recently asked for, up to a number of bytes.

    `root` and `ready_project` are for the event loop; `project` blocks.
    """

    def __init__(self, catalogue: Catalogue, limit: int = 24 << 20) -> None:
        self._catalogue = catalogue
        self._limit = limit
        self._size = 0
        self._pages: OrderedDict[tuple[str, str], Page] = OrderedDict()
        self._lock = threading.Lock()
        self._version = -1
        self._change = 0

    def root(self, kind: str) -> Page:
        """The list of all projects."""
        self._drop_changed()
        page = self._find(_ROOT, kind)
        if page is None:
            names = self._catalogue.projects()
            is_json = kind == simple_api.JSON_TYPE
            data = simple_api.format_root_json(names) if is_json else simple_api.format_root_html(names)
            page = make_page(data, content_type(kind))
            self._keep(_ROOT, kind, page)
        return page

    def ready_project(self, name: str, kind: str) -> Page | None:
        """The page of a project, if it is ready."""
        self._drop_changed()
        return self._find(name, kind)

    def project(self, name: str, kind: str) -> Page | None:
        """The page of a project, made when it is not ready; `None` for no such project. Blocks."""
        self._drop_changed()
        page = self._find(name, kind)
        if page is not None:
            return page
        before = self._change
        record = self._catalogue.project(name)
        if record is None:
            return None
        versions = sorted_versions([file.version for file in record.files])
        value = project_page(record, versions, _TO_PACKAGES)
        is_json = kind == simple_api.JSON_TYPE
        data = simple_api.format_project_json(value) if is_json else simple_api.format_project_html(value)
        page = make_page(data, content_type(kind))
        if self._change == before:
            self._keep(name, kind, page)
        return page

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
        version = self._catalogue.database.data_version()
        if version == self._version:
            return
        self._version = version
        self._change, names = self._catalogue.changes_since(self._change)
        with self._lock:
            for key in [key for key in self._pages if key[0] in names or (names and key[0] == _ROOT)]:
                self._size -= _weight(self._pages.pop(key))


def _weight(page: Page) -> int:
    return len(page.plain) + len(page.compressed) + 2000


def content_type(kind: str) -> str:
    """What a page's `Content-Type` says, for a media type of the Simple API."""
    return kind if kind == simple_api.JSON_TYPE else f"{kind}; charset=utf-8"
