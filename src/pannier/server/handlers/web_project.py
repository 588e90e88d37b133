"""The page of a project, local or from upstream: what there is, and how to install it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pannier.formats.core_metadata import parse_full_metadata
from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheel_labels import PLATFORMS, Machine
from pannier.formats.wheels import normalize_project
from pannier.server.handlers.web import may_write
from pannier.server.messages import Request, Response, redirect
from pannier.server.pages import project_page
from pannier.server.routing import Route
from pannier.server.services import Services
from pannier.server.web.project_view import (
    Details,
    VersionView,
    choose_version,
    install_lines,
    read_details,
    view_versions,
)
from pannier.server.web.readme import render_readme
from pannier.server.web.rendering import index_url, render_page
from pannier.store.upstream.client import UpstreamUnavailableError

_PYTHONS = (*(f"3.{minor}" for minor in range(15, 5, -1)), "2.7")
_SHOWN = 12
_TRIED = 3


class _Subject(NamedTuple):
    """What a page is about.

    Attributes:
        page: The project.
        versions: Version of each file, by file name.
        is_upstream: It is not local.
    """

    page: ProjectPage
    versions: Mapping[str, str]
    is_upstream: bool


async def project(request: Request, services: Services, values: Sequence[str]) -> Response:
    """A project at the version that suits most, or at one version."""
    name, version = values[0], values[1] if len(values) > 1 else ""
    normalized = normalize_project(name)
    if name != normalized:
        return redirect(f"../../{normalized}/{version}/" if version else f"../{normalized}/")
    try:
        subject = await _find(request, services, name)
    except UpstreamUnavailableError as error:
        return _message(
            request, services, 503, "Upstream does not answer", f"{error.facts['reason']}\n{error.hint}"
        )
    if subject is None:
        return _message(request, services, 404, "No such project", f"There is no project {name} here.")
    machine = _machine(request)
    views = view_versions(subject.page, subject.versions, machine)
    chosen = (
        next((view for view in views if view.version == version), None) if version else choose_version(views)
    )
    if chosen is None:
        return _message(
            request, services, 404, "No such version", f"There is no version {version} of {name} here."
        )
    details = await _details(services, subject, chosen)
    return await services.off_loop(
        _render, request, services, subject, views, chosen, details, machine, bool(version)
    )


async def _find(request: Request, services: Services, name: str) -> _Subject | None:
    record = await services.off_loop(services.catalogue.project, name)
    if record is not None:
        local = project_page(record, [], f"{request.prefix}/packages/")
        return _Subject(local, {file.filename: file.version for file in record.files}, is_upstream=False)
    if services.upstream is None or services.catalogue.is_local(name):
        return None
    page = await services.upstream.find_project(name)
    if page is None or not page.files:
        return None
    parsed = {file.filename: parse_distribution_filename(file.filename) for file in page.files}
    versions = {filename: found.version for filename, found in parsed.items() if found}
    return _Subject(page, versions, is_upstream=True)


async def _details(services: Services, subject: _Subject, chosen: VersionView) -> Details:
    """What the version shown says of itself: of its files, the first with a README."""
    found = Details()
    links = [file.link for file in chosen.files if file.link.metadata is not None]
    for link in links[:_TRIED]:
        metadata = await _metadata(services, subject, link)
        if metadata is not None:
            details = await services.off_loop(_read, metadata)
            found = details if details.description or not found.summary else found
        if found.description:
            break
    return found


async def _metadata(services: Services, subject: _Subject, link: FileLink) -> bytes | None:
    if subject.is_upstream:
        assert services.upstream is not None
        return await services.upstream.find_metadata(subject.page.name, link)
    record = await services.off_loop(services.catalogue.file_named, link.filename)
    return await services.off_loop(services.catalogue.metadata, record) if record else None


def _read(metadata: bytes) -> Details:
    return read_details(parse_full_metadata(metadata))


def _render(
    request: Request,
    services: Services,
    subject: _Subject,
    views: Sequence[VersionView],
    chosen: VersionView,
    details: Details,
    machine: Machine,
    is_pinned: bool,
) -> Response:
    from markupsafe import Markup

    page = subject.page
    if subject.is_upstream:
        chosen = _with_our_links(chosen, services, page.name, request.prefix)
    bounds = {file.link.requires_python for file in chosen.files} - {""}
    readme = render_readme(
        details.description, details.description_type, services.catalogue.database.path.parent / "readmes"
    )
    return render_page(
        request,
        "project.html",
        name=page.name,
        project_status=page.status,
        status_reason=page.status_reason,
        details=details,
        versions=views,
        shown=len(views) if "all" in request.parameters else _SHOWN,
        chosen=chosen,
        newest=choose_version(views),
        requires_python=next(iter(bounds)) if len(bounds) == 1 else "",
        lines=install_lines(index_url(request), page.name, chosen, is_pinned=is_pinned),
        # Sanitised by `render_readme`.
        readme=Markup(readme),  # noqa: S704
        **_choice_of_machine(machine),
        is_upstream=subject.is_upstream,
        may_write=may_write(services),
    )


def _choice_of_machine(machine: Machine) -> dict[str, Any]:
    """What the form that asks for a Python and a platform shows."""
    asks = bool(machine.python or machine.platform)
    return {
        "machine": machine,
        "asks": asks,
        "asked": f"?python={machine.python}&platform={machine.platform}" if asks else "",
        "pythons": _PYTHONS,
        "platforms": PLATFORMS,
    }


def _with_our_links(chosen: VersionView, services: Services, name: str, prefix: str) -> VersionView:
    assert services.upstream is not None
    links = services.upstream.our_links([file.link for file in chosen.files], name, f"{prefix}/")
    files = [file._replace(link=link) for file, link in zip(chosen.files, links, strict=True)]
    return chosen._replace(files=files)


def _machine(request: Request) -> Machine:
    python, platform = request.parameters.get("python", ""), request.parameters.get("platform", "")
    return Machine(python if python in _PYTHONS else "", platform if platform in PLATFORMS else "")


def _message(request: Request, services: Services, status: int, heading: str, text: str) -> Response:
    return render_page(
        request,
        "message.html",
        status=status,
        heading=heading,
        text=text,
        back=f"{request.prefix}/",
        back_label="All projects",
        may_write=may_write(services),
    )


ROUTES = (
    Route(("GET",), "/project/{}/", project, "list", names_project=True),
    Route(("GET",), "/project/{}/{}/", project, "list", names_project=True),
    Route(
        ("GET",),
        "/project/{}",
        lambda request, *_: redirect(f"{request.prefix}{request.path}/"),
        "list",
        names_project=True,
    ),
)
