"""A Python is run once and remembered."""

import os
import sys
from pathlib import Path

import pytest

from pannier.environment import probe as module
from pannier.environment.probe import clean_environment, machine_platform, probe
from pannier.model.errors import InterpreterError


def test_this_python_says_what_it_is() -> None:
    interpreter = probe(sys.executable)
    assert interpreter.version == ".".join(map(str, sys.version_info[:3]))
    assert interpreter.implementation == "cpython"
    assert interpreter.prefix == sys.prefix
    assert interpreter.base_prefix == sys.base_prefix
    assert Path(interpreter.stdlib, "os.py").is_file()
    assert interpreter.platform == machine_platform()


def test_a_warm_answer_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = probe(sys.executable, tmp_path)
    monkeypatch.setattr(module, "_ask", None)
    assert probe(sys.executable, tmp_path) == first


def test_a_changed_executable_is_asked_again(tmp_path: Path) -> None:
    program = tmp_path / "python3.9"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    probe(program, tmp_path)
    program.write_text("#!/bin/sh\necho not a python >&2; exit 3\n")
    with pytest.raises(InterpreterError) as caught:
        probe(program, tmp_path)
    assert caught.value.code == "interpreter-unusable"
    assert "exit status 3, `not a python`" in caught.value.facts["result"]


def test_a_damaged_answer_is_asked_for_again(tmp_path: Path) -> None:
    first = probe(sys.executable, tmp_path)
    (file,) = (tmp_path / "probes").iterdir()
    file.write_text("{")
    assert probe(sys.executable, tmp_path) == first


def test_what_is_not_there_or_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError):
        probe(tmp_path / "python3", tmp_path)
    (tmp_path / "python3").write_text("")
    with pytest.raises(InterpreterError) as caught:
        probe(tmp_path / "python3")
    assert caught.value.facts["result"] == "Permission denied"


def test_what_changes_a_python_is_left_out_of_its_environment() -> None:
    environ = {"PYTHONPATH": "x", "PYTHONHOME": "y", "LD_PRELOAD": "z", "HOME": "h"}
    assert clean_environment(environ) == {"HOME": "h"}
    assert "PATH" in clean_environment() or "PATH" not in os.environ
