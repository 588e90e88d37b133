"""Pannier's own declarations, by its own measure."""

from pathlib import Path

import pytest

from pannier.api.analysis import AnalyzeOptions, analyze
from pannier.api.checking import FAILING
from pannier.api.settings import load_settings


def test_what_pannier_declares_is_what_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    monkeypatch.chdir(root)
    options = AnalyzeOptions(target_python="3.11", compare=True)
    result = analyze(["src"], options, load_settings({}, {}, root))
    assert result.check is not None
    assert [row for row in result.check.projects if row.state in FAILING] == []
    assert sum(row.state == "used" for row in result.check.projects) > 10
