from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pannier.formats.script_metadata import parse_script_metadata
from pannier.model.errors import SpecError

# The example of the standard.
EXAMPLE = """\
#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///

import requests
"""


@pytest.mark.parametrize("text", [EXAMPLE, EXAMPLE.replace("\n", "\r\n")])
def test_the_standards_example_is_read(text: str) -> None:
    spec = parse_script_metadata(text, filename="s.py")
    assert spec is not None
    assert spec.requirements == ("requests<3", "rich")
    assert spec.python == ">=3.11"


def test_a_script_without_a_block_has_none() -> None:
    assert parse_script_metadata("import os\n# /// other\n# a = 1\n# ///\n", filename="s.py") is None
    assert parse_script_metadata("# /// script\n# never closed\nimport os\n", filename="s.py") is None


def test_two_blocks_are_an_error_that_names_both() -> None:
    block = "# /// script\n# dependencies = []\n# ///\n"
    with pytest.raises(SpecError) as caught:
        parse_script_metadata(block + "\n" + block, filename="s.py")
    assert caught.value.facts["blocks"] == ["s.py:1", "s.py:5"]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("# dependencies = [", "line"),
        ('# dependencies = ["!", 1]\n# require = 1', "dependencies[0]"),
        ('# requires-python = "new"', "requires-python"),
    ],
)
def test_a_broken_block_is_told(content: str, fact: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_script_metadata(f"# /// script\n{content}\n# ///\n", filename="s.py")
    assert fact in str(caught.value.facts)


@settings(deadline=None)
@given(st.text(alphabet='# /script\n=[]"ab', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SpecError):
        parse_script_metadata("# /// script\n" + text + "\n# ///\n", filename="s.py")
