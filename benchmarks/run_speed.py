"""Running: the first time against tar, later ones against the bare interpreter, imports against a venv."""

import shlex
import subprocess
import sys
from pathlib import Path

from measure import compare, print_difference, print_ratio, remove
from stack import IMPORTS, WORK, Stack, prepare


def main() -> None:
    """Print one line for each promise."""
    stack = prepare()
    prefixes = stack.cache / "prefixes"
    plain = WORK / "plain"
    for ending, tar in (("tar.gz", "tar -xz"), ("tar.zst", "tar --zstd -x")):
        pack = stack.packs[ending]
        ours, theirs = compare(
            [stack.bin / "pannier", "run", pack, "true"],
            f"mkdir {plain} && {tar} -C {plain} -f {shlex.quote(str(pack))}",
            before_ours=lambda: remove(prefixes, plain),
            before_theirs=lambda: remove(prefixes, plain),
            env=stack.environment,
        )
        print_ratio(f"first run of a .{ending}", ours, tar, theirs, "1.3x or less")
    remove(plain)
    _later_runs(stack)
    _first_import(stack)


def _later_runs(stack: Stack) -> None:
    pack = stack.packs["tar.gz"]
    stack.run("pannier", "run", pack, "true")
    prefix = next(path for path in (stack.cache / "prefixes").iterdir() if path.is_dir())
    bare = [prefix / "bin" / "python3", "-c", "pass"]
    for name, command in (
        ("pannier run", [stack.bin / "pannier", "run", pack, "python3", "-c", "pass"]),
        ("python_package_run", [stack.bin / "python_package_run", pack, "python3", "-c", "pass"]),
    ):
        ours, theirs = compare(command, bare, runs=41, env=stack.environment)
        print_difference(f"{name}, already unpacked", ours, "the interpreter bare", theirs, "10 ms or less")


def _first_import(stack: Stack) -> None:
    """In a fresh unpack against a venv that has its byte code, both with a warm page cache."""
    venv = WORK / "import-venv"
    uv = Path(sys.executable).with_name("uv")
    if not venv.exists():
        pins = stack.run(stack.tree / "bin" / "python3", "-c", _PINS).split()
        for command in (
            ["venv", "-q", "--python", sys.executable, venv],
            ["pip", "install", "-q", "--compile-bytecode", "--python", venv / "bin" / "python", *pins],
        ):
            subprocess.run([str(word) for word in (uv, *command)], check=True)
    fresh = WORK / "fresh"

    def unpack() -> None:
        remove(fresh)
        stack.run("pannier", "unpack", "--quiet", stack.packs["tar.zst"], fresh)

    ours, theirs = compare(
        [fresh / "bin" / "python3", "-c", IMPORTS],
        [venv / "bin" / "python", "-c", IMPORTS],
        before_ours=unpack,
        env={**stack.environment, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    print_ratio("first import in a fresh unpack", ours, "in a venv with .pyc", theirs, "equal")


_PINS = "import importlib.metadata as m; print(*(d.name + '==' + d.version for d in m.distributions()))"

if __name__ == "__main__":
    main()
