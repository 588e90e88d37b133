import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.xmlrpc_search import (
    MAX_SIZE,
    MethodError,
    SearchHit,
    format_fault,
    format_search_answer,
    parse_search_call,
)
from pannier.model.errors import RequestError


def call(*parameters: Any, method: str = "search") -> bytes:
    return xmlrpc.client.dumps(parameters, method).encode()


def test_the_words_that_pip_looks_for_are_read_once() -> None:
    assert parse_search_call(call({"name": ["a b"], "summary": ["a b"]}, "or")).words == ("a", "b")
    assert parse_search_call(call({"name": "é"})).words == ("é",)
    assert parse_search_call(call("x")).words == ("x",)
    assert parse_search_call(call({"name": 1, "other": "x"})).words == ()
    assert parse_search_call(call()).words == ()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_reading_fail_in_another_way_than_by_refusing(data: bytes) -> None:
    for body in (data, b"<methodCall>" + data + b"</methodCall>", call("x").replace(b"x<", data[:50] + b"<")):
        try:
            found = parse_search_call(body)
        except RequestError:
            continue
        assert all(isinstance(word, str) for word in found.words)


@pytest.mark.parametrize(
    "prolog",
    [
        b"<!DOCTYPE x>",
        b'<!DOCTYPE x [<!ENTITY a "aaa"><!ENTITY b "&a;&a;">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://localhost/">%p;]>',
    ],
)
def test_a_document_type_is_refused(prolog: bytes) -> None:
    with pytest.raises(RequestError, match="no document type"):
        parse_search_call(b"<?xml version='1.0'?>" + prolog + call("&a;").partition(b"?>")[2])


def test_large_calls_and_other_methods_are_refused() -> None:
    with pytest.raises(RequestError, match="more than"):
        parse_search_call(b"<" * (MAX_SIZE + 1))
    with pytest.raises(MethodError):
        parse_search_call(call(method="list_packages"))


@given(st.lists(st.tuples(st.text(), st.text(), st.text(), st.integers(0, 500)), max_size=3))
def test_an_answer_can_be_read_whatever_is_in_it(hits: list[tuple[str, str, str, int]]) -> None:
    answer: Any = xmlrpc.client.loads(format_search_answer(SearchHit(*hit) for hit in hits))[0][0]
    assert [hit["_pypi_ordering"] for hit in answer] == [hit[3] for hit in hits]


def test_a_fault_is_one() -> None:
    with pytest.raises(xmlrpc.client.Fault, match="no <way>"):
        xmlrpc.client.loads(format_fault("no <way>\0"))
