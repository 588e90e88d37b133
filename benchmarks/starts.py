"""Starts of the same programs by different means, in turn, by CPU; for the benchmarks that compare them."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import Command, run_once
from stack import WORK

PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "small": (("requests", "rich", "PyYAML"), "import requests, rich.table, yaml"),
    "data": (("numpy", "pandas", "matplotlib"), "import numpy, pandas, matplotlib.pyplot"),
}
PLACE = WORK / "zipapps"
_UV = Path(sys.executable).with_name("uv")
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


def variables() -> dict[str, str]:
    """Environment variables of every start: this Python first, and caches of the benchmarks' own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    base = Path(os.path.realpath(sys.executable)).parent
    return {
        **kept,
        "PATH": f"{base}:{os.environ['PATH']}",
        "PANNIER_CACHE_DIR": str(PLACE / "pannier-cache"),
        "PEX_ROOT": str(PLACE / "pex-root"),
        "SHIV_ROOT": str(PLACE / "shiv-root"),
    }


def make_environment(name: str, projects: tuple[str, ...]) -> Path:
    """A virtual environment with projects and their byte code, made once."""
    place = PLACE / name
    if not place.exists():
        create = [_UV, "venv", "-q", "--python", sys.executable, place]
        install = [
            _UV,
            "pip",
            "install",
            "-q",
            "--compile-bytecode",
            "--python",
            place / "bin/python",
            *projects,
        ]
        for command in (create, install):
            subprocess.run([str(word) for word in command], check=True)
    return place


def in_turn(
    commands: Mapping[str, Command], rounds: int, before: Mapping[str, Callable[[], None]] | None = None
) -> dict[str, list[float]]:
    """CPU seconds of each command in each round; where nothing comes `before`, the first is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + (before is None)):
        for name, command in commands.items():
            if before:
                before[name]()
            cpu = run_once(command, env=variables())[1]
            if before or number:
                seconds[name].append(cpu)
    return seconds


def print_ratio(
    what: str, results: Mapping[str, list[float]], peer: str, bound: str, ours: str = "pannier"
) -> None:
    """One line: both medians, and the median of the ratios of each round."""
    ratio = statistics.median(mine / other for mine, other in zip(results[ours], results[peer], strict=True))
    mine, other = (statistics.median(results[name]) for name in (ours, peer))
    print(f"{what}: {mine:.3f} s of CPU; {peer}: {other:.3f} s; ratio {ratio:.2f} ({bound})", flush=True)
