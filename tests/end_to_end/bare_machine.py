"""A machine with BusyBox, the C library, and nothing else: no Python, no network."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.end_to_end.isolation import on_another_root

# What a machine with glibc has of libraries; wheels are built to find these there (PEP 600).
SYSTEM_LIBRARIES = (
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "libstdc++.so.6",
)


def make_bare_machine(root: Path) -> Path:
    """Make its root directory."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("there is no busybox here")
    on_another_root()
    for name in ("bin", "tmp", "home", "proc", "dev", "lib64", "usr/lib"):
        (root / name).mkdir(parents=True)
    shutil.copy(busybox, root / "bin")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True).stdout.split():
        if not (root / "bin" / applet).exists():
            (root / "bin" / applet).symlink_to("busybox")
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for name in SYSTEM_LIBRARIES:
        paths = [
            line.rpartition("=> ")[2] for line in known.splitlines() if line.strip().startswith(f"{name} ")
        ]
        place = "lib64" if name.startswith("ld-") else "usr/lib"
        shutil.copy(next(path for path in paths if "32" not in path), root / place / name)
    (root / "dev" / "null").touch()
    return root


def run_bare(root: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """Run shell text in the bare machine, with an empty environment and no network."""
    mounted = f'mount -t proc proc "$0/proc" && exec {shutil.which("chroot")} "$0" /bin/sh -c "$1"'
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/home"}
    return subprocess.run(
        [*on_another_root(), "/bin/sh", "-c", mounted, str(root), script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
