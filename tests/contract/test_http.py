"""The shell speaks HTTP/1.1 as clients of every age do, over real sockets."""

import asyncio
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_until

from pannier.server.http.connection import Connection, Hub
from pannier.server.messages import Answer, FileRange, Request, Response, make_headers, respond


class Served:
    """A hub with an application of this test's own, on a loop in a thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.loop = asyncio.new_event_loop()
        self.hub = Hub(self.answer, lambda request, status, *_: self.finished.append((request.path, status)))
        self.finished: list[tuple[str, int]] = []
        self.broken = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = self.loop.run_until_complete(
            self.loop.create_server(lambda: Connection(self.hub, self.loop), sock=self.listener)
        )
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def answer(self, request: Request) -> Answer:
        if request.path == "/slow":
            return self._slow()
        if request.path == "/count":
            return self._in_thread(request)
        if request.path == "/refused":
            return respond(401, "who are you?\n")
        if request.path == "/file":
            path = self.directory / "file"
            size = path.stat().st_size
            headers = make_headers({"content-length": str(size)})
            return Response(200, headers, FileRange(str(path), 0, size, os.open(path, os.O_RDONLY)))
        if request.path == "/stream":
            return Response(200, (), _pieces())
        if request.path == "/lines":
            return Response(200, (), iter([b"one\n", b"", b"two\n"]))
        if request.path == "/fails":
            raise RuntimeError("as a defect would")
        return respond(200, f"{request.method} {request.path} {request.query}")

    async def _slow(self) -> Response:
        await asyncio.sleep(0.2)
        return respond(200, "slow")

    async def _in_thread(self, request: Request) -> Response:
        return await self.loop.run_in_executor(None, self._count, request)

    def _count(self, request: Request) -> Response:
        size = 0
        try:
            while chunk := request.body.read(1 << 16):
                size += len(chunk)
        except ConnectionError:
            self.broken.set()
            raise
        return respond(200, str(size))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.hub.stop)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def exchange(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            return read_all(connection)


async def _pieces() -> AsyncIterator[bytes]:
    for number in range(3):
        yield f"{number}\n".encode()


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    yield found
    found.close()


def get(path: str, *, version: str = "1.1", connection: str = "close", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\n\r\n".encode()


def bodies(received: bytes) -> list[bytes]:
    """The bodies of whole responses, by their lengths."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        size = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        found.append(rest[:size])
        received = rest[size:]
    return found


def test_a_request_is_answered_with_a_date(served: Served) -> None:
    received = served.exchange(get("/a%20b?x=1"))
    assert received.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
    assert received.endswith(b"\r\n\r\nGET /a b x=1")


def test_requests_in_one_go_are_answered_in_their_order(served: Served) -> None:
    sent = get("/slow", connection="keep-alive") + get("/one", connection="keep-alive") + get("/two")
    assert bodies(served.exchange(sent)) == [b"slow", b"GET /one ", b"GET /two "]


def test_many_requests_in_one_go_are_answered(served: Served) -> None:
    sent = get("/slow", connection="keep-alive") + get("/x", connection="keep-alive") * 300 + get("/last")
    assert len(bodies(served.exchange(sent))) == 302


def test_http_1_0_closes_unless_told_otherwise(served: Served) -> None:
    assert b"connection: close" in served.exchange(b"GET / HTTP/1.0\r\n\r\n")
    sent = get("/one", version="1.0", connection="keep-alive") + b"GET /two HTTP/1.0\r\n\r\n"
    received = served.exchange(sent)
    assert b"connection: keep-alive" in received
    assert bodies(received) == [b"GET /one ", b"GET /two "]


def test_head_has_the_length_and_no_body(served: Served) -> None:
    (served.directory / "file").write_bytes(b"x" * 1000)
    assert served.exchange(get("/file", method="HEAD")).endswith(
        b"content-length: 1000\r\nconnection: close\r\n\r\n"
    )
    assert served.exchange(get("/lines", method="HEAD")).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("size", [0, 1, 100_000, 30_000_000])
def test_a_file_arrives_whole_and_the_connection_goes_on(served: Served, size: int) -> None:
    data = os.urandom(1 << 16) * (size >> 16) + os.urandom(size & 0xFFFF)
    (served.directory / "file").write_bytes(data)
    sent = get("/file", connection="keep-alive") * 2 + get("/after")
    assert bodies(served.exchange(sent)) == [data, data, b"GET /after "]


def test_a_client_that_leaves_while_a_file_is_sent_leaves_nothing_open(served: Served) -> None:
    (served.directory / "file").write_bytes(bytes(50_000_000))
    before = len(os.listdir("/proc/self/fd"))
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(get("/file"))
        connection.recv(1000)
    wait_until(lambda: served.finished == [("/file", 499)])
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_streams_are_chunked_or_end_with_the_connection(served: Served) -> None:
    assert served.exchange(get("/stream")).endswith(b"2\r\n0\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n")
    assert served.exchange(get("/lines", version="1.0")).endswith(b"\r\n\r\none\ntwo\n")


def test_a_body_is_received_whole(served: Served) -> None:
    size = 5_000_000
    head = f"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    assert bodies(served.exchange(head + bytes(size))) == [str(size).encode()]


def test_a_chunked_body_is_received_whole(served: Served) -> None:
    head = b"POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert bodies(served.exchange(head + b"5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n")) == [b"8"]


def test_a_client_that_asks_first_is_invited_only_when_its_body_is_wanted(served: Served) -> None:
    for path, answer in (("/count", b"HTTP/1.1 100 Continue\r\n\r\n"), ("/refused", b"HTTP/1.1 401 ")):
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(1000).startswith(answer)


def test_a_refused_client_can_send_everything_and_ask_again(served: Served) -> None:
    head = b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
    assert bodies(served.exchange(head + bytes(3_000_000) + get("/after"))) == [
        b"who are you?\n",
        b"GET /after ",
    ]


def test_a_client_that_leaves_in_the_middle_of_its_body_is_noticed(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert served.broken.wait(20)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET \xff HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET /fails HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"500"),
    ],
)
def test_what_is_wrong_is_said_and_the_connection_closed(served: Served, sent: bytes, status: bytes) -> None:
    assert served.exchange(sent).startswith(b"HTTP/1.1 " + status)


def test_an_idle_or_stalled_connection_is_closed_and_a_busy_one_is_not(served: Served) -> None:
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as idle,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as stalled,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as busy,
    ):
        stalled.sendall(b"GET / HT")
        busy.sendall(get("/slow", connection="keep-alive"))
        wait_until(lambda: len(served.hub.connections) == 3)
        wait_until(lambda: any(connection._is_busy for connection in served.hub.connections))
        served.loop.call_soon_threadsafe(served.hub.sweep, served.loop.time() + 100, 75, 60)
        assert (idle.recv(10), stalled.recv(10)) == (b"", b"")
        assert busy.recv(10000).endswith(b"slow")


def test_a_head_that_trickles_in_is_not_waited_for(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(b"GET / HT")
        wait_until(lambda: len(served.hub.connections) == 1)
        only = next(iter(served.hub.connections))
        wait_until(lambda: only._is_receiving)
        only._began -= 100  # while its last byte came just now
        served.loop.call_soon_threadsafe(served.hub.sweep, served.loop.time(), 75, 60)
        assert connection.recv(10) == b""


def test_stopping_lets_what_is_asked_be_answered(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(get("/slow", connection="keep-alive"))
        wait_until(lambda: any(connection._is_busy for connection in served.hub.connections))
        served.loop.call_soon_threadsafe(served.hub.stop)
        received = read_all(connection)
    assert b"connection: close" in received
    assert received.endswith(b"slow")
