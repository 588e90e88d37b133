import pytest

from pannier.formats.pack_forms import FORMS, form_of
from pannier.model.errors import UsageError


@pytest.mark.parametrize(
    ("filename", "name", "codec"),
    [
        ("a.tar.gz", "tar", "gzip"),
        ("dir/a.tgz", "tar", "gzip"),
        ("a.b.tar.zst", "tar", "zstd"),
        ("A.TAR.ZST", "tar", "zstd"),
        ("a.tzst", "tar", "zstd"),
    ],
)
def test_the_name_tells_the_form(filename: str, name: str, codec: str) -> None:
    assert (form_of(filename).name, form_of(filename).codec) == (name, codec)


@pytest.mark.parametrize("filename", ["a.zip", "a.gz", "a", "tar.gz.old", ""])
def test_a_name_that_tells_nothing_is_refused_with_the_names_that_do(filename: str) -> None:
    with pytest.raises(UsageError) as caught:
        form_of(filename)
    assert all(suffix in str(caught.value.facts["known"]) for form in FORMS for suffix in form.suffixes)
    assert caught.value.code == "pack-suffix"
