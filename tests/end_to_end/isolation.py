"""Ways to take something from a process: the network, directories, all but one directory.

Each takes root, or a kernel that lets users make namespaces of their own; where there is neither, a test
says so and is skipped.
"""

import functools
import subprocess
from collections.abc import Sequence

import pytest


@functools.cache
def _way(*options: str, check: str = "true") -> tuple[str, ...]:
    """The `unshare` with which `check` succeeds, as root or as a user; empty where there is none."""
    for extra in ((), ("--map-root-user",)):
        command = ("unshare", *options, *extra)
        try:
            done = subprocess.run([*command, "sh", "-c", check], capture_output=True)
        except FileNotFoundError:
            break
        if done.returncode == 0:
            return command
    return ()


def can_hide_directories() -> bool:
    """Whether `hiding` works here."""
    return bool(_way("--mount", check="mount -t tmpfs none /tmp"))


def hiding(directories: Sequence[str], command: Sequence[str]) -> list[str]:
    """The command, run where these directories are empty."""
    cover = " && ".join(f"mount -t tmpfs none '{directory}'" for directory in directories)
    way = _way("--mount", check="mount -t tmpfs none /tmp")
    return [*way, "sh", "-c", f'{cover} && exec "$@"', "sh", *command]


def without_network() -> tuple[str, ...]:
    """What to write before a command for it to have no network."""
    way = _way("--net")
    if not way:
        pytest.skip("taking the network away needs root or user namespaces")
    return way


def on_own_mounts() -> tuple[str, ...]:
    """What to write before a shell that mounts what it wants, seen by nobody else: no network."""
    way = _way("--net", "--mount", check="mount -t tmpfs none /tmp")
    if not way:
        pytest.skip("mounts of its own need root or user namespaces")
    return way


def on_another_root() -> tuple[str, ...]:
    """What to write before a shell that mounts /proc and changes its root: no network, no other processes."""
    way = _way("--net", "--mount", "--pid", "--fork", check="mount -t proc proc /proc")
    if not way:
        pytest.skip("changing the root directory needs root or user namespaces")
    return way
