"""The XML-RPC call `search` of old pips, and its answer.

Documents are untrusted: one with a document type, and so one with entities, is refused where that begins.
"""

import xmlrpc.client
from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.parsers import expat

from pannier.model.errors import RequestError

MAX_SIZE = 64 * 1024
"""Bytes that a call may have."""


class SearchCall(NamedTuple):
    """What to search for.

    Attributes:
        words: Each looked for in names and summaries; none for everything.
    """

    words: tuple[str, ...]


class SearchHit(NamedTuple):
    """A project found.

    Attributes:
        name: As the project writes it.
        version: The newest.
        summary: One line on what it is.
        rank: Larger for what fits better.
    """

    name: str
    version: str
    summary: str
    rank: int


class MethodError(RequestError):
    """A call of something that cannot be called here."""

    default_code = "no-such-method"


def parse_search_call(data: bytes) -> SearchCall:
    """Read a call.

    Raises:
        RequestError: It is no call that can be read.
        MethodError: It calls another method than `search`.
    """
    method, parameters = _parse_call(data)
    if method != "search":
        raise MethodError(f"there is no method `{method[:100]}` here", facts={"methods": "search"})
    return SearchCall(tuple(dict.fromkeys(_words(parameters[0] if parameters else {}))))


def _words(wanted: Any) -> Iterable[str]:
    """Words of the fields `name` and `summary`, which pip fills alike; each is a text or a list of them."""
    values = (
        [wanted.get(field, ()) for field in ("name", "summary")] if isinstance(wanted, dict) else [wanted]
    )
    for value in values:
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str):
                yield from text.split()


def _parse_call(data: bytes) -> tuple[str, list[Any]]:
    if len(data) > MAX_SIZE:
        raise RequestError(f"the call has more than {MAX_SIZE} bytes", code="bad-call")
    unmarshaller = xmlrpc.client.Unmarshaller(use_builtin_types=True)
    unmarshaller.xml(None, None)  # type: ignore[arg-type]  # its texts come decoded
    parser = expat.ParserCreate()
    parser.StartElementHandler = unmarshaller.start
    parser.EndElementHandler = unmarshaller.end
    parser.CharacterDataHandler = unmarshaller.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
        parameters = list(unmarshaller.close())
    except RequestError:
        raise
    except Exception as error:  # noqa: BLE001 - the library trips over wrong documents in many ways
        raise RequestError(
            "the call cannot be read", code="bad-call", facts={"reason": str(error)[:200]}
        ) from None
    return unmarshaller.getmethodname() or "", parameters


def _refuse_doctype(*_: object) -> None:
    raise RequestError("a call has no document type, and no entities", code="bad-call")


def format_search_answer(hits: Iterable[SearchHit]) -> bytes:
    """Write what was found, best first."""
    value = [
        {
            "name": _clean(hit.name),
            "version": _clean(hit.version),
            "summary": _clean(hit.summary),
            "_pypi_ordering": hit.rank,
        }
        for hit in hits
    ]
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


def format_fault(message: str, code: int = 1) -> bytes:
    """Write that a call failed."""
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, _clean(message))).encode()


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return "".join(
        one if one >= " " and one not in "\x7f\ufffe\uffff" and not "\ud800" <= one <= "\udfff" else " "
        for one in text
    )
