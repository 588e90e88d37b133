"""The index with another one behind it, asked in process: local names are safe, everything else is there."""

import asyncio
import inspect
import json
import os
import re
import shutil
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.end_to_end.local_index import wheel_bytes
from tests.fake_upstream import FakeUpstream

from pannier.server.application import Application
from pannier.server.messages import FileRange, Request, Response
from pannier.server.settings import ServeSettings
from pannier.server.wiring import make_application

JSON = "application/vnd.pypi.simple.v1+json"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.body)
        return value


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as index:
        yield index


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    name, data = wheel_bytes("Our_Tool", "1.0")
    (directory / name).write_bytes(data)
    return directory


def index_of(packages: Path, upstream: FakeUpstream, **settings: Any) -> Application:
    return make_application(
        ServeSettings(directories=(packages,), upstream=upstream.simple)._replace(**settings)
    )


async def ask(index: Application, path: str, method: str = "GET", **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    answer = index.answer(Request(method, path, query, fields))
    response = await answer if inspect.isawaitable(answer) else answer
    assert isinstance(response, Response)
    sent = {name.decode(): value.decode() for name, value in response.headers}
    return Answer(response.status, sent, await body_of(response))


async def body_of(response: Response) -> bytes:
    part = response.content
    if isinstance(part, FileRange):
        data = os.pread(part.descriptor, part.length, part.offset)
        os.close(part.descriptor)
        return data
    if isinstance(part, AsyncIterable):
        return b"".join([block async for block in part])
    assert isinstance(part, bytes)
    return part


def run(index: Application, step: Callable[[], Awaitable[None]]) -> None:
    """Run a step on a loop of its own, as a server's process would."""

    async def whole() -> None:
        try:
            await step()
        finally:
            proxy = index.services.upstream
            if proxy is not None:
                await proxy.close()  # type: ignore[attr-defined]

    asyncio.run(whole())


def ask_once(index: Application, path: str, method: str = "GET", **headers: str) -> Answer:
    answers: list[Answer] = []

    async def step() -> None:
        answers.append(await ask(index, path, method, **headers))

    run(index, step)
    return answers[0]


def test_what_is_not_local_comes_under_our_links(packages: Path, upstream: FakeUpstream) -> None:
    offered = upstream.offer(
        "numpy", "2.0", requires_python=">=3.9", yanked="broken", metadata=b"Name: numpy\n"
    )
    index = index_of(packages, upstream)

    async def step() -> None:
        page = await ask(index, "/simple/numpy/", accept=JSON)
        assert page.status == 200
        assert page.headers["content-type"] == JSON
        assert page.json["name"] == "numpy"
        assert page.json["versions"] == ["2.0"]
        (file,) = page.json["files"]  # type: ignore[misc]
        assert file["url"] == f"../../upstream/numpy/sha256-{offered.hashes['sha256']}/{offered.filename}"
        assert file["hashes"] == offered.hashes
        assert (file["requires-python"], file["yanked"]) == (">=3.9", "broken")
        assert (file["size"], file["upload-time"]) == (len(offered.content), offered.upload_time)
        assert file["core-metadata"] == {"sha256": offered.metadata_hash}
        path = file["url"].removeprefix("../..")
        beside = await ask(index, f"{path}.metadata")
        assert (beside.status, beside.body) == (200, b"Name: numpy\n")
        first = await ask(index, path)
        second = await ask(index, path)
        assert first.body == second.body == offered.content
        assert (
            first.headers["content-length"] == second.headers["content-length"] == str(len(offered.content))
        )
        assert first.headers["etag"] == second.headers["etag"]

    run(index, step)
    assert upstream.asked_for("/simple/numpy/") == 1
    assert upstream.asked_for(offered.filename) == 2  # the file and its metadata


def test_the_document_of_a_name_of_upstream_says_where_its_page_is(
    packages: Path, upstream: FakeUpstream
) -> None:
    answer = ask_once(index_of(packages, upstream), "/pypi/numpy/json")
    assert answer.status == 404
    assert str(answer.json["message"]).endswith("/simple/numpy/")
    assert upstream.requests == []


def test_the_html_page_says_the_same(packages: Path, upstream: FakeUpstream) -> None:
    offered = upstream.offer("numpy", "2.0", requires_python=">=3.9", yanked="<b>")
    page = ask_once(index_of(packages, upstream), "/simple/numpy/").body.decode()
    assert f'href="../../upstream/numpy/sha256-{offered.hashes["sha256"]}/{offered.filename}#sha256=' in page
    assert 'data-requires-python="&gt;=3.9"' in page
    assert 'data-yanked="&lt;b&gt;"' in page
    assert str(upstream.port) not in page


def test_pages_have_validators(packages: Path, upstream: FakeUpstream) -> None:
    upstream.offer("numpy", "2.0")
    index = index_of(packages, upstream)

    async def step() -> None:
        first = await ask(index, "/simple/numpy/")
        again = await ask(index, "/simple/numpy/", if_none_match=first.headers["etag"])
        assert again.status == 304

    run(index, step)


SPELLINGS = ("our-tool", "Our_Tool", "our.tool", "OUR-TOOL", "our__tool", "our-_.tool")


PATHS = ("/simple/{}/", "/simple/{}", "/pypi/{}/json", "/pypi/{}/99.0/json", "/project/{}/")


def hostile(upstream: FakeUpstream) -> str:
    """A higher version of a local name, by somebody else; gives the path of its file here."""
    offered = upstream.offer("our-tool", "99.0")
    return f"/upstream/our-tool/sha256-{offered.hashes['sha256']}/{offered.filename}"


def assert_never_asked(index: Application, path: str, *, is_local: bool) -> None:
    """No page, JSON, search or file of a local name has anything of upstream."""

    async def step() -> None:
        for spelling in SPELLINGS:
            for ending in (
                "/simple/{}/",
                "/simple/{}",
                "/pypi/{}/json",
                "/pypi/{}/99.0/json",
                "/project/{}/",
            ):
                for accept in (JSON, "text/html"):
                    answer = await ask(index, ending.format(spelling), accept=accept)
                    assert b"99.0" not in answer.body
                    assert is_local or answer.status in (301, 302, 404)
            for place in (path.replace("our-tool", spelling), f"/packages/{path.rpartition('/')[2]}"):
                for suffix in ("", ".metadata", ".provenance"):
                    assert (await ask(index, place + suffix)).status == 404
            assert b"99.0" not in (await ask(index, f"/search?q={spelling}")).body
        assert b"99.0" not in (await ask(index, "/simple/")).body

    run(index, step)


def test_a_local_name_is_never_asked_upstream(packages: Path, upstream: FakeUpstream) -> None:
    path = hostile(upstream)
    assert_never_asked(index_of(packages, upstream), path, is_local=True)
    assert upstream.requests == []


def test_nor_after_its_last_file_is_gone(packages: Path, upstream: FakeUpstream) -> None:
    path = hostile(upstream)
    index = index_of(packages, upstream)
    next(packages.glob("*.whl")).unlink()
    index.services.catalogue.refresh()
    assert_never_asked(index, path, is_local=False)
    assert upstream.requests == []


def test_nor_after_the_store_is_deleted(packages: Path, upstream: FakeUpstream) -> None:
    path = hostile(upstream)
    index_of(packages, upstream).services.catalogue.refresh()
    next(packages.glob("*.whl")).unlink()
    shutil.rmtree(packages / ".pannier" / "store")
    assert_never_asked(index_of(packages, upstream), path, is_local=False)
    assert upstream.requests == []


def test_nor_when_it_was_removed_through_the_index(packages: Path, upstream: FakeUpstream) -> None:
    path = hostile(upstream)
    index = index_of(packages, upstream)
    record = index.services.catalogue.file("Our_Tool-1.0-py3-none-any.whl")
    assert record is not None
    index.services.catalogue.remove(record)
    assert_never_asked(index, path, is_local=False)
    assert upstream.requests == []


@pytest.mark.parametrize("reserved", ["our-tool", "Our_Tool", "our-*"])
def test_nor_a_reserved_name_that_nobody_has_published_yet(
    tmp_path: Path, upstream: FakeUpstream, reserved: str
) -> None:
    path = hostile(upstream)
    packages = tmp_path / "empty"
    packages.mkdir()
    assert_never_asked(index_of(packages, upstream, reserve=(reserved,)), path, is_local=False)
    # It stays so without being said again, and without the store.
    shutil.rmtree(packages / ".pannier" / "store")
    assert_never_asked(index_of(packages, upstream), path, is_local=False)
    assert upstream.requests == []


def test_a_name_that_becomes_local_takes_over_at_once(tmp_path: Path, upstream: FakeUpstream) -> None:
    """Also where its upstream namesake is in the cache already."""
    path = hostile(upstream)
    packages = tmp_path / "empty"
    packages.mkdir()
    index = index_of(packages, upstream)

    async def step() -> None:
        assert b"99.0" in (await ask(index, "/simple/our-tool/")).body
        assert (await ask(index, path)).status == 200

    run(index, step)
    name, data = wheel_bytes("our_tool", "1.0")
    (packages / name).write_bytes(data)
    index.services.catalogue.refresh()
    asked = len(upstream.requests)
    assert_never_asked(index, path, is_local=True)
    assert len(upstream.requests) == asked


def test_only_what_can_be_a_name_is_asked_for(packages: Path, upstream: FakeUpstream) -> None:
    upstream.offer("num-py", "1.0")
    index = index_of(packages, upstream)

    async def step() -> None:
        redirect = await ask(index, "/simple/Num_.Py/")
        assert (redirect.status, redirect.headers["location"]) == (301, "../num-py/")
        for name in ("-x", "a b", "%2e%2e", "caf\u00e9", "a" * 2000, "x\u2024y", "*"):
            assert (await ask(index, f"/simple/{name}/")).status in (301, 404)

    run(index, step)
    assert upstream.requests == []


def test_an_unknown_project_is_404_while_upstream_answers_and_503_while_not(
    packages: Path, upstream: FakeUpstream
) -> None:
    index = index_of(packages, upstream)
    upstream.offer("kept", "1.0")

    async def step() -> None:
        assert (await ask(index, "/simple/nothing/")).status == 404
        assert (await ask(index, "/simple/kept/")).status == 200
        upstream.stop()
        answer = await ask(index, "/simple/unknown/")
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert (await ask(index, "/simple/kept/")).status == 200
        assert (await ask(index, "/simple/our-tool/")).status == 200

    run(index, step)
    upstream.start()


def test_a_slow_upstream_holds_up_no_local_page(packages: Path, upstream: FakeUpstream) -> None:
    index = index_of(packages, upstream)
    upstream.gate.clear()

    async def step() -> None:
        waiting = asyncio.ensure_future(ask(index, "/simple/numpy/"))
        await asyncio.sleep(0.05)
        assert (await ask(index, "/simple/our-tool/")).status == 200
        assert (await ask(index, "/packages/Our_Tool-1.0-py3-none-any.whl")).status == 200
        assert not waiting.done()
        upstream.gate.set()
        assert (await waiting).status == 404

    run(index, step)


def test_a_wrong_file_is_never_whole_and_never_kept(packages: Path, upstream: FakeUpstream) -> None:
    offered = upstream.offer("numpy", "2.0", content=b"x" * 100_000)
    offered.hashes = {"sha256": "0" * 64}
    index = index_of(packages, upstream)
    path = f"/upstream/numpy/sha256-{'0' * 64}/{offered.filename}"

    async def step() -> None:
        upstream.file_gate.clear()
        answer = index.answer(Request("GET", path))
        response = await answer if inspect.isawaitable(answer) else answer
        assert isinstance(response, Response)
        assert response.status == 200
        upstream.file_gate.set()
        with pytest.raises(Exception, match="not what its page promises"):
            await body_of(response)
        # Where nothing has been sent yet, the status can say it.
        assert (await ask(index, path, range="bytes=0-9")).status == 502

    run(index, step)
    assert not list(packages.rglob("numpy*.whl*"))


def test_what_lies_beside_a_file_is_only_what_the_page_offers(packages: Path, upstream: FakeUpstream) -> None:
    offered = upstream.offer("numpy", "2.0")
    index = index_of(packages, upstream)
    path = f"/upstream/numpy/sha256-{offered.hashes['sha256']}/{offered.filename}"
    assert ask_once(index, f"{path}.metadata").status == 404
    assert ask_once(index, f"{path}.provenance").status == 404
    assert upstream.asked_for(".metadata") == 0


@pytest.mark.parametrize(
    "path",
    [
        "/upstream/../../etc/passwd",
        "/upstream/numpy/sha256-00/..%2f..%2fetc%2fpasswd",
        "/upstream/numpy/../x",
        "/upstream/numpy/./x",
        "/upstream/..\\x/y/z",
        "/upstream/numpy/sha256-00/.numpy.part",
        "/upstream/numpy/a\u0000b/x",
    ],
)
def test_no_path_leads_out_of_the_cache(packages: Path, upstream: FakeUpstream, path: str) -> None:
    assert ask_once(index_of(packages, upstream), path).status == 404


def test_head_of_a_file_fetches_nothing(packages: Path, upstream: FakeUpstream) -> None:
    offered = upstream.offer("numpy", "2.0")
    path = f"/upstream/numpy/sha256-{offered.hashes['sha256']}/{offered.filename}"
    answer = ask_once(index_of(packages, upstream), path, "HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(offered.content)))
    assert upstream.asked_for("/files/") == 0


def test_the_page_of_an_index_of_old_is_understood(packages: Path, upstream: FakeUpstream) -> None:
    upstream.dialect = "html"
    offered = upstream.offer("numpy", "2.0", requires_python=">=3.9")
    page = ask_once(index_of(packages, upstream), "/simple/numpy/", accept=JSON).json
    (file,) = page["files"]  # type: ignore[misc]
    assert file["requires-python"] == ">=3.9"
    assert "size" not in file
    assert re.fullmatch(rf"\.\./\.\./upstream/numpy/sha256-\w+/{offered.filename}", file["url"])


def test_the_file_of_reserved_names_may_be_written_by_hand(tmp_path: Path, upstream: FakeUpstream) -> None:
    path = hostile(upstream)
    packages = tmp_path / "empty"
    (packages / ".pannier").mkdir(parents=True)
    (packages / ".pannier" / "reserved").write_text("# ours, from next year on\nOur_Tool\n\n  acme-*  \n")
    index = index_of(packages, upstream)
    assert_never_asked(index, path, is_local=False)
    assert ask_once(index, "/simple/acme-anything/").status == 404
    assert ask_once(index, "/simple/ours/").status == 404
    assert upstream.requests == ["/simple/ours/"]
