"""What no well-behaved client sends, as bytes to `pannier serve`: nothing breaks, leaks or is left behind."""

import base64
import hashlib
import json
import os
import random
import signal
import socket
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import sdist_bytes, wheel_bytes
from tests.end_to_end.serving import Served, served
from tests.waiting import wait_until

from pannier.formats.htpasswd import hash_password

WHEEL, DATA = wheel_bytes("demo", "1.0")
SECRET = b"the secret outside"


def make_packages(place: Path) -> Path:
    directory = place / "packages"
    (directory / "nested").mkdir(parents=True)
    (directory / WHEEL).write_bytes(DATA)
    (place / "outside.txt").write_bytes(SECRET)
    (place / "outside-1.0.tar.gz").write_bytes(SECRET)
    (directory / "leak-1.0.tar.gz").symlink_to(place / "outside-1.0.tar.gz")
    (place / "htpasswd").write_text(f"alice:{hash_password('secret', rounds=4)}\n")
    return directory


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_packages(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def index(packages: Path, pannier_bin: Path) -> Iterator[Served]:
    """One server for all: that it still answers is what is tested."""
    place = packages.parent
    commands = Commands(bin=pannier_bin, home=place, cache=place / "cache", directory=place)
    with served(commands, packages, "--htpasswd", place / "htpasswd") as running:
        yield running


def exchange(index: Served, data: bytes, *, patience: float = 20) -> bytes:
    """Send bytes, and give all that comes back until the server closes or says no more."""
    host, port = index.url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=patience) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(1 << 16):
                received += piece
        except OSError:
            pass
    return received


def get(index: Served, target: bytes, headers: bytes = b"") -> bytes:
    return exchange(
        index, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n"
    )


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def is_well(index: Served) -> bool:
    """Whether the server still answers as it should."""
    with urllib.request.urlopen(f"{index.url}/packages/{WHEEL}", timeout=20) as response:
        return bool(response.read() == DATA)


def upload(index: Served, filename: str, data: bytes, *, password: str = "secret") -> int:
    body = form(filename, data)
    authorization = base64.b64encode(f"alice:{password}".encode()).decode()
    headers = {"Content-Type": "multipart/form-data; boundary=B", "Authorization": f"Basic {authorization}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{index.url}/", body, headers), timeout=60
        ) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def form(filename: str, data: bytes) -> bytes:
    head = '--B\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n--B\r\n'
    head += f'Content-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    return head.encode() + data + b"\r\n--B--\r\n"


TRAVERSALS = [
    b"/packages/../outside.txt",
    b"/packages/nested/../../outside.txt",
    b"/packages/%2e%2e/outside.txt",
    b"/packages/%2E%2E%2Foutside.txt",
    b"/packages/..%2foutside.txt",
    b"/packages/..%5coutside.txt",
    b"/packages/..\\outside.txt",
    b"/packages/%252e%252e%252foutside.txt",
    b"/packages/%c0%ae%c0%ae/outside.txt",
    b"/packages/%uff0e%uff0e/outside.txt",
    b"/packages/\xef\xbc\x8e\xef\xbc\x8e/outside.txt",
    b"/packages/.%00./outside.txt",
    b"/packages//etc/passwd",
    b"/packages/%2fetc%2fpasswd",
    b"/packages/file:///etc/passwd",
    b"/packages/.pannier/tokens.json",
    b"/packages/.pannier/audit.jsonl",
    b"/packages/%2epannier/audit.jsonl",
    b"/packages/leak-1.0.tar.gz",
    b"/packages/../outside-1.0.tar.gz",
    b"/packages/%2e%2e/outside-1.0.tar.gz",
    b"/packages/demo-1.0-py3-none-any.whl%00.txt",
    b"/simple/../../outside.txt",
    b"/simple/%2e%2e/",
    b"/../htpasswd",
    b"//packages/../../htpasswd",
    b"http://evil/packages/../../htpasswd",
    b"/project/..%2f..%2fhtpasswd/",
    b"/-/../../../../htpasswd",
]


def test_no_spelling_of_a_path_leads_out_of_the_directory(index: Served) -> None:
    for target in TRAVERSALS:
        answer = get(index, target)
        assert status(answer) in (301, 400, 404), (target, answer[:200])
        for leaked in (SECRET, b"root:", b"alice:", b'"action"'):
            assert leaked not in answer, target
    assert is_well(index)


def test_no_uploaded_name_leads_out_of_the_directory(index: Served, packages: Path) -> None:
    assert upload(index, *wheel_bytes("good", "1.0")) == 200
    before = sorted(str(path.relative_to(packages.parent)) for path in packages.parent.rglob("*.whl"))
    for name in (
        "../evil",
        "/tmp/evil",
        "..\\evil",
        "%2e%2e%2fevil",
        "nested/evil",
        ".evil",
        "evil\0",
        "e\u2215vil",
        "evil\r\n",
    ):
        assert upload(index, f"{name}-1.0-py3-none-any.whl", wheel_bytes("evil", "1.0")[1]) == 400, name
    assert sorted(str(path.relative_to(packages.parent)) for path in packages.parent.rglob("*.whl")) == before


@pytest.mark.parametrize(
    "target",
    [
        b"/simple/a%0d%0aSet-Cookie:%20x=1",
        b"/simple/A%0D%0AX-Evil:1/",
        b"/A%0d%0aX-Evil:1",
        b"/search?q=%0d%0aX-Evil:1",
    ],
)
def test_no_line_end_in_a_path_reaches_the_headers(index: Served, target: bytes) -> None:
    # CVE-2019-6802 of pypiserver.
    head = (
        get(index, target, b"X-Forwarded-Host: a\r\nX-Forwarded-Proto: b\r\n")
        .partition(b"\r\n\r\n")[0]
        .lower()
    )
    assert b"\r\nx-evil" not in head
    assert b"\r\nset-cookie" not in head


def test_nobody_unknown_says_who_asks_and_where(index: Served) -> None:
    answer = get(
        index,
        b"/",
        b"X-Forwarded-Host: evil.test\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-For: 1.2.3.4\r\n",
    )
    assert b"evil" not in answer


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 40_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_next_one_answered(index: Served, head: bytes) -> None:
    assert status(exchange(index, head)) in (0, 400, 401, 404, 405, 413, 414, 431, 501, 505)
    assert is_well(index)


def test_names_and_metadata_become_text_and_nothing_else(index: Served, packages: Path) -> None:
    script = "<script>alert(1)</script>"
    metadata = f"Metadata-Version: 2.1\nName: xss\nVersion: 1.0\nSummary: \"'>{script}\n"
    metadata += "Home-page: javascript:alert(1)\n"
    metadata += (
        f"Author: {script}\nRequires-Python: >=3,\"'>{script}\nDescription-Content-Type: text/markdown\n"
    )
    metadata += f"Project-URL: {script}, javascript:alert(1)\n\n{script}\n[x](javascript:alert(1))\n"
    metadata += "<img src=x onerror=alert(1)>\n"
    filename, data = sdist_bytes("xss", "1.0", {"PKG-INFO": metadata, "setup.py": ""})
    assert upload(index, filename, data) == 200
    (packages / f"{filename}.yanked").write_text(f"\"'>{script}")
    for path in (
        b"/",
        b"/simple/",
        b"/simple/xss/",
        b"/project/xss/",
        b"/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        b"/%3Cscript%3E",
    ):
        page = get(index, path, b"Accept: text/html\r\n").partition(b"\r\n\r\n")[2]
        assert b"<script" not in page, path
        assert b"javascript:alert" not in page.lower().replace(b"&#", b""), path
        assert b"onerror=" not in page.replace(b"&lt;img", b"").lower() or b"<img src=x" not in page, path


def test_a_client_that_stops_halfway_leaves_nothing(index: Served, packages: Path) -> None:
    authorization = base64.b64encode(b"alice:secret")
    body = form("half-1.0-py3-none-any.whl", DATA)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n" % (
        authorization,
        len(body),
    )
    exchange(index, head + b"Content-Type: multipart/form-data; boundary=B\r\n\r\n" + body[: len(body) // 2])
    assert is_well(index)
    wait_until(lambda: not list((packages / ".pannier" / "incoming").iterdir()))
    assert not (packages / "half-1.0-py3-none-any.whl").exists()


def test_clients_that_send_slowly_hold_up_nobody(index: Served) -> None:
    host, port = index.url.removeprefix("http://").split(":")
    authorization = base64.b64encode(b"alice:secret")
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: 100000\r\n" % authorization
    )
    head += b"Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\n"
    slow = [socket.create_connection((host, int(port)), timeout=20) for _ in range(60)]
    for client in slow[:30]:
        client.sendall(head)
    for client in slow[30:]:
        client.sendall(b"GET / HTTP/1.1\r\nHo")
    assert is_well(index)
    assert upload(index, *wheel_bytes("quick", "1.0")) == 200
    for client in slow:
        client.close()


def test_an_old_client_that_sends_everything_first_sees_that_its_password_is_wrong(index: Served) -> None:
    # urllib says that it will close, and reads nothing before it has sent all.
    assert upload(index, "big-1.0-py3-none-any.whl", bytes(30 << 20), password="wrong") == 401
    assert is_well(index)


def test_of_many_who_publish_one_name_at_once_one_wins(index: Served, packages: Path) -> None:
    candidates = [wheel_bytes("race", "1.0", requires=(f"other{number}",)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda one: upload(index, *one), candidates))
    assert sorted(codes) == [200] + [409] * 7
    winner = candidates[codes.index(200)]
    assert (packages / winner[0]).read_bytes() == winner[1]
    log = [json.loads(line) for line in (packages / ".pannier" / "audit.jsonl").open()]
    published = [line["sha256"] for line in log if line["project"] == "race"]
    assert published == [hashlib.sha256(winner[1]).hexdigest()]


def test_a_server_killed_in_mid_upload_leaves_no_part_and_after_a_restart_no_litter(
    commands: Commands, tmp_path: Path
) -> None:
    packages = make_packages(tmp_path)
    arguments = (packages, "--htpasswd", packages.parent / "htpasswd")
    with served(commands, *arguments) as index:
        host, port = index.url.removeprefix("http://").split(":")
        authorization = base64.b64encode(b"alice:secret")
        head = (
            b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: 9000000\r\n"
            % authorization
        )
        head += b"Content-Type: multipart/form-data; boundary=B\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(head + form("killed-1.0-py3-none-any.whl", bytes(2 << 20))[:1_000_000])
            wait_until(
                lambda: any(path.stat().st_size for path in (packages / ".pannier" / "incoming").glob("*"))
            )
            os.kill(index.process.pid, signal.SIGKILL)
            index.process.wait()
    with served(commands, *arguments) as index:
        assert status(get(index, b"/simple/killed/")) == 404
        assert not [path for path in packages.rglob("*") if "killed" in path.name]
        wait_until(lambda: not list((packages / ".pannier" / "incoming").glob("*")))


def test_no_mutation_of_an_upload_breaks_the_server(index: Served, packages: Path) -> None:
    dice = random.Random(20261126)
    authorization = base64.b64encode(b"alice:secret")
    good = form("fuzz-1.0-py3-none-any.whl", wheel_bytes("fuzz", "1.0")[1])
    calls = xmlrpc.client.dumps(({"name": ["a"], "summary": ["b"]}, "or"), "search").encode()
    for number in range(250):
        is_form = number % 3 > 0
        body = bytearray(good if is_form else calls)
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(body))
            body[place : place + dice.randint(0, 6)] = dice.randbytes(dice.randint(0, 6))
        kind = b"multipart/form-data; boundary=B" if is_form else b"text/xml"
        head = (
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic %s\r\n" % authorization
        )
        head += b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
        assert status(exchange(index, head + bytes(body))) in (200, 400, 409), bytes(body)
    assert is_well(index)
    assert not list((packages / ".pannier" / "incoming").iterdir())
