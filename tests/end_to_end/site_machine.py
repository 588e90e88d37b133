"""A server for a site: this machine without network, and without anything of who built the site."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.isolation import on_own_mounts

ROOT = Path(__file__).parents[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@dataclass(frozen=True)
class SiteMachine:
    """The server.

    Attributes:
        root: A directory that every user may enter, and no other user write; on the server it is there, too.
        minors: The Pythons that the server has. No package of theirs is in sight.
    """

    root: Path
    minors: Sequence[str]

    def make(self) -> "SiteMachine":
        """Make the directories that stay from one command to the next."""
        for name in ("opt", "bin", "home"):
            (self.root / name).mkdir()
        os.chown(self.root / "home", 65534, 65534)
        return self

    @property
    def bin(self) -> Path:
        """What is in `/usr/local/bin` on the server."""
        return self.root / "bin"

    def python(self, minor: str) -> str:
        """The server's Python of a version."""
        python = find_python(minor)
        if python is None:
            pytest.skip(f"there is no Python {minor} here")
        return python

    def _mounts(self) -> str:
        prefixes = [Path(self.python(minor)).parents[1] for minor in self.minors]
        kept = [self.root / f"python{minor}" for minor in self.minors]
        home, quote = Path.home(), shlex.quote
        lines = []
        # The home of who builds the site, and the checkout with its environment and caches, are not there.
        for prefix, place in zip(prefixes, kept, strict=True):
            lines.append(f"mkdir -p {place} && mount --bind {quote(str(prefix))} {place}")
        lines += [f"mount -t tmpfs -o mode=755 none {quote(str(place))}" for place in (ROOT, home)]
        for minor, prefix, place in zip(self.minors, prefixes, kept, strict=True):
            lines += [f"mkdir -p {quote(str(prefix))}", f"mount --bind {place} {quote(str(prefix))}"]
            lines.append(f"mount -t tmpfs none {quote(str(prefix))}/lib/python{minor}/site-packages")
        lines += [f"mount --bind {self.root}/opt /opt", f"mount --bind {self.root}/bin /usr/local/bin"]
        return " && ".join(lines)

    def run(
        self, *words: object, before: Sequence[str] = (), status: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on the server; `before` may make it another user's."""
        places = [str(Path(self.python(minor)).parent) for minor in self.minors]
        done = subprocess.run(
            [*on_own_mounts(), "sh", "-c", f'{self._mounts()} && exec "$@"', "sh", *before, *map(str, words)],
            env={
                "PATH": ":".join(["/usr/bin", "/bin", *places]),
                "HOME": str(self.root / "home"),
                "PYTHONPATH": "/nowhere",
            },
            cwd="/",
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == status, f"{words} exited {done.returncode}:\n{done.stdout}{done.stderr}"
        return done
