"""The built wheel's commands, run as a user runs them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The Python that runs the tests is on every machine that does.
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
PATCH = f"{MINOR}.{sys.version_info[2]}"


@dataclass(frozen=True)
class Commands:
    """The installed commands with a home, a cache and a working directory of the test's own."""

    bin: Path
    home: Path
    cache: Path
    directory: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables commands run with: the user's index configuration, nothing of this Python's."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PANNIER", "VIRTUAL_ENV", "CONDA"))
        }
        return {
            **kept,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PANNIER_CACHE_DIR": str(self.cache),
            "MPLCONFIGDIR": str(self.cache.with_name("matplotlib")),  # what it would else write at home
            **(extra or {}),
        }

    def run(
        self,
        *command: str | Path,
        status: int = 0,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
    ) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end and check its exit status."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.directory,
            env=self.environment(env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=600,
        )
        shown = " ".join(map(str, command))
        assert done.returncode == status, f"`{shown}` exited {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def script(self, name: str, text: str) -> Path:
        """Write a file into the working directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path


def members(pack: Path, option: str = "-tzf") -> Sequence[str]:
    """What the system's tar says is in a pack."""
    listed = subprocess.run(["tar", option, str(pack)], capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()
