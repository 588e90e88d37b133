"""A real Work Queue server and worker run packed tasks.

The server speaks JSON-RPC over a socket, each message a decimal length, a line feed, and that many bytes.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.commands import MINOR, Commands

pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("work_queue"),  # two servers that look for a free port at once may find the same
    pytest.mark.skipif(
        shutil.which("work_queue_server") is None, reason="needs Debian's coop-computing-tools"
    ),
]

# Never a public catalogue.
PEER_ENVIRONMENT = {**os.environ, "CATALOG_HOST": "127.0.0.1:1"}
DEADLINE = 120.0


class Server:
    """One work_queue_server on loopback and the connection to it."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["work_queue_server", "-s", "0", "-p", str(self.port), "-N", "pannier-test"],
            cwd=directory,
            env=PEER_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        rpc_port = int(self.process.stdout.readline().split()[2])
        self.connection = socket.create_connection(("127.0.0.1", rpc_port), timeout=60)
        self.replies = self.connection.makefile("rb")
        self.workers: list[subprocess.Popen[bytes]] = []

    def call(self, method: str, parameters: object = "") -> dict[str, object]:
        """One request and its reply; the server escapes quotes in a way JSON does not know."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1}).encode()
        self.connection.sendall(b"%d\n" % len(body) + body)
        reply = self.replies.read(int(self.replies.readline()))
        parsed: dict[str, object] = json.loads(reply.decode().replace("\\'", "'"))
        return parsed

    def submit(self, command: str, inputs: dict[str, Path]) -> None:
        """Queue one task; its inputs are cached on the worker."""
        task = {
            "command_line": command,
            "input_files": [
                {"local_name": str(path), "remote_name": name, "flags": {"cache": True}}
                for name, path in inputs.items()
            ],
            "output_files": [],
            "cores": 1,
            "memory": 100,
            "disk": 400,
        }
        self.call("submit", json.dumps(task))

    def start_worker(self, directory: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        """A worker of one core; it keeps its sandbox below `directory`."""
        directory.mkdir(exist_ok=True)
        options = ["--cores=1", "--memory=1000", "--disk=1000", "-t", "60", "-s", str(directory)]
        worker = subprocess.Popen(
            ["work_queue_worker", *options, "127.0.0.1", str(self.port)],
            env={**PEER_ENVIRONMENT, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.workers.append(worker)
        return worker

    def finished(self, count: int) -> list[str]:
        """The outputs of `count` tasks that ended well."""
        outputs: list[str] = []
        end = time.monotonic() + DEADLINE
        while len(outputs) < count and time.monotonic() < end:
            reply = self.call("wait", 5)
            if "error" in reply:
                continue
            task = json.loads(str(reply["result"]).replace("\\'", "'"))
            assert task["return_status"] == 0, task
            outputs.append(task["output"].strip())
        return outputs

    def close(self) -> None:
        """End every process, whatever state it is in."""
        for process in (*self.workers, self.process):
            if process.poll() is None:
                process.terminate()
        for process in (*self.workers, self.process):
            process.wait(20)
        self.replies.close()
        self.connection.close()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.close()


@pytest.fixture
def inputs(commands: Commands) -> dict[str, Path]:
    spec = {"channels": [], "dependencies": [f"python={MINOR}", "pip", {"pip": ["cloudpickle"]}]}
    commands.script("spec.json", json.dumps(spec))
    commands.run("python_package_create", "spec.json", "env.tar.gz")
    task = commands.script("task.py", "import sys, cloudpickle\nprint(int(sys.argv[1]) ** 2)\n")
    return {
        "env.tar.gz": commands.directory / "env.tar.gz",
        "poncho_package_run": commands.bin / "poncho_package_run",
        "task.py": task,
    }


def command(number: int) -> str:
    return (
        './poncho_package_run -e env.tar.gz -u "$WORK_QUEUE_SANDBOX/env.tar.gz-env" -- python task.py '
        f"{number}"
    )


def test_five_tasks_run_on_one_worker(server: Server, inputs: dict[str, Path], tmp_path: Path) -> None:
    for number in range(5):
        server.submit(command(number), inputs)
    server.start_worker(tmp_path / "worker", {})
    assert sorted(map(int, server.finished(5))) == [0, 1, 4, 9, 16]


def test_tasks_without_a_directory_share_one_unpacking(
    server: Server, inputs: dict[str, Path], tmp_path: Path
) -> None:
    cache = tmp_path / "node-cache"
    for number in range(4):
        server.submit(f"./poncho_package_run -e env.tar.gz python task.py {number}", inputs)
    server.start_worker(tmp_path / "worker", {"PANNIER_CACHE_DIR": str(cache)})
    assert sorted(map(int, server.finished(4))) == [0, 1, 4, 9]
    prefixes = [path for path in (cache / "prefixes").iterdir() if path.is_dir()]
    assert len(prefixes) == 1


def test_a_killed_workers_task_runs_on_the_next_worker(
    server: Server, inputs: dict[str, Path], tmp_path: Path
) -> None:
    slow, begun = tmp_path / "slow.py", tmp_path / "begun"
    slow.write_text(
        "import os, pathlib, time, cloudpickle\n"
        f"begun = pathlib.Path({str(begun)!r})\n"
        "if not begun.exists():\n    begun.write_text(str(os.getpid()))\n    time.sleep(600)\nprint('done')\n"
    )
    server.submit(command(0).replace("task.py", "slow.py"), {**inputs, "slow.py": slow})
    first = server.start_worker(tmp_path / "first", {})
    end = time.monotonic() + DEADLINE
    while not (begun.exists() and begun.read_text()):
        assert time.monotonic() < end
        server.call("wait", 1)  # only then does it hand out tasks
    first.send_signal(signal.SIGKILL)
    os.kill(int(begun.read_text()), signal.SIGKILL)  # with the machine all ends that runs there
    server.start_worker(tmp_path / "second", {})
    assert server.finished(1) == ["done"]
