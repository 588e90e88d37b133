"""Responses onto a connection: whole ones in one go, files by the kernel, streams as they come."""

import asyncio
import os
import socket
from collections.abc import AsyncIterable, Iterator
from typing import NamedTuple

from pannier.server.http.files import send_file
from pannier.server.http.heads import format_head
from pannier.server.messages import FileRange, Response

_CLOSE = b"connection: close\r\n"
_KEEP = b"connection: keep-alive\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_NO_CONTENT = (204, 304)
_WORTH_A_CALL = 1 << 16


class Manner(NamedTuple):
    """How a response is to be sent.

    Attributes:
        is_head: Without its body.
        is_old: To a client of HTTP/1.0.
        keeps: The connection stays open after it.
    """

    is_head: bool
    is_old: bool
    keeps: bool

    @property
    def connection(self) -> bytes:
        """The field that says whether the connection stays open, where it has to be said."""
        if not self.keeps:
            return _CLOSE
        return _KEEP if self.is_old else b""


class Writer:
    """What one connection's responses are written with."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._room: asyncio.Future[None] | None = None
        self._sink: socket.socket | None = None
        # Writing is held back as soon as anything waits, so that a file follows its head.
        transport.set_write_buffer_limits(0)

    def pause(self) -> None:
        """The client is slower than we are."""
        self._room = self._loop.create_future()

    def resume(self) -> None:
        """The client has caught up, or is gone."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def close(self) -> None:
        """Nothing more is written."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def write(self, response: Response, content: bytes, manner: Manner) -> int:
        """Write a response whose body is at hand; gives the size of what was sent of it."""
        if manner.is_head or response.status in _NO_CONTENT:
            content = b""
        head = format_head(response.status, response.headers, manner.connection)
        if len(content) > _WORTH_A_CALL:
            self._transport.write(head)
            self._transport.write(content)
        else:
            self._transport.write(head + content)
        return len(content)

    async def send_file(self, response: Response, part: FileRange, manner: Manner) -> int:
        """Send a part of a file; gives its size.

        Raises:
            ConnectionError: The client went away, or the file became shorter.
        """
        self._transport.write(format_head(response.status, response.headers, manner.connection))
        if manner.is_head:
            return 0
        await self._drain()
        if self._sink is None:
            # Another number for the socket, since the loop lets nobody wait for one that has a transport.
            self._sink = self._transport.get_extra_info("socket").dup()
        await send_file(self._loop, self._sink.fileno(), part)
        return part.length

    async def send_stream(self, response: Response, manner: Manner) -> tuple[int, bool]:
        """Send a body in pieces; gives its size, and whether the connection can stay open after it.

        Raises:
            ConnectionError: The client went away.
        """
        is_sized = any(name == b"content-length" for name, _ in response.headers)
        if not is_sized and manner.is_old:
            manner = manner._replace(keeps=False)
        is_chunked = not is_sized and not manner.is_old
        extra = manner.connection + (_CHUNKED if is_chunked else b"")
        self._transport.write(format_head(response.status, response.headers, extra))
        size = 0
        if not manner.is_head:
            async for chunk in _chunks_of(response.content):
                size += len(chunk)
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
                await self._drain()
            if is_chunked:
                self._transport.write(b"0\r\n\r\n")
        return size, manner.keeps

    async def _drain(self) -> None:
        if self._room is not None:
            await self._room
        if self._transport.is_closing():
            raise ConnectionError("the client went away")


def discard(response: Response) -> None:
    """Let go of what a response holds, sent or not."""
    if isinstance(response.content, FileRange):
        os.close(response.content.descriptor)


async def _chunks_of(content: object) -> AsyncIterable[bytes]:
    """The pieces of a body; those of a plain iterable are made in a thread."""
    if isinstance(content, AsyncIterable):
        async for chunk in content:
            if chunk:
                yield chunk
        return
    iterator: Iterator[bytes] = iter(content)  # type: ignore[call-overload]
    while (chunk := await asyncio.to_thread(next, iterator, None)) is not None:
        if chunk:
            yield chunk
