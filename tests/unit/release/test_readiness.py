"""A project is refused with every reason at once, and each says what to do."""

from pathlib import Path

import pytest

from pannier.model.errors import ReleaseError, SpecError
from pannier.model.release import Problem, Statement
from pannier.release.project import Project
from pannier.release.readiness import (
    Changelog,
    changelog_problems,
    entry_of,
    read_changelog,
    refuse,
    version_problems,
)

VERSION = Statement("1.2.0", "pyproject.toml")


def changelog(directory: Path, text: str, name: str = "CHANGELOG.md") -> Changelog | None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return read_changelog(directory)


@pytest.mark.parametrize(
    "name", ["CHANGELOG.md", "Changes", "HISTORY.rst", "NEWS.txt", "docs/changelog.md", "doc/WHATSNEW.rst"]
)
def test_a_changelog_is_found_by_its_name(name: str, tmp_path: Path) -> None:
    found = changelog(tmp_path, "1.2.0\n-----\n\n- x\n", name)
    assert found is not None
    assert found.path == name
    assert changelog_problems(found, VERSION) == []


def test_a_changelog_that_only_includes_another_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "HISTORY.rst").write_text("1.2.0\n=====\n\n- x\n")
    found = changelog(tmp_path, ".. include:: ../HISTORY.rst\n", "docs/changelog.rst")
    assert found is not None
    assert found.path == "HISTORY.rst"


def test_an_empty_unreleased_entry_may_stay_on_top(tmp_path: Path) -> None:
    found = changelog(tmp_path, "## [Unreleased]\n\n### Added\n\n## [1.2] - 2026-01-31\n\n- x\n")
    assert changelog_problems(found, VERSION) == []
    entry = entry_of(found, "1.2.0")
    assert entry is not None
    assert entry.body == "- x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## [Unreleased]\n\n- waits\n\n## [1.2.0]\n", "still unreleased"),
        ("## 1.2.0 (unreleased)\n\n- waits\n", "still unreleased"),
        ("## 1.1.0\n\n- x\n", "its newest entry is 1.1.0 (`CHANGELOG.md`, line 1)"),
        ("## 1.3.0\n\n- x\n\n## 1.2.0\n", "its newest entry is 1.3.0"),
        ("# Changelog\n\nNothing.\n", "no heading with a version"),
    ],
)
def test_a_changelog_that_does_not_tell_of_the_version_is_a_problem(
    text: str, said: str, tmp_path: Path
) -> None:
    (problem,) = changelog_problems(changelog(tmp_path, text), VERSION)
    assert problem.subject == "changelog"
    assert said in problem.sentence
    assert problem.remedy


def test_a_version_that_follows_from_tags_needs_the_tag_first(tmp_path: Path) -> None:
    found = changelog(tmp_path, "## 1.2.0\n")
    (problem,) = changelog_problems(found, Statement("1.2.0.dev1", "the built metadata"), is_by_tag=True)
    assert "but the built metadata says 1.2.0.dev1" in problem.sentence
    assert "`git tag v1.2.0`" in problem.remedy


def test_no_changelog_is_a_problem_and_a_wrong_path_an_error(tmp_path: Path) -> None:
    (problem,) = changelog_problems(read_changelog(tmp_path), VERSION)
    assert "--changelog none" in problem.remedy
    with pytest.raises(SpecError):
        read_changelog(tmp_path, "NOT-THERE.md")


def test_versions_that_differ_are_all_named() -> None:
    versions = (VERSION, Statement("1.2", "setup.cfg"), Statement("1.1.0", "src/p/__init__.py"))
    (problem,) = version_problems(Project(Path(), Statement("p", "pyproject.toml"), versions))
    assert problem.sentence == "`pyproject.toml` says 1.2.0, `src/p/__init__.py` says 1.1.0"
    assert version_problems(Project(Path(), None, ())) == []


def test_one_problem_is_told_with_its_remedy_as_the_hint() -> None:
    with pytest.raises(ReleaseError) as caught:
        refuse([Problem("tree", "`x` is not committed", "commit it")], "p 1")
    assert caught.value.facts == {"tree": "`x` is not committed"}
    assert caught.value.hint == "commit it"


def test_several_problems_are_told_each_with_its_remedy() -> None:
    problems = [Problem("tree", "a", "do b"), Problem("tag", "c", "do d"), Problem("tag", "e")]
    with pytest.raises(ReleaseError) as caught:
        refuse(problems, "p 1")
    assert caught.value.facts == {"tree": "a\ndo b", "tag": "c\ndo d\ne"}
    assert "3 problems" in caught.value.message
    refuse([], "p 1")
