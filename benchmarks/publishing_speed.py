"""What uploads and passwords cost a server: CPU of its processes, each promise with its bound."""

import base64
import http.client
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import index_packages
import stack
import web_servers

PROJECTS = 10_000
UPLOADS = 60
REQUESTS = 60
COST = 12
PASSWORD = "measured"


def main() -> None:
    """Serve 10,000 projects and measure."""
    from pannier.formats.htpasswd import hash_password

    pannier = stack.prepare().bin / "pannier"
    with tempfile.TemporaryDirectory(dir=index_packages.KEPT.parent) as place:
        packages = Path(place) / "packages"
        # Linked, not copied: what is uploaded stays apart from what is kept for the next time.
        shutil.copytree(index_packages.make_packages(PROJECTS, versions=1), packages, copy_function=_link)
        passwords = Path(place) / "htpasswd"
        passwords.write_text(f"alice:{hash_password(PASSWORD, rounds=COST)}\n")
        port = web_servers.free_port()
        command = [
            pannier,
            "serve",
            packages,
            "--htpasswd",
            passwords,
            "--access-log",
            "off",
            "-p",
            str(port),
        ]
        with web_servers.Server(
            [*command, "-a", "list,download,update", "--log-level", "warning"], port
        ) as server:
            server.wait("/health", 300)
            _settle(server)
            _measure_passwords(server)
            _measure_uploads(server)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _settle(server: web_servers.Server) -> None:
    """Wait until the server has read what it serves."""
    before = -1.0
    while server.cpu() - before > 0.02:
        before = server.cpu()
        time.sleep(1)


def _request(server: web_servers.Server, method: str, path: str, body: bytes = b"", **more: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    authorization = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    headers = {
        "Authorization": f"Basic {authorization}",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def _measure_passwords(server: web_servers.Server) -> None:
    before = server.cpu()
    statuses = {_request(server, "GET", "/simple/hundred/") for _ in range(REQUESTS)}
    cpu = server.cpu() - before
    assert statuses == {200}, statuses
    print(f"{REQUESTS} requests with a password, bcrypt cost {COST}: {cpu:.3f} s CPU (at most 0.5 s)")


def _measure_uploads(server: web_servers.Server) -> None:
    costs = []
    for number in range(UPLOADS):
        name, data = index_packages.wheel(f"fresh_{number:03}", "1.0")
        head = '--B\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n--B\r\n'
        head += f'Content-Disposition: form-data; name="content"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + b"\r\n--B--\r\n"
        before = server.cpu()
        status = _request(server, "POST", "/", body, Content_Type="multipart/form-data; boundary=B")
        assert status == 200, status
        costs.append(server.cpu() - before)
    median, mean = statistics.median(costs) * 1000, statistics.mean(costs) * 1000
    what = f"upload of a small wheel among {PROJECTS:,} projects"
    print(f"{what}: median {median:.2f}, mean {mean:.2f} ms CPU (at most 10 ms)")


if __name__ == "__main__":
    main()
