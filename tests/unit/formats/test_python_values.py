"""Values are read from source without running it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.python_values import ImportedName, find_setup_call, find_text


@pytest.mark.parametrize(
    "source",
    [
        "__version__ = '1.2.0'",
        "__version__: str = '1.2.0'",
        "__version__ = version = '1.2.0'",
        "MAJOR = '1'\n__version__ = MAJOR + '.2' + '.0'",
        "minor = 2\n__version__ = f'1.{minor}.0'",
        "VERSION = (1, 2, 0)\n__version__ = '.'.join(map(str, VERSION))",
        "VERSION = (1, 2, 0)\n__version__ = '.'.join(str(n) for n in VERSION)",
        "\ufeff__version__ = '1.2.0'",
        "'\\d'\nimport nothing_that_exists\nraise SystemExit\n__version__ = '1.2.0'",
    ],
)
def test_what_stands_in_the_file_is_read(source: str) -> None:
    assert find_text(source, "__version__") == "1.2.0"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "__version__ = version('particle')",
        "__version__ = '1.2.0'\n__version__ += '.dev'",
        "if x:\n    __version__ = '1.2.0'",
        "__version__ = '1.1'\n__version__ = '1.2'",
        "__version__ = __version__",
        "print 'Python 2'\n__version__ = '1.2.0'",
    ],
)
def test_what_only_running_tells_is_not_guessed(source: str) -> None:
    assert find_text(source, "__version__") is None


def test_a_name_from_another_module_says_which() -> None:
    assert find_text("from ._version import version as __version__", "__version__") == ImportedName(
        "._version", "version"
    )
    assert find_text("class About:\n    version = '1.2'", "About.version") == "1.2"


def test_a_setup_call_is_read_keyword_by_keyword() -> None:
    call = find_setup_call(
        "from setuptools import setup, find_packages\n"
        "from particle import __version__\nimport meta.about as about\n"
        "NAME = 'particle'\n"
        "setup(name=NAME, version=__version__, author=about.author, python_requires='>=3.6',\n"
        "      long_description=open('README').read(), **dict(license='MIT'))\n"
    )
    assert call is not None
    assert call.texts == {"name": "particle", "python_requires": ">=3.6", "license": "MIT"}
    assert call.imported == {
        "version": ImportedName("particle", "__version__"),
        "author": ImportedName("meta.about", "author"),
    }
    assert call.open == {"long_description"}


def test_a_mapping_that_stands_in_the_file_is_followed_and_another_is_said_to_be_open() -> None:
    call = find_setup_call(
        "import setuptools\nkw = {'name': 'x', 'version': '1'}\nsetuptools.setup(**kw, **more())"
    )
    assert call is not None
    assert call.texts == {"name": "x", "version": "1"}
    assert call.open == {"**"}


def test_a_setup_call_inside_a_function_is_found() -> None:
    call = find_setup_call("import setuptools\ndef main():\n    setuptools.setup(name='x')\nmain()\n")
    assert call is not None
    assert call.texts == {"name": "x"}


@pytest.mark.parametrize("source", ["", "setup = 1", "print 'Python 2'", "other(name='x')"])
def test_without_a_call_to_be_seen_there_is_none(source: str) -> None:
    assert find_setup_call(source) is None


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30))
def test_any_text_comes_back_as_it_was_written(text: str) -> None:
    assert find_text(f"x = {text!r}\n__version__ = x", "__version__") == text or text == ""


@given(st.text(max_size=200))
def test_no_source_at_all_breaks_it(source: str) -> None:
    find_text(source, "__version__")
    find_setup_call(source)
