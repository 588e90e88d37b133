import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.server.uploads.distributions import (
    sdist_files,
    sdist_of,
    streamed_zip_of,
    tar_of,
    wheel_files,
    zip_of,
)

from pannier.model.errors import DistributionError
from pannier.server.uploads import zip_archives
from pannier.server.uploads.inspection import (
    Inspected,
    inspect_distribution,
    is_same_version,
    parse_upload_name,
)

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"
Inspect = Callable[..., Inspected]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Inspects bytes as if they had been uploaded."""

    def inspect(data: bytes, filename: str, **form: str) -> Inspected:
        path = tmp_path / "incoming"
        path.write_bytes(data)
        return inspect_distribution(path, filename, **form)

    return inspect


def code_of(inspect: Inspect, data: bytes, filename: str, **form: str) -> str:
    """The code of the error that refuses."""
    with pytest.raises(DistributionError) as refused:
        inspect(data, filename, **form)
    return refused.value.code


def test_a_wheel_is_taken_and_its_metadata_read(inspect: Inspect) -> None:
    for archive in (
        zip_of(wheel_files()),
        zip_of(wheel_files(), zipfile.ZIP_STORED),
        streamed_zip_of(wheel_files()),
    ):
        found = inspect(archive, WHEEL, name="Demo", version="1.0.0")
        assert (found.name.project, found.fields.version) == ("demo", "1.0")
        assert found.metadata == wheel_files()["demo-1.0.dist-info/METADATA"]


@pytest.mark.parametrize(
    ("filename", "pack"),
    [
        ("demo-1.0.tar.gz", gzip.compress),
        ("demo-1.0.tgz", gzip.compress),
        ("demo-1.0.tar.bz2", bz2.compress),
        ("demo-1.0.tar.xz", lzma.compress),
        ("demo-1.0.tar", bytes),
    ],
)
def test_an_sdist_is_taken_however_it_is_compressed(
    inspect: Inspect, filename: str, pack: Callable[[bytes], bytes]
) -> None:
    assert inspect(pack(tar_of(sdist_files())), filename).fields.name == "demo"


def test_old_kinds_are_taken_where_they_are_what_they_are_named(inspect: Inspect) -> None:
    metadata = b"Metadata-Version: 1.0\nName: demo\nVersion: 1.0\n"
    assert inspect(zip_of(sdist_files()), "demo-1.0.zip").fields.version == "1.0"
    assert inspect(zip_of({"EGG-INFO/PKG-INFO": metadata}), "demo-1.0-py2.7.egg").metadata == metadata
    assert inspect(b"MZ\x90\0", "demo-1.0.win32-py2.7.exe").metadata is None
    assert code_of(inspect, b"PK\x03\x04", "demo-1.0.win32-py2.7.exe") == "not-an-archive"
    assert code_of(inspect, b"\x1f\x9d\x90", "demo-1.0.tar.Z") == "not-an-archive"


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b", b"\0" * 2048, b"PK\x05\x06" + b"\0" * 18]
)
@pytest.mark.parametrize("filename", [WHEEL, SDIST, "demo-1.0.zip", "demo-1.0.tar"])
def test_what_is_no_archive_is_refused(inspect: Inspect, data: bytes, filename: str) -> None:
    with pytest.raises(DistributionError):
        inspect(data, filename)


def test_a_file_that_is_a_zip_and_a_tar_is_refused_whichever_comes_first(inspect: Inspect) -> None:
    zipped, packed = zip_of(wheel_files()), tar_of(sdist_files())
    for both in (packed + zipped, zipped + packed):
        for filename in (WHEEL, SDIST, "demo-1.0.zip", "demo-1.0.tar"):
            with pytest.raises(DistributionError):
                inspect(both, filename)
    assert code_of(inspect, sdist_of(sdist_files()) + zip_of(sdist_files()), SDIST) == "archive-ambiguous"
    assert code_of(inspect, packed + zipped, "demo-1.0.tar") == "archive-ambiguous"


def test_a_zip_whose_first_member_is_a_tar_header_is_refused(inspect: Inspect) -> None:
    # What is stored first can have a tar's checksum in the place where a tar has it.
    files = {"x" * 100: b"\0" * 600, **wheel_files()}
    data = bytearray(zip_of(files, zipfile.ZIP_STORED))
    block = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\0 " % sum(block)
    assert code_of(inspect, bytes(data), WHEEL) == "archive-ambiguous"


def test_nothing_may_lie_around_or_between_the_members_of_a_zip(inspect: Inspect) -> None:
    good = zip_of(wheel_files())
    for bad in (b"#!/bin/sh\n" + good, good + b"\n", good[:-2] + b"\1\0x", good[: len(good) // 2]):
        with pytest.raises(DistributionError):
            inspect(bad, WHEEL)


def test_a_member_named_in_two_ways_is_refused(inspect: Inspect) -> None:
    data = zip_of(wheel_files())
    assert (
        code_of(inspect, data.replace(b"demo/__init__.py", b"evil/__init__.py", 1), WHEEL)
        == "archive-ambiguous"
    )


def test_a_member_that_is_there_twice_is_refused(inspect: Inspect) -> None:
    files = wheel_files()
    data = zip_of({**files, "demo-1.0.dist-info/METADATB": files["demo-1.0.dist-info/METADATA"]})
    assert code_of(inspect, data.replace(b"METADATB", b"METADATA"), WHEEL) == "archive-ambiguous"


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "/etc/passwd",
        "a/../../b",
        "..\\evil",
        "\\evil",
        "C:\\evil",
        "c:evil",
        "a\nb",
        "a/\x7f",
        "x" * 5000,
    ],
)
def test_a_member_whose_name_leads_elsewhere_is_refused(inspect: Inspect, path: str) -> None:
    assert code_of(inspect, zip_of({**wheel_files(), path: b""}), WHEEL) == "archive-escapes"
    assert code_of(inspect, sdist_of({**sdist_files(), path: b""}), SDIST) == "archive-escapes"


def test_a_name_with_a_nul_is_refused(inspect: Inspect) -> None:
    data = zip_of({**wheel_files(), "evil.py.txt": b""})
    assert code_of(inspect, data.replace(b"evil.py.txt", b"evil.py\0txt"), WHEEL) == "archive-escapes"


@pytest.mark.parametrize(
    ("kind", "target", "is_refused"),
    [
        (tarfile.SYMTYPE, "../../etc/passwd", True),
        (tarfile.SYMTYPE, "/etc/passwd", True),
        (tarfile.LNKTYPE, "../x", True),
        (tarfile.FIFOTYPE, "", True),
        (tarfile.CHRTYPE, "", True),
        (tarfile.SYMTYPE, "../demo-1.0/setup.py", False),
        (tarfile.LNKTYPE, "demo-1.0/setup.py", False),
        (tarfile.DIRTYPE, "", False),
    ],
)
def test_links_out_of_an_sdist_and_devices_in_it_are_refused(
    inspect: Inspect, kind: bytes, target: str, is_refused: bool
) -> None:
    member = tarfile.TarInfo("demo-1.0/link")
    member.type, member.linkname = kind, target
    data = sdist_of(sdist_files(), member)
    if is_refused:
        assert code_of(inspect, data, SDIST) == "archive-escapes"
    else:
        assert inspect(data, SDIST)


def test_an_archive_that_becomes_unreasonably_more_is_refused(inspect: Inspect) -> None:
    member = tarfile.TarInfo("demo-1.0/zeros")
    member.size = 300 << 20
    header = member.tobuf()
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(tar_of(sdist_files())[:2048] + header)
    bomb += b"".join(packer.compress(bytes(1 << 20)) for _ in range(301)) + packer.flush()
    assert len(bomb) < 1 << 20
    assert code_of(inspect, bomb, SDIST) == "archive-too-large"
    # The directory of a zip tells; it may lie, but then less is read than it tells.
    data = bytearray(zip_of(wheel_files()))
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<L", 300 << 20)
    assert code_of(inspect, bytes(data), WHEEL) == "archive-too-large"


def test_members_that_share_their_bytes_are_refused(inspect: Inspect) -> None:
    data = bytearray(zip_of({**wheel_files(), "a": b"x", "b": b"x"}))
    second = data.rindex(b"PK\x01\x02")
    first = data.rindex(b"PK\x01\x02", 0, second)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    assert code_of(inspect, bytes(data), WHEEL) == "archive-damaged"


def test_an_archive_of_very_many_members_is_refused(
    inspect: Inspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_archives, "_MAX_MEMBERS", 3)
    assert code_of(inspect, zip_of(wheel_files()), WHEEL) == "archive-too-large"


def test_a_large_zip_is_read(inspect: Inspect) -> None:
    assert inspect(zip_of({f"demo/{number}": b"" for number in range(70_000)} | wheel_files()), WHEEL)


@pytest.mark.parametrize("left_out", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_lacks_none_of_its_own_files(inspect: Inspect, left_out: str) -> None:
    files = {path: data for path, data in wheel_files().items() if not path.endswith(left_out)}
    assert code_of(inspect, zip_of(files), WHEEL) == "archive-incomplete"


def test_a_distribution_without_metadata_or_with_two_is_refused(inspect: Inspect) -> None:
    assert code_of(inspect, sdist_of({"demo-1.0/setup.py": b""}), SDIST) == "archive-incomplete"
    assert code_of(inspect, zip_of({"demo.py": b""}), WHEEL) == "archive-incomplete"
    assert code_of(inspect, zip_of(wheel_files() | wheel_files("other")), WHEEL) == "archive-incomplete"
    nameless = wheel_files(metadata="Metadata-Version: 2.1\nVersion: 1.0\n")
    assert code_of(inspect, zip_of(nameless), WHEEL) == "archive-incomplete"


@pytest.mark.parametrize("metadata", ["Name: other\nVersion: 1.0\n", "Name: demo\nVersion: 2.0\n"])
def test_name_version_metadata_and_form_must_agree(inspect: Inspect, metadata: str) -> None:
    assert code_of(inspect, zip_of(wheel_files(metadata=metadata)), WHEEL) == "distribution-mismatch"
    assert code_of(inspect, zip_of(wheel_files()), WHEEL, name="other") == "distribution-mismatch"
    assert code_of(inspect, zip_of(wheel_files()), WHEEL, version="1.1") == "distribution-mismatch"
    assert code_of(inspect, zip_of(wheel_files("other")), WHEEL) == "distribution-mismatch"


@given(st.data())
def test_a_damaged_archive_is_refused_or_read_and_nothing_else_happens(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    filename = data.draw(st.sampled_from([WHEEL, SDIST, "demo-1.0.tar", "demo-1.0.zip"]))
    good = {
        WHEEL: zip_of(wheel_files()),
        SDIST: sdist_of(sdist_files()),
        "demo-1.0.tar": tar_of(sdist_files()),
        "demo-1.0.zip": zip_of(sdist_files()),
    }[filename]
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(broken)
    try:
        found = inspect_distribution(path, filename)
    except DistributionError:
        return
    assert found.name.project == "demo"


@given(
    st.text(max_size=60)
    | st.from_regex(r"[.a-z/\\%\0-]*demo-1[.]0(-py3-none-any[.]whl|[.]tar[.]gz)[\n\0a-z]*")
)
def test_a_name_that_is_taken_is_a_plain_name(filename: str) -> None:
    try:
        name = parse_upload_name(filename)
    except DistributionError:
        return
    assert Path(filename).name == filename
    assert not filename.startswith(".")
    assert filename.isascii()
    assert filename.isprintable()
    assert name.version


@pytest.mark.parametrize(
    "filename",
    [
        "", ".", "..", "demo", "demo.whl", "demo-1.0.whl", "demo-1.0.txt", ".demo-1.0.tar.gz",
        "../demo-1.0.tar.gz", "/demo-1.0.tar.gz", "a\\demo-1.0.tar.gz", "demo-1.0%2f..tar.gz",
        "demo-1.0\0.tar.gz", "demo-1.0\r\nX: y.tar.gz", "démo-1.0.tar.gz", "demo\u2215-1.0.tar.gz",
        "demo 1.0.tar.gz", "con:-1.0.tar.gz", "d" * 300 + "-1.0.tar.gz", "<script>-1.0.tar.gz",
    ],
)  # fmt: skip
def test_a_name_that_is_a_path_or_no_distributions_is_refused(filename: str) -> None:
    with pytest.raises(DistributionError):
        parse_upload_name(filename)


def test_versions_are_compared_as_installers_do() -> None:
    assert is_same_version("1.0", "1.0.0")
    assert is_same_version("1.0-1", "1.0.post1")
    assert is_same_version("2004d_x", "2004d-X")
    assert not is_same_version("1.0", "1.0+local")
    assert not is_same_version("x", "y")
