"""File names of distributions, old and odd ones too, are taken apart as indexes always have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.distribution_names import is_distribution, is_project_name, parse_distribution_filename


@pytest.mark.parametrize(
    ("filename", "name", "version", "kind"),
    [
        ("Demo_Pkg-1.0-py3-none-any.whl", "Demo_Pkg", "1.0", "wheel"),
        ("demo-1.0-1-py2.py3-none-any.whl", "demo", "1.0", "wheel"),
        ("demo-1.0+local_1-cp311-cp311-linux_x86_64.whl", "demo", "1.0+local-1", "wheel"),
        ("my-lib-1.0-py3-none-any.whl", "my-lib", "1.0", "wheel"),
        ("demo-1!2.0.tar.gz", "demo", "1!2.0", "sdist"),
        ("pytz-2012b.tar.bz2", "pytz", "2012b", "sdist"),
        ("pytz-2012b.ZIP", "pytz", "2012b", "sdist"),
        ("pytz-2012b.tar.Z", "pytz", "2012b", "sdist"),
        ("foo-123456789.tar.gz", "foo", "123456789", "sdist"),
        ("package-20000101.zip", "package", "20000101", "sdist"),
        ("A100-200-XYZ-1.2.3.zip", "A100-200-XYZ", "1.2.3", "sdist"),
        ("package-v1-8.1.301.ga0df26f.zip", "package-v1", "8.1.301.ga0df26f", "sdist"),
        ("package-1.0.0-alpha.1.zip", "package", "1.0.0-alpha.1", "sdist"),
        ("flup-1.0.3.dev-20110405.tar.gz", "flup", "1.0.3.dev-20110405", "sdist"),
        ("python-3parclient-1.0.tar.gz", "python-3parclient", "1.0", "sdist"),
        ("zope-3d-1.0.tar.gz", "zope-3d", "1.0", "sdist"),
        ("demo-1.x-2.y.tar.gz", "demo", "1.x-2.y", "sdist"),
        ("foo.tar.gz", "foo", "", "sdist"),
        ("greenlet-0.3.4-py3.1-win-amd64.egg", "greenlet", "0.3.4", "egg"),
        ("greenlet-0.3.4-py2.7-linux-x86_64.egg", "greenlet", "0.3.4", "egg"),
        ("gevent-1.0b1.win32-py2.6.exe", "gevent", "1.0b1", "other"),
        ("gevent-1.0b1.win-amd64-py2.7.msi", "gevent", "1.0b1", "other"),
    ],
)
def test_a_name_is_taken_apart(filename: str, name: str, version: str, kind: str) -> None:
    assert parse_distribution_filename(filename) == (name, version, kind)


@pytest.mark.parametrize(
    "filename",
    [
        "README.md",
        "demo-1.0.whl",
        "-1.0.tar.gz",
        ".tar.gz",
        "demo.whl",
        "d\u00e9mo-1.0.tar.gz",
        "a/b-1.0.zip",
        "",
    ],
)
def test_what_is_no_distribution_is_none(filename: str) -> None:
    assert parse_distribution_filename(filename) is None


@given(st.text(max_size=60), st.sampled_from(["", ".whl", ".tar.gz", ".zip", ".egg", ".exe"]))
def test_any_text_is_a_distribution_with_a_usable_name_or_none(stem: str, suffix: str) -> None:
    found = parse_distribution_filename(stem + suffix)
    if found is not None:
        assert is_distribution(stem + suffix)
        assert is_project_name(found.name)
        assert "/" not in found.project
