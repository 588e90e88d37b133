"""Which processes use a generation, as far as /proc tells."""

import os
from typing import List


def find_users(directory: str) -> List[str]:
    """The processes that were started from a directory or have a file of it mapped: number and command."""
    inside = directory.rstrip("/") + "/"
    found = []
    for name in _processes():
        command = _read(f"/proc/{name}/cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()
        if _uses(name, command, inside):
            found.append(f"{name}: {command[:120]}")
    return found


def _processes() -> List[str]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    return sorted((name for name in names if name.isdigit() and int(name) != os.getpid()), key=int)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        # It has ended, or is someone else's.
        return b""


def _uses(process: str, command: str, inside: str) -> bool:
    if inside in command:
        return True
    for link in ("exe", "cwd"):
        try:
            if (os.readlink(f"/proc/{process}/{link}") + "/").startswith(inside):
                return True
        except OSError:
            continue
    return inside.encode() in _read(f"/proc/{process}/maps")
