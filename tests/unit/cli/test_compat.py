"""The drop-in commands, by the argument orders their callers use."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pannier.cli.compat import analyze_main, create_main
from pannier.model.errors import AnalysisError


@pytest.mark.parametrize(
    ("argv", "sources"),
    [
        (["app.py", "out.json"], ["app.py"]),
        (["--toplevel", "a.py", "b.py", "out.json"], ["a.py", "b.py"]),
        (["a.py", "out.json", "--extra-pkg", "six", "--pkg-mapping", "a=b"], ["a.py"]),
        (["runner.py", "-", "out.json", "--extra-pkg", "parsl", "--extra-pkg", "six"], ["runner.py", "-"]),
    ],
)
def test_analyze_takes_sources_and_then_the_output(
    argv: list[str], sources: list[str], api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("import six\n"))
    assert analyze_main(argv) == 0
    assert api.calls[-1][1][0] == sources
    assert api.options("analyze").strict is True
    assert api.options("analyze").stdin == (b"import six\n" if "-" in sources else b"")
    assert json.loads((tmp_path / "out.json").read_text()) == {"dependencies": ["PyYAML==6.0.3"]}


def test_analyze_prints_nothing_but_the_spec_on_stdout(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze_main(["app.py", "-"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"dependencies": ["PyYAML==6.0.3"]}
    assert printed.err == ""


def test_a_failing_analysis_names_everything_and_leaves_the_output_alone(
    api: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.json").write_text("old")
    places = [f"app.py:{line}" for line in range(1, 6)]
    api.results["analyze"] = AnalysisError("1 import has no known project", facts={"`x`": places})
    assert analyze_main(["app.py", "out.json"]) == 1
    assert (tmp_path / "out.json").read_text() == "old"
    assert "  `x` app.py:1, app.py:2, app.py:3, app.py:4, app.py:5\n" in capsys.readouterr().err


def test_the_output_has_the_mode_that_the_umask_gives(api: Any, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    assert analyze_main(["app.py", "out.json"]) == 0
    assert (tmp_path / "out.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("argv", [[], ["app.py"], ["app.py", "out.json", "--toplvel"]])
def test_a_wrong_command_line_ends_with_two(
    argv: list[str], api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyze_main(argv) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_create_packs_the_spec(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert create_main(["--no-micromamba", "spec.json", "env.tar.gz", "--conda-executable", "conda"]) == 0
    assert api.calls[-1][1][0] == "spec.json"
    assert api.options("pack").output == Path("env.tar.gz")
    assert api.options("pack").name == "env"
    assert api.options("pack").editables is True
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.parametrize("spec", ["-", "spec", "env.spec"])
def test_create_reads_a_spec_from_stdin_and_from_any_name(
    spec: str, api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("{}"))
    if spec != "-":
        (tmp_path / spec).write_text("{}")
    assert create_main([spec, "env.tar.gz", "--ignore-editable-packages"]) == 0
    assert api.calls[-1][1][0] == spec
    assert api.options("pack").content == b"{}"
    assert api.options("pack").editables is False


@pytest.mark.parametrize("spec", ["base", "venv", "spec.json"])
def test_create_hands_on_specs_prefixes_and_names_as_they_are(spec: str, api: Any, tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    assert create_main([spec, "env.tar.gz"]) == 0
    assert api.calls[-1][1][0] == spec


def test_the_older_names_are_the_programs_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/poncho_package_create", "--help"])
    assert create_main() == 0
    assert capsys.readouterr().out.startswith("usage: poncho_package_create [OPTIONS] SPEC OUTPUT\n")
