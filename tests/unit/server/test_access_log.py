"""Lines of the access log are one line each, whatever clients send."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from pannier.server.access_log import format_common, format_json, user_of
from pannier.server.messages import Request


def request_with(path: str = "/", query: str = "", agent: str = "pip/25", user: bytes = b"") -> Request:
    headers = {"user-agent": agent}
    if user:
        headers["authorization"] = "Basic " + base64.b64encode(user + b":secret").decode()
    return Request("GET", path, query, headers, peer="10.0.0.1")


def test_a_line_says_who_asked_what_and_what_came_of_it() -> None:
    line = format_common(request_with("/simple/a b/", "x=1", user=b"ada"), 200, 12, 0.0123)
    assert line.startswith("10.0.0.1 - ada [")
    assert line.endswith('] "GET /simple/a%20b/?x=1 HTTP/1.1" 200 12 "-" "pip/25" 12.3ms\n')


def test_json_has_the_same() -> None:
    fields = json.loads(format_json(request_with("/simple/", user=b"ada"), 404, 0, 0.5))
    assert (fields["path"], fields["status"], fields["user"], fields["seconds"]) == (
        "/simple/",
        404,
        "ada",
        0.5,
    )


@given(st.text(), st.text(), st.text(), st.binary())
def test_nothing_that_is_sent_ends_a_line(path: str, query: str, agent: str, user: bytes) -> None:
    request = request_with(path, query, agent, user)
    for form in (format_common, format_json):
        line = form(request, 200, 0, 0.1)
        assert line.count("\n") == 1
        assert line.isprintable() or line[:-1].isprintable()
    assert " " not in user_of(request)


def test_credentials_that_are_none_are_nobody() -> None:
    assert user_of(Request("GET", "/", headers={"authorization": "Basic !!"})) == ""
    assert user_of(Request("GET", "/", headers={"authorization": "Bearer x"})) == ""
