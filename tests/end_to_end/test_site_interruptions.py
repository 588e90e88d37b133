"""An installation that ends at any of its steps: the old set works, and the next installation cleans up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.test_site_install import MINOR, Server, hello

DRIVER = Path(__file__).with_name("site_interrupter.py")
# Every seventh step, beginning at another each day, so that all are tried in a week; all of them with 1.
STRIDE = int(os.environ.get("SITE_STEPS", "7"))
START = os.environ.get("SITE_START") or str(1 + int(time.time() // 86400) % STRIDE)
ROOT = DRIVER.parents[2]


def interrupt(server: Server, number: int, stride: int) -> list[dict[str, Any]]:
    """Stop installations at their steps, one after the other."""
    first = server.bundle(
        "1.run", server.environment("lab", MINOR, hello()), server.environment("old", MINOR, hello())
    )
    second = server.bundle(
        "2.run",
        server.environment("lab", MINOR, hello("2.0")),
        server.environment("new", MINOR, hello("2.0")),
    )
    done = subprocess.run(
        [
            sys.executable,
            str(DRIVER),
            str(server.root),
            str(first),
            str(second),
            str(int(number)),
            START,
            str(stride),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.slow
def test_killed_at_any_step_the_old_set_works_and_the_next_installation_cleans_up(server: Server) -> None:
    found = interrupt(server, signal.SIGKILL, STRIDE)
    assert len(found) > 5
    for one in found:
        assert one["then"] in {"1.0", "2.0"}, one
        # Each name of the set in force is there.
        assert {"lab", "old" if one["then"] == "1.0" else "new"} <= set(one["names"]), one
    for one in found[:-1]:
        assert (one["again"], one["after"], one["left"]) == (0, "2.0", []), one
    assert found[-1]["then"] == "2.0"
    assert {one["then"] for one in found} == {"1.0", "2.0"}


def test_told_to_end_it_undoes_everything_at_once(server: Server) -> None:
    found = interrupt(server, signal.SIGTERM, 3 * STRIDE)
    for one in found:
        assert one["left"] == [], one
        assert one["then"] in {"1.0", "2.0"}, one
