"""What an old Python takes of a page, and wheels that hold metadata alone."""

import io
import zipfile

import pytest

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.lock.old_pages import (
    files_before,
    format_noted_metadata,
    parse_cutoff,
    required_names,
    stub_filename,
    stub_wheel,
    usable_files,
    wheel_metadata,
    without_left_behind,
)
from pannier.model.errors import UsageError
from pannier.model.target import Platform, Target

TARGET = Target(python_version="2.7.18", platform=Platform.parse("linux-x86_64-glibc2.17"))


def _link(filename: str, **more: str) -> FileLink:
    return FileLink(filename=filename, url=f"https://x/{filename}", hashes={}, **more)  # type: ignore[arg-type]


def test_only_what_python_2_may_take_is_left() -> None:
    taken = [
        "a_b-1-cp27-cp27mu-manylinux1_x86_64.whl",
        "a_b-1-cp27-cp27m-manylinux1_x86_64.whl",
        "a_b-1-py2.py3-none-any.whl",
        "a-b-1.tar.gz",
    ]
    refused = [
        "a_b-1-cp36-cp36m-manylinux1_x86_64.whl",
        "a_b-1-cp27-cp27mu-manylinux1_i686.whl",
        "a_b-1-cp27-cp27m-win_amd64.whl",
        "a_b-1.win32.exe",
        "other-1.tar.gz",
    ]
    page = ProjectPage("a-b", [_link(name) for name in (*taken, *refused)])
    assert [file.filename for file in usable_files(page, "a-b", TARGET)] == taken


def test_requires_python_leaves_out_and_a_broken_bound_does_not() -> None:
    files = [_link("a-1.tar.gz", requires_python=">=3"), _link("a-2.tar.gz", requires_python="~~")]
    assert usable_files(ProjectPage("a", files), "a", TARGET) == files[1:]


def _meant(*names: str) -> list[str]:
    page = ProjectPage("a", [_link(name) for name in names])
    return [file.filename for file in without_left_behind(usable_files(page, "a", TARGET), page, TARGET)]


def test_a_release_whose_wheels_are_all_for_other_pythons_is_passed_over() -> None:
    old = ["a-1-cp27-cp27mu-manylinux1_x86_64.whl", "a-1.tar.gz"]
    assert _meant(*old, "a-2-cp36-cp36m-manylinux1_x86_64.whl", "a-2.tar.gz") == old
    assert _meant(*old, "a-2-py3-none-any.whl", "a-2.tar.gz") == old


def test_a_release_with_a_wheel_for_python_2_on_another_platform_is_kept() -> None:
    kept = ["a-1-cp27-cp27mu-manylinux1_x86_64.whl", "a-2.tar.gz"]
    assert _meant(*kept, "a-2-cp27-cp27m-win_amd64.whl") == kept
    assert _meant("a-1-py2-none-any.whl", "a-2.tar.gz") == ["a-1-py2-none-any.whl", "a-2.tar.gz"]


def test_where_no_release_has_a_fitting_wheel_all_sdists_are_kept() -> None:
    assert _meant("a-1.tar.gz", "a-2.tar.gz", "a-2-py3-none-any.whl") == ["a-1.tar.gz", "a-2.tar.gz"]


def test_files_count_until_the_end_of_a_day_and_undated_ones_never() -> None:
    files = [
        _link("a-1.tar.gz", upload_time="2015-01-01T00:00:00Z"),
        _link("a-2.tar.gz", upload_time="2015-01-04T00:00:00Z"),
        _link("a-3.tar.gz"),
    ]
    assert files_before(files, parse_cutoff("2015-01-02")) == files[:1]
    assert files_before(files, parse_cutoff("2015-01-04T00:00:01Z")) == files[:2]
    with pytest.raises(UsageError, match="no date"):
        parse_cutoff("yesterday")


def test_a_stub_says_what_the_distribution_needs() -> None:
    noted = {
        "name": "a-b",
        "version": "1-2",
        "requires_python": ">=2.7",
        "requires": {"": ["six"], "x": ["idna", 'attrs; python_version < "3"']},
    }
    metadata = format_noted_metadata(noted)
    name = stub_filename("a-b-1-2.zip", TARGET)
    wheel = io.BytesIO(stub_wheel(name, metadata))
    assert name.endswith("-py20-none-any.whl")
    assert zipfile.is_zipfile(wheel)
    assert wheel_metadata(wheel) == metadata
    assert required_names(metadata) == ["six"]
    assert b'Requires-Dist: attrs; (python_version < "3") and extra == "x"\n' in metadata
