"""Project pages of other indexes, read: the Simple API's HTML and JSON.

Standards: PEP 503, 592, 629, 658 and 714, 691, 700, 708, 740, 792.
What an index of today leaves out is left open, never guessed: HTML knows no sizes and no upload times.
"""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheels import normalize_project
from pannier.model.errors import FetchError

# What to ask an index for, best first (PEP 691).
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Strongest first; whatever hashlib always has and an index may name (PEP 503).
ALGORITHMS = ("sha512", "sha384", "sha256", "sha3_256", "blake2b", "sha224", "sha1", "md5")
_MAJOR = 1
_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{32,128}")
_NO_HASHES: Mapping[str, str] = MappingProxyType({})


def strongest_hash(hashes: Mapping[str, str]) -> tuple[str, str] | None:
    """Choose the hash to check by: `(algorithm, hex digest)`, or `None` where none is known to us."""
    return next(((name, hashes[name]) for name in ALGORITHMS if name in hashes), None)


def parse_project_page(content: bytes, content_type: str, url: str) -> ProjectPage:
    """Read a project page.

    Args:
        content: The answer's body.
        content_type: The answer's `Content-Type`; all but the JSON of PEP 691 is taken for HTML.
        url: Where the answer came from in the end, which relative links count from.

    Raises:
        FetchError: It is no project page, or of a major version of the API that came later than this.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("+json") or kind == "application/json":
        return _parse_json(content, url)
    if kind.endswith("+html") or kind in ("text/html", "application/xhtml+xml", ""):
        return _parse_html(content, url)
    raise _not_a_page(url, f"its content type is `{kind[:80]}`")


def parse_project_list(content: bytes, content_type: str, url: str) -> list[str]:
    """Read the list of all projects: their normalized names, sorted.

    Raises:
        FetchError: It is no such list.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.endswith("+json") or kind == "application/json"):
        reader = _PageReader(url)
        reader.feed(content.decode("utf-8", "replace"))
        reader.close()
        return sorted({normalize_project(name) for name in reader.projects()})
    try:
        projects = json.loads(content)["projects"]
        return sorted({normalize_project(project["name"]) for project in projects})
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _not_a_page(url, "its JSON has no list of projects") from None


def _parse_json(content: bytes, url: str) -> ProjectPage:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _not_a_page(url, f"its JSON is not valid: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise _not_a_page(url, "its JSON has no list of files")
    meta = _table(document.get("meta"))
    _check_version(str(meta.get("api-version", "1.0")), url)
    # PEP 792 puts the status beside the files, and its first drafts into `meta`.
    status = _table(document.get("project-status")) or {
        "status": meta.get("project-status"),
        "reason": meta.get("project-status-reason"),
    }
    files = (_parse_json_file(item, url) for item in document["files"] if isinstance(item, dict))
    return ProjectPage(
        name=_text(document.get("name")),
        files=tuple(file for file in files if file),
        versions=_texts(document.get("versions")),
        status=_text(status.get("status")) or "active",
        status_reason=_text(status.get("reason")),
        tracks=_texts(meta.get("tracks")),
        alternate_locations=_texts(document.get("alternate-locations") or meta.get("alternate-locations")),
    )


def _parse_json_file(item: dict[str, Any], url: str) -> FileLink | None:
    filename = _text(item.get("filename"))
    place = _absolute(url, _text(item.get("url")))
    if not is_filename(filename) or not place:
        return None
    yanked = item.get("yanked", False)
    size = item.get("size")
    return FileLink(
        filename=filename,
        url=place,
        hashes=_hashes(item.get("hashes")),
        requires_python=_text(item.get("requires-python")),
        yanked=yanked if isinstance(yanked, str) else ("" if yanked else None),
        metadata=_metadata(item.get("core-metadata", item.get("dist-info-metadata"))),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        upload_time=_text(item.get("upload-time")),
        provenance=_absolute(url, _text(item.get("provenance"))),
    )


def _metadata(value: object) -> Mapping[str, str] | None:
    if isinstance(value, dict):
        return _hashes(value)
    return _NO_HASHES if value else None


def _parse_html(content: bytes, url: str) -> ProjectPage:
    reader = _PageReader(url)
    try:
        reader.feed(content.decode("utf-8", "replace"))
        reader.close()
    except (AssertionError, ValueError) as error:
        raise _not_a_page(url, f"its HTML cannot be read: {error}") from None
    meta = reader.meta
    _check_version(next(iter(meta.get("pypi:repository-version", ())), "1.0"), url)
    return ProjectPage(
        name="",
        files=tuple(reader.files),
        status=next(iter(meta.get("pypi:project-status", ())), "active"),
        status_reason=next(iter(meta.get("pypi:project-status-reason", ())), ""),
        tracks=tuple(meta.get("pypi:tracks", ())),
        alternate_locations=tuple(meta.get("pypi:alternate-locations", ())),
    )


class _PageReader(HTMLParser):
    """Collects the anchors and the `meta` elements of a page."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = url
        self.files: list[FileLink] = []
        self.meta: dict[str, list[str]] = {}
        self._links: list[str] = []

    def projects(self) -> list[str]:
        """The names that links to pages below this one end in."""
        paths = (urlsplit(link).path.rstrip("/") for link in self._links)
        return [name for path in paths if _PROJECT.fullmatch(name := unquote(path.rpartition("/")[2]))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "base":
            self.base = urljoin(self.base, attributes.get("href") or "")
        elif tag == "meta":
            self.meta.setdefault(attributes.get("name") or "", []).append(attributes.get("content") or "")
        elif tag == "a":
            self._links.append(_absolute(self.base, attributes.get("href") or ""))
            if file := _parse_anchor(attributes, self.base):
                self.files.append(file)


def _parse_anchor(attributes: Mapping[str, str | None], base: str) -> FileLink | None:
    url = _absolute(base, attributes.get("href") or "", keep_fragment=True)
    place, fragment = urldefrag(url)
    # The link's end is what installers go by; its text is for people.
    filename = unquote(urlsplit(place).path.rpartition("/")[2])
    if not url or not is_filename(filename):
        return None
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    has_metadata = "data-core-metadata" in attributes or "data-dist-info-metadata" in attributes
    return FileLink(
        filename=filename,
        url=place,
        hashes=_parse_hash_list(fragment),
        requires_python=attributes.get("data-requires-python") or "",
        yanked=(attributes["data-yanked"] or "") if "data-yanked" in attributes else None,
        metadata=_parse_hash_list(metadata or "") if has_metadata and metadata != "false" else None,
        provenance=_absolute(base, attributes.get("data-provenance") or ""),
    )


def _parse_hash_list(text: str) -> Mapping[str, str]:
    """Read `sha256=...`, as in a link's fragment or an attribute of PEP 714; `&` stands between several."""
    return _hashes(dict(part.split("=", 1) for part in text.split("&") if "=" in part))


def _hashes(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return _NO_HASHES
    return {
        name: digest.lower()
        for name, digest in value.items()
        if name in ALGORITHMS and isinstance(digest, str) and _DIGEST.fullmatch(digest.lower())
    }


def is_filename(text: str) -> bool:
    """Say whether a file of ours could have this name: no path, not hidden, nothing unprintable."""
    return (
        bool(text)
        and text.isprintable()
        and text[0] != "."
        and not set(text) & set('/\\<>"')
        and len(text.encode()) < 240
    )


def _absolute(base: str, reference: str, *, keep_fragment: bool = False) -> str:
    """The URL that a link means; empty for one that does not lead to a web server."""
    if not reference:
        return ""
    try:
        url = urljoin(base, reference.strip())
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return ""
    return (url if keep_fragment else urldefrag(url).url) if usable else ""


def _check_version(version: str, url: str) -> None:
    """PEP 629: a later major version means nothing that this could understand."""
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) != _MAJOR:
        raise _not_a_page(
            url, f"it is of version {version[:20]} of the Simple API, of which {_MAJOR}.x is understood"
        )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _not_a_page(url: str, reason: str) -> FetchError:
    return FetchError(
        "an index answered with something that is no project page",
        code="not-a-project-page",
        facts={"url": url, "reason": reason},
        hint="name the URL that pip's `--index-url` takes, which often ends in `/simple/`",
    )


def format_kept_page(page: ProjectPage) -> bytes:
    """Write a page as the JSON that `parse_project_page` reads, to be kept; the links stay what they are."""
    files = [_kept_file(file) for file in page.files]
    document = {
        "meta": {"api-version": "1.4", "tracks": page.tracks},
        "name": page.name,
        "alternate-locations": page.alternate_locations,
        "project-status": {"status": page.status, "reason": page.status_reason},
        "versions": page.versions,
        "files": files,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _kept_file(file: FileLink) -> dict[str, object]:
    item = {
        "filename": file.filename,
        "url": file.url,
        "hashes": dict(file.hashes),
        "requires-python": file.requires_python,
        "yanked": file.yanked or file.yanked is not None,
        "core-metadata": dict(file.metadata) or True if file.metadata is not None else False,
        "size": file.size,
        "upload-time": file.upload_time,
        "provenance": file.provenance,
    }
    return {
        name: value
        for name, value in item.items()
        if value is not None and value is not False and value != ""
    }
