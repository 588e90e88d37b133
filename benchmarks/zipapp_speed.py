"""Single files: the first start and later ones against pex, shiv and a virtual environment, in turn, by CPU.

What is promised are ratios of CPU time of runs that took turns.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import Command, remove
from stack import installed
from starts import MINOR, PLACE, PROGRAMS, in_turn, make_environment, print_ratio, variables

TOOLS = ("pex==2.105.2", "shiv==1.0.8", "pip", "setuptools<81")


def main() -> None:
    """Print one line for each promise."""
    tools = make_environment("tools", TOOLS)
    for name, (projects, imports) in PROGRAMS.items():
        PLACE.mkdir(parents=True, exist_ok=True)
        script = PLACE / f"{name}.py"
        listed = ", ".join(f'"{project}"' for project in projects)
        script.write_text(f"# /// script\n# dependencies = [{listed}]\n# ///\n{imports}\n")
        venv = make_environment(f"venv-{name}", projects)
        files = _pack(name, script, projects, tools)
        _first_starts(name, files)
        _later_starts(name, files, [venv / "bin" / "python", script])


def _pack(name: str, script: Path, projects: tuple[str, ...], tools: Path) -> dict[str, Path]:
    """The three files, each as its own tool's documentation has it."""
    files = {tool: PLACE / f"{name}-{tool}.pyz" for tool in ("pannier", "pex", "shiv")}
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
            MINOR,
        ],
        "pex": [tools / "bin/pex", *projects, "--venv", "--exe", script, "-o", files["pex"]],
        "shiv": [tools / "bin/shiv", *shiv_script, "-o", files["shiv"], *projects],
    }
    for tool, command in commands.items():
        if tool == "pannier" or not files[tool].exists():
            subprocess.run(
                [str(word) for word in command], check=True, env=variables(), stdout=subprocess.DEVNULL
            )
    sizes = ", ".join(f"{tool} {path.stat().st_size / 1e6:.1f} MB" for tool, path in files.items())
    print(f"{name}: {sizes}")
    return files


def _started(files: Mapping[str, Path], name: str) -> dict[str, Command]:
    # What shiv starts without an entry point is Python.
    return {
        "pannier": [files["pannier"]],
        "pex": [files["pex"]],
        "shiv": [files["shiv"], PLACE / f"{name}.py"],
    }


def _first_starts(name: str, files: Mapping[str, Path]) -> None:
    """Where nothing was removed just before: ext4 looks long for inodes where some were freed just now."""
    aside = PLACE / "aside"
    remove(aside)
    aside.mkdir()

    def forget(tool: str) -> Callable[[], None]:
        place = PLACE / {"pannier": "pannier-cache/prefixes", "pex": "pex-root", "shiv": "shiv-root"}[tool]

        def put_aside() -> None:
            if place.exists():
                place.rename(aside / f"{tool}-{len(list(aside.iterdir()))}")

        return put_aside

    results = in_turn(_started(files, name), 5, {tool: forget(tool) for tool in files})
    remove(aside)
    for peer in ("pex", "shiv"):
        print_ratio(f"{name}, first start", results, peer, "0.5 or less")


def _later_starts(name: str, files: Mapping[str, Path], bare: Command) -> None:
    commands = {**_started(files, name), "venv": bare}
    python = os.path.realpath(sys.executable)
    commands["pannier by python3 -I -S"] = [python, "-I", "-S", files["pannier"]]
    results = in_turn(commands, 25)
    print_ratio(f"{name}, later starts", results, "venv", "1.05 or less")
    for peer in ("pannier by python3 -I -S", "pex", "shiv"):
        print_ratio(f"{name}, later starts of {peer}", results, "venv", "to compare", peer)


if __name__ == "__main__":
    main()
