"""A real sshd of the tests' own, on a free port of this machine, with keys made for it."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class SshServer(NamedTuple):
    """Where it is reached, and with which command."""

    destination: str
    command: str


def why_no_sshd() -> str:
    """Say why there is none; empty where there is one."""
    return "" if _SSHD else "no sshd on this machine (Debian's openssh-server)"


@contextmanager
def ssh_server(directory: Path, home: Path, path: str) -> Iterator[SshServer]:
    """Run sshd until the block ends; whoever logs in has `home` as HOME and `path` as PATH."""
    assert _SSHD
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(key, check=True)
    (directory / "authorized").write_text((directory / "user.pub").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\nPidFile none\nStrictModes no\n"
        f"AuthorizedKeysFile {directory}/authorized\nUsePAM no\nPermitRootLogin yes\n"
        f'SetEnv "HOME={home}" "PATH={path}"\nPasswordAuthentication no\n'
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd run by root takes privileges away
    log = directory / "log"
    process = subprocess.Popen([_SSHD, "-D", "-f", directory / "config", "-E", log])
    try:
        _wait_for(port, process, log)
        options = (
            "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes"
        )
        yield SshServer(
            f"{getpass.getuser()}@127.0.0.1", f"ssh -F none -p {port} -i '{directory}/user' {options}"
        )
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"sshd did not start: {log.read_text() if log.exists() else ''}")
