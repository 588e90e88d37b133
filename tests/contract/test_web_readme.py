"""READMEs are rendered in a process of their own, within limits, and kept."""

from pathlib import Path

import pytest

from pannier.server.web import readme
from pannier.server.web.readme import render_readme


def test_what_was_rendered_is_found_again(tmp_path: Path) -> None:
    first = render_readme("# One", "text/markdown", tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text("from the cache")
    assert render_readme("# One", "text/markdown", tmp_path) == "from the cache"
    assert render_readme("# One", "text/x-rst", tmp_path) != first


def test_a_cache_that_cannot_be_written_hinders_nothing(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    assert "<strong>bold</strong>" in render_readme("**bold**", "text/markdown", place)


def test_a_readme_that_takes_too_long_is_shown_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nested so deep that sanitising it takes many seconds."""
    monkeypatch.setattr(readme, "_SECONDS", 0.5)
    text = "<div>" * 60_000
    shown = render_readme(text, "text/markdown", tmp_path)
    assert shown.startswith("<pre>&lt;div&gt;")
    # Nor is it tried again for the next reader.
    assert render_readme(text, "text/markdown", tmp_path) == shown


def test_a_readme_that_grows_when_rendered_is_shown_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readme, "_LONGEST_RESULT", 1000)
    text = "```python\n" + "x = [1, 2]\n" * 30 + "```\n"
    assert render_readme(text, "text/markdown", tmp_path).startswith("<pre>```python")


def test_what_no_encoding_has_is_shown_somehow(tmp_path: Path) -> None:
    assert "a" in render_readme("a \ud800 b", "text/markdown", tmp_path)
