"""The launcher started as callers start it, under each shell that a host may have as `sh`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.unit.runtime.pack_building import RUNTIME

LAUNCHER = RUNTIME / "launcher.sh"
SHELLS: dict[str, tuple[str, ...]] = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "sh")}
# What the launcher may use on a host, besides the shell itself.
TOOLS = (
    "awk",
    "cat",
    "chmod",
    "dd",
    "df",
    "date",
    "env",
    "getconf",
    "gzip",
    "head",
    "id",
    "ldd",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "od",
    "rm",
    "sh",
    "sha256sum",
    "sleep",
    "stat",
    "tail",
    "tar",
    "touch",
    "true",
    "uname",
    "zstd",
)


@dataclass(frozen=True)
class Launcher:
    """The launcher under one shell, with a cache and a home of the test's own."""

    shell: tuple[str, ...]
    directory: Path

    @property
    def cache(self) -> Path:
        return self.directory / "cache dir é"

    def environment(self, extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
        environ: dict[str, str | None] = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.directory / "home"),
            "PANNIER_CACHE_DIR": str(self.cache),
            "LANG": "C.UTF-8",
            **(extra or {}),
        }
        return {name: value for name, value in environ.items() if value is not None}

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        script: Path = LAUNCHER,
    ) -> "subprocess.Popen[str]":
        command = [*self.shell, str(script), *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=cwd or self.directory,
            env=self.environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *arguments: str | Path,
        status: int = 0,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        script: Path = LAUNCHER,
    ) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, env=env, cwd=cwd, script=script)
        output, errors = process.communicate(stdin, timeout=120)
        done = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
        assert done.returncode == status, f"{arguments} exited {done.returncode}:\n{output}{errors}"
        return done

    def leftovers(self) -> Sequence[str]:
        """What an unpack that did not end well must not leave in the cache."""
        prefixes = self.cache / "prefixes"
        names = sorted(os.listdir(prefixes)) if prefixes.exists() else []
        return [name for name in names if not name.endswith(".lock")]


def tools_without(directory: Path, *missing: str) -> str:
    """A PATH that holds the few tools the launcher uses but those named."""
    directory.mkdir(parents=True)
    for name in TOOLS:
        found = shutil.which(name)
        if found and name not in missing:
            (directory / name).symlink_to(found)
    return str(directory)


def busybox_tools(directory: Path) -> str:
    """A PATH that holds BusyBox's tools and no others."""
    directory.mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        (directory / name).symlink_to(busybox)
    return str(directory)
