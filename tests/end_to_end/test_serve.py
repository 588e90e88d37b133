"""`pannier serve` as a user runs it: real pip and uv, several workers, copies, kills, an end, nginx."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import wheel_bytes
from tests.end_to_end.serving import free_port, served
from tests.waiting import wait_until

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
# What docs/how-to/index-behind-nginx.md says of an exported index.
NGINX_STATIC = """\
{user}daemon off; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  map $http_accept $page {{
    default index.html;
    ~application/vnd\\.pypi\\.simple\\.v1\\+json index.v1_json;
  }}
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location /simple/ {{
      index $page;
      types {{ text/html html; application/vnd.pypi.simple.v1+json v1_json; }}
      add_header Vary Accept;
      gzip_static on;
    }}
    location /packages/ {{ default_type application/octet-stream; }}
  }}
}}
"""


def ask(url: str, **headers: str) -> bytes:
    request = urllib.request.Request(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        data: bytes = answer.read()
        return data


def projects(url: str) -> list[str]:
    return [project["name"] for project in json.loads(ask(f"{url}/simple/", **JSON))["projects"]]


def install_environment(commands: Commands) -> dict[str, str]:
    """Nothing of this machine's configuration of indexes."""
    nowhere = str(commands.directory / "nowhere")
    return {"PIP_CONFIG_FILE": nowhere, "UV_NO_CONFIG": "1", "PIP_NO_CACHE_DIR": "1", "UV_CACHE_DIR": nowhere}


@pytest.fixture
def packages(commands: Commands) -> Path:
    directory = commands.directory / "packages"
    directory.mkdir()
    for name, data in (
        wheel_bytes("app", "1.0", requires=("library>=1",)),
        wheel_bytes("library", "1.0", python=">=3.8"),
        wheel_bytes("library", "2.0", python=">=99"),
    ):
        (directory / name).write_bytes(data)
    return directory


def test_pip_and_uv_install_what_can_run_from_several_workers(commands: Commands, packages: Path) -> None:
    with served(commands, packages, "--workers", "3") as server:
        environment = install_environment(commands)
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True).returncode:
            subprocess.run([sys.executable, "-m", "ensurepip"], check=True, capture_output=True)
        commands.run(
            *pip, "install", "--target", "by-pip", "--index-url", server.simple, "app", env=environment
        )
        uv = Path(sys.executable).with_name("uv")
        commands.run(
            uv, "pip", "install", "--target", "by-uv", "--index-url", server.simple, "app", env=environment
        )
        for place in ("by-pip", "by-uv"):
            assert (commands.directory / place / "library.py").read_text() == "version = '1.0'\n"
        assert "GET /simple/library/" in server.log.read_text()
        assert f"--index-url {server.simple}" in server.log.read_text()


def test_every_worker_sees_what_is_copied_and_removed(commands: Commands, packages: Path) -> None:
    with served(commands, packages, "--workers", "3") as server:
        name, data = wheel_bytes("fresh", "1.0")
        (packages / name).write_bytes(data)
        wait_until(lambda: "fresh" in projects(server.url))
        # Each request is a new connection, which any worker may take.
        assert all("fresh" in projects(server.url) for _ in range(30))
        (packages / name).unlink()
        wait_until(lambda: "fresh" not in projects(server.url))
        assert all("fresh" not in projects(server.url) for _ in range(30))


def test_a_worker_that_is_killed_is_replaced(commands: Commands, packages: Path) -> None:
    with served(commands, packages, "--workers", "2") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        before = children.read_text().split()
        assert len(before) == 2
        for pid in before:
            os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: len(set(children.read_text().split()) - set(before)) == 2)
        assert "app" in projects(server.url)


def test_a_download_is_finished_when_the_server_is_told_to_stop(commands: Commands, packages: Path) -> None:
    name, data = wheel_bytes("large", "1.0")
    body = data + os.urandom(1 << 20) * 40
    (packages / "large-1.0.exe").write_bytes(body)
    del name
    with served(commands, packages) as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"GET /packages/large-1.0.exe HTTP/1.1\r\nHost: x\r\n\r\n")
            received = bytearray(connection.recv(1000))
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            while data := connection.recv(1 << 20):
                received += data
        assert received.partition(b"\r\n\r\n")[2] == body
        assert server.process.wait(60) == 0


def test_an_upload_cut_off_by_kill_9_leaves_nothing(commands: Commands, packages: Path) -> None:
    head = (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        '--B\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n'
        '--B\r\nContent-Disposition: form-data; name="content"; filename="cut-1.0-py3-none-any.whl"\r\n\r\n'
    )
    incoming = packages / ".pannier" / "incoming"
    with served(commands, packages, "-a", ".") as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(head.encode() + bytes(2_000_000))
            wait_until(lambda: incoming.is_dir() and any(path.stat().st_size for path in incoming.iterdir()))
            server.process.kill()
            server.process.wait()
    assert list(incoming.iterdir())
    with served(commands, packages) as server:
        wait_until(lambda: not list(incoming.iterdir()))
        assert projects(server.url) == ["app", "library"]
    assert not list(packages.glob("cut*"))


def test_settings_come_from_variables_and_the_file_too(commands: Commands, packages: Path) -> None:
    commands.script(
        "pannier.toml", '[serve]\ndirectories = ["packages"]\naccess-log = "json"\nprefix = "/pypi-in"\n'
    )
    port = free_port()
    environment = commands.environment({"PANNIER_SERVE_PORT": str(port)})
    log = commands.directory / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [commands.bin / "pannier", "serve"], cwd=commands.directory, env=environment, stderr=stream
        )
    try:
        url = f"http://127.0.0.1:{port}/pypi-in"
        wait_until(lambda: f"{url}/simple/" in log.read_text())
        assert "app" in projects(url)
    finally:
        process.terminate()
        process.wait(60)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [("GET", "/simple/", 200)]


def test_a_port_that_is_taken_is_one_clear_error(commands: Commands, packages: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = commands.run(commands.bin / "pannier", "serve", packages, "-p", str(port), status=2)
    assert "code: cannot-listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_of_the_container_serves(commands: Commands, packages: Path) -> None:
    text = (Path(__file__).parents[2] / "contrib" / "Containerfile").read_text()
    entry = json.loads(re.search(r"ENTRYPOINT (.*)", text)[1])  # type: ignore[index]
    command = json.loads(re.search(r"^CMD (.*)", text, re.MULTILINE)[1])  # type: ignore[index]
    variables = dict(word.split("=") for word in re.search(r"ENV (.*)", text)[1].split())  # type: ignore[index]
    del variables["PATH"]
    assert (entry, command) == (["pannier", "serve"], ["packages"])
    assert (variables["PANNIER_SERVE_HOST"], variables["PANNIER_SERVE_PORT"]) == ("0.0.0.0", "8080")
    (commands.directory / ".htpasswd").write_text("")
    with served(
        commands, "-P", ".htpasswd", "packages", env={**variables, "PANNIER_SERVE_PORT": "1"}
    ) as server:
        assert "app" in projects(server.url)


def test_the_unit_is_one_that_systemd_takes(commands: Commands) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = commands.directory / "pannier-index.service"
    text = (Path(__file__).parents[2] / "contrib" / "pannier-index.service").read_text()
    unit.write_text(text.replace("/usr/local/bin/pannier", str(commands.bin / "pannier")))
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_exported_index_is_installed_from_through_nginx(commands: Commands, packages: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    output = commands.directory / "exported"
    commands.run(commands.bin / "pannier", "serve", "export", output, "-d", packages, "--gzip")
    port = free_port()
    # Started by root, nginx would serve as somebody who may not look into this directory.
    user = "" if os.getuid() else "user root; "
    text = NGINX_STATIC.format(directory=commands.directory, port=port, root=output, user=user)
    configuration = commands.script("nginx.conf", text)
    with (commands.directory / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-c", configuration, "-p", commands.directory], stderr=log, user=os.getuid()
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url))
        assert projects(url) == ["app", "library"]
        packed = ask(f"{url}/simple/library/", Accept_Encoding="gzip")
        assert b"library-1.0" in gzip.decompress(packed)
        uv = Path(sys.executable).with_name("uv")
        words = ["pip", "install", "--target", "by-uv", "--index-url", f"{url}/simple/", "app"]
        commands.run(uv, *words, env=install_environment(commands))
        assert (commands.directory / "by-uv" / "library.py").read_text() == "version = '1.0'\n"
    finally:
        process.terminate()
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        ask(f"{url}/simple/")
    except OSError:
        return False
    return True


def test_under_load_with_files_coming_and_going_every_answer_is_right(
    commands: Commands, packages: Path
) -> None:
    """The short form of benchmarks/index_load.py."""
    name, data = wheel_bytes("steady", "1.0")
    (packages / name).write_bytes(data)
    stop = threading.Event()
    wrong: list[str] = []
    answered: list[int] = []

    def read(url: str) -> None:
        while not stop.is_set():
            page = json.loads(ask(f"{url}/simple/steady/", **JSON))
            if [file["filename"] for file in page["files"]] != [name]:
                wrong.append(str(page))
            if ask(f"{url}/packages/{name}") != data:
                wrong.append("bytes")
            if "steady" not in projects(url):
                wrong.append("root")
            answered.append(1)

    def guarded(url: str) -> None:
        try:
            read(url)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            wrong.append(repr(error))

    with served(commands, packages, "--workers", "2") as server:
        threads = [threading.Thread(target=guarded, args=(server.url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for number in range(40):
            other, content = wheel_bytes("coming", f"1.{number}")
            (packages / other).write_bytes(content)
            if number % 2:
                (packages / other).unlink()
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(answered) > 8
        wait_until(lambda: len(json.loads(ask(f"{server.url}/simple/coming/", **JSON))["files"]) == 20)
