"""Changelogs are read in the forms that people write them in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.changelogs import parse_changelog

KEEP = """\
# Changelog

All notable changes to this project are written here; the format follows version 1.1.0 of Keep a Changelog.

## [Unreleased]

### Added

## [1.2.0] - 2026-01-31

### Added

- A thing, see `1.1.0`.

```
## 9.9.9
```

<!-- ## 8.8.8 -->

### Fixed in 1.1.9

- Another.

## [1.1.0] - 2025-12-24 [YANKED]

- First.

[Unreleased]: https://example.org/compare/v1.2.0...HEAD
[1.2.0]: https://example.org/compare/v1.1.0...v1.2.0
"""


def test_keep_a_changelog_is_read_entry_by_entry() -> None:
    unreleased, newest, oldest = parse_changelog(KEEP)
    assert (unreleased.version, unreleased.is_released, unreleased.is_empty) == ("", False, True)
    assert (newest.version, newest.is_released, newest.date, newest.line) == ("1.2.0", True, "2026-01-31", 9)
    assert newest.body.startswith("### Added\n\n- A thing")
    assert newest.body.endswith("- Another.")
    assert (oldest.version, oldest.date) == ("1.1.0", "2025-12-24")


def test_changes_that_wait_for_a_version_are_not_nothing() -> None:
    (entry, _) = parse_changelog("## Unreleased\n\n### Added\n\n- A thing\n\n## 1.0\n")
    assert not entry.is_released
    assert not entry.is_empty


@pytest.mark.parametrize(
    ("heading", "version", "is_released"),
    [
        ("## 1.2.0", "1.2.0", True),
        ("## v1.2.0 (2026-01-31)", "1.2.0", True),
        ("# Version 1.2.0", "1.2.0", True),
        ("## particle 1.2.0", "1.2.0", True),
        ("## my-tool v1.2.0 -- 31.1.2026", "1.2.0", True),
        ("## [1.2.0](https://example.org/compare/v1.1.0...v1.2.0) (2026-01-31)", "1.2.0", True),
        ("## [v1.2.0][tag]", "1.2.0", True),
        ("### **1.2.0**", "1.2.0", True),
        ("## `1.2.0`", "1.2.0", True),
        ("## What's new in version 1.2.0", "1.2.0", True),
        ("## 2026-01-31: 1.2.0", "1.2.0", True),
        ("## 1.2.0rc1", "1.2.0rc1", True),
        ("## 1.2.0-beta.1 - 2026-01-31", "1.2.0-beta.1", True),
        ("## 2026.1.31", "2026.1.31", True),
        ("## 1!2.0+local.1", "1!2.0+local.1", True),
        ("## 42", "42", True),
        ("## 1.3.0 (unreleased)", "1.3.0", False),
        ("## 1.3.0 - TBD", "1.3.0", False),
        ("## [1.3.0] - YYYY-MM-DD", "1.3.0", False),
        ("## Unreleased", "", False),
        ("## [Unreleased](https://example.org/)", "", False),
        ("## Next release", "", False),
        ("## main", "", False),
        ("1.2.0 (2026-01-31)\n------------------", "1.2.0", True),
        ("==============\nVersion 1.2.0\n==============", "1.2.0", True),
        ("1.3.0 (unreleased)\n==================", "1.3.0", False),
        ("1.2.0 2026-01-31", "1.2.0", True),
        ("Version 1.2.0:", "1.2.0", True),
        ("v1.2.0, 31 January 2026", "1.2.0", True),
        ("particle (1.2.0) unstable; urgency=low", "1.2.0", True),
        ("1.2.0", "1.2.0", True),
        ("UNRELEASED", "", False),
        ("1.2.0 *2026-01-31*", "1.2.0", True),
        ("- 1.2.0: All of it in a list.", "1.2.0", True),
        ("---\ntitle: Log\ndepth: 2\n---\n\n## 1.2.0", "1.2.0", True),
    ],
)
def test_headings_of_every_habit_are_understood(heading: str, version: str, is_released: bool) -> None:
    (entry,) = parse_changelog(f"{heading}\n\n- A thing.\n")
    assert (entry.version, entry.is_released, entry.body) == (version, is_released, "- A thing.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Changelog\n\nNothing yet.\n",
        "## Migrating from 1.x\n\nWords.\n",
        "## Thanks\n",
        "We fixed 3 things in the last days, and 1.2.0 is not a heading here.\n",
        "    1.2.0\n",
        "```\n## 1.2.0\n```\n",
    ],
)
def test_what_is_no_heading_is_no_entry(text: str) -> None:
    assert parse_changelog(text) == ()


def test_a_restructuredtext_file_with_a_title_is_read_below_it() -> None:
    newer, older = (f"{title}\n----------------\n\n" for title in ("1.1 (2026-01-31)", "1.0 (2025-01-31)"))
    text = f"Changes\n=======\n\n{newer}- B\n\n{older}- A\n"
    entries = parse_changelog(text)
    assert [(entry.version, entry.body) for entry in entries] == [("1.1", "- B"), ("1.0", "- A")]


def test_a_number_in_another_kind_of_heading_makes_no_entry() -> None:
    entries = parse_changelog("Limits: 2\n---------\n\n## 1.2.0\n\n- x\n\n## 1.1.0\n")
    assert [entry.version for entry in entries] == ["1.2.0", "1.1.0"]


def test_deeper_headings_with_versions_belong_to_their_entry() -> None:
    entries = parse_changelog("## 2.0\n\n### 1.9 compatibility\n\n- x\n\n## 1.9\n")
    assert [entry.version for entry in entries] == ["2.0", "1.9"]
    assert "1.9 compatibility" in entries[0].body


NUMBERS = st.lists(st.integers(0, 2030), min_size=2, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
VERSIONS = st.builds(
    "".join, st.tuples(NUMBERS, st.sampled_from(["", "rc1", ".post2", ".dev3", "a1", "+cpu"]))
)
BODIES = st.text(alphabet="abc é-*\n", max_size=40).map(lambda text: text.replace("---", ""))
STYLES = st.sampled_from(["## {}", "## [{}] - 2026-01-31", "# v{}", "Version {}\n-------------"])


@given(st.lists(st.tuples(VERSIONS, BODIES), min_size=1, max_size=5), STYLES)
def test_every_entry_that_was_written_is_found_with_its_body(
    written: list[tuple[str, str]], style: str
) -> None:
    text = "Log\n\n" + "\n\n".join(f"{style.format(version)}\n\n{body}" for version, body in written)
    entries = parse_changelog(text)
    assert [entry.version for entry in entries] == [version for version, _ in written]
    assert [entry.body.strip() for entry in entries] == [
        "\n".join(body.splitlines()).strip("\n").rstrip().strip() for _, body in written
    ]


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_it(text: str) -> None:
    lines = len(text.splitlines())
    for entry in parse_changelog(text):
        assert 1 <= entry.line <= lines
