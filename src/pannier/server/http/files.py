"""Files sent by the kernel, from its cache to the socket, without passing through this process (`sendfile`).

asyncio's own `loop.sendfile` takes the socket out of the selector and puts it back at every step, which costs
half as much again as the sending: here it stays in until the file is sent.
"""

import asyncio
import os

from pannier.server.messages import FileRange

_STEP = 2 << 20
# After so many steps at a time others have their turn, however fast the client takes it.
_STEPS_AT_A_TIME = 4


async def send_file(loop: asyncio.AbstractEventLoop, sink: int, part: FileRange) -> None:
    """Send a part of a file.

    Args:
        loop: The running loop.
        sink: A non-blocking socket that nothing else is written to meanwhile, and that `loop` does not know.
        part: What to send.

    Raises:
        ConnectionError: The client went away, or the file became shorter.
    """
    sending = _Sending(loop, sink, part)
    if not part.length or sending.push():
        return
    loop.add_writer(sink, sending.on_writable)
    try:
        # What ends the connection cancels the task that waits here.
        await sending.done
    finally:
        loop.remove_writer(sink)


class _Sending:
    """How far a file has been sent."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: int, part: FileRange) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self._sink = sink
        self._source = part.descriptor
        self._offset = part.offset
        self._end = part.offset + part.length

    def push(self) -> bool:
        """Send what the socket takes; says whether that was the end."""
        for _ in range(_STEPS_AT_A_TIME):
            wanted = min(_STEP, self._end - self._offset)
            try:
                sent = os.sendfile(self._sink, self._source, self._offset, wanted)
            except BlockingIOError:
                return False
            if not sent:
                raise ConnectionError("the file became shorter while it was sent")
            self._offset += sent
            if self._offset >= self._end:
                return True
            if sent < wanted:
                # It is full. Trying again would have the kernel fetch the file's pages for nothing.
                return False
        return False

    def on_writable(self) -> None:
        """The socket takes more."""
        if self.done.done():
            return
        try:
            if self.push():
                self.done.set_result(None)
        except OSError as error:
            self.done.set_exception(ConnectionError(str(error)))
