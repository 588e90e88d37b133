"""The index over real files, asked in process: what every client relies on."""

import asyncio
import json
import os
from collections.abc import AsyncIterable, Mapping
from pathlib import Path

import pytest
from tests.end_to_end.local_index import sdist_bytes, wheel_bytes

from pannier.server.application import Application
from pannier.server.messages import FileRange, Request, Response
from pannier.server.settings import ServeSettings
from pannier.server.wiring import make_application

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    for name, data in (
        wheel_bytes("Demo_Pkg", "1.0", python=">=3.8"),
        wheel_bytes("Demo_Pkg", "1.10"),
        wheel_bytes("other", "2.0"),
        sdist_bytes("tool", "0.1", {"PKG-INFO": "Metadata-Version: 2.1\nName: tool\nVersion: 0.1\n"}),
    ):
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def index(packages: Path) -> Application:
    return make_application(ServeSettings(directories=(packages,)))


def ask(index: Application, path: str, method: str = "GET", **headers: str) -> Response:
    """The response to one request."""
    path, _, query = path.partition("?")
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    async def wait() -> Response:
        answer = index.answer(Request(method, path, query, fields))
        return answer if isinstance(answer, Response) else await answer

    return asyncio.run(wait())


def fields(response: Response) -> Mapping[str, str]:
    return {name.decode(): value.decode() for name, value in response.headers}


def content(response: Response) -> bytes:
    part = response.content
    if isinstance(part, FileRange):
        data = os.pread(part.descriptor, part.length, part.offset)
        os.close(part.descriptor)
        return data
    assert not isinstance(part, AsyncIterable)
    return part if isinstance(part, bytes) else b"".join(part)


def document(response: Response) -> dict[str, object]:
    assert response.status == 200, content(response)
    value = json.loads(content(response))
    assert isinstance(value, dict)
    return value


def test_the_root_lists_every_project(index: Application) -> None:
    page = document(ask(index, "/simple/", accept=JSON))
    assert page["projects"] == [{"name": "demo-pkg"}, {"name": "other"}, {"name": "tool"}]


def test_a_project_page_says_what_is_in_the_files(index: Application) -> None:
    page = document(ask(index, "/simple/demo-pkg/", accept=JSON))
    assert page["versions"] == ["1.0", "1.10"]
    files = page["files"]
    assert isinstance(files, list)
    assert [file["filename"] for file in files] == [
        "Demo_Pkg-1.0-py3-none-any.whl",
        "Demo_Pkg-1.10-py3-none-any.whl",
    ]
    assert files[0]["requires-python"] == ">=3.8"
    assert files[0]["size"] > 0
    assert files[0]["url"] == "../../packages/Demo_Pkg-1.0-py3-none-any.whl"


def test_other_spellings_are_redirected(index: Application) -> None:
    response = ask(index, "/simple/Demo.Pkg/")
    assert (response.status, fields(response)["location"]) == (301, "../demo-pkg/")


def test_files_and_their_metadata_are_served(index: Application, packages: Path) -> None:
    name = "Demo_Pkg-1.0-py3-none-any.whl"
    assert content(ask(index, f"/packages/{name}")) == (packages / name).read_bytes()
    assert b"Name: Demo_Pkg\n" in content(ask(index, f"/packages/{name}.metadata"))


@pytest.mark.parametrize("path", ["/packages/../secret", "/simple/nothing/", "/packages/nothing.whl", "/x\0"])
def test_what_is_not_there_is_404(index: Application, path: str) -> None:
    assert ask(index, path).status == 404


def test_a_page_that_has_not_changed_is_304(index: Application) -> None:
    etag = fields(ask(index, "/simple/other/"))["etag"]
    assert ask(index, "/simple/other/", if_none_match=etag).status == 304


def test_an_added_file_is_listed_at_once(index: Application) -> None:
    catalogue = index.services.catalogue
    assert ask(index, "/simple/fresh/").status == 404
    name, data = wheel_bytes("fresh", "1.0")
    with catalogue.receiving() as temporary:
        temporary.write_bytes(data)
        record = catalogue.add(temporary, name)
    assert document(ask(index, "/simple/fresh/", accept=JSON))["versions"] == ["1.0"]
    assert catalogue.is_local("Fresh")
    catalogue.remove(record)
    assert ask(index, "/simple/fresh/").status == 404
    assert catalogue.is_local("fresh")


def test_a_yanked_file_says_so(index: Application) -> None:
    catalogue = index.services.catalogue
    record = catalogue.file_named("other-2.0-py3-none-any.whl")
    assert record is not None
    catalogue.yank(record, "it is broken")
    page = document(ask(index, "/simple/other/", accept=JSON))
    assert [file["yanked"] for file in page["files"]] == ["it is broken"]  # type: ignore[attr-defined]
