"""Pages of other indexes, as good and as bad as they come."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.simple_api import FileLink, ProjectPage, format_project_html, format_project_json
from pannier.formats.simple_api_pages import format_kept_page, is_filename, parse_project_page, strongest_hash
from pannier.model.errors import FetchError

URL = "https://index.example/simple/demo/"
JSON = "application/vnd.pypi.simple.v1+json"
SHA = "a" * 64


def parse_html(text: str) -> ProjectPage:
    return parse_project_page(text.encode(), "text/html; charset=utf-8", URL)


def parse_json(document: object) -> ProjectPage:
    return parse_project_page(json.dumps(document).encode(), JSON, URL)


def test_an_anchor_says_what_the_standards_let_it_say() -> None:
    page = parse_html(
        '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.4">'
        '<meta name="pypi:project-status" content="archived">'
        '<meta name="pypi:project-status-reason" content="moved"></head><body>'
        f'<a href="../../files/demo-1.0.tar.gz#sha256={SHA}" data-requires-python="&gt;=3.8"'
        f' data-yanked="bad" data-core-metadata="sha256={SHA}" data-provenance="/p/demo">demo-1.0.tar.gz</a>'
    )
    assert (page.status, page.status_reason) == ("archived", "moved")
    assert page.files == (
        FileLink(
            filename="demo-1.0.tar.gz",
            url="https://index.example/files/demo-1.0.tar.gz",
            hashes={"sha256": SHA},
            requires_python=">=3.8",
            yanked="bad",
            metadata={"sha256": SHA},
            provenance="https://index.example/p/demo",
        ),
    )


@pytest.mark.parametrize(
    ("attributes", "yanked", "metadata"),
    [
        ("", None, None),
        ("data-yanked", "", None),
        ('data-yanked=""', "", None),
        ('data-dist-info-metadata="true"', None, {}),
        ('data-core-metadata="false"', None, None),
        (f'data-dist-info-metadata="sha256={SHA}"', None, {"sha256": SHA}),
    ],
)
def test_attributes_without_values_count(attributes: str, yanked: str | None, metadata: object) -> None:
    (file,) = parse_html(f'<a href="demo-1.0.tar.gz" {attributes}>x</a>').files
    assert (file.yanked, file.metadata) == (yanked, metadata)


def test_links_count_from_the_base_of_the_page() -> None:
    (file,) = parse_html('<base href="https://files.example/x/"><a href="demo-1.0.tar.gz">y</a>').files
    assert file.url == "https://files.example/x/demo-1.0.tar.gz"


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://host/demo-1.0.tar.gz",
        "https://host:99999/demo-1.0.tar.gz",
        "https://[::1/demo-1.0.tar.gz",
        "https://host/a/..%2f..%2fetc%2fpasswd",
        "https://host/.hidden.whl",
        "https://host/a%00b.whl",
        "https://host/",
        "",
    ],
)
def test_links_that_lead_nowhere_good_are_left_out(href: str) -> None:
    assert parse_html(f'<a href="{href}">demo</a>').files == ()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "https://host:99999/x", "", 7, None]
)
def test_so_are_those_of_json(url: object) -> None:
    assert parse_json({"files": [{"filename": "demo-1.0.tar.gz", "url": url}]}).files == ()


@pytest.mark.parametrize(
    "filename", ["../x.whl", "a/b.whl", ".x.whl", "", "x\n.whl", 'x".whl', "x" * 300, 7, None]
)
def test_names_that_are_no_file_names_are_left_out(filename: object) -> None:
    page = parse_json({"files": [{"filename": filename, "url": "https://host/x", "hashes": {}}]})
    assert page.files == ()


def test_json_says_more_than_html() -> None:
    page = parse_json(
        {
            "meta": {"api-version": "1.4", "tracks": ["https://other.example/simple/demo/"]},
            "name": "demo",
            "versions": ["1.0", "2.0"],
            "project-status": {"status": "quarantined", "reason": "malware"},
            "alternate-locations": ["https://third.example/demo/"],
            "files": [
                {
                    "filename": "demo-1.0.tar.gz",
                    "url": "/files/demo-1.0.tar.gz",
                    "hashes": {"sha256": SHA.upper(), "md5": "zz", "crc32": "0" * 32},
                    "size": 17,
                    "upload-time": "2026-01-02T03:04:05.678900Z",
                    "yanked": True,
                    "core-metadata": True,
                    "requires-python": None,
                }
            ],
        }
    )
    assert (page.name, page.versions) == ("demo", ("1.0", "2.0"))
    assert (page.status, page.status_reason) == ("quarantined", "malware")
    assert page.tracks == ("https://other.example/simple/demo/",)
    assert page.alternate_locations == ("https://third.example/demo/",)
    (file,) = page.files
    assert file.hashes == {"sha256": SHA}
    assert (file.size, file.upload_time) == (17, "2026-01-02T03:04:05.678900Z")
    assert (file.yanked, file.metadata, file.requires_python) == ("", {}, "")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"files": 1}', JSON),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', JSON),
        (b'{"meta": {"api-version": "x"}, "files": []}', JSON),
        (b'<meta name="pypi:repository-version" content="2.0">', "text/html"),
        (b"%PDF", "application/pdf"),
        (b"[" * 100_000, JSON),
    ],
)
def test_what_is_no_page_is_refused(content: bytes, kind: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_project_page(content, kind, URL)
    assert caught.value.code == "not-a-project-page"


@given(st.binary(max_size=300), st.sampled_from(["text/html", JSON, "application/json", ""]))
def test_no_bytes_lead_astray(content: bytes, kind: str) -> None:
    try:
        page = parse_project_page(content, kind, URL)
    except FetchError:
        return
    assert all(is_filename(file.filename) for file in page.files)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
FILES = st.builds(
    FileLink,
    filename=st.from_regex(r"demo-[0-9]\.[0-9]\.tar\.gz", fullmatch=True),
    url=st.just("https://files.example/demo-1.0.tar.gz"),
    hashes=st.sampled_from([{}, {"sha256": SHA}, {"md5": "b" * 32}]),
    requires_python=TEXT,
    metadata=st.sampled_from([None, {}, {"sha256": SHA}]),
    yanked=st.none() | TEXT,
    size=st.none() | st.integers(0, 10**12),
    upload_time=st.sampled_from(["", "2026-01-02T03:04:05.678900Z"]),
    has_signature=st.none(),  # those of other indexes are not passed on
    provenance=st.just(""),
)
PAGES = st.builds(
    ProjectPage,
    name=st.just("demo"),
    files=st.lists(FILES, max_size=3).map(tuple),
    versions=st.just(("1.0",)),
    status=st.sampled_from(["active", "archived"]),
    status_reason=TEXT,
    tracks=st.just(()),
    alternate_locations=st.just(()),
)


@given(PAGES)
def test_what_we_write_is_read_again(page: ProjectPage) -> None:
    """Another Pannier may be upstream; and what is kept is this JSON too."""
    assert parse_project_page(format_kept_page(page), JSON, URL) == page
    assert parse_project_page(format_project_json(page), JSON, URL) == page
    read = parse_project_page(
        format_project_html(page), "text/html", page.files[0].url if page.files else URL
    )
    assert [file.yanked for file in read.files] == [file.yanked for file in page.files]
    assert [file.requires_python for file in read.files] == [file.requires_python for file in page.files]
    assert [file.hashes for file in read.files] == [file.hashes for file in page.files]


def test_the_strongest_hash_is_chosen() -> None:
    assert strongest_hash({"md5": "1", "sha256": "2"}) == ("sha256", "2")
    assert strongest_hash({"md5": "1"}) == ("md5", "1")
    assert strongest_hash({}) is None
