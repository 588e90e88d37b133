"""The Python a pack carries is the one asked for, or says why not."""

import sys
from pathlib import Path

import pytest

from pannier.environment import choose
from pannier.environment.choose import choose_interpreter
from pannier.environment.find import InterpreterRequest
from pannier.environment.probe import probe
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.store.directories import CacheDirectories

OWN = ".".join(map(str, sys.version_info[:3]))
MINOR = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def directories(tmp_path: Path) -> CacheDirectories:
    return CacheDirectories(tmp_path)


@pytest.fixture(autouse=True)
def standalone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No standalone build is to be had; the list says what was asked for."""
    asked: list[str] = []

    def find_none(specifier: str, _interpreters: Path, **_options: object) -> Interpreter | None:
        asked.append(specifier)
        return None

    monkeypatch.setattr(choose, "find_standalone", find_none)
    return asked


def test_automatic_asks_for_a_standalone_build_of_the_same_release(
    directories: CacheDirectories, standalone: list[str]
) -> None:
    chosen = choose_interpreter(InterpreterRequest("auto"), f"=={OWN}", directories, environ={})
    assert (chosen.origin, chosen.interpreter.version) == ("machine", OWN)
    assert standalone == [f"=={MINOR}.*,=={OWN}"]


def test_a_standalone_build_wins_when_there_is_one(
    directories: CacheDirectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = probe(sys.executable)
    monkeypatch.setattr(choose, "find_standalone", lambda *_arguments, **_options: build)
    for kind in ("auto", "standalone"):
        chosen = choose_interpreter(InterpreterRequest.parse(kind), f"=={MINOR}.*", directories, environ={})
        assert (chosen.origin, chosen.interpreter) == ("standalone", build)


def test_the_target_s_own_is_stood_in_for(directories: CacheDirectories, standalone: list[str]) -> None:
    chosen = choose_interpreter(InterpreterRequest("none"), f"=={OWN}", directories, environ={})
    assert (chosen.origin, chosen.interpreter.version) == ("host", OWN)
    assert standalone == []


def test_a_version_is_looked_for_on_this_machine_first(
    directories: CacheDirectories, standalone: list[str]
) -> None:
    chosen = choose_interpreter(InterpreterRequest.parse(OWN), ">=3.6", directories, environ={})
    assert (chosen.origin, chosen.interpreter.version) == ("machine", OWN)
    assert standalone == []
    with pytest.raises(InterpreterError) as caught:
        choose_interpreter(InterpreterRequest.parse("3.99"), "", directories, environ={})
    assert caught.value.code == "interpreter-not-found"
    assert standalone == ["==3.99.*"]


@pytest.mark.parametrize("place", [sys.executable, sys.prefix])
def test_a_path_may_be_an_executable_or_a_prefix(place: str, directories: CacheDirectories) -> None:
    chosen = choose_interpreter(InterpreterRequest("path", place), "", directories, environ={})
    assert chosen.interpreter.version == OWN


def test_a_path_that_does_not_fit_the_program_is_refused(directories: CacheDirectories) -> None:
    with pytest.raises(InterpreterError) as caught:
        choose_interpreter(InterpreterRequest("path", sys.executable), "<3", directories, environ={})
    assert caught.value.code == "interpreter-mismatch"
    assert caught.value.facts == {"wanted": "<3", "found": OWN}


def test_a_standalone_build_that_cannot_be_had_is_an_error(directories: CacheDirectories) -> None:
    with pytest.raises(InterpreterError) as caught:
        choose_interpreter(InterpreterRequest("standalone"), "", directories, offline=True, environ={})
    assert caught.value.code == "standalone-unreachable"
