"""Forms for those who may: upload a file, yank a version. What they send goes the way of any client's."""

from collections.abc import Sequence

from pannier.formats.wheels import normalize_project
from pannier.server.handlers.legacy import post
from pannier.server.handlers.web import may_write
from pannier.server.messages import Answer, Request, Response, redirect
from pannier.server.pages import project_page
from pannier.server.routing import Route
from pannier.server.services import Services
from pannier.server.web.project_view import view_versions
from pannier.server.web.rendering import base_url, render_page


def upload_form(request: Request, services: Services, _: Sequence[str]) -> Response:
    """Choose a file to upload."""
    return render_page(
        request, "upload.html", upload_url=f"{base_url(request)}/legacy/", may_write=may_write(services)
    )


async def upload(request: Request, services: Services, values: Sequence[str]) -> Response:
    """Take the file in, and say so on a page."""
    answer = await post(request, services, values)
    return _told(request, services, answer, "Published", f"{request.prefix}/upload", "Upload another")


def manage_form(request: Request, services: Services, values: Sequence[str]) -> Answer:
    """Choose a version to yank."""
    return services.off_loop(_manage_form, request, services, values[0])


def _manage_form(request: Request, services: Services, name: str) -> Response:
    normalized = normalize_project(name)
    if name != normalized:
        return redirect(f"{request.prefix}/manage/{normalized}")
    record = services.catalogue.project(name)
    if record is None:
        return render_page(
            request,
            "message.html",
            status=404,
            heading="No such project",
            text=f"There is no project {name} here.",
            back=f"{request.prefix}/",
            back_label="All projects",
            may_write=may_write(services),
        )
    page = project_page(record, [], f"{request.prefix}/packages/")
    versions = view_versions(page, {file.filename: file.version for file in record.files})
    return render_page(
        request,
        "manage.html",
        name=name,
        current=[version for version in versions if version.yanked is None],
        yanked=[version for version in versions if version.yanked is not None],
        may_write=may_write(services),
    )


async def manage(request: Request, services: Services, values: Sequence[str]) -> Response:
    """Yank or take that back, and say so on a page."""
    answer = await post(request, services, values)
    name = normalize_project(values[0])
    return _told(request, services, answer, "Done", f"{request.prefix}/project/{name}/", f"Back to {name}")


def _told(
    request: Request, services: Services, answer: Response, heading: str, back: str, back_label: str
) -> Response:
    """What the index answered to a form, on a page; browsers ask for a password themselves."""
    if answer.status == 401 or not isinstance(answer.content, bytes):
        return answer
    return render_page(
        request,
        "message.html",
        status=200 if answer.status < 300 else answer.status,
        heading=heading if answer.status < 300 else "Refused",
        text=answer.content.decode("utf-8", "replace"),
        back=back,
        back_label=back_label,
        may_write=may_write(services),
    )


ROUTES = (
    Route(("GET",), "/upload", upload_form, "update"),
    Route(("POST",), "/upload", upload, "open"),
    Route(("GET",), "/manage/{}", manage_form, "remove", names_project=True),
    Route(("POST",), "/manage/{}", manage, "open"),
)
