"""The pure parts of what installs a site."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.runtime.errors import ArchiveError
from pannier.runtime.site.bookkeeping import (
    TAIL_SIZE,
    Member,
    find_directory,
    format_end,
    format_local_header,
    parse_directory,
    place_members,
)
from pannier.runtime.site.environments import format_record, locate, share_out
from pannier.runtime.site.manifest import compute_id, format_canonical, parse_manifest
from pannier.runtime.site.pool import Entry
from pannier.runtime.site.pythons import check_platform
from pannier.runtime.site.scripts import format_shebang, rewrite_script
from pannier.runtime.site.wheels import parse_entry_points

MEMBERS = st.lists(
    st.builds(
        Member,
        name=st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}", fullmatch=True),
        size=st.integers(0, 1 << 40),
        crc=st.integers(0, 0xFFFFFFFF),
    ),
    min_size=1,
    max_size=8,
)


@given(MEMBERS, st.integers(1, 1 << 40))
def test_an_archive_directory_is_read_as_it_was_written(members: list[Member], header_size: int) -> None:
    end = format_end(header_size, members)
    last = place_members(header_size, members)[-1] + len(format_local_header(members[-1])) + members[-1].size
    start, size = find_directory(end[-TAIL_SIZE:], last + len(end))
    assert start == last
    directory = parse_directory(end[:size], start)
    assert list(directory.members) == members
    assert list(directory.offsets) == place_members(header_size, members)


@given(st.binary(max_size=300))
def test_bytes_of_anything_else_are_refused_as_a_directory(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        parse_directory(data, 0)
    with pytest.raises(ArchiveError):
        find_directory(data, len(data))


@given(st.binary(max_size=200))
def test_bytes_of_anything_else_are_refused_as_a_manifest(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        parse_manifest(data)


@pytest.mark.parametrize(
    "change",
    [
        {"site": {"prefix": "relative", "bin": "/b"}},
        {"site": {"prefix": "/a/../etc", "bin": "/b"}},
        {"files": [{"name": "../x", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"name": "x", "size": -1, "sha256": "0" * 64}]},
        {"version": 2},
        {"environments": [{"name": "Not/Allowed"}]},
    ],
)
def test_a_manifest_that_says_what_none_may_is_refused(change: dict[str, object]) -> None:
    value: dict[str, object] = {
        "format": "pannier-site",
        "version": 1,
        "tool": "t",
        "name": "n",
        "site": {"prefix": "/a", "bin": "/b"},
        "environments": [],
        "wheels": {},
        "files": [],
        "header_sha256": "0" * 64,
        "since": None,
    }
    value["id"] = compute_id(value)
    assert parse_manifest(format_canonical(value)).prefix == "/a"
    value.update(change)
    value["id"] = compute_id(value)
    with pytest.raises(ArchiveError):
        parse_manifest(format_canonical(value))


@pytest.mark.parametrize(
    ("wanted", "machine", "libc", "said"),
    [
        ("linux-x86_64-glibc2.17", "x86_64", "glibc 2.36", ""),
        ("linux-x86_64-glibc2.17", "x86_64", "glibc 2.17", ""),
        ("linux-x86_64-glibc2.28", "x86_64", "glibc 2.17", "its glibc is 2.17, and the wheels want 2.28"),
        ("linux-aarch64-glibc2.17", "x86_64", "glibc 2.36", "this machine is x86_64"),
        ("linux-x86_64-musl1.2", "x86_64", "glibc 2.36", "its C library is glibc"),
        ("linux-x86_64", "x86_64", "glibc 2.36", ""),
        ("windows", "x86_64", "", "is not known"),
    ],
)
def test_a_platform_is_wanted(wanted: str, machine: str, libc: str, said: str) -> None:
    found = check_platform(wanted, machine, libc)
    assert bool(found) == bool(said)
    assert said in found


def test_a_first_line_that_the_kernel_would_cut_goes_through_a_shell() -> None:
    assert format_shebang("/opt/bin/python") == "#!/opt/bin/python"
    for path in ("/opt/with space/python", "/" + "x" * 130):
        assert format_shebang(path).startswith("#!/bin/sh\n'''exec' ")
    assert rewrite_script("/p/python", b"#!python\nx\n") == b"#!/p/python\nx\n"
    assert rewrite_script("/p/python", b"#!pythonw -u\r\nx\n") == b"#!/p/python\nx\n"
    assert rewrite_script("/p/python", b"#!/bin/sh\nx\n") == b"#!/bin/sh\nx\n"


def test_entry_points_of_both_kinds_are_scripts() -> None:
    text = "[console_scripts]\na = m.n:f [extra]\n\n[gui_scripts]\nB = m:g.h\n\n[other]\nc = m:f\n"
    assert parse_entry_points(text) == {"a": "m.n:f", "B": "m:g.h"}
    for hostile in ("../x = m:f", "python3 = m:f", "a = m:f();import os"):
        with pytest.raises(ValueError, match="entry point"):
            parse_entry_points("[console_scripts]\n" + hostile + "\n")


@given(
    st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), max_size=5, unique=True)
)
def test_a_record_is_read_back_by_csv(names: list[str]) -> None:
    packages = "lib/python3.6/site-packages"
    rows = [(f"{packages}/{name}", "sha256=x", "1") for name in names]
    found = [row[0] for row in csv.reader(io.StringIO(format_record(rows, packages)))]
    assert sorted(found) == sorted(names)


def test_parts_of_a_wheel_go_to_their_places() -> None:
    assert locate("lib/a/b.py", "3.6", "p") == "lib/python3.6/site-packages/a/b.py"
    assert locate("scripts/x", "3.6", "p") == "bin/x"
    assert locate("headers/x.h", "3.6", "p") == "include/site/python3.6/p/x.h"
    assert locate("data/share/x", "3.6", "p") == "share/x"


def _entry(project: str, *places: str, scripts: tuple[str, ...] = ()) -> Entry:
    files = dict.fromkeys(places, ("0" * 64, 1))
    return Entry(
        "/pool/" + project, files, (), project + "-1.dist-info", dict.fromkeys(scripts, "a:b"), project
    )


def test_wheels_with_a_file_in_common_are_added_together_and_in_their_order() -> None:
    first = _entry("first", "lib/tests/__init__.py")
    apart = _entry("apart", "lib/apart/__init__.py", "lib/apart/more.py", "lib/apart/most.py")
    named = _entry("named", "lib/named.py", scripts=("run",))
    bringing = _entry("bringing", "scripts/run")
    last = _entry("last", "lib/tests/__init__.py", "lib/last.py")
    parts, paths = share_out([first, apart, named, bringing, last], "3.8")
    assert parts == [[first, named, bringing, last], [apart]]
    packages = "lib/python3.8/site-packages/"
    assert {"bin/run", packages + "tests/__init__.py", packages + "last-1.dist-info/RECORD"} <= paths
