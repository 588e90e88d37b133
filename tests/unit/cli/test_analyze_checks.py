"""`pannier analyze --check`, `--explain` and the schema of its JSON, on real files."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pannier.cli.main import main

_SCHEMA = json.loads((Path(__file__).parents[3] / "docs/reference/analysis.schema.json").read_text())
_FILES = {
    "pyproject.toml": '[project]\nname = "app"\ndependencies = ["numpy>=1.2", "unusedlib", "types-x"]\n'
    'dynamic = ["optional-dependencies"]\n[dependency-groups]\ndev = ["pytest"]\n',
    "app/__init__.py": "import numpy\nimport yaml\ntry:\n    import orjson\n"
    "except ImportError:\n    orjson = None\n",
    "app/more.py": "import app, strange_x2\nimport matplotlib\nmatplotlib.use('Qt5Agg')\n",
    "tests/test_app.py": "import pytest, app\n",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in _FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    main(["analyze", *argv, "--json"])
    return json.loads(capsys.readouterr().out)


def _states(result: Any) -> dict[str, str]:
    return {row["name"]: row["state"] for row in result["check"]["projects"]}


@pytest.mark.parametrize(
    "argv",
    [
        ["."],
        [".", "--check"],
        ["app/__init__.py"],
        ["app/more.py", "--check", "pyproject.toml"],
        ["tests"],
        [".", "-o", "spec.json"],
    ],
)
def test_what_is_printed_is_what_the_schema_says(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    result = _json(capsys, *argv)["result"]
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    jsonschema.validate(result, _SCHEMA)
    assert result["schema"] == _SCHEMA["properties"]["schema"]["const"]


def test_the_schema_names_every_field_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, ".")["result"]
    assert set(result) == set(_SCHEMA["properties"]) == set(_SCHEMA["required"])
    for value, name in (
        (result["projects"][0], "project"),
        (result["projects"][0]["imports"][0], "import"),
        (result["check"], "check"),
    ):
        definition = _SCHEMA["$defs"][name]
        assert set(value) == set(definition["properties"]) == set(definition["required"])


def test_a_check_that_finds_something_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--check"]) == 3
    printed = capsys.readouterr()
    assert "missing  PyYAML" in " ".join(printed.out.split(" ")).replace("   ", "  ")
    assert "unusedlib" in printed.out
    assert "numpy" not in printed.out
    assert "orjson" not in printed.out
    assert "3 missing, 1 unknown, 1 unused" in printed.err


def test_every_project_has_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    envelope = _json(capsys, ".", "--check")
    assert envelope["ok"] is True
    assert envelope["result"]["check"]["agrees"] is False
    assert _states(envelope["result"]) == {
        "matplotlib": "missing",
        "numpy": "used",
        "orjson": "not-needed",
        "PyQt5": "missing",
        "pytest": "used",
        "PyYAML": "missing",
        "strange_x2": "unknown",
        "types-x": "excused",
        "unusedlib": "unused",
    }


def test_a_check_that_agrees_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.txt").write_text("numpy\npyyaml\n")
    assert main(["analyze", "app/__init__.py", "--check", "own.txt"]) == 0
    assert "2 projects declared and used, none missing or unused" in capsys.readouterr().err


def test_a_directory_after_check_is_a_source_and_a_file_implies_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = _states(_json(capsys, ".", "--check")["result"])
    assert _states(_json(capsys, "--check", ".")["result"]) == wanted
    assert _states(_json(capsys, "--check", "pyproject.toml")["result"]) == wanted
    assert _states(_json(capsys, "--check")["result"]) == wanted


def test_undecided_parts_fail_only_when_strict(capsys: pytest.CaptureFixture[str]) -> None:
    Path("small.py").write_text("import numpy\n")
    Path("setup.py").write_text("from setuptools import setup\nsetup(install_requires=['numpy', *more()])\n")
    argv = ["analyze", "small.py", "--check", "setup.py"]
    assert main(argv) == 0
    assert "known only when it is run" in capsys.readouterr().out
    assert main([*argv, "--strict"]) == 3


def test_a_check_with_nothing_to_compare_with_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "alone").mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    (tmp_path / "pyproject.toml").unlink()
    Path("x.py").write_text("import numpy\n")
    assert main(["analyze", "x.py", "--check"]) == 1
    assert "code: nothing-declared" in capsys.readouterr().err
    assert main(["analyze", "x.py", "--check", "missing.txt"]) == 1
    assert "`missing.txt`" in capsys.readouterr().err


def test_no_source_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze"]) == 2
    assert "`SOURCE` is missing" in capsys.readouterr().err


def test_explaining_shows_every_place_and_how_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--explain", "pyqt5"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PyQt5  needed: what a library imports because a text in the source names it\n")
    assert "app/more.py:3:1" in shown
    assert "missing: declared nowhere" in shown


def test_explaining_takes_an_imports_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--explain", "yaml"]) == 0
    assert capsys.readouterr().out.startswith("PyYAML  needed")


def test_explaining_says_why_something_is_not_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--explain", "orjson"]) == 0
    shown = capsys.readouterr().out
    assert "not needed: a missing one is foreseen" in shown
    assert "app/__init__.py:4:5" in shown


def test_explaining_what_is_only_declared_or_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--explain", "unusedlib"]) == 0
    assert "pyproject.toml:3" in capsys.readouterr().out
    assert main(["analyze", ".", "--explain", "strange-x2"]) == 0
    assert "unknown" in capsys.readouterr().out


def test_explaining_nothing_is_an_error_that_names_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", ".", "--explain", "nunpy"]) == 1
    assert "did you mean `numpy`?" in capsys.readouterr().err


def test_declared_versions_and_variants_are_those_of_the_spec(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cam.py").write_text("import cv2, psycopg2, weird_x1\n")
    Path("needs.txt").write_text("opencv-python-headless==4.10\npsycopg2-binary\nweird-x1>=2\n")
    result = _json(capsys, "cam.py", "--check", "needs.txt")["result"]
    assert result["spec"]["dependencies"][-1]["pip"] == [
        "opencv-python-headless==4.10",
        "psycopg2-binary",
        "weird-x1>=2",
    ]
    assert {project["confidence"] for project in result["projects"]} == {"declared"}
    assert result["check"]["agrees"] is True


def test_the_declared_python_holds_and_what_belies_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("pyproject.toml")
    path.write_text(path.read_text().replace('name = "app"', 'name = "app"\nrequires-python = ">=3.8"'))
    Path("app/match.py").write_text("match 1:\n    case 1:\n        pass\n")
    result = _json(capsys, ".")["result"]
    jsonschema.validate(result, _SCHEMA)
    assert result["requires_python"] == ">=3.8"
    declared, found = result["python_bounds"]
    assert declared["origin"] == "requires-python"
    assert declared["location"] == {"path": "pyproject.toml", "line": 3, "column": 1}
    assert (found["specifier"], found["contradicts"]) == (">=3.10", ">=3.8")
    main(["analyze", "."])
    assert "`match` statement at app/match.py:1" in capsys.readouterr().out


def test_a_lock_decides_whose_a_name_is(capsys: pytest.CaptureFixture[str]) -> None:
    Path("uv.lock").write_text(
        "".join(f'[[package]]\nname = "{name}"\nversion = "1"\n' for name in ("app", "strange-x2", "numpy"))
    )
    result = _json(capsys, ".")["result"]
    jsonschema.validate(result, _SCHEMA)
    found = {project["name"]: project["confidence"] for project in result["projects"]}
    assert found["numpy"] == "declared"
    assert found["strange-x2"] == "locked"
    assert "app" not in found
    main(["analyze", ".", "--explain", "strange-x2"])
    assert "a lock of the project holds it" in capsys.readouterr().out
