"""One odd file never stops the rest, and what its lines import is found where that is possible at all."""

import os

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze

_OPTIONS = AnalysisOptions(target_python="3.11")


def _analysis(text):
    return analyze([("-", text)], _OPTIONS)


def _found(analysis):
    return {project.name for project in analysis.projects}


@pytest.mark.parametrize(
    "middle",
    [
        "x = " + " + ".join(["'a'"] * 4000),
        "x = a" + ".b" * 4000,
        "if x == 0:\n    pass\n" + "".join(f"elif x == {n}:\n    pass\n" for n in range(1200)),
        "x = " + "[" * 150 + "]" * 150,
        "x = " + "not " * 3000 + "x",
        "x = 'a" + "b" * 3_000_000 + "'",
        "".join(" " * n + "if x:\n" for n in range(90)) + " " * 90 + "pass",
    ],
    ids=["sum", "attributes", "elif", "brackets", "not", "long line", "blocks"],
)
def test_deep_and_long_code_is_read_without_complaint(middle):
    analysis = _analysis(f"import numpy\n{middle}\nimport yaml\n")
    assert _found(analysis) == {"numpy", "PyYAML"}
    assert not analysis.problems


@pytest.mark.parametrize(
    "middle",
    [
        "x = " + "(" * 300 + ")" * 300,
        "x = " + " + ".join(["'a'"] * 40_000),
        "if x == 0:\n    pass\n" + "".join(f"elif x == {n}:\n    pass\n" for n in range(9000)),
    ],
    ids=["parentheses", "sum", "elif"],
)
def test_what_is_too_deep_for_python_still_says_what_it_imports(middle):
    assert _found(_analysis(f"import numpy\n{middle}\nimport yaml\n")) == {"numpy", "PyYAML"}


def test_form_feeds_are_blanks():
    assert _found(_analysis("import numpy\n\f\nimport yaml\ndef f():\n\f    import scipy\n")) == {
        "numpy",
        "PyYAML",
        "scipy",
    }


def test_a_directory_of_odd_files_is_read_to_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.py").write_text("import numpy\n")
    (tmp_path / "binary.py").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "wrong.py").write_text("import requests\nx = (\n")
    with (tmp_path / "huge.py").open("wb") as stream:
        stream.truncate(100_000_000)
    os.mkfifo("waiting.py")
    (tmp_path / "itself.py").symlink_to("itself.py")
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "again.py").symlink_to("good.py")
    analysis = analyze(["."], _OPTIONS)
    assert _found(analysis) == {"numpy", "requests"}
    assert {problem.location.path for problem in analysis.problems} == {
        *("binary.py", "wrong.py", "huge.py", "itself.py", "dangling.py")
    }
    assert len(analysis.projects[0].imports) == 1
