"""Forms that clients send, with the distribution kept in a file and everything else in memory."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import parse_qsl

from pannier.formats.multipart import MultipartParser, PartBegin, PartData, decode_text, parse_boundary
from pannier.model.errors import RequestError
from pannier.server.messages import Body

CONTENT = "content"
"""Name of the part that is the distribution."""
_CHUNK = 1 << 16
_MAX_TEXT = 16 << 20
_URLENCODED = "application/x-www-form-urlencoded"


class Received(NamedTuple):
    """A distribution as it came in.

    Attributes:
        filename: As the client names it, and not to be trusted.
        size: In bytes.
        sha256: Hex digest.
        md5: Hex digest.
        blake2: Hex digest of BLAKE2b with 32 bytes.
    """

    filename: str
    size: int
    sha256: str
    md5: str
    blake2: str


class Form(NamedTuple):
    """A form.

    Attributes:
        fields: Name to every value, in the order sent; small files (signatures) among them.
        content: The distribution, where there is one.
    """

    fields: Mapping[str, list[bytes]]
    content: Received | None = None

    def get(self, name: str) -> str:
        """The first value of a field, without the spaces around it; empty where there is none."""
        values = self.fields.get(name)
        return decode_text(values[0]).strip() if values else ""


class _Sink:
    """Takes the distribution in: writes it down, and hashes it on the way."""

    def __init__(self, stream: BinaryIO, filename: str, limit: int) -> None:
        self._stream = stream
        self._filename = filename
        self._limit = limit
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._blake2 = hashlib.blake2b(digest_size=32)

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise RequestError(
                f"the distribution has more than {self._limit} bytes",
                code="upload-too-large",
                hint="whoever runs the index can allow more with `--max-size`",
            )
        self._stream.write(data)
        self._sha256.update(data)
        self._md5.update(data)
        self._blake2.update(data)

    def finish(self) -> Received:
        digests = self._sha256.hexdigest(), self._md5.hexdigest(), self._blake2.hexdigest()
        return Received(self._filename, self._size, *digests)


def receive_form(body: Body, content_type: str, path: Path, *, limit: int) -> Form:
    """Read a form to its end.

    Args:
        body: What the client sends.
        content_type: The header of that name.
        path: Where the distribution is to be written, if there is one.
        limit: The most bytes that it may have.

    Raises:
        RequestError: It is no form, or too large.
        ConnectionError: The client went away.
        OSError: It cannot be written.
    """
    if content_type.partition(";")[0].strip().lower() == _URLENCODED:
        return _receive_small(body)
    parser = MultipartParser(parse_boundary(content_type))
    with path.open("wb") as stream:
        reader = _Reader(stream, limit)
        while data := body.read(_CHUNK):
            for event in parser.feed(data):
                if isinstance(event, PartBegin):
                    reader.begin(event)
                elif isinstance(event, PartData):
                    reader.add(event.data)
        parser.finish()
        return reader.form()


class _Reader:
    """Puts the parts of a form where they belong."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._fields: dict[str, list[bytearray]] = {}
        self._sink: _Sink | None = None
        self._name = ""
        self._text_size = 0

    def begin(self, part: PartBegin) -> None:
        self._name = part.name
        if part.name != CONTENT:
            self._fields.setdefault(part.name, []).append(bytearray())
            self._count(len(part.name))
            return
        if self._sink is not None:
            raise RequestError("a form holds one distribution", code="bad-form")
        self._sink = _Sink(self._stream, part.filename or "", self._limit)

    def add(self, data: bytes) -> None:
        if self._name == CONTENT and self._sink is not None:
            self._sink.write(data)
        else:
            self._count(len(data))
            self._fields[self._name][-1] += data

    def form(self) -> Form:
        fields = {name: [bytes(value) for value in values] for name, values in self._fields.items()}
        return Form(fields, self._sink.finish() if self._sink else None)

    def _count(self, size: int) -> None:
        self._text_size += size
        if self._text_size > _MAX_TEXT:
            raise RequestError(
                f"the form has more than {_MAX_TEXT} bytes besides the distribution", code="upload-too-large"
            )


def _receive_small(body: Body) -> Form:
    """Read a form without files, as browsers and `curl -d` send it."""
    data = b""
    while chunk := body.read(_CHUNK):
        data += chunk
        if len(data) > _CHUNK:
            raise RequestError(f"the form has more than {_CHUNK} bytes", code="upload-too-large")
    fields: dict[str, list[bytes]] = {}
    try:
        pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise RequestError("the form has more than 100 fields", code="bad-form") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value.encode("utf-8", "surrogateescape"))
    return Form(fields)
