from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.pack_head import PackHead, format_head
from pannier.runtime.head import parse_head

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
    executable=st.sampled_from(["bin/python3", "bin/python3.11"]),
    program=st.just("") | word.filter(lambda name: "/" not in name and not name.startswith(("-", "."))),
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


def test_no_program_means_no_line() -> None:
    assert b"program" not in format_head(EXAMPLE._replace(program=""))


@given(head=heads)
def test_what_travels_reads_every_head_back(head: PackHead) -> None:
    found = parse_head(format_head(head))
    assert (found.id, found.name, found.program) == (head.pack_id, head.name, head.program)
    assert (found.system, found.machine) == (head.system, head.architecture)
    assert (found.libc_family, found.libc_version) == (head.libc_family, head.libc_version)
    assert (found.implementation, found.python_version) == (head.implementation, head.python_version)
    assert (found.origin, found.executable) == (head.origin, head.executable)
    assert found.manifest == (head.manifest_offset, head.manifest_size)
    assert found.bootstrap == (head.bootstrap_offset, head.bootstrap_size)
    assert found.bootstrap_sha256 == head.bootstrap_sha256
    assert (found.unpacked_bytes, found.unpacked_files) == (head.unpacked_size, head.unpacked_files)
