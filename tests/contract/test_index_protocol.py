"""What the standards say of an index's answers: conditions, ranges, negotiation, statuses, documents."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_index import JSON, ask, content, document, fields, index, packages

from pannier.formats.simple_api_pages import parse_project_page
from pannier.server.application import Application

__all__ = ["index", "packages"]
NAME = "Demo_Pkg-1.0-py3-none-any.whl"
FILE = f"/packages/{NAME}"
HTML = "application/vnd.pypi.simple.v1+html"


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=5-", 5, None), ("bytes=-7", -7, None), ("bytes=10-99999", 10, None)],
)
def test_a_part_of_a_file_is_sent(
    index: Application, packages: Path, header: str, first: int, last: int | None
) -> None:
    data = (packages / NAME).read_bytes()
    response = ask(index, FILE, range=header)
    wanted = data[first:] if last is None else data[first : last + 1]
    start = first % len(data)
    assert response.status == 206
    assert content(response) == wanted
    assert fields(response)["content-range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(data)}"


@pytest.mark.parametrize("header", ["bytes=99999-", "bytes=-0"])
def test_a_part_that_is_not_there_is_416(index: Application, packages: Path, header: str) -> None:
    response = ask(index, FILE, range=header)
    assert response.status == 416
    assert fields(response)["content-range"] == f"bytes */{(packages / NAME).stat().st_size}"


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "lines=1-2", "bytes=9-2", "bytes=", "bytes=x-"])
def test_a_range_that_is_none_or_several_gives_the_whole_file(
    index: Application, packages: Path, header: str
) -> None:
    assert content(ask(index, FILE, range=header)) == (packages / NAME).read_bytes()


def test_a_part_of_another_file_than_the_client_has_is_not_sent(index: Application) -> None:
    etag = fields(ask(index, FILE))["etag"]
    modified = fields(ask(index, FILE))["last-modified"]
    assert ask(index, FILE, range="bytes=0-1", if_range=etag).status == 206
    assert ask(index, FILE, range="bytes=0-1", if_range=modified).status == 206
    assert ask(index, FILE, range="bytes=0-1", if_range='"another"').status == 200


def test_what_has_not_changed_is_304(index: Application) -> None:
    have = fields(ask(index, FILE))
    assert ask(index, FILE, if_none_match=f'"x", W/{have["etag"]}').status == 304
    assert ask(index, FILE, if_modified_since=have["last-modified"]).status == 304
    assert ask(index, FILE, if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
    assert ask(index, FILE, if_modified_since="yesterday").status == 200
    assert ask(index, FILE, if_none_match='"x"', if_modified_since=have["last-modified"]).status == 200
    assert (
        ask(index, f"{FILE}.metadata", if_none_match=fields(ask(index, f"{FILE}.metadata"))["etag"]).status
        == 304
    )


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        (JSON, JSON),
        (f"{JSON}, {HTML}; q=0.1, text/html; q=0.01", JSON),
        (f"{HTML}, {JSON}; q=0.5", f"{HTML}; charset=utf-8"),
        (f"text/html, {JSON}; q=0", "text/html; charset=utf-8"),
        (f"{JSON}; q=0.2, */*; q=0.1", JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/*", f"{HTML}; charset=utf-8"),
    ],
)
def test_a_client_gets_what_it_likes_best(index: Application, accept: str, kind: str) -> None:
    assert fields(ask(index, "/simple/other/", accept=accept))["content-type"] == kind


@pytest.mark.parametrize(
    "accept", ["image/png", f"{JSON}; q=0", "*/*; q=0", "application/vnd.pypi.simple.v2+json"]
)
def test_a_client_that_takes_nothing_of_ours_is_told_what_there_is(index: Application, accept: str) -> None:
    response = ask(index, "/simple/other/", accept=accept)
    assert response.status == 406
    assert JSON.encode() in content(response)


def test_the_query_can_name_the_format(index: Application) -> None:
    assert fields(ask(index, f"/simple/?format={JSON.replace('+', '%2B')}"))["content-type"] == JSON
    assert ask(index, "/simple/?format=text/plain").status == 406


def test_html_and_json_say_the_same(index: Application) -> None:
    catalogue = index.services.catalogue
    record = catalogue.file_named("tool-0.1.tar.gz")
    assert record is not None
    catalogue.yank(record, 'a <"reason"> & more')
    catalogue.attest(record, b"{}")
    (catalogue.own / "projects.toml").write_text('[tool]\nstatus = "deprecated"\nstatus-reason = "old"\n')
    catalogue.refresh_own()
    url = "https://index.example/simple/tool/"
    pages = [
        parse_project_page(content(ask(index, "/simple/tool/", accept=kind)), kind, url)
        for kind in (JSON, HTML)
    ]
    assert pages[0].status == "deprecated"
    assert pages[0].files[0].yanked == 'a <"reason"> & more'
    assert pages[0].files[0].provenance == "https://index.example/packages/tool-0.1.tar.gz.provenance"
    in_html = [file._replace(size=None, upload_time="") for file in pages[0].files]
    assert list(pages[1].files) == in_html
    assert pages[1].status == "deprecated"


def test_json_has_what_the_newest_version_of_the_api_has(index: Application) -> None:
    catalogue = index.services.catalogue
    (catalogue.own / "projects.toml").write_text(
        '[tool]\nstatus = "archived"\ntracks = ["https://a.example/t/"]\nalternate-locations = ["https://b.example/t/"]\n'
    )
    catalogue.refresh_own()
    page = document(ask(index, "/simple/tool/", accept=JSON))
    assert page["meta"] == {"api-version": "1.4", "tracks": ["https://a.example/t/"]}
    assert page["alternate-locations"] == ["https://b.example/t/"]
    assert page["project-status"] == {"status": "archived"}
    file: Any = page["files"][0]  # type: ignore[index]
    assert file["core-metadata"] == file["dist-info-metadata"]
    assert len(file["core-metadata"]["sha256"]) == 64
    assert file["upload-time"].endswith("Z")


def test_a_project_in_quarantine_offers_nothing(index: Application) -> None:
    catalogue = index.services.catalogue
    (catalogue.own / "projects.toml").write_text('[tool]\nstatus = "quarantined"\n')
    catalogue.refresh_own()
    assert document(ask(index, "/simple/tool/", accept=JSON))["files"] == []


def test_pages_are_compressed_for_those_who_understand_it(index: Application) -> None:
    import gzip

    for number in range(40):
        index.services.catalogue.reserve(f"name{number}")
    plain = ask(index, "/simple/demo-pkg/")
    packed = ask(index, "/simple/demo-pkg/", accept_encoding="br, gzip;q=0.5")
    assert fields(packed)["content-encoding"] == "gzip"
    assert fields(packed)["etag"] != fields(plain)["etag"]
    assert gzip.decompress(content(packed)) == content(plain)
    assert "content-encoding" not in fields(ask(index, "/simple/demo-pkg/", accept_encoding="gzip;q=0"))
    assert ask(index, "/simple/demo-pkg/", if_none_match=fields(packed)["etag"]).status == 304


def test_the_json_document_of_a_project_describes_its_newest_release(index: Application) -> None:
    found = document(ask(index, "/pypi/demo-pkg/json"))
    info: Any = found["info"]
    releases: Any = found["releases"]
    urls: Any = found["urls"]
    assert (info["name"], info["version"]) == ("Demo_Pkg", "1.10")
    assert list(releases) == ["1.0", "1.10"]
    assert releases["1.0"][0]["requires_python"] == ">=3.8"
    assert urls[0]["url"] == "/packages/Demo_Pkg-1.10-py3-none-any.whl"
    assert urls[0]["digests"].keys() == {"sha256", "md5", "blake2b_256"}
    assert (urls[0]["packagetype"], urls[0]["python_version"]) == ("bdist_wheel", "py3")


def test_the_json_document_of_a_release_describes_it(index: Application) -> None:
    info: Any = document(ask(index, "/pypi/demo-pkg/1.0/json"))["info"]
    assert info["version"] == "1.0"
    assert ask(index, "/pypi/demo-pkg/9/json").status == 404
    assert ask(index, "/pypi/nothing/json").status == 404
    assert fields(ask(index, "/pypi/Demo_Pkg/1.0/json"))["location"] == "../../demo-pkg/1.0/json"


def test_health_says_what_it_checked(index: Application, packages: Path) -> None:
    found = document(ask(index, "/health"))
    assert found["status"] == "ok"
    assert found["checks"] == {"store": "ok", "directories": "ok", "space": "ok"}
    packages.rename(packages.with_name("gone"))
    response = ask(index, "/health")
    assert response.status == 503
    assert str(packages) in json.loads(content(response))["checks"]["directories"]


def test_metrics_count_answers_and_files(index: Application) -> None:
    ask(index, "/simple/demo-pkg/")
    index.services.counters.count(200, 100, 0.003)
    index.services.counters.count(404, 10, 2.0)
    lines = content(ask(index, "/metrics")).decode().splitlines()
    assert 'pannier_requests_total{status="404"} 1' in lines
    assert "pannier_sent_bytes_total 110" in lines
    assert 'pannier_request_seconds_bucket{le="0.005"} 1' in lines
    assert 'pannier_request_seconds_bucket{le="+Inf"} 2' in lines
    assert "pannier_files 2" in lines
    assert "pannier_files_waiting 2" in lines
