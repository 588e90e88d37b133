"""What users do that no manual has: odd places, missing tools, impatience."""

import shutil
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.launching import tools_without


@pytest.fixture
def hello(commands: Commands) -> Path:
    """A script that needs nothing."""
    return commands.script("hello.py", "import sys\nprint('hello', *sys.argv[1:])\n")


def test_pannier_runs_zstd_packs_on_a_machine_without_zstd(commands: Commands, hello: Path) -> None:
    commands.run("pannier", "pack", hello, "-o", "hello.tar.zst")
    tools = commands.directory / "some tools"
    path = tools_without(tools, "zstd")
    (tools / "readlink").symlink_to(shutil.which("readlink") or "/usr/bin/readlink")
    show = 'test -z "${PANNIER_ZSTD+set}" && echo "$PATH"'
    linked = commands.directory / "my pannier"
    linked.symlink_to(commands.bin / "pannier")
    doors = (
        [linked, "run", "hello.tar.zst"],
        [commands.bin / "pannier", "run", "--quiet", "hello.tar.zst"],
        [commands.bin / "python_package_run", "hello.tar.zst"],
    )
    for number, door in enumerate(doors):
        cache = commands.directory / f"cache {number}"
        shown = commands.run(*door, "sh", "-c", show, env={"PATH": path, "PANNIER_CACHE_DIR": str(cache)})
        assert shown.stdout.endswith(f":{path}\n"), "the command sees nothing of what was borrowed"
    alone = commands.directory / "alone"
    shutil.copy(commands.bin / "python_package_run", alone)
    env = {"PATH": path, "PANNIER_CACHE_DIR": str(commands.directory / "cache")}
    assert commands.run("sh", alone, "hello.tar.zst", status=1, env=env).stderr.endswith("no-decompressor\n")
