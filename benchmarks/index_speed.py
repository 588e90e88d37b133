"""The private index beside nginx serving the same bytes: CPU a request, start, memory, uploads, passwords.

Everything is on loopback. CPU is that of the whole process tree; each figure is the median of rounds in turn.
Needs nginx and wrk: `apt-get install nginx-light wrk`.
"""

import base64
import http.client
import os
import shutil
import statistics
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from index_packages import KEPT, make_packages, wheel
from web_servers import Server, free_port, load, start_nginx

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = 2
LARGE = "large-1.0-py3-none-any.whl"
PANNIER = Path(os.environ["PANNIER_BIN"]) / "pannier" if "PANNIER_BIN" in os.environ else Path("pannier")


def serve(packages: Path, *options: str) -> Server:
    """Our server over a directory."""
    port = free_port()
    words = [PANNIER, "serve", packages, "-p", str(port), "--access-log", "off", "-q", *options]
    return Server(words, port)


def get(server: Server, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """One answer's body."""
    with urllib.request.urlopen(
        urllib.request.Request(server.url + path, headers=dict(headers or {}))
    ) as answer:
        data: bytes = answer.read()
        return data


def compare_with_nginx(projects: int) -> None:
    """Pages and a large file, in turn with nginx."""
    packages = make_packages(projects)
    root = KEPT / "www"
    shutil.rmtree(root, ignore_errors=True)
    with serve(packages) as ours:
        ours.wait("/simple/")
        for path in ("/simple/", "/simple/hundred/"):
            place = root / path.strip("/")
            place.mkdir(parents=True, exist_ok=True)
            (place / "index.html").write_bytes(get(ours, path))
        ours.settle()
        (root / "packages").mkdir()
        os.link(packages / LARGE, root / "packages" / LARGE)
        with start_nginx(root, KEPT / "nginx") as nginx:
            for what, path, connections, bound in (
                ("project page of 100 files", "/simple/hundred/", 8, 4.0),
                ("list of all projects", "/simple/", 8, 3.0),
                ("file of 10 MB", f"/packages/{LARGE}", 4, 1.6),
            ):
                _compare(f"{what}, {projects:,} projects", ours, nginx, path, connections, bound)


def _compare(what: str, ours: Server, nginx: Server, path: str, connections: int, bound: float) -> None:
    theirs, mine = [], []
    for _ in range(ROUNDS):
        for server, figures in ((nginx, theirs), (ours, mine)):
            done = load(server, path, connections=connections, seconds=SECONDS)
            if done.errors:
                raise SystemExit(f"{done.errors} wrong answers from {server.url}{path}")
            figures.append(done.milliseconds)
    left, right = statistics.median(mine), statistics.median(theirs)
    print(
        f"{what}: {left:.3f} ms CPU a request; nginx: {right:.3f} ms; ratio {left / right:.2f} "
        f"(promised: at most {bound})",
        flush=True,
    )


def start_and_memory(packages: Path) -> None:
    """From the process to the first page, over files that are known; and memory after all is listed."""
    walls, cpus = [], []
    memory = 0.0
    for _ in range(ROUNDS):
        with serve(packages) as server:
            walls.append(server.wait("/simple/hundred/"))
            cpus.append(server.cpu())
            get(server, "/simple/")
            for number in range(0, 10_000, 10):
                get(server, f"/simple/project-{number:05}/")
            memory = max(memory, server.memory())
    print(
        f"start over 50,000 known files to the first page: {statistics.median(walls):.2f} s, "
        f"{statistics.median(cpus):.2f} s of CPU (promised: at most 0.8 s)\n"
        f"resident memory after listing them, and 1,000 projects' pages: {memory:.0f} MB "
        "(promised: at most 60 MB)",
        flush=True,
    )


def uploads(packages: Path) -> None:
    """CPU of publishing a small wheel into a large index."""
    copy = KEPT / "uploads"
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-al", packages, copy], check=True)
    # A link to the store would be the other index's store.
    shutil.rmtree(copy / ".pannier")
    shutil.copytree(packages / ".pannier", copy / ".pannier")
    with serve(copy, "-a", ".") as server:
        server.wait("/simple/")
        upload(server, *wheel("warm", "1.0"))
        server.settle()
        before = server.cpu()
        for number in range(50):
            upload(server, *wheel(f"uploaded{number}", "1.0"))
        cost = (server.cpu() - before) / 50 * 1000
    print(
        f"upload of a small wheel, 10,000 projects: {cost:.1f} ms CPU (promised: at most 10 ms)", flush=True
    )


def upload(server: Server, filename: str, data: bytes) -> None:
    """Publish one wheel as twine does."""
    name, version = filename.split("-")[:2]
    fields = {":action": "file_upload", "protocol_version": "1", "name": name, "version": version}
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in {**fields, "filetype": "bdist_wheel", "pyversion": "py3"}.items()
    ]
    parts.append(
        f'--B\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'.encode()
    )
    body = b"".join((*parts, data, b"\r\n--B--\r\n"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/", body, {"Content-Type": "multipart/form-data; boundary=B"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the upload was answered {answer.status}: {said[:300]!r}")
    connection.close()


def passwords(packages: Path) -> None:
    """CPU of sixty requests with a password of bcrypt's cost 12."""
    import bcrypt

    file = KEPT / "htpasswd"
    file.write_bytes(b"user:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(12)) + b"\n")
    headers = {"Authorization": "Basic " + base64.b64encode(b"user:secret").decode()}
    with serve(packages, "-P", str(file), "-a", "list,download,update") as server:
        server.wait("/health")
        before = server.cpu()
        for _ in range(60):
            get(server, "/simple/hundred/", headers)
        print(
            f"60 requests with a password, bcrypt cost 12: {server.cpu() - before:.2f} s CPU "
            "(promised: at most 0.5 s)",
            flush=True,
        )


def main() -> None:
    """Measure everything."""
    large = make_packages(10_000)
    with serve(large) as server:
        # Once: every file is read and remembered.
        server.wait("/simple/")
        while b"pannier_files_waiting 0\n" not in get(server, "/metrics"):
            pass
    for projects in (1_000, 10_000):
        compare_with_nginx(projects)
    start_and_memory(large)
    uploads(large)
    passwords(large)


if __name__ == "__main__":
    main()
