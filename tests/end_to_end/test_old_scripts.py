"""Scripts of 2013 to 2015 run again: what they use chooses the versions, and those the Python."""

import shutil
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.interpreters import find_python

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.network


@pytest.mark.parametrize(
    ("script", "minor", "printed"),
    [
        ("iris_2015.py", "3.7", "right: 54 of 60"),
        ("prices_2014.py", "3.6", "105 of 250 days above the month"),
        ("notes_2013.py", "3.9", "200 OK"),
    ],
)
def test_an_old_script_is_analyzed_packed_and_run(
    commands: Commands, script: str, minor: str, printed: str
) -> None:
    if find_python(minor) is None:
        pytest.skip(f"there is no Python {minor} here")
    shutil.copy(ROOT / "examples" / "old" / script, commands.directory)
    packed = commands.run("pannier", "pack", script, "-o", "old.tar.zst")
    assert f"python {minor}." in packed.stderr
    ran = commands.run("pannier", "run", "old.tar.zst", env={"PYTHONWARNINGS": "ignore"})
    assert printed in ran.stdout


def test_versions_that_uv_cannot_read_are_locked(commands: Commands) -> None:
    if find_python("3.6") is None:
        pytest.skip("there is no Python 3.6 here")
    commands.script("old.py", "import pandas as pd\npd.rolling_mean\n")
    commands.run("pannier", "lock", "old.py", "-o", "pylock.toml")
    assert 'version = "0.22.0"' in (commands.directory / "pylock.toml").read_text("utf-8")
