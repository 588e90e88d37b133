"""What a program needs, and what of it may be broken."""

from pathlib import Path

import pytest

from pannier.api.needs import needs_of
from pannier.api.settings import Settings
from pannier.api.subjects import find_subject
from pannier.api.workshop import Workshop
from pannier.model.errors import AnalysisError

from .listening import Listener


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A directory with a program, and a test that holds a syntax error on purpose."""
    monkeypatch.chdir(tmp_path)
    Path("app/tests").mkdir(parents=True)
    Path("app/main.py").write_text("import six\n")
    Path("app/tests/broken.py").write_text("def f(:\n")
    return find_subject("app", {})


def _needs(subject, listener, **options):
    return needs_of(subject, (), Workshop(Settings(environ={}), listener), **options)


def test_a_broken_file_of_the_tests_is_told_and_stops_nothing(program):
    listener = Listener()
    assert _needs(program, listener).spec.requirements == ("six",)
    (notice,) = listener.notices
    assert notice.code == "source-syntax"
    assert notice.facts["where"][0].startswith("app/tests/broken.py:1: is not valid Python")


def test_a_broken_file_of_the_program_is_refused_and_so_is_all_in_strict_use(program):
    with pytest.raises(AnalysisError, match="a source could not be read"):
        _needs(program, Listener(), is_strict=True)
    Path("app/other.py").write_text("def f(:\n")
    with pytest.raises(AnalysisError) as caught:
        _needs(program, Listener())
    (where,) = caught.value.facts["where"]
    assert where.startswith("app/other.py:1: is not valid Python")
