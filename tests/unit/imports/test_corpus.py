import pytest

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.model.analysis import Analysis
from pannier.model.names import normalized_name

from .corpus import Case, cases

_CASES = list(cases())


def _analysis(case: Case) -> Analysis:
    options = AnalysisOptions(
        target_python=case.options.get("python", "3.11"),
        platform=case.options.get("platform", "linux-x86_64"),
        mapping=case.mapping,
        toplevel="toplevel" in case.options,
        functions=tuple(case.options["functions"].split(",")) if "functions" in case.options else (),
    )
    return analyze([case.options.get("source", "main.py")], options)


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_the_answer_to_a_case_is_right(case, tmp_path, monkeypatch):
    case.files.setdefault("main.py", []) if "source" not in case.options else None
    case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    analysis = _analysis(case)
    found: dict[str, set[str]] = {
        "needed": {project.name for project in analysis.projects if not project.optional},
        "optional": {project.name for project in analysis.projects if project.optional},
        "unknown": {found.name for found in analysis.unknown},
        "problems": {problem.code for problem in analysis.problems},
        "local": {module.name for module in analysis.local_modules},
        "standard": set(analysis.standard_library),
        "python": {analysis.requires_python} - {""},
    }
    for what in ("needed", "optional"):
        found[what] = set(map(normalized_name, found[what]))
        case.expected[what] = set(map(normalized_name, case.expected.get(what, ())))
    expected = {"needed": set(), "optional": set(), "unknown": set(), "problems": set(), **case.expected}
    never = expected.pop("never", set())
    assert {what: found[what] for what in expected} == expected
    assert not never & {project.name for project in analysis.projects}


def test_the_corpus_is_not_small():
    assert len(_CASES) > 400
