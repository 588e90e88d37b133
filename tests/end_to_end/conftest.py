"""Fixtures of the end-to-end tests."""

import signal
import threading
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def signals_as_in_a_terminal() -> None:
    """What is started here can be interrupted and hung up, also when the tests run under `nohup`."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="session")
def shared_cache() -> Path:
    """Kept between runs, so that the index is asked once for what does not change."""
    path = ROOT / "build" / "test-cache"
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def commands(pannier_bin: Path, shared_cache: Path, tmp_path: Path) -> Commands:
    """Commands that share the suite's download cache."""
    directory = tmp_path / "work"
    directory.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    return Commands(bin=pannier_bin, home=home, cache=shared_cache, directory=directory)
