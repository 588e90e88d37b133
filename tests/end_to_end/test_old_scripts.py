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


def test_an_sdist_for_2to3_is_built_with_the_setuptools_of_its_time(commands: Commands) -> None:
    if find_python("3.9") is None:
        pytest.skip("there is no Python 3.9 here")
    commands.script("jobs.py", "import toro\nfrom tornado import gen\nprint(gen.Task, toro.Queue)\n")
    commands.run("pannier", "pack", "jobs.py", "-o", "jobs.tar.zst")
    assert "toro.Queue" in commands.run("pannier", "run", "jobs.tar.zst").stdout


def test_an_sdist_for_2to3_names_the_python_it_can_be_built_with(commands: Commands) -> None:
    if find_python("3.12") is None:
        pytest.skip("there is no Python 3.12 here")
    commands.script("jobs.py", "import toro\n")
    refused = commands.run("pannier", "lock", "jobs.py", "--python", "3.12", status=1)
    assert "choose `--python 3.11` or older" in refused.stderr


def test_python_2_gets_the_last_release_that_was_for_it(commands: Commands) -> None:
    if find_python("2.7") is None:
        pytest.skip("there is no Python 2.7 here")
    commands.script("words.py", "import nltk\nprint nltk.FreqDist(raw_input())\n")
    commands.run("pannier", "lock", "words.py", "-o", "requirements.lock.txt")
    assert "nltk==3.4.5 " in (commands.directory / "requirements.lock.txt").read_text("utf-8")
