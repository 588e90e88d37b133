"""Every `console` block of the documentation is run, in order, in a directory of its own."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.end_to_end.interpreters import find_python

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
# Pages about a Python that few machines have.
PYTHONS = {"python-2.md": "2.7", "first-site.md": "3.11"}
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> list[tuple[str, str]]:
    """The commands of a page with the output shown for each; a trailing backslash continues a command."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(page.read_text("utf-8")):
        command, output = "", ""
        for line in block.replace("\\\n", "").splitlines():
            if line.startswith("$ "):
                if command:
                    found.append((command, output))
                command, output = line[2:], ""
            else:
                output += line + "\n"
        found.append((command, output))
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` is what was shown, where `...` stands for anything and white space for any other."""

    def folded(text: str) -> str:
        return " ".join(text.split())

    pattern = ".*".join(re.escape(piece.strip()) for piece in folded(shown).split("..."))
    return re.fullmatch(pattern, folded(printed)) is not None


@pytest.mark.parametrize(
    "page", [page for page in PAGES if steps(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_examples_of_a_page_do_what_it_shows(page: Path, tmp_path: Path, pannier_bin: Path) -> None:
    needed = PYTHONS.get(page.name)
    if needed and find_python(needed) is None:
        pytest.skip(f"there is no Python {needed} here")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{pannier_bin}:{os.environ['PATH']}",
        "HOME": str(home),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"):
        environment.pop(name, None)
    with ended() as groups:
        for command, shown in steps(page):
            status, printed = run(command, tmp_path, environment, groups)
            assert status == 0, f"{page.name}: `{command}` exited {status}:\n{printed}"
            if shown.strip():
                assert matches(shown, printed), f"{page.name}: `{command}` printed:\n{printed}\nnot:\n{shown}"


def run(command: str, directory: Path, environment: dict[str, str], groups: list[int]) -> tuple[int, str]:
    """Run a command to its end, in a process group of its own; give its status and what it printed."""
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    groups.append(process.pid)
    printed, _ = process.communicate(timeout=600)
    return process.returncode, printed


@contextmanager
def ended() -> Iterator[list[int]]:
    """Process groups, of which nothing is left in the end: a page may leave a server in the background."""
    groups: list[int] = []
    try:
        yield groups
    finally:
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)


def test_output_is_compared_with_ellipses() -> None:
    assert matches("a ... c\n", "a  b\nc\n")
    assert not matches("a ... c\n", "a b\nd\n")
