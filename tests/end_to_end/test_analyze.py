"""`pannier analyze` over a small real project, as its makers and their CI run it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.end_to_end.commands import Commands

_SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/analysis.schema.json").read_text("utf-8"))
_FILES = {
    "pyproject.toml": '[project]\nname = "weather"\nversion = "1.0"\nrequires-python = ">=3.8"\n'
    'dependencies = ["requests>=2", "PyYAML"]\n[dependency-groups]\ntest = ["pytest"]\n',
    "src/weather/__init__.py": "from weather.stations import stations\n",
    "src/weather/stations.py": "import functools\nimport requests\n\n\n@functools.cache\ndef stations(url):\n"
    "    import yaml\n    return yaml.safe_load(requests.get(url).text)\n",
    "tests/test_stations.py": "import pytest\nfrom weather import stations\n",
    ".gitignore": "build/\n",
    "build/lib/weather/old.py": "import tensorflow\n",
}


@pytest.fixture
def project(commands: Commands) -> Commands:
    for name, text in _FILES.items():
        commands.script(name, text)
    return commands


def _json(project: Commands, *argv: str, status: int = 0) -> Any:
    document = json.loads(project.run("pannier", "analyze", *argv, "--json", status=status).stdout)
    if status in {0, 3}:
        jsonschema.validate(document["result"], _SCHEMA)
    return document


def test_a_project_that_declares_what_it_imports_passes(project: Commands) -> None:
    checked = project.run("pannier", "analyze", ".", "--check")
    assert "3 projects declared and used, none missing or unused" in checked.stderr
    result = _json(project, ".", "--check")["result"]
    assert {row["name"]: row["state"] for row in result["check"]["projects"]} == {
        "PyYAML": "used",
        "pytest": "used",
        "requests": "used",
    }


def test_what_is_missing_and_unused_fails_the_check(project: Commands) -> None:
    text = _FILES["pyproject.toml"].replace('"PyYAML"', '"flask"')
    project.script("pyproject.toml", text)
    failed = project.run("pannier", "analyze", ".", "--check", status=3)
    assert "src/weather/stations.py:7" in failed.stdout
    states = {
        row["name"]: row["state"]
        for row in _json(project, ".", "--check", status=3)["result"]["check"]["projects"]
    }
    assert (states["PyYAML"], states["flask"]) == ("missing", "unused")
    # Mended, it passes: nothing of the first answer is kept.
    project.script("pyproject.toml", _FILES["pyproject.toml"])
    project.run("pannier", "analyze", ".", "--check")


def test_one_project_is_explained_with_its_places(project: Commands) -> None:
    explained = project.run("pannier", "analyze", ".", "--explain", "PyYAML").stdout
    assert "needed" in explained
    assert "src/weather/stations.py:7" in explained
    assert "pyproject.toml:5" in explained
    failed = project.run("pannier", "analyze", ".", "--explain", "tensorflow", status=1)
    assert "tensorflow" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_answer_names_the_declared_python_and_what_belies_it(project: Commands) -> None:
    result = _json(project, "src")["result"]
    assert result["requires_python"] == ">=3.8"
    (belied,) = (bound for bound in result["python_bounds"] if bound["contradicts"])
    assert belied["what"].startswith("`functools.cache` at src/weather/stations.py:5")
    assert (belied["specifier"], belied["contradicts"]) == (">=3.9", ">=3.8")
    assert sorted(found["name"] for found in result["projects"]) == ["PyYAML", "requests"]
    assert result["spec"]["dependencies"] == ["python>=3.8", "pip", {"pip": ["PyYAML", "requests>=2"]}]


def test_a_library_s_back_ends_are_told_from_what_it_needs(project: Commands) -> None:
    project.script("src/weather/caches/__init__.py", "")
    project.script("src/weather/caches/redis.py", "import redis\n")
    project.script("src/weather/plots.py", "def plot():\n    import matplotlib.pyplot\n")
    found = {item["name"]: item for item in _json(project, ".")["result"]["projects"]}
    roles = {name: item["role"] for name, item in found.items()}
    assert roles == {
        "matplotlib": "optional",
        "pytest": "tests",
        "PyYAML": "runtime",
        "redis": "optional",
        "requests": "runtime",
    }
    assert found["matplotlib"]["role_reason"] == "imported in functions only, and not declared"
    assert "not needed" in project.run("pannier", "analyze", ".", "--explain", "redis").stdout


def test_strict_use_wants_a_contested_project_confirmed(project: Commands) -> None:
    project.script("chart.py", "import robots\n")
    contested = next(
        item for item in _json(project, "chart.py")["result"]["projects"] if item["name"] == "robotspy"
    )
    assert contested["confidence"] == "known"
    for words in (
        ("analyze", "chart.py", "--strict"),
        ("lock", "chart.py", "-o", "pylock.toml", "--strict"),
        ("pack", "chart.py", "-o", "chart.tar.gz", "--strict"),
    ):
        refused = project.run("pannier", *words, status=1).stderr
        assert "robotspy" in refused
        assert "contested-project" in refused
    project.run("pannier", "analyze", "chart.py", "--strict", "--pkg-mapping", "robots=robotspy")


def test_what_is_wrong_has_its_exit_status(project: Commands) -> None:
    project.run("pannier", "analyze", status=2)
    project.run("pannier", "analyze", ".", "--no-such-option", status=2)
    assert "nowhere.py" in project.run("pannier", "analyze", "nowhere.py", status=1).stderr
    assert "error" in _json(project, "nowhere.py", status=1)
    project.script("src/weather/more.py", "import strange_nobody_x1\n")
    project.run("pannier", "analyze", ".", status=0)
    refused = project.run("pannier", "analyze", ".", "--strict", status=1)
    assert "src/weather/more.py:1" in refused.stderr


def test_a_program_with_errors_is_answered_as_far_as_it_goes(project: Commands) -> None:
    project.script("draft.py", "import requests\nx = = 1\nimport yaml\n")
    project.script("notes.md", "Dear reader,\nthis is a letter.\n")
    result = _json(project, "draft.py")["result"]
    assert [row["name"] for row in result["projects"]] == ["PyYAML", "requests"]
    assert [row["code"] for row in result["problems"]] == ["source-syntax"]
    assert _json(project, "draft.py", "--strict", status=1)["error"]["code"] == "source-syntax"
    assert _json(project, "draft.py", "--check", status=1)["error"]["code"] == "source-syntax"
    assert _json(project, "notes.md", status=1)["error"]["code"] == "source-syntax"


def test_a_block_that_is_not_valid_stops_only_who_would_run_it(project: Commands) -> None:
    block = (
        '# /// script\n# dependencies = [\n#   "rich", "tool @ git+https://example.org/tool",\n# ]\n'
        "# category = 1\n# ///\n"
    )
    project.script("tool_user.py", f"{block}import rich, tool\n")
    result = _json(project, "tool_user.py")["result"]
    assert {row["name"]: row["confidence"] for row in result["projects"]} == {
        "rich": "declared",
        "tool": "declared",
    }
    assert [row["code"] for row in result["problems"]] == ["script-metadata"]
    assert _json(project, "tool_user.py", "--strict", status=1)["error"]["code"] == "spec-invalid"


def test_what_is_written_is_of_the_kind_that_its_name_says(commands: Commands) -> None:
    script = commands.script("app.py", "import cv2\nimport yaml\n")
    for name in ("requirements.txt", "environment.yml", "spec.json"):
        commands.run("pannier", "analyze", script, "-o", f"out/{name}")
    texts = {path.name: path.read_text() for path in (commands.directory / "out").iterdir()}
    assert texts["requirements.txt"] == "opencv-python\nPyYAML\n"
    assert "      - opencv-python  # conda-forge: opencv\n" in texts["environment.yml"]
    assert '"opencv-python",' in texts["spec.json"]
