import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.pack_head import PackHead, format_head, parse_head
from pannier.model.errors import CorruptPackError

word = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)
number = st.integers(min_value=0, max_value=10**14)
line = st.lists(word, min_size=1, max_size=3).map(" ".join)
digest = st.text("0123456789abcdef", min_size=64, max_size=64)
heads = st.builds(
    PackHead,
    pack_id=digest,
    name=line,
    system=word,
    architecture=word,
    libc_family=word,
    libc_version=word,
    implementation=word,
    python_version=word,
    origin=st.sampled_from(["inside", "host"]),
    executable=line,
    program=st.just("") | word,
    manifest_offset=number,
    manifest_size=number,
    bootstrap_offset=number,
    bootstrap_size=number,
    bootstrap_sha256=digest,
    unpacked_size=number,
    unpacked_files=number,
)

EXAMPLE = PackHead(
    pack_id="ab" * 32,
    name="weather",
    system="linux",
    architecture="x86_64",
    libc_family="glibc",
    libc_version="2.28",
    implementation="cpython",
    python_version="3.11.7",
    origin="inside",
    executable="bin/python3.11",
    program="weather",
    manifest_offset=1100,
    manifest_size=2200,
    bootstrap_offset=3300,
    bootstrap_size=4400,
    bootstrap_sha256="cd" * 32,
    unpacked_size=5500,
    unpacked_files=66,
)
TEXT = f"""
pannier-pack 1 {"ab" * 32}
name weather
system linux x86_64 glibc 2.28
python cpython 3.11.7 inside bin/python3.11
program weather
manifest 1100 2200
bootstrap 3300 4400 {"cd" * 32}
unpacked 5500 66
end
"""


def test_the_lines_are_those_of_the_reference() -> None:
    assert format_head(EXAMPLE) == TEXT.encode()
    assert parse_head(TEXT.encode()) == EXAMPLE


def test_no_program_means_no_line() -> None:
    assert b"program" not in format_head(dataclasses.replace(EXAMPLE, program=""))


@given(head=heads)
def test_every_head_is_read_back_as_it_was(head: PackHead) -> None:
    assert parse_head(format_head(head)) == head


def test_another_format_version_is_refused_by_its_number() -> None:
    with pytest.raises(CorruptPackError, match="format version 2"):
        parse_head(TEXT.replace("pannier-pack 1", "pannier-pack 2").encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\nend\n",
        TEXT[1:],
        TEXT.replace("end\n", ""),
        TEXT.replace("1100", "-1"),
        TEXT.replace("inside", "beside"),
        TEXT.replace("name weather", "name weather\nname again"),
        TEXT.replace("ab", "zz"),
        TEXT.replace("bootstrap 3300 ", "bootstrap "),
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(CorruptPackError):
        parse_head(text.encode())


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(CorruptPackError):
        parse_head(b"\n" + data)
