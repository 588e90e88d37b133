"""Archives that the real conda-pack made run through our launcher."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands

from pannier.environment.find import find_interpreter
from pannier.environment.relocatable import plan_interpreter, write_tree

pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("conda-pack"),  # its archive is made once
]

# A console script as conda installs it, whose first line holds the prefix.
TOOL = """\
#!{prefix}/bin/python
import sys
print("tool runs in", sys.prefix)
"""


@pytest.fixture(scope="module")
def archive(pannier_bin: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix with conda's records, packed by conda-pack, and then taken away."""
    directory = tmp_path_factory.mktemp("conda")
    prefix = directory / "prefix"
    interpreter = find_interpreter(cache=shared_cache / "interpreters")
    write_tree(plan_interpreter(interpreter, shared_cache / "interpreters"), prefix)
    (prefix / "bin" / "tool").write_text(TOOL.format(prefix=prefix))
    (prefix / "bin" / "tool").chmod(0o755)
    files = sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir())
    record = {
        "name": "python",
        "version": interpreter.version,
        "build": "0",
        "channel": "local",
        "url": "file:///nowhere/python.conda",
        "files": files,
        "link": {"source": "/nowhere", "type": 1},
        "paths_data": {"paths": [{"_path": name, "path_type": "hardlink"} for name in files]},
    }
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "history").touch()
    (prefix / "conda-meta" / "python-0.json").write_text(json.dumps(record))
    uv, peer = pannier_bin / "uv", directory / "peer"
    for command in (
        [uv, "venv", "-q", "--python", sys.executable, peer],
        [uv, "pip", "install", "-q", "--python", peer / "bin" / "python", "conda-pack", "setuptools<81"],
        [peer / "bin" / "conda-pack", "-q", "-p", prefix, "-o", directory / "env.tar.gz"],
    ):
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    prefix.rename(directory / "gone")
    return directory / "env.tar.gz"


def test_commands_run_in_the_archive_unpacked_once(commands: Commands, archive: Path) -> None:
    cache = commands.directory / "cache"
    environment = {"PANNIER_CACHE_DIR": str(cache)}
    for _ in range(2):
        ran = commands.run("python_package_run", archive, "tool", env=environment)
        assert ran.stdout.startswith(f"tool runs in {cache}")
    assert len([path for path in (cache / "prefixes").iterdir() if path.is_dir()]) == 1


def test_a_named_directory_is_unpacked_to(commands: Commands, archive: Path) -> None:
    place = commands.directory / "unpacked here"
    code = "import json, ssl, sys; print(sys.prefix)"
    ran = commands.run("python_package_run", "-e", archive, "-u", place, "--", "python", "-c", code)
    assert ran.stdout == f"{place}\n"
