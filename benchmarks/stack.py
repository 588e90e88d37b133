"""What every benchmark works on: four large projects, locked once, with a warm download cache."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "benchmarks"
PROJECTS = ("numpy", "scipy", "pandas", "matplotlib")
IMPORTS = "import numpy, scipy.optimize, pandas, matplotlib.pyplot"


@dataclass(frozen=True)
class Stack:
    """The pieces, all below build/benchmarks.

    Attributes:
        bin: The installed commands.
        lock: The lockfile.
        cache: Pannier's cache.
        packs: The finished pack of each format, by its ending.
        tree: The zstd pack, unpacked.
    """

    bin: Path
    lock: Path
    cache: Path
    packs: dict[str, Path]
    tree: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the commands run with."""
        return {**environment_of(self.bin), "PANNIER_CACHE_DIR": str(self.cache)}

    def run(self, *words: str | Path) -> str:
        """Run one command, and give what it printed."""
        command = [str(word) for word in words]
        done = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout


def environment_of(commands: Path) -> dict[str, str]:
    """The variables that installed commands run with: nothing of the Python that measures."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, "PATH": f"{commands}:{os.environ['PATH']}"}


def prepare() -> Stack:
    """Lock, download and pack the stack, where an earlier benchmark has not done it already."""
    WORK.mkdir(parents=True, exist_ok=True)
    stack = Stack(
        bin=installed(),
        lock=WORK / "pylock.toml",
        cache=WORK / "cache",
        packs={ending: WORK / f"stack.{ending}" for ending in ("tar.gz", "tar.zst")},
        tree=WORK / "tree",
    )
    requirements = WORK / "requirements.txt"
    if not stack.lock.exists():
        requirements.write_text("\n".join(PROJECTS))
        stack.run("pannier", "lock", "--quiet", requirements, "-o", stack.lock)
    for pack in stack.packs.values():
        stack.run("pannier", "pack", "--quiet", stack.lock, "-o", pack)
    subprocess.run(["rm", "-rf", str(stack.tree)], check=True)
    stack.run("pannier", "unpack", "--quiet", stack.packs["tar.zst"], stack.tree)
    return stack


def installed() -> Path:
    """The commands of the wheel, as users have them: an editable install starts slower."""
    given = os.environ.get("PANNIER_BIN")
    if given:
        return Path(given)
    uv = Path(sys.executable).with_name("uv")
    place = WORK / "installed"
    commands = (
        [uv, "build", "--quiet", "--wheel", "--clear", "--out-dir", WORK / "wheel", ROOT],
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, place],
    )
    for command in commands:
        subprocess.run([str(word) for word in command], check=True)
    wheel = next((WORK / "wheel").glob("*.whl"))
    python = place / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, wheel]
    subprocess.run([str(word) for word in install], check=True)
    return place / "bin"
