"""Timing of whole processes, and the one line each benchmark prints."""

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path] | str


@dataclass(frozen=True)
class Timing:
    """Several runs of one command.

    Attributes:
        wall: Seconds of each run, from start to exit.
        cpu: User and system seconds of each run, its children's included.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the wall seconds."""
        return statistics.median(self.wall)


def run_once(
    command: Command, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, float]:
    """Wall and CPU seconds of one run; a string goes through the shell, and failing ends the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(
        command if isinstance(command, str) else [str(word) for word in command],
        shell=isinstance(command, str),
        env=env,
        cwd=cwd,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(
    ours: Command,
    theirs: Command,
    *,
    runs: int = 5,
    before_ours: Callable[[], object] = lambda: None,
    before_theirs: Callable[[], object] = lambda: None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[Timing, Timing]:
    """Run two commands in turn, so that a machine that slows down slows both."""
    mine: list[tuple[float, float]] = []
    peer: list[tuple[float, float]] = []
    for _ in range(runs):
        before_ours()
        mine.append(run_once(ours, env=env, cwd=cwd))
        before_theirs()
        peer.append(run_once(theirs, env=env, cwd=cwd))
    return _timing(mine), _timing(peer)


def _timing(pairs: Sequence[tuple[float, float]]) -> Timing:
    return Timing(wall=tuple(wall for wall, _ in pairs), cpu=tuple(cpu for _, cpu in pairs))


def print_ratio(what: str, ours: Timing, against: str, theirs: Timing, bound: str) -> None:
    """One line: what was measured, both medians, the ratio of the medians, and what was promised."""
    ratio = ours.median / theirs.median
    print(f"{what}: {ours.median:.3f} s; {against}: {theirs.median:.3f} s; ratio {ratio:.2f} ({bound})")


def print_difference(what: str, ours: Timing, against: str, theirs: Timing, bound: str) -> None:
    """One line for a promise that is a difference in milliseconds."""
    difference = (ours.median - theirs.median) * 1000
    print(
        f"{what}: {ours.median * 1000:.1f} ms; {against}: {theirs.median * 1000:.1f} ms;"
        f" difference {difference:.1f} ms ({bound})"
    )


def remove(*paths: Path) -> None:
    """Remove files and trees, present or not."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
