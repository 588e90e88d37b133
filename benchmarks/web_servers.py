"""Web servers under load: nginx and ours, their CPU, and what wrk says."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NGINX_CONFIGURATION = """\
daemon off; master_process on; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 600;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; default_type text/html;
  server {{ listen 127.0.0.1:{port}; root {root}; index index.html; gzip_static on; }}
}}
"""


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A server process and its children, from start to stop."""

    def __init__(
        self, command: Sequence[str | Path], port: int, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [str(word) for word in command], env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def wait(self, path: str = "/", seconds: float = 120) -> float:
        """Wait for the first answer; gives the wall seconds that took."""
        started = time.perf_counter()
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                    answer.read()
                return time.perf_counter() - started
            except (ConnectionError, urllib.error.URLError) as error:
                if isinstance(error, urllib.error.HTTPError):
                    return time.perf_counter() - started
                if self.process.poll() is not None or time.perf_counter() - started > seconds:
                    raise
                time.sleep(0.005)

    def processes(self) -> list[int]:
        """The process and everything below it."""
        found = [self.process.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(word) for word in children.read_text().split()] if children.exists() else []
        return found

    def cpu(self) -> float:
        """Seconds of CPU so far, to the nanosecond: what the scheduler gave to each thread that lives."""
        total = 0
        for pid in self.processes():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def settle(self) -> None:
        """Wait until it does nothing by itself any more, such as looking at its files after the start."""
        while True:
            before = self.cpu()
            time.sleep(1)
            if self.cpu() - before < 0.01:
                return

    def memory(self) -> float:
        """Resident megabytes of all its processes."""
        total = 0
        for pid in self.processes():
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            total += int(found[1]) if found else 0
        return total / 1024


def start_nginx(root: Path, directory: Path) -> Server:
    """Serve a directory by nginx."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.format(directory=directory, port=port, root=root))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        raise SystemExit("error: nginx is missing\nhint: `apt-get install nginx-light wrk`")
    server = Server([nginx, "-c", configuration, "-p", directory, "-e", directory / "error.log"], port)
    server.wait()
    return server


@dataclass(frozen=True)
class Load:
    """One round of requests.

    Attributes:
        requests: How many were answered.
        cpu: Seconds of CPU of the server's processes.
        errors: Answers that were not 2xx, and broken connections.
    """

    requests: int
    cpu: float
    errors: int

    @property
    def milliseconds(self) -> float:
        """CPU per request."""
        return self.cpu / self.requests * 1000


def load(
    server: Server, path: str, *, connections: int = 8, seconds: int = 3, headers: Sequence[str] = ()
) -> Load:
    """Ask for one path for some seconds over some connections."""
    before = server.cpu()
    extra = [word for header in headers for word in ("-H", header)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *extra, server.url + path]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = server.cpu() - before
    requests = re.search(r"(\d+) requests in", said)
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    wrong = int(errors[1]) if errors else 0
    wrong += sum(map(int, broken.groups()[:3])) if broken else 0
    return Load(int(requests[1]) if requests else 0, cpu, wrong)
