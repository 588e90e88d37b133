"""`/pypi/PROJECT/json` and `/pypi/PROJECT/VERSION/json`: all of a project in one document."""

from collections.abc import Sequence
from typing import Any

from pannier.formats.core_metadata import parse_full_metadata
from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.catalogue import same_version, sorted_versions
from pannier.server.catalogue.records import FileRecord, ProjectRecord
from pannier.server.messages import Request, Response, redirect, respond_json
from pannier.server.pages import answer_page, file_link, format_time, make_page
from pannier.server.routing import Route
from pannier.server.services import Services

_KINDS = {"wheel": "bdist_wheel", "sdist": "sdist", "egg": "bdist_egg", "other": "bdist_wininst"}
# Fields of the core metadata that the document has under the same name, with what stands for a missing one.
_TEXTS = ("summary", "description", "description_content_type", "author", "author_email", "maintainer",
    "maintainer_email", "license", "home_page", "download_url")  # fmt: skip
_LISTS = ("classifiers", "requires_dist", "provides_extra", "dynamic", "license_files")


async def project(request: Request, services: Services, values: Sequence[str]) -> Response:
    """A project, described by its newest version that is no pre-release."""
    return await _answer(request, services, values[0], "")


async def release(request: Request, services: Services, values: Sequence[str]) -> Response:
    """One version of a project."""
    return await _answer(request, services, values[0], values[1])


async def _answer(request: Request, services: Services, name: str, version: str) -> Response:
    normalized = normalize_project(name)
    if name != normalized:
        up = "../../" if version else "../"
        return redirect(f"{up}{normalized}/{f'{_quote(version)}/' if version else ''}json")
    return await services.off_loop(_make, request, services, name, version)


def _quote(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="!+")


def _make(request: Request, services: Services, name: str, version: str) -> Response:
    record = services.catalogue.project(name)
    if record is None:
        return respond_json(404, {"message": _why_not(request, services, name)})
    base = f"{request.base_url}/packages/"
    chosen = version or newest_version(record)
    files = [file for file in record.files if same_version(file.version, chosen)]
    if not files:
        return respond_json(404, {"message": "Not Found"})
    document: dict[str, Any] = {
        "info": _info(request, services, record, files),
        "last_serial": services.catalogue.changes_since(0)[0],
        "urls": [_file(file, base) for file in files],
        "vulnerabilities": [],
    }
    if not version:
        document["releases"] = {
            each: [_file(file, base) for file in record.files if file.version == each]
            for each in sorted_versions([file.version for file in record.files])
        }
    import json

    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return answer_page(request, make_page(data, "application/json"))


def _why_not(request: Request, services: Services, name: str) -> str:
    # The document is made of what the files say, and those of upstream are not here to be read.
    if services.upstream is None or services.catalogue.is_local(name):
        return "Not Found"
    page = f"{request.base_url}/simple/{name}/"
    return f"Not Found: {name} is no project of this index; what upstream has of it is at {page}"


def newest_version(record: ProjectRecord) -> str:
    """The newest version that is neither a pre-release nor yanked; else the newest that is one of these."""
    from packaging.version import InvalidVersion, Version

    def rank(file: FileRecord) -> tuple[bool, bool]:
        try:
            return file.yanked is None, not Version(file.version).is_prerelease
        except InvalidVersion:
            return file.yanked is None, False

    best = max(rank(file) for file in record.files)
    return [file for file in record.files if rank(file) == best][-1].version


def _info(
    request: Request, services: Services, record: ProjectRecord, files: Sequence[FileRecord]
) -> dict[str, Any]:
    """The metadata of one version, from the wheel where there is one."""
    best = max(files, key=lambda file: (bool(file.metadata_sha256), file.kind == "wheel"))
    data = services.catalogue.metadata(best)
    fields = parse_full_metadata(data) if data else {}
    url = f"{request.base_url}/project/{record.name}/"
    reasons = [file.yanked for file in files if file.yanked]
    return {
        "name": best.name,
        "version": best.version,
        **{key: fields.get(key) or "" for key in _TEXTS},
        **{key: fields.get(key) or None for key in _LISTS},
        "classifiers": fields.get("classifiers") or [],
        "keywords": ",".join(fields.get("keywords") or []),
        "license_expression": fields.get("license_expression"),
        "requires_python": best.requires_python or None,
        "project_urls": fields.get("project_urls") or None,
        "package_url": url,
        "project_url": url,
        "release_url": f"{request.base_url}/pypi/{record.name}/{_quote(best.version)}/json",
        "platform": (fields.get("platforms") or [None])[0],
        "yanked": all(file.yanked is not None for file in files),
        "yanked_reason": reasons[0] if reasons else None,
    }


def _file(file: FileRecord, base: str) -> dict[str, Any]:
    link = file_link(file, base)
    time = format_time(file.mtime)
    return {
        "filename": file.filename,
        "url": link.url,
        "digests": {"sha256": file.sha256, "md5": file.md5, "blake2b_256": file.blake2},
        "md5_digest": file.md5,
        "packagetype": _KINDS.get(file.kind, file.kind),
        "python_version": _python_version(file),
        "requires_python": file.requires_python or None,
        "size": file.size,
        "upload_time": time[:19],
        "upload_time_iso_8601": time,
        "has_sig": file.has_signature,
        "comment_text": "",
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }


def _python_version(file: FileRecord) -> str:
    if file.kind != "wheel":
        return "source" if file.kind == "sdist" else "any"
    return file.filename.removesuffix(".whl").split("-")[-3]


ROUTES = (
    Route(("GET",), "/pypi/{}/json", project, "list", names_project=True),
    Route(("GET",), "/pypi/{}/{}/json", release, "list", names_project=True),
    Route(("GET",), "/pypi/{}/json/", project, "list", names_project=True),
)
