"""Packing: layers cold against `tar | zstd` and venv-pack, layers warm against `cp`."""

import shlex
import subprocess
import sys
from pathlib import Path

from measure import compare, print_ratio, remove, run_once
from stack import PROJECTS, WORK, Stack, prepare


def main() -> None:
    """Print one line for each promise."""
    stack = prepare()
    environment = stack.environment
    output = WORK / "out.tar.zst"
    layers = stack.cache / "layers"
    tree = shlex.quote(str(stack.tree))

    ours, theirs = compare(
        [stack.bin / "pannier", "pack", "--quiet", stack.lock, "-o", output],
        f"tar -c -C {tree} . | zstd -q -T2 -3 -f -o {WORK}/peer.tar.zst",
        before_ours=lambda: remove(layers, output),
        before_theirs=lambda: remove(WORK / "peer.tar.zst"),
        env=environment,
    )
    print_ratio("pack .tar.zst, layers cold", ours, "tar | zstd -T2 -3 of the tree", theirs, "1.5x or less")

    wall, cpu = _everything_cold(stack, output)
    print(f"pack .tar.zst, layers and byte code cold: {wall:.2f} s wall, {cpu:.2f} s CPU (nothing promised)")
    stack.run("pannier", "pack", "--quiet", stack.lock, "-o", output)

    # Both write a file that is not there: giving back the blocks of an old one takes as long as copying. And
    # no settings are read: those of our own pyproject.toml are nothing that users have.
    ours, theirs = compare(
        [stack.bin / "pannier", "pack", "--quiet", stack.lock, "-o", WORK / "again.tar.zst"],
        ["cp", output, WORK / "copy.tar.zst"],
        before_ours=lambda: remove(WORK / "again.tar.zst"),
        before_theirs=lambda: remove(WORK / "copy.tar.zst"),
        runs=9,
        env=environment,
        cwd=Path("/"),
    )
    print_ratio("pack .tar.zst, layers warm", ours, "cp of the pack", theirs, "2x or less")

    venv_pack, venv = _venv_pack()
    ours, theirs = compare(
        [stack.bin / "pannier", "pack", "--quiet", stack.lock, "-o", WORK / "out.tar.gz"],
        [venv_pack, "-q", "-f", "-p", venv, "-o", WORK / "peer.tar.gz"],
        before_ours=lambda: remove(layers, WORK / "out.tar.gz"),
        runs=3,
        env=environment,
    )
    print_ratio(
        "pack .tar.gz, layers cold", ours, "venv-pack, without an interpreter", theirs, "0.2x or less"
    )


def _everything_cold(stack: Stack, output: Path) -> tuple[float, float]:
    remove(stack.cache / "layers", stack.cache / "bytecode", output)
    return run_once(
        [stack.bin / "pannier", "pack", "--quiet", stack.lock, "-o", output], env=stack.environment
    )


def _venv_pack() -> tuple[Path, Path]:
    """The peer, and an environment of the same distributions with its byte code."""
    uv = Path(sys.executable).with_name("uv")
    peer, venv = WORK / "venv-pack", WORK / "venv"
    if not (peer / "bin" / "venv-pack").exists():
        for command in (
            ["venv", "-q", "--python", sys.executable, peer],
            ["pip", "install", "-q", "--python", peer / "bin" / "python", "venv-pack", "setuptools<81"],
            ["venv", "-q", "--python", sys.executable, venv],
            ["pip", "install", "-q", "--compile-bytecode", "--python", venv / "bin" / "python", *PROJECTS],
        ):
            subprocess.run([str(word) for word in (uv, *command)], check=True)
    return peer / "bin" / "venv-pack", venv


if __name__ == "__main__":
    main()
