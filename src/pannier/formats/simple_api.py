"""The Simple API 1.4: pages as values, and their bytes in HTML and JSON.

Standards: PEP 503, 592, 629, 658 and 714, 691, 700, 708, 740, 792.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

API_VERSION = "1.4"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
_HASHES = ("sha256", "sha384", "sha512", "blake2b", "sha1", "md5")  # in the order PEP 503 pages should prefer


class FileLink(NamedTuple):
    """One file of a project's page.

    Attributes:
        filename: Its name.
        url: Where it is, percent-encoded; relative to the page or absolute, without a fragment.
        hashes: Algorithm to hex digest.
        requires_python: The bound on the interpreter; empty for none.
        metadata: Hashes of the metadata file beside it (PEP 658), or none; `None` for no such file.
        yanked: The reason it is yanked for, which may be empty; `None` for not yanked.
        size: In bytes; `None` where it is not known.
        upload_time: ISO 8601 in UTC with `Z`; empty where it is not known.
        has_signature: A detached signature lies beside it as `URL.asc`; `None` where nothing is said of that.
        provenance: URL of its attestations (PEP 740); empty for none.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    requires_python: str = ""
    metadata: Mapping[str, str] | None = None
    yanked: str | None = None
    size: int | None = None
    upload_time: str = ""
    has_signature: bool | None = None
    provenance: str = ""


class ProjectPage(NamedTuple):
    """A project's page.

    Attributes:
        name: Normalized.
        files: In the order to show them.
        versions: Every version there is (PEP 700).
        status: `active`, `archived`, `quarantined` or `deprecated` (PEP 792).
        status_reason: Why; may be empty.
        tracks: URLs of the projects that this one follows (PEP 708).
        alternate_locations: URLs of the same project elsewhere (PEP 708).
    """

    name: str
    files: Sequence[FileLink]
    versions: Sequence[str] = ()
    status: str = "active"
    status_reason: str = ""
    tracks: Sequence[str] = ()
    alternate_locations: Sequence[str] = ()


def format_project_html(page: ProjectPage) -> bytes:
    """Write a project's page as HTML (PEP 503)."""
    head = "".join(_meta(key, value) for key, value in _project_metas(page))
    body = "".join(_anchor(file) for file in page.files)
    return _html(f"Links for {page.name}", head, body)


def format_project_json(page: ProjectPage) -> bytes:
    """Write a project's page as JSON (PEP 691)."""
    meta: dict[str, Any] = {"api-version": API_VERSION}
    if page.tracks:
        meta["tracks"] = list(page.tracks)
    document: dict[str, Any] = {
        "meta": meta,
        "name": page.name,
        "versions": list(page.versions),
        "files": [_json_file(file) for file in page.files],
    }
    document["project-status"] = {"status": page.status}
    if page.status_reason:
        document["project-status"]["reason"] = page.status_reason
    if page.alternate_locations:
        document["alternate-locations"] = list(page.alternate_locations)
    return _json(document)


def format_root_html(names: Iterable[str]) -> bytes:
    """Write the list of all projects as HTML; names are normalized, so their pages are at `NAME/`."""
    body = "".join(f'<a href="{name}/">{name}</a><br>\n' for name in names)
    return _html("Simple index", "", body)


def format_root_json(names: Iterable[str]) -> bytes:
    """Write the list of all projects as JSON."""
    return _json({"meta": {"api-version": API_VERSION}, "projects": [{"name": name} for name in names]})


def _html(title: str, head: str, body: str) -> bytes:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{_meta('pypi:repository-version', API_VERSION)}{head}<title>{escape(title)}</title>\n"
        f"</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}</body>\n</html>\n"
    ).encode()


def _meta(name: str, value: str) -> str:
    return f'<meta name="{name}" content="{escape(value)}">\n'


def _project_metas(page: ProjectPage) -> Iterable[tuple[str, str]]:
    yield "pypi:project-status", page.status
    if page.status_reason:
        yield "pypi:project-status-reason", page.status_reason
    yield from (("pypi:tracks", url) for url in page.tracks)
    yield from (("pypi:alternate-locations", url) for url in page.alternate_locations)


def _anchor(file: FileLink) -> str:
    algorithm = next((name for name in _HASHES if name in file.hashes), "")
    fragment = f"#{algorithm}={file.hashes[algorithm]}" if algorithm else ""
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in _anchor_attributes(file))
    return f'<a href="{escape(file.url)}{fragment}"{attributes}>{escape(file.filename)}</a><br>\n'


def _anchor_attributes(file: FileLink) -> Iterable[tuple[str, str]]:
    if file.requires_python:
        yield "data-requires-python", file.requires_python
    if file.metadata is not None:
        value = f"sha256={file.metadata['sha256']}" if "sha256" in file.metadata else "true"
        yield "data-dist-info-metadata", value
        yield "data-core-metadata", value
    if file.yanked is not None:
        yield "data-yanked", file.yanked
    if file.has_signature is not None:
        yield "data-gpg-sig", "true" if file.has_signature else "false"
    if file.provenance:
        yield "data-provenance", file.provenance


def _json_file(file: FileLink) -> dict[str, Any]:
    entry: dict[str, Any] = {"filename": file.filename, "url": file.url, "hashes": dict(file.hashes)}
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    if file.metadata is not None:
        entry["core-metadata"] = entry["dist-info-metadata"] = dict(file.metadata) or True
    if file.has_signature is not None:
        entry["gpg-sig"] = file.has_signature
    entry["yanked"] = False if file.yanked is None else (file.yanked or True)
    if file.size is not None:
        entry["size"] = file.size
    if file.upload_time:
        entry["upload-time"] = file.upload_time
    if file.provenance:
        entry["provenance"] = file.provenance
    return entry


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
