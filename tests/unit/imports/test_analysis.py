import os
import sys

import pytest

from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.model.errors import AnalysisError
from pannier.model.interpreter import InstalledDistribution

_OPTIONS = AnalysisOptions(target_python="3.11.7", platform="linux-x86_64-glibc2.28")


def _installed(*distributions):
    return AnalysisOptions(target_python="3.11", installed=distributions)


def _distribution(name, version, *import_names, editable_path=""):
    return InstalledDistribution(
        name=name, version=version, import_names=import_names, editable_path=editable_path
    )


def _text(text, options=_OPTIONS):
    return analyze([("-", text)], options)


def _requirements(analysis):
    return {project.requirement for project in analysis.projects}


def test_nothing_that_is_read_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.py").write_text("import trap\nopen('main-ran', 'w')\n")
    (tmp_path / "trap.py").write_text("open('trap-ran', 'w')\n")
    before = set(sys.modules)
    analysis = analyze(["main.py"], _OPTIONS)
    assert [module.name for module in analysis.local_modules] == ["main", "trap"]
    assert sorted(os.listdir()) == ["main.py", "trap.py"]
    assert not {"main", "trap"} & (set(sys.modules) - before)


def test_installed_distributions_pin_what_is_found():
    options = _installed(
        _distribution("PyYAML", "6.0.1", "yaml", "_yaml"), _distribution("numpy", "1.26.4", "numpy")
    )
    analysis = _text("import yaml, numpy.linalg, requests", options)
    assert _requirements(analysis) == {"PyYAML==6.0.1", "numpy==1.26.4", "requests"}
    assert {project.confidence for project in analysis.projects} == {"installed", "known"}


def test_of_several_installed_providers_the_best_known_is_chosen_and_the_others_kept():
    options = _installed(
        _distribution("opencv-contrib-python", "4.9", "cv2"), _distribution("opencv-python", "4.10", "cv2")
    )
    (project,) = _text("import cv2", options).projects
    assert (project.requirement, project.alternatives) == ("opencv-python==4.10", ("opencv-contrib-python",))


def test_an_installed_alternative_wins_over_the_first_choice():
    (project,) = _text(
        "import cv2", _installed(_distribution("opencv-python-headless", "4.10", "cv2"))
    ).projects
    assert project.requirement == "opencv-python-headless==4.10"


def test_installed_parts_of_a_namespace_are_told_apart_by_the_longest_name():
    options = _installed(
        _distribution("google-cloud-storage", "2.1", "google"),
        _distribution("google-auth", "2.3", "google", "google.auth"),
        _distribution("acme-cloud", "1.0", "google.cloud.acme"),
    )
    analysis = _text("from google.cloud import storage, acme\nimport google.auth.transport\n", options)
    assert _requirements(analysis) == {"google-cloud-storage==2.1", "google-auth==2.3", "acme-cloud==1.0"}


def test_an_installed_distribution_whose_metadata_names_no_modules_is_found_by_its_name():
    analysis = _text("import my_tool", _installed(_distribution("my-tool", "1.0")))
    assert _requirements(analysis) == {"my-tool==1.0"}


def test_an_editable_install_says_where_it_is():
    (project,) = _text(
        "import lab", _installed(_distribution("lab", "0.1", "lab", editable_path="/src/lab"))
    ).projects
    assert project.editable_path == "/src/lab"


def test_a_mapped_name_is_required_as_it_is_declared():
    options = AnalysisOptions(
        target_python="3.11",
        mapping={"cv2": "opencv-python-headless", "a.b": "AB", "c": "ab==4.1"},
        declared={"opencv-python-headless": "opencv-python-headless>=4,<5", "ab": "ab"},
    )
    assert _requirements(_text("import cv2\nimport a.b\n", options)) == {"opencv-python-headless>=4,<5", "AB"}
    assert _requirements(_text("import c\n", options)) == {"ab==4.1"}


def test_the_mapping_wins_and_is_pinned_when_installed():
    options = AnalysisOptions(
        target_python="3.11",
        mapping={"cv2": "opencv-python-headless", "a.b": "ab"},
        installed=(_distribution("opencv-python-headless", "4.10", "cv2"),),
    )
    analysis = _text("import cv2\nfrom a import b\n", options)
    assert _requirements(analysis) == {"opencv-python-headless==4.10", "ab"}
    assert {project.confidence for project in analysis.projects} == {"mapped"}


def test_unknown_imports_are_all_reported_with_their_places():
    analysis = _text("import unknown_a1\n\n  \nfrom unknown_b1.x import y\nimport numpy\n")
    assert [(found.name, str(found.location), found.kind) for found in analysis.unknown] == [
        ("unknown_a1", "-:1", "required"),
        ("unknown_b1.x", "-:4", "required"),
    ]
    assert _requirements(analysis) == {"numpy"}


def test_standard_input_finds_the_modules_of_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "helper.py").write_text("import rich\n")
    analysis = _text("import helper")
    assert _requirements(analysis) == {"rich"}
    assert [(module.path, module.name, module.root) for module in analysis.local_modules] == [
        ("helper.py", "helper", ".")
    ]
    assert analysis.sources == ("-",)


def test_a_function_that_is_nowhere_is_an_error_that_lists_those_there_are():
    options = AnalysisOptions(target_python="3.11", functions=("f", "missing"))
    with pytest.raises(AnalysisError, match="`missing`") as caught:
        _text("def f(): pass\nclass A:\n    async def g(self): pass\n", options)
    assert caught.value.code == "function-not-found"
    assert caught.value.facts["functions"] == ["A.g", "f"]


def test_sources_that_do_not_exist_are_named_together():
    with pytest.raises(AnalysisError, match=r"`a\.py`, `b\.py`"):
        analyze(["a.py", "b.py"], _OPTIONS)


def test_several_sources_are_joined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("import numpy\n")
    (tmp_path / "b.py").write_text("import scipy, numpy\n")
    analysis = analyze(["b.py", "a.py", ("-", "import yaml")], _OPTIONS)
    assert _requirements(analysis) == {"numpy", "scipy", "PyYAML"}
    numpy = next(project for project in analysis.projects if project.name == "numpy")
    assert [str(found.location) for found in numpy.imports] == ["a.py:1", "b.py:1"]


def test_the_same_program_gives_the_same_answer_from_anywhere(tmp_path, monkeypatch):
    answers = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        monkeypatch.chdir(directory)
        for file, text in {
            "z.py": "import numpy, y\n",
            "y.py": "import yaml, mystery\n",
            "x.py": "def (\n",
        }.items():
            (directory / file).write_text(text)
        answers.append(analyze([os.curdir], _OPTIONS))
    assert answers[0] == answers[1]


def test_symlink_loops_and_dangling_links_do_not_stop_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("import numpy\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "pipe.py").symlink_to(os.devnull)
    analysis = analyze([os.curdir], _OPTIONS)
    assert _requirements(analysis) == {"numpy"}
    assert [(str(problem.location), problem.code) for problem in analysis.problems] == [
        ("dangling.py:1", "source-unreadable")
    ]


def test_old_line_ends_are_lines_too():
    analysis = _text("import numpy\rimport yaml\r\nx = = 1\rimport requests")
    assert _requirements(analysis) == {"numpy", "PyYAML", "requests"}
    assert [str(problem.location) for problem in analysis.problems] == ["-:3"]


def test_a_deeply_nested_expression_is_a_problem_and_no_crash():
    analysis = _text("import numpy\nx = " + "(" * 5000 + ")" * 5000 + "\nimport scipy\n")
    assert _requirements(analysis) == {"numpy", "scipy"}
    assert [problem.code for problem in analysis.problems] == ["source-syntax"]


def test_invalid_escapes_in_what_is_read_warn_nobody():
    assert not _text('x = "\\d"\n').problems


def test_a_syntax_error_says_where_and_what():
    (problem,) = _text("import numpy\nx = = 1\n").problems
    assert str(problem.location) == "-:2"
    assert problem.message == "is not valid Python: invalid syntax"


@pytest.mark.parametrize(
    ("text", "locked", "expected"),
    [
        # It decides between candidates, in the index's own writing, a variant of one among them.
        ("import cv2", ("opencv-python-headless",), {"opencv-python-headless": "locked"}),
        ("import yaml", ("pyyaml",), {"PyYAML": "locked"}),
        ("import psycopg2", ("psycopg2-binary",), {"psycopg2-binary": "locked"}),
        # And for what nobody knows, by the very name alone.
        ("import in_house_tool.x", ("in-house-tool",), {"in-house-tool": "locked"}),
        ("import in_house_tool", ("python-in-house-tool",), {}),
        ("import numpy", ("requests",), {"numpy": "known"}),
    ],
)
def test_a_lock_says_whose_a_name_is(text, locked, expected):
    analysis = _text(text, _OPTIONS._replace(locked=locked))
    assert {project.name: project.confidence for project in analysis.projects} == expected
    assert {project.requirement for project in analysis.projects} == set(expected)


def test_what_is_declared_goes_before_what_is_locked():
    options = _OPTIONS._replace(
        locked=("opencv-python-headless",), declared={"opencv-contrib-python": "opencv-contrib-python>=4"}
    )
    (project,) = _text("import cv2", options).projects
    assert (project.requirement, project.confidence) == ("opencv-contrib-python>=4", "declared")


def test_a_back_end_that_is_locked_is_the_one_meant():
    text = "from sqlalchemy import create_engine\ncreate_engine('postgresql://host/db')\n"
    analysis = _text(text, _OPTIONS._replace(locked=("psycopg2-binary", "sqlalchemy")))
    assert {project.name for project in analysis.projects} == {"SQLAlchemy", "psycopg2-binary"}


def test_a_lazy_import_is_an_import_of_a_newer_python(tmp_path, monkeypatch):
    text = "import sys\nlazy import numpy\nlazy from yaml import safe_load\nprint(f'{sys.path=}')\n"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.py").write_text(text)
    for analysis in (_text(text), analyze(["a"], _OPTIONS)):
        assert _requirements(analysis) == {"numpy", "PyYAML"}
        assert analysis.requires_python == ">=3.15"
        assert not analysis.problems
