"""Vendored dependencies: later starts against the bare Python of a virtual environment, in turn, by CPU.

What is promised are ratios of CPU time of runs that took turns.
"""

import subprocess
from pathlib import Path

from measure import Command
from stack import installed
from starts import MINOR, PLACE, PROGRAMS, in_turn, make_environment, print_ratio, variables

_ROUNDS = 25


def main() -> None:
    """Print one line for each promise."""
    for name, (projects, imports) in PROGRAMS.items():
        place = PLACE / f"vendored-{name}"
        place.mkdir(parents=True, exist_ok=True)
        script = place / f"{name}.py"
        listed = ", ".join(f'"{project}"' for project in projects)
        script.write_text(f"# /// script\n# dependencies = [{listed}]\n# ///\n{imports}\n")
        venv = make_environment(f"venv-{name}", projects)
        commands: dict[str, Command] = {"venv": [venv / "bin" / "python", script]}
        commands["pannier"] = [_vendor(script, "laid-out")]
        commands["on demand"] = [_vendor(script, "on-demand", "--on-demand")]
        results = in_turn(commands, _ROUNDS)
        print_ratio(f"{name}, later starts", results, "venv", "1.05 or less")
        print_ratio(f"{name}, later starts of what was fetched", results, "venv", "1.05 or less", "on demand")


def _vendor(script: Path, kind: str, *options: str) -> Path:
    """A launcher whose first start is over."""
    launcher = script.with_name(f"{script.stem}-{kind}")
    command = [installed() / "pannier", "vendor", "-q", script, "--wrapper", launcher.name, "--python", MINOR]
    command += ["-t", script.with_name(f"deps-{kind}"), *options]
    subprocess.run([str(word) for word in command], check=True, env=variables(), cwd=script.parent)
    subprocess.run([launcher], check=True, env=variables())
    return launcher


if __name__ == "__main__":
    main()
