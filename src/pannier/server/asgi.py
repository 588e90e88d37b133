"""The shell: ASGI on one side, `Request` and `Response` on the other."""

import asyncio
import logging
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any
from urllib.parse import quote

from pannier.server.application import Application
from pannier.server.forwarding import apply_forwarded
from pannier.server.messages import NO_BODY, Body, FileRange, Request, Response, respond

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_log = logging.getLogger("pannier.server")
_CHUNK = 1 << 18
_BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))


class Shell:
    """An ASGI application around ours."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._forwarding = apply_forwarded(application.services.settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = self._forwarding(_request(scope, receive))
        try:
            answer = self._application.answer(request)
            response = answer if isinstance(answer, Response) else await answer
        except Exception:  # noqa: BLE001 - whatever a handler trips over, the client gets an answer
            _log.exception("%s %s failed", request.method, quote(request.path))
            response = respond(500, "something went wrong here; the server's log says what\n")
        await _send(response, request.method == "HEAD", send)


def _request(scope: Scope, receive: Receive) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    method = scope["method"]
    body: Body = NO_BODY
    if method not in _BODILESS:
        body = StreamedBody(receive, asyncio.get_running_loop())
    return Request(
        method,
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        body,
        scope["client"][0] if scope.get("client") else "",
        scope["scheme"],
        headers.get("host", ""),
        scope.get("root_path", ""),
    )


class StreamedBody:
    """A request's body, read in a worker's thread while the event loop receives it no faster."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._held = b""
        self._is_over = False

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, or all; empty at the end.

        Raises:
            ConnectionError: The client went away before it had sent everything.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        while not self._held and not self._is_over:
            message = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client went away")
            self._held = message.get("body", b"")
            self._is_over = not message.get("more_body", False)
        data, self._held = self._held[:size], self._held[size:]
        return data

    async def _next(self) -> Message:
        return await self._receive()


async def _send(response: Response, is_head: bool, send: Send) -> None:
    content = response.content
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    if isinstance(content, bytes):
        await send({"type": "http.response.body", "body": b"" if is_head else content})
        return
    if isinstance(content, FileRange):
        try:
            await _send_chunks(() if is_head else _read_file(content), send)
        finally:
            os.close(content.descriptor)
        return
    await _send_chunks(() if is_head else content, send)


async def _send_chunks(chunks: Iterable[bytes] | AsyncIterable[bytes], send: Send) -> None:
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    else:
        iterator = iter(chunks)
        while chunk := await asyncio.to_thread(_next_chunk, iterator):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _next_chunk(iterator: Iterator[bytes]) -> bytes:
    return next(iterator, b"")


def _read_file(part: FileRange) -> Iterator[bytes]:
    offset, left = part.offset, part.length
    while left > 0 and (chunk := os.pread(part.descriptor, min(_CHUNK, left), offset)):
        yield chunk
        offset, left = offset + len(chunk), left - len(chunk)
