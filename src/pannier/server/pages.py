"""Ready-made pages: every representation's bytes, plain and compressed, with its validators."""

import gzip
import hashlib
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from pannier.formats import simple_api
from pannier.server.catalogue.records import FileRecord, ProjectRecord
from pannier.server.messages import HeaderFields, Request, Response, make_headers

_GZIP_LEVEL = 6
_WORTH_COMPRESSING = 500


class Page(NamedTuple):
    """One representation of a page, ready to be sent.

    Attributes:
        etag: Strong validator of the plain bytes.
        plain: The bytes.
        plain_headers: The header fields that go with them.
        compressed: The same with gzip; empty where that gains nothing.
        compressed_headers: The header fields that go with those.
        unchanged_headers: The header fields of a 304.
    """

    etag: str
    plain: bytes
    plain_headers: HeaderFields
    compressed: bytes
    compressed_headers: HeaderFields
    unchanged_headers: HeaderFields


def make_page(data: bytes, kind: str, extra: Mapping[str, str] | None = None) -> Page:
    """Make a page of its bytes.

    Args:
        data: The bytes.
        kind: Their media type.
        extra: More header fields.
    """
    digest = hashlib.blake2b(data + kind.encode(), digest_size=16).hexdigest()
    compressed = gzip.compress(data, _GZIP_LEVEL, mtime=0) if len(data) > _WORTH_COMPRESSING else b""
    common = {"cache-control": "no-cache", "vary": "Accept, Accept-Encoding", **(extra or {})}
    plain = {"content-type": kind, "content-length": str(len(data)), "etag": f'"{digest}"', **common}
    packed = {**plain, "content-length": str(len(compressed)), "content-encoding": "gzip"}
    packed["etag"] = f'"{digest}-gzip"'
    return Page(
        etag=digest,
        plain=data,
        plain_headers=make_headers(plain),
        compressed=compressed,
        compressed_headers=make_headers(packed),
        unchanged_headers=make_headers({"etag": f'"{digest}"', **common}),
    )


def answer_page(request: Request, page: Page) -> Response:
    """The response that fits what the client has and understands."""
    known = request.headers.get("if-none-match")
    if known is not None and (known.strip() == "*" or page.etag in known):
        return Response(304, page.unchanged_headers)
    if page.compressed and accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(200, page.compressed_headers, page.compressed)
    return Response(200, page.plain_headers, page.plain)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding field lets gzip be sent."""
    for item in header.split(","):
        coding, _, parameter = item.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip", "*"):
            return parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def project_page(record: ProjectRecord, versions: list[str], to_packages: str) -> simple_api.ProjectPage:
    """A project's page as the Simple API says it.

    Args:
        record: The project.
        versions: Its versions, oldest first.
        to_packages: URL of `/packages/` from where the page is, with a slash at its end.
    """
    # A project in quarantine offers nothing to install (PEP 792).
    is_offered = record.status != "quarantined"
    return simple_api.ProjectPage(
        name=record.name,
        files=[file_link(file, to_packages) for file in record.files] if is_offered else [],
        versions=versions if is_offered else [],
        status=record.status,
        status_reason=record.status_reason,
        tracks=record.tracks,
        alternate_locations=record.alternate_locations,
    )


def file_link(file: FileRecord, to_packages: str) -> simple_api.FileLink:
    """A file as the Simple API says it."""
    url = to_packages + quote(file.path, safe="/!+~")
    return simple_api.FileLink(
        filename=file.filename,
        url=url,
        hashes={"sha256": file.sha256},
        requires_python=file.requires_python,
        metadata={"sha256": file.metadata_sha256} if file.metadata_sha256 else None,
        yanked=file.yanked,
        size=file.size,
        upload_time=format_time(file.mtime),
        has_signature=True if file.has_signature else None,
        provenance=f"{url}.provenance" if file.has_provenance else "",
    )


def format_time(nanoseconds: int) -> str:
    """ISO 8601 in UTC with microseconds and `Z` (PEP 700)."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"
