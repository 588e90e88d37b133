"""A server reached over the user's own ssh: what it has, sending it a file, running the installer there.

Nothing is asked of the far side but `sh` and the usual small POSIX tools, until the installer itself starts.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pannier.model.errors import FetchError, StorageError, UsageError
from pannier.model.events import Reporter, Stage

# Statuses that the scripts below end with; ssh itself ends with 255 where it does not get there.
_NOTHING_INSTALLED = 97
_SSH_FAILED = 255
_PIECE = 1 << 20
_LINES_TOLD = 3

_ASK = """
if [ -f {prefix}/site ]; then exec sh {prefix}/site inventory --json; fi
exit 97
"""
# Prints what `inventory` would print of a machine that has no site yet: lines of `key value`.
_LOOK = """
printf 'machine %s\\n' "$(uname -m)"
printf 'glibc %s\\n' "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
for musl in /lib/ld-musl-*.so.1; do
    [ -e "$musl" ] && printf 'musl %s\\n' "$("$musl" 2>&1 | sed -n 's/^Version //p')"
done
for minor in 2.7 3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13 3.14 3.15; do
    for place in $(printf '%s' "$PATH" | tr ':' ' ') /usr/local/bin /opt/*/bin; do
        if [ -x "$place/python$minor" ]; then
            printf 'python %s %s %s\\n' "$minor" "$("$place/python$minor" -c \\
                'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)" "$place/python$minor"
            break
        fi
    done
done
"""
# Leaves in $directory where bundles are kept on their way in.
_DIRECTORY = (
    "set -e; umask 077; "
    'directory="${XDG_CACHE_HOME:-$HOME/.cache}/pannier/sites"; mkdir -p "$directory"; cd "$directory"; '
)


class Server(NamedTuple):
    """Where to reach a server, and how.

    Attributes:
        destination: As ssh takes it: `user@host`, or a name of its configuration.
        command: ssh, with options of its own.
    """

    destination: str
    command: tuple[str, ...] = ("ssh",)

    @classmethod
    def parse(cls, destination: str, command: str) -> "Server":
        """Read what a user wrote.

        Raises:
            UsageError: The destination would be an option of ssh, or the command is not one.
        """
        if not destination or destination.startswith("-"):
            raise UsageError(
                f"`{destination}` is no server", hint="write it as for ssh: `host` or `user@host`"
            )
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise UsageError(
                f"the ssh command `{command}` cannot be read", facts={"reason": str(error)}
            ) from None
        return cls(destination, words or ("ssh",))


def ask_inventory(server: Server, prefix: str) -> bytes:
    """Give the inventory of the site installed below a prefix; empty where there is none.

    Raises:
        FetchError: The server is not reached, or its installer does not answer.
    """
    done = _ask(server, _ASK.format(prefix=shlex.quote(prefix)))
    if done.returncode == _NOTHING_INSTALLED:
        return b""
    if done.returncode:
        raise _unreached(server, done, "its site does not say what it has")
    return done.stdout


def look_at(server: Server, prefix: str) -> bytes:
    """Give the inventory of a server without a site: its platform and its Pythons, and nothing installed.

    Raises:
        FetchError: The server is not reached.
    """
    done = _ask(server, _LOOK)
    if done.returncode:
        raise _unreached(server, done, "it does not say what machine it is")
    return format_bare_inventory(done.stdout.decode("utf-8", "replace"), prefix)


def format_bare_inventory(text: str, prefix: str) -> bytes:
    """Make an inventory of what `_LOOK` printed."""
    machine = libc = ""
    pythons: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        words = value.split()
        if key == "machine":
            machine = value
        elif key == "glibc" and words:
            libc = f"glibc{'.'.join(words[-1].split('.')[:2])}"
        elif key == "musl" and words and not libc:
            libc = f"musl{'.'.join(words[-1].split('.')[:2])}"
        elif key == "python" and len(words) >= 3:
            pythons[words[0]] = {"version": words[1], "abi": "", "path": value.split(" ", 2)[2]}
    platform = f"linux-{machine}-{libc}" if libc else f"linux-{machine}"
    inventory = {
        "format": "pannier-site-inventory", "version": 1, "id": "", "prefix": prefix, "platform": platform,
        "pythons": pythons, "wheels": [], "interpreters": [],
    }  # fmt: skip
    return (json.dumps(inventory, indent=1) + "\n").encode()


def send(server: Server, source: Path, name: str, reporter: Reporter) -> str:
    """Send a file; what an earlier try has brought over is not sent again.

    Args:
        server: Where to.
        source: The file.
        name: What it is called there while it waits, one for each content.
        reporter: Hears of the bytes sent.

    Returns:
        Its path on the server.

    Raises:
        FetchError: The server is not reached, or it broke off.
        StorageError: The server has no room for it.
    """
    size = source.stat().st_size
    partial, whole = shlex.quote(f"{name}.partial"), shlex.quote(name)
    start = _bytes_there(server, partial, whole, source)
    stage = Stage(name="sending", total=size, unit="bytes")
    reporter.begin(stage)
    reporter.advance(stage, start, server.destination)
    try:
        done = _stream(server, f"{_DIRECTORY} cat >> {partial}", source, start, (reporter, stage))
    finally:
        reporter.end(stage)
    if done.returncode:
        raise _unreached(server, done, "it did not take the whole bundle")
    settled = _ask(
        server,
        f'{_DIRECTORY} [ "$(wc -c < {partial})" -eq {size} ] && mv {partial} {whole} '
        f'&& printf %s "$PWD"/{whole}',
    )
    if settled.returncode:
        raise _unreached(server, settled, "what arrived there is not as long as what was sent")
    return settled.stdout.decode()


def _bytes_there(server: Server, partial: str, whole: str, source: Path) -> int:
    """How much of the file is there from an earlier try; what is not its beginning is removed."""
    done = _ask(
        server,
        f"{_DIRECTORY} [ ! -f {whole} ] || mv {whole} {partial}; [ -f {partial} ] || : > {partial}; "
        f"wc -c < {partial}; if command -v sha256sum >/dev/null; then sha256sum < {partial}; fi",
    )
    if done.returncode:
        raise _unreached(server, done, "its cache directory cannot be used")
    words = done.stdout.decode("ascii", "replace").split()
    size = int(words[0]) if words and words[0].isdigit() else 0
    digest = words[1] if len(words) > 1 else ""
    if size and size <= source.stat().st_size and digest == _digest_of_start(source, size):
        return size
    if size and _ask(server, f"{_DIRECTORY} : > {partial}").returncode:
        raise FetchError(f"`{server.destination}` does not let go of an earlier try", code="site-unreachable")
    return 0


def _digest_of_start(source: Path, size: int) -> str:
    import hashlib

    digest = hashlib.sha256()
    with source.open("rb") as stream:
        while size > 0 and (piece := stream.read(min(size, _PIECE))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()


def _stream(
    server: Server, script: str, source: Path, start: int, progress: tuple[Reporter, Stage]
) -> subprocess.CompletedProcess[bytes]:
    """Run a script there, with the file from `start` on as its standard input."""
    reporter, stage = progress
    command = [*server.command, server.destination, shlex.join(["sh", "-c", script])]
    with source.open("rb", buffering=0) as stream, _started(command, stdin=subprocess.PIPE) as process:
        stream.seek(start)
        assert process.stdin is not None
        try:
            while piece := stream.read(_PIECE):
                process.stdin.write(piece)
                reporter.advance(stage, len(piece), server.destination)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended: its own words say why
        except BaseException:
            process.kill()
            raise
        process.stdin = None  # `communicate` would flush it
        output, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def run_installer(
    server: Server, path: str, arguments: Sequence[str], *, as_root: bool, keep: bool, terminal: bool
) -> int:
    """Run a bundle on the server; what it prints goes to standard error.

    Args:
        server: Where.
        path: Of the bundle, on the server.
        arguments: For its installer: `install` and its options.
        as_root: Through sudo.
        keep: Leave the bundle there when it was installed.
        terminal: Give it a terminal, to be asked for a password.

    Returns:
        The installer's exit status.

    Raises:
        FetchError: The connection broke; what the installer had begun it finishes, or leaves as it was.
    """
    words = ["sh", path, *arguments]
    script = shlex.join(["sudo", *words] if as_root else words)
    if not keep:
        script += f" && rm -f {shlex.quote(path)}"
    terminal_option = ["-t"] if terminal else []
    command = [*server.command, *terminal_option, server.destination, script]
    with _started(command, stdin=None if terminal else subprocess.DEVNULL, stdout=2, stderr=None) as process:
        status = process.wait()
    if status == _SSH_FAILED:
        raise FetchError(
            f"the connection to `{server.destination}` broke while the bundle was being installed",
            code="site-unreachable",
            hint=f"see what holds there: `ssh {server.destination} sh {shlex.quote(path)} status`",
        )
    return status


def _ask(server: Server, script: str) -> subprocess.CompletedProcess[bytes]:
    # Through standard input, since the user's login shell there may be any.
    command = [*server.command, server.destination, "sh -s"]
    with _started(command, stdin=subprocess.PIPE) as process:
        output, errors = process.communicate(script.encode())
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _started(
    command: list[str],
    *,
    stdin: int | None,
    stdout: int | None = subprocess.PIPE,
    stderr: int | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
    except OSError as error:
        raise FetchError(
            f"`{command[0]}` cannot be run",
            code="site-unreachable",
            facts={"reason": os.strerror(error.errno or 0)},
            hint="install OpenSSH's client, or name another command with `--ssh`",
        ) from None


def _unreached(
    server: Server, done: subprocess.CompletedProcess[bytes], because: str
) -> FetchError | StorageError:
    told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_LINES_TOLD:]
    facts: dict[str, str | list[str]] = {"server": server.destination}
    if told:
        facts["it says"] = told
    if any("No space left" in line or "Disk quota" in line for line in told):
        return StorageError(
            f"`{server.destination}` has no room for the bundle",
            code="site-server-full",
            facts=facts,
            hint="make room there and run the same again: what has arrived is not sent twice",
        )
    if done.returncode == _SSH_FAILED:
        return FetchError(
            f"`{server.destination}` is not reached over ssh",
            code="site-unreachable",
            facts=facts,
            hint=f"see that `{shlex.join([*server.command, server.destination, 'true'])}` works",
        )
    return FetchError(f"`{server.destination}`: {because}", code="site-unreachable", facts=facts)
