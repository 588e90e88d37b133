from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.multipart import (
    MAX_HEADER_SIZE,
    MAX_PARTS,
    MultipartParser,
    PartBegin,
    PartData,
    PartEnd,
    decode_text,
    parse_boundary,
)
from pannier.model.errors import RequestError

BOUNDARY = b"--------------GHSKFJDLGDS7543FJKLFHRE75642756743254"
Field = tuple[str, str | None, bytes]


def form(
    fields: Iterable[Field], newline: bytes = b"\r\n", *, lead: bytes = b"", tail: bytes = b"\r\n"
) -> bytes:
    """Write a form as a client does."""
    body = lead
    for name, filename, content in fields:
        named = b"" if filename is None else b'; filename="%s"' % filename.encode()
        body += b"--" + BOUNDARY + newline
        body += b'Content-Disposition: form-data; name="%s"%s' % (name.encode(), named) + newline * 2
        body += content + newline
    return body + b"--" + BOUNDARY + b"--" + tail


def parse(pieces: Iterable[bytes], boundary: bytes = BOUNDARY) -> list[Field]:
    """Read a form whole."""
    parser = MultipartParser(boundary)
    fields: list[Field] = []
    is_open = False
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, PartBegin):
                assert not is_open
                fields.append((event.name, event.filename, b""))
                is_open = True
            elif isinstance(event, PartData):
                assert event.data
                assert is_open
                fields[-1] = (*fields[-1][:2], fields[-1][2] + event.data)
            else:
                assert isinstance(event, PartEnd)
                is_open = False
    parser.finish()
    return fields


names = st.text("abc_:-", min_size=1, max_size=8)
contents = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"--", BOUNDARY[:30], b"x"]), max_size=8).map(b"".join),
)
fields = st.lists(st.tuples(names, st.none() | names, contents), min_size=1, max_size=5)


@given(fields, st.sampled_from([b"\r\n", b"\n"]), st.lists(st.integers(0, 600), max_size=12))
def test_a_form_cut_anywhere_is_read_as_it_was_written(
    given_fields: list[Field], newline: bytes, cuts: list[int]
) -> None:
    body = form(given_fields, newline, lead=newline)
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert parse(pieces) == given_fields
    assert parse(body[place : place + 1] for place in range(len(body))) == given_fields


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3))
def test_no_bytes_make_the_reader_fail_in_another_way_than_by_refusing(data: bytes, cuts: list[int]) -> None:
    body = form([("a", None, b"1")])
    for place in cuts:
        broken = body[:place] + data + body[place + len(data) // 2 :]
        try:
            read = parse([broken])
        except RequestError:
            continue
        assert all(isinstance(content, bytes) for _, _, content in read)


@pytest.mark.parametrize("lead", [b"", b"\n", b"\r\n"])
def test_what_clients_write_before_and_after_is_taken(lead: bytes) -> None:
    for tail in (b"", b"\n", b"\r\n"):
        assert parse([form([("a", None, b"1")], lead=lead, tail=tail)]) == [("a", None, b"1")]


def test_the_body_of_a_register_command_of_old_is_read() -> None:
    body = b"\n--" + BOUNDARY + b'\nContent-Disposition: form-data; name=":action"\n\nsubmit'
    body += b"\n--" + BOUNDARY + b'\nContent-Disposition: form-data; name="description"\n\na\r\nb\r'
    body += b"\n--" + BOUNDARY + b"--\n"
    assert parse([body]) == [(":action", None, b"submit"), ("description", None, b"a\r\nb\r")]


def test_a_file_name_is_read_in_every_spelling() -> None:
    spellings = {
        b';filename="a-1.zip"': "a-1.zip",
        b"; filename=a-1.zip": "a-1.zip",
        b'; filename="a\\"b"': 'a"b',
        b"; filename*=utf-8''%C3%A9.zip": "é.zip",
        '; filename="é"'.encode(): "é",
        '; filename="é"'.encode("latin-1"): "é",
        b"": None,
    }
    for spelling, name in spellings.items():
        body = (
            b"--B\r\ncontent-disposition:form-data; name=x"
            + spelling
            + b"\r\nContent-Type: a/b\r\n\r\n1\r\n--B--"
        )
        assert parse([body], b"B") == [("x", name, b"1")]


def test_a_part_without_content_or_without_even_a_blank_line_is_empty() -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
    assert parse([head + b"\r\n--B--"], b"B") == [("x", None, b"")]
    assert parse([head + b"--B--"], b"B") == [("x", None, b"")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "ends in the middle"),
        (b"--B", "ends in the middle"),
        (b"hello", "where a boundary"),
        (b"\n\n--B\r\n", "where a boundary"),
        (b"--B--B", "follows its end"),
        (b"\n--B\n\r\n", "ends in the middle"),
        (b"--B \r\n", "where a boundary"),
        (b"--B\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--Bx", "where a boundary"),
        (b"--B\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--B\n", "where a boundary"),
        (b"--B\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--B--\r\nmore", "follows its end"),
        (b"--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", "no name"),
        (b"--B\r\nX: y\r\n\r\n1\r\n--B--", "no name"),
        (b"--B\r\nContent-Disposition: attachment; name=x\r\n\r\n1\r\n--B--", "no name"),
        (b"--B\r\nContent-Disposition: form-data; name=x; name=y\r\n\r\n1\r\n--B--", "two values"),
        (b"--B\r\nContent-Disposition: form-data; name=x y\r\n\r\n1\r\n--B--", "is none"),
        (b"--B\r\nContent-Disposition: form-data; name=x\nA: b\r\n\r\n1\r\n--B--", "is none"),
        (b"--B\r\nContent-Disposition: form-data; name=x\r\nbare\r\n\r\n1\r\n--B--", "is none"),
        (
            b"--B\r\nContent-Disposition: form-data; name=x; filename*=no\r\n\r\n1\r\n--B--",
            "unknown encoding",
        ),
        (
            b"--B\r\nContent-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: br\r\n\r\n",
            "once more",
        ),
        (b"--B\r\nX: " + b"y" * MAX_HEADER_SIZE + b"\r\n\r\n", "bytes of headers"),
        (b"--B\r\nX: " + b"y" * MAX_HEADER_SIZE + b"yyyyyyyyyyy", "bytes of headers"),
        (b"--B\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n" * (MAX_PARTS + 1), "parts"),
    ],
)
def test_what_is_no_form_is_refused_and_why_is_said(body: bytes, reason: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse([body], b"B")
    assert reason in str(refused.value.facts["reason"])


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; boundary="a b;c"', b"a b;c"),
        ("Multipart/Form-Data;charset=utf-8; boundary=x", b"x"),
        ("multipart/form-data; boundary=--------------GHSK", b"--------------GHSK"),
    ],
)
def test_the_boundary_is_found(header: str, boundary: bytes) -> None:
    assert parse_boundary(header) == boundary


@pytest.mark.parametrize(
    "header", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="]
)
def test_a_body_that_is_no_form_is_refused(header: str) -> None:
    with pytest.raises(RequestError, match="not a form"):
        parse_boundary(header)


def test_text_is_utf_8_or_else_latin_1() -> None:
    assert decode_text("é".encode()) == decode_text("é".encode("latin-1")) == "é"
