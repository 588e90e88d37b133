"""The lines that a project's page offers, typed as they stand."""

import html
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import wheel_bytes
from tests.end_to_end.serving import served
from tests.fake_upstream import FakeUpstream


def lines_of(url: str) -> list[str]:
    """The blocks of code in the page's install section: pip, uv, requirements, requirements with hashes."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        page = answer.read().decode()
    section = re.search(r'<section class="install".*?</section>', page, re.DOTALL)
    assert section
    return [
        html.unescape(text) for text in re.findall(r"<pre><code>(.*?)</code></pre>", section[0], re.DOTALL)
    ]


def shell(directory: Path, command: str) -> None:
    """Type a command where the environment is active."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment |= {"VIRTUAL_ENV": str(directory / "env"), "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    environment["PATH"] = f"{directory / 'env' / 'bin'}:{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(command, shell=True, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_what_the_page_says_installs_what_it_shows(commands: Commands, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for version in ("1.0", "2.0", "3.0rc1"):
        name, data = wheel_bytes("our_tool", version)
        (packages / name).write_bytes(data)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    file = tmp_path / "requirements.txt"
    with FakeUpstream() as upstream, served(commands, packages, "--upstream", upstream.simple) as index:
        upstream.offer("our-tool", "99.0")
        pip, uv, *requirements = lines_of(f"{index.url}/project/our-tool/")
        assert len(requirements) == 2
        for block in (pip, uv, *requirements):
            command = block
            if block in requirements:
                file.write_text(block + "\n")
                command = f"pip install -r {file}"
            shell(tmp_path, command)
            found = [path.name for path in (tmp_path / "env").rglob("our_tool*.dist-info")]
            assert found == ["our_tool-2.0.dist-info"], block
            shell(tmp_path, "uv pip uninstall our-tool")
    # pip asks for itself.
    assert upstream.asked_for("our") == 0
