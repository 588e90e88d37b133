import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.imports.text.reading import LARGEST_SOURCE, parse_source, read_source
from pannier.imports.text.source import SourceText, decode_source


def _codes(reading):
    return [problem.code for problem in reading.problems]


@pytest.mark.parametrize(
    "content",
    [
        b"# -*- coding: latin-1 -*-\nname = '\xe9'\nimport numpy\n",
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nname = '\xe9'\nimport numpy\n",
        codecs.BOM_UTF8 + "name = 'é'\nimport numpy\n".encode(),
        codecs.BOM_UTF16_LE + "name = 'é'\nimport numpy\n".encode("utf-16-le"),
        "name = 'é'\nimport numpy\n".encode(),
        "name = 'é'\r\nimport numpy\r\n".encode(),
        "name = 'é'\rimport numpy\r".encode(),
    ],
)
def test_every_declared_encoding_is_read_without_complaint(content):
    reading = parse_source(content, "x.py")
    assert not reading.problems
    assert reading.source is not None
    assert reading.source.text.splitlines()[-2:] == ["name = 'é'", "import numpy"]


def test_bytes_that_no_encoding_explains_are_reported_with_their_line_and_read_all_the_same():
    reading = parse_source(b"import numpy\nname = '\xe9'\n", "x.py")
    assert reading.source is not None
    assert reading.source.text.startswith("import numpy")
    assert [(str(problem.location), problem.code) for problem in reading.problems] == [
        ("x.py:2", "source-encoding")
    ]


def test_an_unknown_coding_cookie_is_reported_and_read_all_the_same():
    text, problems = decode_source(b"# coding: martian\nimport numpy\n", "x.py")
    assert text is not None
    assert "import numpy" in text
    assert "martian" in problems[0].message


def test_a_cookie_after_code_does_not_count():
    text, problems = decode_source(b"x = 1\n# coding: latin-1\ny = '\xc3\xa9'\n", "x.py")
    assert text is not None
    assert "é" in text
    assert not problems


def test_binary_data_is_refused():
    assert _codes(parse_source(b"\x7fELF\x00\x00", "x.py")) == ["source-unreadable"]


def test_a_huge_file_is_refused_without_reading_all_of_it(tmp_path):
    path = tmp_path / "data.py"
    with path.open("wb") as stream:
        stream.truncate(LARGEST_SOURCE * 5)
    assert _codes(read_source(str(path))) == ["source-unreadable"]


def test_a_missing_file_and_a_directory_are_problems_and_no_exceptions(tmp_path):
    assert _codes(read_source(str(tmp_path / "none.py"))) == ["source-unreadable"]
    assert _codes(read_source(str(tmp_path))) == ["source-unreadable"]


def test_a_line_of_a_plain_source_is_where_it_is():
    assert str(SourceText("a.py", "x\n").locate(3, 5)) == "a.py:3"


@given(st.binary(max_size=300), st.sampled_from(["x.py", "x.ipynb"]))
def test_no_bytes_make_reading_fail(content, path):
    reading = parse_source(content, path)
    assert reading.source is not None or reading.problems
