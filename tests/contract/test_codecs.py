"""What every codec of a pack must do, judged by the programs that everybody has."""

import gzip
import hashlib
import io
import shutil
import subprocess
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.frames import Codec, FrameWriter, store_frame, stored_frame_size
from pannier.pack import reader

CODECS: tuple[Codec, ...] = ("gzip", "zstd")
_PROGRAMS = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def compress(
    data: bytes, codec: Codec, *, is_large: bool = False, step: int = 1 << 30
) -> tuple[bytes, FrameWriter]:
    stream = io.BytesIO()
    writer = FrameWriter(stream, codec, is_large=is_large)
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
    writer.close()
    return stream.getvalue(), writer


def decompress(data: bytes, codec: Codec) -> bytes:
    return b"".join(reader.decompress(codec, iter([data])))


def by_program(data: bytes, codec: Codec) -> bytes:
    command = _PROGRAMS[codec]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=4096))
def test_frames_hold_what_was_written(codec: Codec, data: bytes) -> None:
    assert decompress(compress(data, codec)[0], codec) == data
    assert decompress(store_frame(data, codec), codec) == data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [0, 1, 0xFFFF, 0x10000, 1 << 17, (1 << 17) + 1, 700_000])
def test_the_usual_program_reads_stored_and_compressed_frames_end_to_end(codec: Codec, size: int) -> None:
    data = (hashlib.sha256(b"seed").digest() * (size // 32 + 1))[:size]
    stored = store_frame(data, codec)
    assert len(stored) == stored_frame_size(size, codec)
    assert (
        by_program(stored + compress(data, codec)[0] + store_frame(b"end", codec), codec)
        == data + data + b"end"
    )


@pytest.mark.parametrize("codec", CODECS)
def test_stored_text_stands_readable_in_the_frame(codec: Codec) -> None:
    assert b"\npannier-pack 1 abc\n" in store_frame(b"header\npannier-pack 1 abc\n", codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("is_large", [False, True])
def test_the_same_content_gives_the_same_frame_however_it_is_written(codec: Codec, is_large: bool) -> None:
    data = b"".join(
        hashlib.sha256(number.to_bytes(4, "big")).hexdigest().encode() for number in range(120_000)
    )
    whole, _ = compress(data, codec, is_large=is_large)
    assert whole == compress(data, codec, is_large=is_large)[0]
    assert decompress(whole, codec) == data
    pieces, _ = compress(data, codec, is_large=is_large, step=10_007)
    assert decompress(pieces, codec) == data
    assert pieces == compress(data, codec, is_large=is_large, step=10_007)[0]


@pytest.mark.parametrize("codec", CODECS)
def test_sizes_and_digests_are_those_of_frame_and_content(codec: Codec) -> None:
    data = b"some text " * 300_000
    frame, writer = compress(data, codec, step=65_536)
    assert (writer.size, writer.content_size) == (len(frame), len(data))
    assert writer.sha256 == hashlib.sha256(frame).hexdigest()
    assert writer.content_sha256 == hashlib.sha256(data).hexdigest()
    assert len(frame) < len(data) / 100


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=10)
@given(parts=st.lists(st.binary(max_size=200), max_size=6))
def test_frames_end_to_end_read_as_one_stream(codec: Codec, parts: list[bytes]) -> None:
    frames = b"".join(compress(part, codec)[0] for part in parts)
    assert by_program(frames + store_frame(b"", codec), codec) == b"".join(parts)


@pytest.mark.parametrize("codec", CODECS)
def test_threads_that_write_frames_do_not_disturb_each_other(codec: Codec) -> None:
    contents = [bytes([number]) * 3_000_000 for number in range(4)]
    frames: dict[int, bytes] = {}

    def write(number: int) -> None:
        frames[number] = compress(contents[number], codec)[0]

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [decompress(frames[number], codec) for number in range(4)] == contents


def test_a_gzip_frame_names_no_time_and_no_file() -> None:
    frame, _ = compress(b"x", "gzip")
    assert frame[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    assert gzip.decompress(frame) == b"x"
