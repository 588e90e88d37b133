"""The corpus under `tests/data/projects`: whole projects, what they need, and what their check says.

A case is written as in `tests/data/imports`. It expects `needed`, and each state that a project has.
"""

import os
import sys

import pytest
from tests.unit.imports.corpus import DIRECTORY, Case, cases

from pannier.api import AnalyzeOptions, analyze
from pannier.api.settings import Settings
from pannier.model.names import normalized_name

_CASES = list(cases(DIRECTORY.with_name("projects")))


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_what_is_needed_and_how_that_agrees_is_right(case: Case, tmp_path, monkeypatch):
    case.write(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    options = AnalyzeOptions(
        target_python=case.options.get("python", ".".join(map(str, sys.version_info[:3]))),
        strict="strict" in case.options,
        compare=True,
    )
    settings = Settings(cache_dir=str(tmp_path / "cache"), environ=dict(os.environ))
    expected = {what: set(map(normalized_name, names)) for what, names in case.expected.items()}
    # The second time, what was kept of the first answers.
    for _ in range(2):
        result = analyze(["."], options, settings)
        needed = {project.name for project in result.analysis.projects if not project.optional}
        found = {"needed": set(map(normalized_name, needed))}
        assert result.check is not None
        for row in result.check.projects:
            found.setdefault(row.state, set()).add(normalized_name(row.name))
        assert {what: names for what, names in found.items() if names} == expected
