"""What a name on the command line stands for."""

from pathlib import Path

import pytest

from pannier.api.refusals import refuse_specs
from pannier.api.subjects import find_subject, read_spec
from pannier.imports.analysis import AnalysisOptions, analyze
from pannier.model.errors import AnalysisError, SpecError, UsageError


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("weather.py", "", "source"),
        ("notes.ipynb", "{}", "source"),
        ("tool", "#!/usr/bin/env python3\n", "source"),
        ("spec.json", "{}", "spec"),
        ("environment.yml", "", "spec"),
        ("requirements.txt", "", "spec"),
        ("pyproject.toml", "", "project"),
        ("pylock.toml", "", "lock"),
        ("pylock.server.toml", "", "lock"),
    ],
)
def test_files_are_known_by_name_or_first_line(tmp_path: Path, name: str, text: str, kind: str) -> None:
    (tmp_path / name).write_text(text)
    assert find_subject(str(tmp_path / name), {}).kind == kind


NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import numpy\n", "source"),
        ("print(1)\n", "source"),
        ("pass\n", "source"),
        ("x = 1\n", "source"),
        ("# -*- coding: latin-1 -*-\nimport numpy  # \xe9\n", "source"),
        (NOTEBOOK, "source"),
        ('{"dependencies": ["python=3.11"]}', "spec"),
        ("[]", "spec"),
        ("name: x\ndependencies:\n  - numpy\n", "spec"),
        ("numpy\n", "spec"),
        (
            "# pinned\nnumpy==2.0 \\\n    --hash=sha256:00\n-r more.txt\nx[y]>=1; python_version > '3'\n",
            "spec",
        ),
    ],
)
def test_what_is_on_standard_input_is_known_by_its_content(text: str, kind: str) -> None:
    content = text.encode("latin-1")
    subject = find_subject("-", {}, content)
    assert (subject.kind, subject.content) == (kind, content)


def test_requirements_on_standard_input_are_read_as_such() -> None:
    spec = read_spec(Path("-"), b"numpy==2.0\nx[y]>=1\n")
    assert spec.requirements == ("numpy==2.0", "x[y]>=1")


def test_an_empty_standard_input_is_no_program() -> None:
    with pytest.raises(UsageError, match="standard input is empty"):
        find_subject("-", {}, b"\n")


@pytest.mark.parametrize(("name", "text"), [("picture.png", "\0"), ("run.sh", "#!/bin/sh\n"), ("x.toml", "")])
def test_anything_else_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(AnalysisError) as caught:
        find_subject(str(tmp_path / name), {})
    assert caught.value.code == "unknown-subject"


def test_what_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError) as caught:
        find_subject(str(tmp_path / "absent.py"), {})
    assert "absent.py" in caught.value.message
    # The command line is fine, and 2 is for those that are not.
    assert caught.value.exit_status == 1


def test_a_directory_is_a_project_only_with_metadata(tmp_path: Path) -> None:
    assert find_subject(str(tmp_path), {}).kind == "source"
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert find_subject(str(tmp_path), {}).kind == "source"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert find_subject(str(tmp_path), {}).kind == "project"


def test_an_environment_is_found_by_prefix_and_by_name(tmp_path: Path) -> None:
    prefix = tmp_path / "envs" / "lab"
    prefix.mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert find_subject(str(prefix), {}).kind == "environment"
    found = find_subject("lab", {"WORKON_HOME": str(tmp_path / "envs")})
    assert (found.kind, found.path, found.name) == ("environment", prefix, "lab")


def test_a_subjects_name_has_no_ending(tmp_path: Path) -> None:
    (tmp_path / "weather.py").touch()
    assert find_subject(str(tmp_path / "weather.py"), {}).name == "weather"


def test_a_spec_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError):
        read_spec(tmp_path / "spec.json")


def test_requirements_include_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("six\n")
    (tmp_path / "requirements.txt").write_text("-r base.txt\nattrs\n")
    assert set(read_spec(tmp_path / "requirements.txt").requirements) == {"six", "attrs"}


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "weather.py").touch()
    with pytest.raises(AnalysisError) as caught:
        find_subject(str(tmp_path / "wether.py"), {})
    assert caught.value.hint == f"did you mean `{tmp_path / 'weather.py'}`?"
    with pytest.raises(AnalysisError) as caught:
        analyze([str(tmp_path / "wether.py")], AnalysisOptions(target_python="3.11"))
    assert "weather.py" in caught.value.hint


def test_a_verb_that_does_not_read_standard_input_says_which_do() -> None:
    with pytest.raises(AnalysisError) as caught:
        find_subject("-", {})
    assert "`analyze`, `lock` and `pack` read standard input" in caught.value.hint


def test_what_lists_requirements_is_not_read_as_a_program(tmp_path: Path) -> None:
    # Any list of bare names is valid Python.
    for name, text in (("requirements.txt", "numpy\n"), ("environment.yml", "name: x\n"), ("a.py", "1\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(AnalysisError) as caught:
        refuse_specs([str(tmp_path / name) for name in ("requirements.txt", "a.py", "environment.yml")])
    assert caught.value.message == "2 of the sources are no programs"
    assert "pannier lock" in caught.value.hint
    refuse_specs([str(tmp_path / "a.py"), str(tmp_path / "absent.yml"), "-"])


def test_an_empty_name_is_not_the_working_directory() -> None:
    with pytest.raises(UsageError, match="is empty"):
        find_subject("", {})


def test_a_project_whose_file_is_no_toml_is_told_so(tmp_path: Path) -> None:
    declaring = tmp_path / "pyproject.toml"
    declaring.write_text("[project\nname = 'x'\n")
    with pytest.raises(SpecError, match="is not valid TOML"):
        find_subject(str(tmp_path), {})
    declaring.write_text("project.name = 'x'\nproject.version = '1'\n")
    assert find_subject(str(tmp_path), {}).kind == "project"
    declaring.write_text("[tool.ruff]\n")
    assert find_subject(str(tmp_path), {}).kind == "source"
