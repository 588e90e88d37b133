"""Installs a bundle again and again, stopped each time one step later; for `test_site_interruptions.py`.

A step is a call of the installing process that changes the file system. Prints a JSON list with what was
found after each: the step, what the environment said then, and what it said after the next installation.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pannier.runtime.site import pythons
from pannier.runtime.site.command import main

# What the processes that it starts do is theirs: they have no step of their own.
CALLS = (
    "rename",
    "replace",
    "link",
    "symlink",
    "mkdir",
    "unlink",
    "remove",
    "rmdir",
    "fsync",
    "write",
    "ftruncate",
)


def count_calls(at: int, number: int) -> None:
    """Let this process, but none that it forks, send itself a signal at its call of that number."""
    process = os.getpid()
    seen = [0]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if os.getpid() == process:
                seen[0] += 1
                if seen[0] == at:
                    os.kill(process, number)
            return call(*arguments, **options)

        return run

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    real_open = os.open

    def opened(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_CREAT and os.getpid() == process:
            seen[0] += 1
            if seen[0] == at:
                os.kill(process, number)
        return real_open(path, flags, *arguments, **options)

    os.open = opened


def install(bundle: str, at: int = 0, number: int = signal.SIGKILL) -> int:
    """Install in a process of its own; return how that ended."""
    child = os.fork()
    if not child:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        if at:
            os.dup2(null, 2)
            count_calls(at, number)
        os._exit(main(["install", "--json"], bundle))
    return os.waitpid(child, 0)[1]


def look(root: Path) -> str:
    """What the environment's name starts."""
    done = subprocess.run(
        [str(root / "bin" / "lab"), "-c", "import hello; print(hello.version)"],
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or done.stderr


def leftovers(root: Path) -> list[str]:
    """What is there of unfinished work."""
    state = root / "envs" / ".site"
    names = [
        *os.listdir(state),
        *os.listdir(state / "pool"),
        *os.listdir(root / "envs"),
        *os.listdir(root / "bin"),
    ]
    found = [name for name in names if name.startswith(".") and name != ".site"] + [
        name for name in names if name == "journal.json"
    ]
    generations = root / "envs" / "generations"
    return found + [one.name for one in generations.iterdir() if not (one / "generation.json").exists()]


def trial(root: Path, bundle: str, at: int, number: int) -> dict[str, Any]:
    """Install over the first generation, stopped at a step; look; install again; look."""
    for name in ("envs", "bin"):
        shutil.rmtree(root / name)
        shutil.copytree(root / "kept" / name, root / name, symlinks=True)
    status = install(bundle, at, number)
    found = {"step": at, "status": status, "then": look(root), "names": sorted(os.listdir(root / "bin"))}
    if number != signal.SIGKILL:
        found["left"] = leftovers(root)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return found
    found["again"] = install(bundle)
    found["after"] = look(root)
    found["left"] = found.get("left", []) + leftovers(root)
    return found


def run(root: Path, first: str, second: str, number: int, start: int, stride: int) -> None:
    """Do all trials."""
    known: dict[str, Any] = {}
    probe = pythons.probe
    # Asking the Pythons of the machine touches nothing, and takes most of the time.
    pythons.probe = lambda path: known.setdefault(path, probe(path)) if path not in known else known[path]
    assert install(first) == 0
    kept = root / "kept"
    kept.mkdir()
    for name in ("envs", "bin"):
        shutil.copytree(root / name, kept / name, symlinks=True)
    results = []
    at = start
    while True:
        results.append(trial(root, second, at, number))
        if results[-1]["status"] == 0:
            break
        at += stride
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7]))
