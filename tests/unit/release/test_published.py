"""What an index serves is read as it is, and compared with what was built."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pannier.model.errors import FetchError, ReleaseError
from pannier.model.release import Credentials, Distribution, ReleaseIndex
from pannier.release.published import IndexReader
from pannier.release.verifying import find_conflicts, refuse_conflicts, verify_release

NAME = "particle-1.2.0-py3-none-any.whl"
SIMPLE = "http://index.example/simple/"
PAGE = f"{SIMPLE}particle/"
Answer = Callable[[httpx.Request], httpx.Response]


def wheel_content(extra: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("particle-1.2.0.dist-info/METADATA", f"Name: particle\nVersion: 1.2.0\n{extra}")
    return stream.getvalue()


CONTENT = wheel_content()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path) -> Distribution:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    return Distribution(path, "wheel", SHA256, len(CONTENT))


def reader(answer: Answer, *simple_urls: str) -> IndexReader:
    index = ReleaseIndex("team", "http://index.example/", simple_urls or (SIMPLE,), Credentials("ann", "pw"))
    return IndexReader(index, httpx.Client(transport=httpx.MockTransport(answer)), pause=0.0)


def page(fragment: str = f"#sha256={SHA256}", attributes: str = "") -> httpx.Response:
    anchor = f'<a href="../../files/{NAME}{fragment}" {attributes}>{NAME}</a>'
    return httpx.Response(200, html=f"<html><body>{anchor}</body></html>")


def serving(listed: httpx.Response, content: bytes = CONTENT, metadata: bytes = b"") -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == PAGE:
            return listed
        return httpx.Response(200, content=metadata if request.url.path.endswith(".metadata") else content)

    return answer


def test_the_first_place_that_has_the_project_is_the_index() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"].startswith("Basic ")
        return page() if str(request.url) == PAGE else httpx.Response(404)

    found = reader(answer, "http://index.example/other/", SIMPLE).read("Particle")
    assert found.simple_url == SIMPLE
    assert [file.filename for file in found.of_version("1.2")] == [NAME]
    assert reader(lambda _: httpx.Response(404)).read("particle").files == ()


def test_a_wrong_guess_at_the_place_does_no_harm() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == PAGE:
            return page()
        if "shop" in request.url.path:
            return httpx.Response(200, html="<html><body>A shop</body></html>")
        return httpx.Response(400)

    found = reader(answer, "http://index.example/shop/", "http://index.example/bad/", SIMPLE).read("particle")
    assert found.simple_url == SIMPLE
    with pytest.raises(FetchError):
        reader(answer, "http://index.example/bad/").read("particle")


def test_where_an_index_sends_on_to_another_it_has_nothing_itself() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "index.example", "the other index was asked"
        return httpx.Response(303, headers={"Location": "http://public.example/simple/particle/"})

    assert reader(answer).read("particle").files == ()


def test_an_index_that_normalises_names_is_followed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == PAGE:
            return httpx.Response(301, headers={"Location": "/simple/again/"})
        return page()

    assert len(reader(answer).read("particle").files) == 1


def test_what_passes_is_tried_again_and_what_stays_is_told() -> None:
    statuses = [503, 502, 200]
    found = reader(lambda _: page() if statuses.pop(0) == 200 else httpx.Response(503)).read("particle")
    assert len(found.files) == 1
    with pytest.raises(FetchError) as caught:
        reader(lambda _: httpx.Response(401)).read("particle")
    assert caught.value.code == "index-unreachable"
    assert "password" in caught.value.hint


def test_no_line_to_the_index_is_told_without_a_traceback() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(FetchError) as caught:
        reader(answer, SIMPLE, "http://index.example/other/").read("particle")
    assert caught.value.facts["reason"] == "no route"
    assert set(asked) == {PAGE}


# Named, since the content is of this moment, and every process of the tests has to name the test alike.
@pytest.mark.parametrize(
    "fragment",
    [f"#sha256={SHA256}", f"#md5={hashlib.md5(CONTENT).hexdigest()}", ""],
    ids=["sha256", "md5", "none"],
)
def test_files_are_compared_by_whatever_hash_there_is(fragment: str, wheel: Distribution) -> None:
    one = reader(serving(page(fragment)))
    assert find_conflicts(one, one.read("particle"), [wheel]) == ([wheel], [])


@pytest.mark.parametrize("fragment", [f"#sha256={'0' * 64}", f"#md5={'0' * 32}", ""])
def test_other_bytes_are_a_conflict(fragment: str, wheel: Distribution) -> None:
    one = reader(serving(page(fragment), content=b"other"))
    published = one.read("particle")
    same, other = find_conflicts(one, published, [wheel])
    assert (same, other) == ([], [wheel])
    with pytest.raises(ReleaseError) as caught:
        refuse_conflicts(one.index, published, other)
    assert caught.value.code == "release-conflict"


def test_what_is_served_as_it_was_uploaded_is_verified(wheel: Distribution) -> None:
    metadata = b"Name: particle\nVersion: 1.2.0\n"
    listed = page(attributes=f'data-core-metadata="sha256={hashlib.sha256(metadata).hexdigest()}"')
    _, compared = verify_release(reader(serving(listed, metadata=metadata)), "particle", [wheel])
    assert compared == ("sha256", "metadata", "downloaded bytes")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (serving(page(f"#sha256={'0' * 64}")), "the page says sha256 000"),
        (serving(page(f"#md5={'0' * 32}")), "its hash on the page is another"),
        (serving(page(), content=b"other"), "downloaded it has sha256"),
        (
            serving(page(attributes='data-core-metadata="true"'), metadata=b"Name: x\n"),
            "the metadata beside it",
        ),
        (lambda _: httpx.Response(404), "the page does not list it"),
    ],
)
def test_what_is_served_otherwise_is_told(answer: Answer, said: str, wheel: Distribution) -> None:
    with pytest.raises(ReleaseError) as caught:
        verify_release(reader(answer), "particle", [wheel])
    assert caught.value.code == "release-verify"
    assert said in str(caught.value.facts[f"`{NAME}`"])
