"""One client's connection: requests are parsed by llhttp and answered one after the other.

HTTP/1.1 with persistent connections, pipelining, `Expect: 100-continue` and chunked bodies both ways. A body
that nobody wants to its end is received and forgotten: a client that is refused an upload sees why.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote

import httptools

from pannier.server.http.body import StreamedBody
from pannier.server.http.heads import BadTargetError, has_body, parse_target
from pannier.server.http.writing import Manner, Writer, discard
from pannier.server.messages import NO_BODY, Answer, FileRange, Request, Response, respond

_log = logging.getLogger("pannier.server")
_HEAD_LIMIT = 64 << 10
_QUEUE_LIMIT = 64
_UNACKNOWLEDGED_MILLISECONDS = 120_000
_LINGER_SECONDS = 600
_CLIENT_GONE = 499  # as nginx logs it
Listener = Callable[[Request, int, int, float], None]


class Pending(NamedTuple):
    """A request that is to be answered.

    Attributes:
        request: The request; `None` for what could not be understood.
        refusal: The response to what could not be understood.
        body: Its body, while it is received.
        is_old: It is of HTTP/1.0.
        keeps: The client wants the connection to stay open.
        started: When it came, in seconds of the performance counter.
    """

    request: Request | None
    refusal: Response | None
    body: StreamedBody | None
    is_old: bool
    keeps: bool
    started: float


class Hub:
    """What the connections of one process share.

    Attributes:
        answer: The application.
        finished: Hears of each request answered: its status, the bytes of its body, the seconds taken.
        prefix: The path that everything is below; empty for none.
        connections: Those that are open.
        is_stopping: Each connection closes after what it is doing.
    """

    def __init__(
        self, answer: Callable[[Request], Answer], finished: Listener | None = None, prefix: str = ""
    ) -> None:
        self.answer = answer
        self.finished = finished
        self.prefix = prefix
        self.connections: set[Connection] = set()
        self.is_stopping = False

    def stop(self) -> None:
        """Close what is idle; the rest closes when it is done."""
        self.is_stopping = True
        for connection in list(self.connections):
            connection.close_if_idle()

    def sweep(self, now: float, idle: float, stalled: float) -> None:
        """Close what was idle for `idle` seconds, or sent nothing more of a request for `stalled`."""
        for connection in list(self.connections):
            connection.close_if_late(now, idle, stalled)


class Connection(asyncio.Protocol):
    """The protocol of one connection."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = hub
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._writer: Writer
        self._peer = ""
        self._target = b""
        self._headers: dict[str, str] = {}
        self._head_size = 0
        self._body: StreamedBody | None = None
        self._queue: deque[Pending] = deque()
        self._is_busy = False
        self._is_receiving = False
        self._is_closing = False
        self._is_lingering = False
        self._active = self._began = loop.time()
        self._waiting: asyncio.Task[None] | None = None
        self._streaming: asyncio.Task[None] | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._writer = Writer(self._loop, transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        with contextlib.suppress(OSError):  # not of a Unix socket
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS)
        self._hub.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """The connection is gone."""
        self._hub.connections.discard(self)
        self._is_closing = True
        for body in (self._body, *(pending.body for pending in self._queue)):
            if body is not None:
                body.fail()
        self._queue.clear()
        self._writer.resume()
        if self._streaming is None:
            self._writer.close()
        else:
            self._streaming.cancel()

    def eof_received(self) -> bool:
        """The client sends no more; it may still want its answer."""
        if self._is_receiving and self._body is not None:
            self._body.fail()
            self._body = None
        self._is_closing = True
        return self._is_busy

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self._active = self._loop.time()
        if self._is_closing and self._body is None and not self._is_lingering:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(respond(400, "there is nothing to upgrade to here\n"))
        except httptools.HttpParserError:
            is_long = self._head_size > _HEAD_LIMIT
            self._refuse(
                respond(431, "the request's head is too long\n")
                if is_long
                else respond(400, "this is not HTTP/1.1\n")
            )

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        self._writer.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writer.resume()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._headers = {}
        self._head_size = 0
        self._began = self._loop.time()
        self._is_receiving = True

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        self._count(len(url))
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of it."""
        self._count(len(name) + len(value))
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Its head is complete: it can be answered."""
        if self._is_closing:
            return
        body = self._make_body() if has_body(self._headers) else None
        try:
            path, query = parse_target(self._target)
        except BadTargetError:
            self._refuse(respond(400, "this is no path that can be asked for\n"))
            return
        prefix = self._hub.prefix
        if prefix:
            path = path[len(prefix) :] if path.startswith(f"{prefix}/") else "/\0"
        request = Request(
            self._parser.get_method().decode("latin-1"),
            path,
            query,
            self._headers,
            body or NO_BODY,
            self._peer,
            "http",
            self._headers.get("host", ""),
            prefix,
        )
        is_old = self._parser.get_http_version() == "1.0"
        keeps = self._parser.should_keep_alive()
        self._body = body
        self._enqueue(Pending(request, None, body, is_old, keeps, time.perf_counter()))

    def on_body(self, data: bytes) -> None:
        """A piece of its body."""
        if self._body is not None and self._body.feed(data):
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """It is complete."""
        self._is_receiving = False
        if self._body is not None:
            self._body.finish()
            self._body = None
        if self._is_lingering:
            self._loop.call_soon(self._transport.close)

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _HEAD_LIMIT:
            raise ValueError(
                "the head of a request is too long"
            )  # the parser makes an error of its own of it

    # Receiving bodies.

    def _make_body(self) -> StreamedBody:
        is_awaited = self._headers.get("expect", "").lower() == "100-continue"
        invite = self._from_thread(self._invite) if is_awaited else lambda: None
        return StreamedBody(invite, self._from_thread(self._resume_reading))

    def _from_thread(self, function: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(function)

        return call

    def _invite(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _resume_reading(self) -> None:
        if not self._transport.is_closing() and len(self._queue) < _QUEUE_LIMIT:
            self._transport.resume_reading()

    def _ignore_rest(self) -> None:
        """Nobody wants the rest of this body: take it and forget it."""
        if self._body is not None:
            self._body.fail()
            self._body = None
        self._resume_reading()

    # Answering.

    def _refuse(self, response: Response) -> None:
        """Answer what cannot be understood, after what was asked before it, and close."""
        self._is_receiving = False
        self._enqueue(Pending(None, response, None, is_old=False, keeps=False, started=time.perf_counter()))

    def _enqueue(self, pending: Pending) -> None:
        self._queue.append(pending)
        if not self._is_busy:
            self._next()
        elif len(self._queue) >= _QUEUE_LIMIT:
            self._transport.pause_reading()

    def _next(self) -> None:
        """Answer the first request of the queue."""
        pending = self._queue.popleft()
        self._is_busy = True
        request = pending.request
        if request is None:
            assert pending.refusal is not None
            self._send(pending, pending.refusal)
            return
        try:
            answer = self._hub.answer(request)
        except Exception:  # noqa: BLE001 - whatever a handler trips over, the client gets an answer
            answer = _failure(request)
        if isinstance(answer, Response):
            self._send(pending, answer)
        else:
            self._waiting = self._loop.create_task(self._wait(pending, request, answer))

    async def _wait(self, pending: Pending, request: Request, awaited: Awaitable[Response]) -> None:
        try:
            response = await awaited
        except ConnectionError:
            self._transport.abort()
            self._report(pending, _CLIENT_GONE, 0)
            return
        except Exception:  # noqa: BLE001 - as above
            response = _failure(request)
        self._send(pending, response)

    def _send(self, pending: Pending, response: Response) -> None:
        if self._transport.is_closing():
            discard(response)
            self._report(pending, _CLIENT_GONE, 0)
            return
        is_head = pending.request is not None and pending.request.method == "HEAD"
        keeps = pending.keeps and not self._is_closing and not self._hub.is_stopping
        manner = Manner(is_head, pending.is_old, keeps)
        if isinstance(response.content, bytes):
            size = self._writer.write(response, response.content, manner)
            self._done(pending, response.status, size, keeps)
            return
        self._streaming = self._loop.create_task(self._stream(pending, response, manner))
        self._streaming.add_done_callback(lambda _: self._end_stream(response))

    async def _stream(self, pending: Pending, response: Response, manner: Manner) -> None:
        keeps = manner.keeps
        try:
            if isinstance(response.content, FileRange):
                size = await self._writer.send_file(response, response.content, manner)
            else:
                size, keeps = await self._writer.send_stream(response, manner)
        except (OSError, asyncio.CancelledError):
            self._transport.abort()
            self._report(pending, _CLIENT_GONE, 0)
            return
        except Exception:  # noqa: BLE001 - its head is sent: all that can be said is that it broke off
            _log.exception("a response broke off")
            self._transport.abort()
            return
        self._streaming = None
        self._done(pending, response.status, size, keeps)

    def _end_stream(self, response: Response) -> None:
        """Let go of what was sent, also when its task never came to run."""
        discard(response)
        if self._transport.is_closing():
            self._writer.close()

    def _done(self, pending: Pending, status: int, size: int, keeps: bool) -> None:
        """The response is sent: go on with the next request, or close."""
        self._is_busy = False
        self._waiting = None
        self._active = self._loop.time()
        self._report(pending, status, size)
        is_unread = pending.body is not None and pending.body is self._body
        if is_unread:
            self._ignore_rest()
        if not keeps or self._hub.is_stopping:
            self._is_closing = True
            # Old clients read nothing before they have sent everything, and say that they will close.
            self._is_lingering = is_unread
            self._loop.call_later(_LINGER_SECONDS if is_unread else 0, self._transport.close)
        elif self._queue:
            self._loop.call_soon(self._continue)

    def _report(self, pending: Pending, status: int, size: int) -> None:
        if self._hub.finished is not None and pending.request is not None:
            self._hub.finished(pending.request, status, size, time.perf_counter() - pending.started)

    def _continue(self) -> None:
        if self._queue and not self._is_busy:
            self._next()
        self._resume_reading()

    # Closing.

    def close_if_idle(self) -> None:
        """Close when nothing is asked."""
        if not self._is_busy and not self._queue:
            self._transport.close()

    def close_if_late(self, now: float, idle: float, stalled: float) -> None:
        """Close when nothing was asked for `idle` seconds, or a request stopped halfway for `stalled`."""
        # A head counts from its first byte, however slowly the others trickle in.
        is_head = self._is_receiving and self._body is None
        quiet = now - (self._began if is_head else self._active)
        if not self._is_busy and quiet > (stalled if self._is_receiving else idle):
            self._transport.close()
        elif self._is_receiving and self._transport.is_reading() and quiet > stalled:
            self._transport.abort()


def _failure(request: Request) -> Response:
    _log.exception("%s %s failed", request.method, quote(request.path))
    return respond(500, "something went wrong here; the server's log says what\n")
