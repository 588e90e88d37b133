"""Single files: the first start and later ones against pex, shiv and a virtual environment, in turn, by CPU.

What is promised are ratios of CPU time of runs that took turns.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import Command, remove, run_once
from stack import WORK, installed

TOOLS = ("pex==2.105.2", "shiv==1.0.8", "pip", "setuptools<81")
PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "small": (("requests", "rich", "PyYAML"), "import requests, rich.table, yaml"),
    "data": (("numpy", "pandas", "matplotlib"), "import numpy, pandas, matplotlib.pyplot"),
}
_UV = Path(sys.executable).with_name("uv")
_PLACE = WORK / "zipapps"


def main() -> None:
    """Print one line for each promise."""
    tools = _environment("tools", TOOLS)
    for name, (projects, imports) in PROGRAMS.items():
        _PLACE.mkdir(parents=True, exist_ok=True)
        script = _PLACE / f"{name}.py"
        listed = ", ".join(f'"{project}"' for project in projects)
        script.write_text(f"# /// script\n# dependencies = [{listed}]\n# ///\n{imports}\n")
        venv = _environment(f"venv-{name}", projects)
        files = _pack(name, script, projects, tools)
        _first_starts(name, files)
        _later_starts(name, files, [venv / "bin" / "python", script])


def _environment(name: str, projects: tuple[str, ...]) -> Path:
    place = _PLACE / name
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


def _pack(name: str, script: Path, projects: tuple[str, ...], tools: Path) -> dict[str, Path]:
    """The three files, each as its own tool's documentation has it."""
    files = {tool: _PLACE / f"{name}-{tool}.pyz" for tool in ("pannier", "pex", "shiv")}
    shiv_script = ["--python", "/usr/bin/env python3", "--compile-pyc", "--compressed"]
    commands: dict[str, list[object]] = {
        "pannier": [
            installed() / "pannier",
            "pack",
            "-q",
            script,
            "-o",
            files["pannier"],
            "--python",
            _MINOR,
        ],
        "pex": [tools / "bin/pex", *projects, "--venv", "--exe", script, "-o", files["pex"]],
        "shiv": [tools / "bin/shiv", *shiv_script, "-o", files["shiv"], *projects],
    }
    for tool, command in commands.items():
        if tool == "pannier" or not files[tool].exists():
            subprocess.run(
                [str(word) for word in command], check=True, env=_variables(), stdout=subprocess.DEVNULL
            )
    sizes = ", ".join(f"{tool} {path.stat().st_size / 1e6:.1f} MB" for tool, path in files.items())
    print(f"{name}: {sizes}")
    return files


_MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


def _variables() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    base = Path(os.path.realpath(sys.executable)).parent
    return {
        **kept,
        "PATH": f"{base}:{os.environ['PATH']}",
        "PANNIER_CACHE_DIR": str(_PLACE / "pannier-cache"),
        "PEX_ROOT": str(_PLACE / "pex-root"),
        "SHIV_ROOT": str(_PLACE / "shiv-root"),
    }


def _started(files: Mapping[str, Path], name: str) -> dict[str, Command]:
    # What shiv starts without an entry point is Python.
    return {
        "pannier": [files["pannier"]],
        "pex": [files["pex"]],
        "shiv": [files["shiv"], _PLACE / f"{name}.py"],
    }


def _first_starts(name: str, files: Mapping[str, Path]) -> None:
    def forget(tool: str) -> Callable[[], None]:
        place = {"pannier": "pannier-cache/prefixes", "pex": "pex-root", "shiv": "shiv-root"}[tool]
        return lambda: remove(_PLACE / place)

    results = _in_turn(_started(files, name), 5, {tool: forget(tool) for tool in files})
    for peer in ("pex", "shiv"):
        _print(f"{name}, first start", results, peer, "0.5 or less")


def _later_starts(name: str, files: Mapping[str, Path], bare: Command) -> None:
    commands = {**_started(files, name), "venv": bare}
    python = os.path.realpath(sys.executable)
    commands["pannier by python3 -I -S"] = [python, "-I", "-S", files["pannier"]]
    results = _in_turn(commands, 25)
    _print(f"{name}, later starts", results, "venv", "1.05 or less")
    for peer in ("pannier by python3 -I -S", "pex", "shiv"):
        _print(f"{name}, later starts of {peer}", results, "venv", "to compare", peer)


def _in_turn(
    commands: Mapping[str, Command], rounds: int, before: Mapping[str, Callable[[], None]] | None = None
) -> dict[str, list[float]]:
    """CPU seconds of each command in each round; where nothing comes `before`, the first is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + (before is None)):
        for name, command in commands.items():
            if before:
                before[name]()
            cpu = run_once(command, env=_variables())[1]
            if before or number:
                seconds[name].append(cpu)
    return seconds


def _print(
    what: str, results: Mapping[str, list[float]], peer: str, bound: str, ours: str = "pannier"
) -> None:
    """One line: both medians, and the median of the ratios of each round."""
    ratio = statistics.median(mine / other for mine, other in zip(results[ours], results[peer], strict=True))
    mine, other = (statistics.median(results[name]) for name in (ours, peer))
    print(f"{what}: {mine:.3f} s of CPU; {peer}: {other:.3f} s; ratio {ratio:.2f} ({bound})", flush=True)


if __name__ == "__main__":
    main()
