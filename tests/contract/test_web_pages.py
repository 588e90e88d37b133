"""Pages for people, asked in process: what they show, and what strangers cannot make them do."""

import asyncio
import html
import inspect
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_publishing import BOUNDARY, basic, form, password_hash
from tests.end_to_end.local_index import sdist_bytes
from tests.fake_upstream import FakeUpstream
from tests.web_wheels import described_wheel

from pannier.server.application import Application
from pannier.server.messages import Request, Response
from pannier.server.settings import ServeSettings
from pannier.server.wiring import make_application

__all__ = ["password_hash"]
HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7777}}"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    for name, data in (
        described_wheel("Particle", "1.0", summary="Track particles", readme="# Hello\n\n*world*"),
        described_wheel("Particle", "2.0", summary="Track more particles", readme="# Newer"),
        described_wheel("Particle", "2.1rc1", summary="Not yet"),
        described_wheel("Particle", "2.0", tag="cp311-cp311-win_amd64"),
        sdist_bytes("other", "0.1", {"PKG-INFO": "Metadata-Version: 2.1\nName: other\nVersion: 0.1\n"}),
    ):
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as index:
        yield index


def index_of(packages: Path, **settings: Any) -> Application:
    index = make_application(ServeSettings(directories=(packages,), **settings))
    for name in index.services.catalogue.projects():
        index.services.catalogue.project(name)
    return index


def ask(index: Application, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Response:
    """The response to a browser."""
    path, _, query = path.partition("?")
    fields = {
        "accept": "text/html,*/*;q=0.8",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }

    async def whole() -> Response:
        host = fields.get("host", "pkg.example")
        request = Request(method, path, query, fields, Bytes(body), scheme="https", host=host, prefix="/p")
        answer = index.answer(request)
        response = await answer if inspect.isawaitable(answer) else answer
        assert isinstance(response, Response)
        if index.services.upstream is not None:
            await index.services.upstream.close()  # type: ignore[attr-defined]
        return response

    return asyncio.run(whole())


class Bytes:
    """A body that is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size < 0 else size
        part, self._data = self._data[:end], self._data[end:]
        return part


def text_of(response: Response) -> str:
    assert isinstance(response.content, bytes)
    return response.content.decode()


def page(index: Application, path: str, status: int = 200, **headers: str) -> str:
    response = ask(index, path, **headers)
    assert response.status == status, text_of(response)
    check_safe(response)
    return text_of(response)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check_safe(response: Response) -> None:
    """Nothing runs, nothing loads from elsewhere, and the browser is told so too."""
    headers = dict(response.headers)
    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
    reader = _Reader()
    reader.feed(text_of(response))
    for tag, attributes in reader.tags:
        assert tag not in {"script", "img", "iframe", "object", "embed", "style", "base"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src", "action"):
            target = attributes.get(name) or ""
            if tag == "a":
                assert re.match(r"(https?://|mailto:|/p/|\?|#|$)", target), target
            elif target:
                assert target.startswith("/p/"), target


def test_the_first_page_lists_projects_and_says_how_to_use_them(packages: Path) -> None:
    shown = page(index_of(packages), "/")
    assert "2 projects" in shown
    assert 'href="/p/project/particle/"' in shown
    assert "Track more particles" in shown
    assert "pip config set global.index-url https://pkg.example/p/simple/" in shown
    assert "extra-index" not in shown


def test_an_empty_index_says_what_to_do(tmp_path: Path) -> None:
    assert "Nothing here yet" in page(index_of(tmp_path), "/")


def test_many_projects_come_in_pages(tmp_path: Path) -> None:
    for number in range(230):
        name, data = described_wheel(f"project-{number:03}", "1.0")
        (tmp_path / name).write_bytes(data)
    index = make_application(ServeSettings(directories=(tmp_path,)))
    first, third = page(index, "/"), page(index, "/?page=3")
    assert "project-099" in first
    assert "project-229" in third
    assert "1 of 3" in first
    for odd in ("0", "-1", "999999999999999999", "x", "%00"):
        assert " of 3" in page(index, f"/?page={odd}")


def test_a_project_is_shown_at_what_an_installer_would_take(packages: Path) -> None:
    shown = page(index_of(packages), "/project/particle/")
    assert 'particle <span class="version">2.0</span>' in shown
    assert '<h1 id="readme-newer">Newer</h1>' in shown
    assert "pip install --index-url https://pkg.example/p/simple/ particle" in shown
    assert "uv pip install --index-url https://pkg.example/p/simple/ particle" in shown
    assert "particle==2.0" in shown
    assert "extra-index" not in shown
    assert "3 versions" in shown
    digest = index_of(packages).services.catalogue.file("Particle-2.0-py3-none-any.whl")
    assert digest is not None
    assert digest.sha256 in shown
    assert 'href="/p/packages/Particle-2.0-py3-none-any.whl"' in shown


def test_a_version_has_a_page(packages: Path) -> None:
    shown = page(index_of(packages), "/project/particle/1.0/")
    assert "particle==1.0" in shown
    assert "<em>world</em>" in shown
    assert 'The newest is <a href="/p/project/particle/">2.0</a>' in shown


def test_names_are_normalized_in_addresses(packages: Path) -> None:
    index = index_of(packages)
    for path in ("/project/Particle/", "/project/PARTICLE/2.0/", "/project/particle"):
        response = ask(index, path)
        assert response.status == 301
    assert "No such project" in page(index, "/project/nothing/", status=404)
    assert "No such version" in page(index, "/project/particle/9/", status=404)


def test_what_does_not_fit_is_marked(packages: Path) -> None:
    index = index_of(packages)
    assert "does not fit" not in page(index, "/project/particle/")
    shown = page(index, "/project/particle/?python=3.12&platform=linux-x86_64")
    assert shown.count("does not fit") == 1
    assert "<option selected>3.12" in shown
    assert (
        page(index, f"/project/particle/?python={html.escape('<x>')}&platform=../x").count("does not fit")
        == 0
    )


def test_a_yanked_version_says_so_and_why(packages: Path) -> None:
    for name in ("Particle-2.0-py3-none-any.whl", "Particle-2.0-cp311-cp311-win_amd64.whl"):
        (packages / f"{name}.yanked").write_text(f"wrong sign {HOSTILE}")
    index = index_of(packages)
    shown = page(index, "/project/particle/2.0/")
    assert "wrong sign &lt;/title&gt;" in shown
    assert 'particle <span class="version">1.0</span>' in page(index, "/project/particle/")


def test_strangers_write_no_html(tmp_path: Path) -> None:
    """From names, METADATA and READMEs: each field of them is text."""
    fields = {
        "Author": HOSTILE,
        "License": HOSTILE,
        "Home-page": f"javascript:alert(1)//{HOSTILE}",
        "Project-URL": f"{HOSTILE}, https://x.example/{HOSTILE}",
        "Requires-Dist": HOSTILE,
        "Classifier": f"License :: {HOSTILE}",
        "Requires-Python": f">=3 {HOSTILE}",
    }
    for kind in ("text/markdown", "text/x-rst", "text/plain", HOSTILE):
        name, data = described_wheel(
            "evil", f"1.{len(kind)}", summary=HOSTILE, readme=HOSTILE, readme_type=kind, fields=fields
        )
        (tmp_path / name).write_bytes(data)
    quoted = "evil-2.0\"'<x onclick=alert(1)>-py3-none-any.whl"
    (tmp_path / quoted).write_bytes(described_wheel("evil", "2.0")[1])
    index = index_of(tmp_path)
    versions = {file.version for file in index.services.catalogue.project("evil").files}  # type: ignore[union-attr]
    for path in ("/", "/project/evil/", *(f"/project/evil/{version}/" for version in versions)):
        shown = page(index, path, host=f'evil"><{HOSTILE}')
        assert "<script" not in shown
        assert "54439" not in shown
    page(index, "/search?q=" + "evil")


@pytest.mark.parametrize("path", ["/search?q={}", "/project/{}/", "/project/particle/{}/", "/?page={}"])
def test_nothing_asked_comes_back_as_html(packages: Path, path: str) -> None:
    from urllib.parse import quote

    index = index_of(packages)
    for word in ("<script>alert(1)</script>", "\"onmouseover='x'", "{{7*7777}}", "\u202e", "a" * 5000):
        response = ask(index, path.format(quote(word, safe="") if "?" in path else word.replace("/", "")))
        if response.status != 301:
            check_safe(response)
            assert "54439" not in text_of(response)


def test_search_finds_by_name_and_summary(packages: Path) -> None:
    index = index_of(packages)
    assert 'href="/p/project/particle/"' in page(index, "/search?q=part")
    assert "Nothing found" in page(index, "/search?q=nothing")
    assert "Nothing found" in page(index, "/search")
    for headers in ({"accept": "application/json"}, {}):
        query = "/search?q=particles" if headers else "/search?q=particles&format=json"
        answer = json.loads(text_of(ask(index, query, **headers)))
        assert answer["query"] == "particles"
        assert [found["name"] for found in answer["projects"]] == ["particle"]


def test_pages_are_not_sent_twice(packages: Path) -> None:
    index = index_of(packages)
    first = ask(index, "/project/particle/")
    etag = dict(first.headers)[b"etag"].decode()
    assert ask(index, "/project/particle/", if_none_match=etag).status == 304
    style = re.search(r"/-/style-\w+\.css", text_of(first))
    assert style
    response = ask(index, style[0])
    assert response.status == 200
    assert b"immutable" in dict(response.headers)[b"cache-control"]
    assert ask(index, "/-/icon.svg").status == 200


def test_a_project_of_upstream_is_shown_with_our_links(packages: Path, upstream: FakeUpstream) -> None:
    wheel, data = described_wheel("numpy", "2.0", summary="Arrays", readme="# Arrays for all")
    metadata = b"Metadata-Version: 2.1\nName: numpy\nVersion: 2.0\nSummary: Arrays\n\nArrays *for all*"
    offered = upstream.offer("numpy", "2.0", content=data, metadata=metadata)
    assert offered.filename == wheel
    index = index_of(packages, upstream=upstream.simple)
    shown = page(index, "/project/numpy/")
    assert "from upstream" in shown
    assert f'href="/p/upstream/numpy/sha256-{offered.hashes["sha256"]}/{wheel}"' in shown
    assert "<em>for all</em>" in shown
    assert str(upstream.port) not in shown
    upstream.stop()
    assert "from upstream" in page(index, "/project/numpy/")
    assert "Upstream does not answer" in page(index, "/project/scipy/", status=503)
    assert "No such project" in page(index, "/project/numpy-x/".replace("numpy-x", "-x"), status=404)
    upstream.start()


def test_a_namesake_upstream_is_not_shown(packages: Path, upstream: FakeUpstream) -> None:
    upstream.offer("particle", "99.0")
    index = index_of(packages, upstream=upstream.simple, reserve=("secret-*",))
    assert "99.0" not in page(index, "/project/particle/")
    assert "No such project" in page(index, "/project/secret-plan/", status=404)
    assert upstream.requests == []


@pytest.fixture
def guarded(packages: Path, password_hash: str) -> Application:
    (packages.parent / "htpasswd").write_text(f"alice:{password_hash}\n")
    return index_of(packages, htpasswd=str(packages.parent / "htpasswd"))


KIND = f"multipart/form-data; boundary={BOUNDARY}"


def test_a_read_only_index_offers_no_forms(packages: Path) -> None:
    index = index_of(packages)
    for path in ("/", "/project/particle/"):
        assert "/upload" not in page(index, path)
        assert "/manage/" not in page(index, path)
    assert ask(index, "/upload").status == 403


def test_who_may_not_is_asked_for_a_password(guarded: Application) -> None:
    assert 'href="/p/upload"' in page(guarded, "/")
    for path in ("/upload", "/manage/particle"):
        response = ask(guarded, path)
        assert response.status == 401
        assert b"www-authenticate" in dict(response.headers)
        page(guarded, path, authorization=basic("alice"))
    assert ask(guarded, "/upload", "POST", form({}), content_type=KIND).status == 401


def test_a_browser_uploads_a_file_and_nothing_else(guarded: Application) -> None:
    name, data = described_wheel("fresh", "1.0", summary="New")
    body = form({":action": "file_upload"}, name, data)
    about = {"content_type": KIND, "authorization": basic("alice"), "origin": "https://pkg.example"}
    response = ask(guarded, "/upload", "POST", body, sec_fetch_site="same-origin", **about)
    assert response.status == 200
    check_safe(response)
    assert "Published" in text_of(response)
    assert "1.0" in page(guarded, "/project/fresh/")
    refused = ask(guarded, "/upload", "POST", form({":action": "file_upload"}, name, b"no wheel"), **about)
    assert refused.status in (400, 409)
    assert "Refused" in text_of(refused)


def test_a_browser_yanks_and_takes_that_back(guarded: Application) -> None:
    fields = {":action": "yank", "name": "particle", "version": "2.0", "reason": "wrong <sign>"}
    about = {"content_type": KIND, "authorization": basic("alice"), "origin": "https://pkg.example"}
    assert "Done" in text_of(ask(guarded, "/manage/particle", "POST", form(fields), **about))
    assert "wrong &lt;sign&gt;" in page(guarded, "/project/particle/2.0/")
    shown = page(guarded, "/manage/particle", authorization=basic("alice"))
    assert "the yank of 2.0" in shown
    ask(guarded, "/manage/particle", "POST", form({**fields, ":action": "unyank"}), **about)
    assert "yanked" not in page(guarded, "/project/particle/2.0/")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "https://pkg.example"},
    ],
)
def test_a_page_of_another_site_makes_nobody_publish_or_yank(
    guarded: Application, headers: dict[str, str]
) -> None:
    name, data = described_wheel("fresh", "1.0")
    about = {"content_type": KIND, "authorization": basic("alice"), **headers}
    yank = form({":action": "yank", "name": "particle", "version": "2.0"})
    assert (
        ask(guarded, "/upload", "POST", form({":action": "file_upload"}, name, data), **about).status == 403
    )
    assert (
        ask(guarded, "/legacy/", "POST", form({":action": "file_upload"}, name, data), **about).status == 403
    )
    assert ask(guarded, "/manage/particle", "POST", yank, **about).status == 403
    assert "yanked" not in page(guarded, "/project/particle/2.0/")
    assert page(guarded, "/project/fresh/", status=404)
