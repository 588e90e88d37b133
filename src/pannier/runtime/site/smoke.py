"""Smoke tests: whether an environment starts, is itself, and can do what the site asks of it."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional

from pannier.runtime.errors import ArchiveError, printable
from pannier.runtime.workers import count_workers

from .pythons import clean_environment

_POLL_SECONDS = 0.01
_SELF = (
    "import json, sys; print(json.dumps(['.'.join(map(str, sys.version_info[:3])), sys.prefix,"
    " [path for path in sys.path if 'site-packages' in path]]))"
)


class Test(NamedTuple):
    """A line to run in an environment; `line` is empty for the question what it is."""

    environment: str
    directory: str
    line: str


def run_tests(environments: Dict[str, Dict[str, Any]], timeout: int) -> List[ArchiveError]:
    """Run every environment's smoke tests, several at a time; return what failed.

    Args:
        environments: Directory of each to its entry of a generation.
        timeout: For each line, in seconds.
    """
    tests = [
        Test(entry["name"], directory, line)
        for directory, entry in environments.items()
        for line in ["", *entry["smoke"]]
    ]
    versions = {directory: entry["found"]["version"] for directory, entry in environments.items()}
    waiting = tests[::-1]
    running: List[_Running] = []
    problems: List[Optional[ArchiveError]] = []
    with tempfile.TemporaryDirectory(prefix="pannier-smoke-") as home:
        try:
            while waiting or running:
                while waiting and len(running) < count_workers():
                    running.append(_Running(waiting.pop(), home, timeout))
                ended = [one for one in running if one.has_ended()]
                running = [one for one in running if one not in ended]
                problems += [one.judge(versions[one.test.directory]) for one in ended]
                time.sleep(0 if ended else _POLL_SECONDS)
        finally:
            for one in running:
                one.stop()
    return [problem for problem in problems if problem is not None]


class _Running:
    """A test under way, in a process group of its own."""

    def __init__(self, test: Test, home: str, timeout: int) -> None:
        self.test = test
        self._timeout = timeout
        self._end = time.monotonic() + timeout
        self._is_late = False
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed when judged
        self._process = subprocess.Popen(
            [os.path.join(test.directory, "bin", "python"), "-E", "-s", "-B", "-c", test.line or _SELF],
            cwd=home,
            env=clean_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def has_ended(self) -> bool:
        """Whether it has, or has taken too long."""
        if self._process.poll() is not None:
            return True
        self._is_late = time.monotonic() > self._end
        if self._is_late:
            self.stop()
        return self._is_late

    def stop(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def judge(self, version: str) -> Optional[ArchiveError]:
        """What is wrong, when something is."""
        self._output.seek(0)
        lines = self._output.read().decode("utf-8", "replace").strip().splitlines()
        self._output.close()
        if self._is_late:
            return self._failed(f"it did not end within {self._timeout} seconds")
        if self._process.returncode:
            said = lines[-1] if lines else f"status {self._process.returncode}"
            if self._process.returncode < 0:
                said = f"it was ended by signal {-self._process.returncode}"
            return self._failed(said)
        return None if self.test.line else self._judge_self(lines, version)

    def _judge_self(self, lines: List[str], version: str) -> Optional[ArchiveError]:
        try:
            found, prefix, packages = json.loads(lines[-1])
        except (IndexError, ValueError):
            return self._failed("it did not say what it is")
        inside = os.path.realpath(self.test.directory)
        if found != version or os.path.realpath(prefix) != inside:
            return self._failed(f"it is Python {found} in {prefix}")
        others = [path for path in packages if not os.path.realpath(path).startswith(inside + "/")]
        return self._failed("it sees packages of another place: " + others[0]) if others else None

    def _failed(self, because: str) -> ArchiveError:
        name = self.test.environment
        facts = {"environment": name}
        if self.test.line:
            facts["smoke test"] = printable(self.test.line)
        facts["because"] = printable(because)
        message = (
            f"a smoke test of `{name}` failed" if self.test.line else f"`{name}` does not start as it should"
        )
        hint = "nothing was changed; mend the site's requirements or its smoke test, and bundle again"
        return ArchiveError(message, "smoke-failed", facts, hint)
