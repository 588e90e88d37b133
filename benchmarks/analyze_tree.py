"""Analysis of a tree of some 4,000 files: against CPython's own parser, two peers, and its second time."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from measure import Timing, compare, print_ratio
from stack import WORK, prepare

# What people really have: a web framework, numerical, asynchronous and symbolic libraries, tests included.
PROJECTS = ("Django==5.2.8", "scikit-learn==1.7.2", "Twisted==25.5.0", "sympy==1.14.0")
PEERS = ("deptry==0.25.1", "pipreqs==0.5.0")
UV = Path(sys.executable).with_name("uv")
TREE = WORK / "analyzed"
PARSE = """
import ast, os, sys, warnings
warnings.simplefilter("ignore")
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as stream:
                content = stream.read()
            try:
                ast.parse(content)
            except SyntaxError:
                pass
"""


def main() -> None:
    """Print one line for each promise."""
    stack = prepare()
    _use_two_cores()
    peers = _peers()
    _make_tree()
    cache = WORK / "analyses"
    environment = {**stack.environment, "PANNIER_CACHE_DIR": str(cache)}
    ours = [stack.bin / "pannier", "analyze", TREE, "--quiet"]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    # deptry ends with an error of its own on this tree, once it has read all of it.
    their_look = f"cd {TREE} && {peers}/deptry . --no-ansi 2>/dev/null || true"
    for name, command, bound in (
        ("ast.parse, one process", [sys.executable, "-c", PARSE, TREE], "0.40 or less"),
        ("deptry", ["sh", "-c", their_look], "less than 1"),
        ("pipreqs", [peers / "pipreqs", "--print", "--use-local", TREE], "less than 1"),
    ):
        mine, theirs = compare(ours, command, runs=5, before_ours=forget, env=environment)
        print_ratio("pannier analyze TREE", mine, name, theirs, bound)
        print_ratio("  CPU seconds", _cpu(mine), name, _cpu(theirs), "of both cores")
    _second_time(ours, environment, forget)


def _use_two_cores() -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:2])


def _cpu(timing: Timing) -> Timing:
    return Timing(wall=timing.cpu, cpu=timing.cpu)


def _make_tree() -> None:
    if not TREE.exists():
        words = [
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile-bytecode",
            "--python",
            sys.executable,
        ]
        subprocess.run([UV, *words, "--target", TREE, *PROJECTS], check=True)
        # deptry wants a project to look at.
        text = '[project]\nname = "tree"\nversion = "1"\ndependencies = ["numpy"]\n'
        (TREE / "pyproject.toml").write_text(text)
    files = [path for path in TREE.rglob("*.py") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} files, {size / 1e6:.1f} MB")


def _peers() -> Path:
    place = WORK / "peers"
    if not place.exists():
        subprocess.run([UV, "venv", "--quiet", place], check=True)
        subprocess.run(
            [UV, "pip", "install", "--quiet", "--python", place / "bin/python", *PEERS], check=True
        )
    return place / "bin"


def _second_time(ours: list[str | Path], environment: dict[str, str], forget: object) -> None:
    """The first time, and again after one file got another import."""
    assert callable(forget)
    changed = TREE / "django" / "db" / "models" / "base.py"
    original = changed.read_text("utf-8")
    # What was written only now is not trusted the next time.
    time.sleep(3)

    def change() -> None:
        changed.write_text(f"{changed.read_text('utf-8')}\nimport json  # {time.time()}\n", "utf-8")

    try:
        pairs = []
        for _ in range(5):
            first, _ = compare(ours, "true", runs=1, before_ours=forget, env=environment)
            change()
            second, _ = compare(ours, "true", runs=1, env=environment)
            pairs.append((first, second))
    finally:
        changed.write_text(original, "utf-8")
    firsts = Timing(*(tuple(getattr(one, name)[0] for one, _ in pairs) for name in ("wall", "cpu")))
    seconds = Timing(*(tuple(getattr(two, name)[0] for _, two in pairs) for name in ("wall", "cpu")))
    print_ratio("again, one file changed", seconds, "the first time", firsts, "0.10 or less")


if __name__ == "__main__":
    main()
