"""Peak memory of packing and of unpacking an environment with torch's CPU wheel."""

import os
import subprocess
import sys
from pathlib import Path

from measure import remove
from stack import WORK, prepare


def main() -> None:
    """Print the peak of each step; what was promised is 400 MB."""
    stack = prepare()
    requirement = sys.argv[1] if len(sys.argv) > 1 else "torch"
    requirements = WORK / "torch.txt"
    requirements.write_text(requirement + "\n")
    lock, pack, tree = WORK / "pylock.torch.toml", WORK / "torch.tar.zst", WORK / "torch-tree"
    stack.run("pannier", "lock", "--quiet", requirements, "-o", lock)
    remove(pack, tree, stack.cache / "layers")
    for name, command in (
        ("pack", ["pack", "--quiet", lock, "-o", pack]),
        ("unpack", ["unpack", "--quiet", pack, tree]),
        ("verify", ["verify", "--quiet", pack]),
    ):
        peak = _peak([stack.bin / "pannier", *command], stack.environment)
        size = pack.stat().st_size / 1e6
        print(f"{name} with torch ({size:.0f} MB): peak {peak:.0f} MB (promised: under 400 MB)")
    remove(tree)


def _peak(command: list[str | Path], environment: dict[str, str]) -> float:
    """The largest resident size in MB of any one process of the command, its children included."""
    process = subprocess.Popen([str(word) for word in command], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command} failed")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
