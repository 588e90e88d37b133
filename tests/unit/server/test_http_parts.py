"""What clients send is understood or refused, and nothing else: targets, ranges, bodies."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.server.counting import BUCKETS, Counters
from pannier.server.http.body import StreamedBody
from pannier.server.http.heads import BadTargetError, parse_target
from pannier.server.sending import parse_range


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/simple/", "/simple/", ""),
        (b"/a%20b?x=%20", "/a b", "x=%20"),
        (b"/%C3%A9", "/\u00e9", ""),
        (b"http://host:80/simple/?a", "/simple/", "a"),
        (b"//simple/", "//simple/", ""),
    ],
)
def test_a_target_is_a_path_and_a_query(target: bytes, path: str, query: str) -> None:
    assert parse_target(target) == (path, query)


@pytest.mark.parametrize("target", [b"*", b"simple/", b"ftp://host/", b"/%ff", b"/\xff", b"host:80"])
def test_what_is_no_path_is_refused(target: bytes) -> None:
    with pytest.raises(BadTargetError):
        parse_target(target)


@given(st.binary())
def test_any_target_is_understood_or_refused(target: bytes) -> None:
    try:
        path, _ = parse_target(target)
    except BadTargetError:
        return
    assert path.startswith("/")


@given(st.text(), st.integers(0, 1 << 40))
def test_any_range_lies_inside_or_behind_the_file_or_is_passed_over(header: str, size: int) -> None:
    for text in (header, f"bytes={header}"):
        found = parse_range(text, size)
        if found is not None and found[0] < size:
            assert 0 <= found[0] < found[1] <= size


@given(st.lists(st.binary(min_size=1, max_size=5000), max_size=20), st.integers(1, 3000))
def test_a_body_is_read_as_it_was_sent(chunks: list[bytes], size: int) -> None:
    asked = []
    body = StreamedBody(lambda: asked.append(1), lambda: None)

    def feed() -> None:
        for chunk in chunks:
            body.feed(chunk)
        body.finish()

    thread = threading.Thread(target=feed)
    thread.start()
    assert b"".join(iter(lambda: body.read(size), b"")) == b"".join(chunks)
    thread.join()
    assert asked == [1]


def test_a_body_whose_client_has_gone_fails() -> None:
    body = StreamedBody(lambda: None, lambda: None)
    body.feed(b"half")
    body.fail()
    with pytest.raises(ConnectionError):
        body.read()


def test_workers_count_together() -> None:
    counters = Counters(3)
    for worker in range(3):
        counters.take(worker)
        counters.count(200, 10, 0.002)
        counters.count(418, 0, 60)
    assert counters.statuses() == {"200": 3, "other": 3}
    assert counters.size() == 30
    assert counters.buckets()[-2:] == [3, 6]
    assert counters.buckets()[BUCKETS.index(0.0025)] == 3
    assert counters.seconds() == pytest.approx(180.006)
