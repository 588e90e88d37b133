import json
from pathlib import Path

import pytest

from pannier.cli.envelope import as_data, format_success
from pannier.model.analysis import Location


def test_values_become_what_json_can_hold() -> None:
    value = {
        "place": Location(path="a", line=1),
        "path": Path("x"),
        "set": {"b", "a"},
        "none": None,
        1: (True, 2.5),
    }
    assert as_data(value) == {
        "place": {"path": "a", "line": 1, "column": 1},
        "path": "x",
        "set": ["a", "b"],
        "none": None,
        "1": [True, 2.5],
    }


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        as_data({"x": b""})


def test_names_that_are_no_text_survive_every_locale() -> None:
    text = format_success("pack", {"path": "caf\udce9 é"}, [])
    assert text.isascii()
    assert json.loads(text)["result"]["path"] == "caf\udce9 é"
