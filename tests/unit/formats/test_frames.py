import pytest

from pannier.formats.frames import codec_of
from pannier.model.errors import UsageError


@pytest.mark.parametrize(
    ("filename", "codec"),
    [
        ("a.tar.gz", "gzip"),
        ("dir/a.tgz", "gzip"),
        ("a.b.tar.zst", "zstd"),
        ("A.TAR.ZST", "zstd"),
        ("a.tzst", "zstd"),
    ],
)
def test_the_name_tells_the_codec(filename: str, codec: str) -> None:
    assert codec_of(filename) == codec


@pytest.mark.parametrize("filename", ["a.zip", "a.gz", "a", "tar.gz.old", ""])
def test_a_name_that_tells_nothing_is_refused_with_the_names_that_do(filename: str) -> None:
    with pytest.raises(UsageError) as caught:
        codec_of(filename)
    assert ".tar.zst" in str(caught.value.facts["known"])
    assert caught.value.code == "pack-suffix"
