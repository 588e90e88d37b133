import pytest

from pannier.imports.declared_pythons import join_declared
from pannier.imports.python_versions import conclude
from pannier.model.analysis import Analysis, Location, PythonBound
from pannier.model.declarations import DeclaredPython


def _joined(promised=(), tried=(), code=()):
    bounds = tuple(PythonBound(one, one, Location("a.py", 1)) for one in code)
    specifier, reason = conclude(bounds)
    analysis = Analysis(("a.py",), (), requires_python=specifier, python_reason=reason, python_bounds=bounds)
    place = Location("pyproject.toml", 2)
    declared = [DeclaredPython(one, "project.requires-python", place) for one in promised]
    declared += [DeclaredPython(one, "classifiers", place, is_promise=False) for one in tried]
    return join_declared(analysis, declared)


@pytest.mark.parametrize(
    ("promised", "tried", "code", "expected", "belied"),
    [
        # A promise holds, and says so where the code needs more.
        ([">=3.8"], [], [">=3.6"], ">=3.8", []),
        ([">=3.8"], [], [">=3.10"], ">=3.8", [">=3.10"]),
        ([">=3.8,<3.12"], [], ["<3.11"], ">=3.8,<3.12", ["<3.11"]),
        ([">=3.8"], [], ["<3.0"], ">=3.8", ["<3.0"]),
        (["~=3.8.1"], [], [">=3.9"], "~=3.8.1", [">=3.9"]),
        (["<=3.9"], [], [">=3.9"], "<=3.9,>=3.9", []),
        # Where it leaves the versions open, the code decides.
        ([">=3.8"], [], ["<3.12"], ">=3.8,<3.12", []),
        ([">=3.8,<4"], [], ["<3.12"], ">=3.8,<4,<3.12", []),
        (["<4"], [], [">=3.10", "<3.12"], "<4,>=3.10,<3.12", []),
        ([">=2.7,!=3.0.*"], [], ["<3.0"], ">=2.7,!=3.0.*,<3.0", []),
        # Two promises hold both.
        ([">=3.8", ">=3.9"], [], [], ">=3.8,>=3.9", []),
        # Classifiers add to what the code shows, and are belied by it.
        ([], [">=3.8"], [">=3.6"], ">=3.8", []),
        ([], [">=3.6"], [">=3.8", "<3.12"], ">=3.8,<3.12", [">=3.8"]),
        ([], ["<3.0"], [], "==2.7.*", []),
        ([], [">=3.6"], ["<3.0"], "==2.7.*", ["<3.0"]),
        ([">=3.8"], [">=3.11"], [], ">=3.8", []),
    ],
)
def test_what_is_declared_goes_before_what_is_derived(promised, tried, code, expected, belied):
    analysis = _joined(promised, tried, code)
    assert analysis.requires_python == expected
    assert [bound.specifier for bound in analysis.python_bounds if bound.contradicts] == belied
    assert len(analysis.python_bounds) == len(promised) + len(tried) + len(code)


def test_every_part_of_the_answer_has_its_place():
    analysis = _joined([">=3.8"], [], ["<3.12"])
    assert analysis.python_reason == "`project.requires-python` at pyproject.toml:2; <3.12 at a.py:1"


def test_nothing_declared_changes_nothing():
    assert _joined(code=[">=3.8"]).requires_python == ">=3.8"


def test_what_makers_use_counts_only_where_nothing_is_promised():
    local = DeclaredPython("==3.9.*", ".python-version", Location(".python-version", 1), is_local=True)
    promise = DeclaredPython(">=3.8", "project.requires-python", Location("pyproject.toml", 2))
    analysis = _joined(code=[">=3.6"])
    assert join_declared(analysis, [local]).requires_python == "==3.9.*"
    assert join_declared(analysis, [local, promise]).requires_python == ">=3.8"
