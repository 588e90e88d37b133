"""What users do that no manual has: odd places, missing tools, impatience."""

import shutil
from pathlib import Path

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.launching import tools_without

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "shop"
version = "1"
[project.scripts]
serve = "shop:serve"
[project.gui-scripts]
show = "shop:show"
"""


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


@pytest.mark.network
def test_the_program_of_a_project_is_its_one_console_script_or_the_one_named(commands: Commands) -> None:
    commands.script("shop/pyproject.toml", PYPROJECT)
    commands.script("shop/shop.py", "def serve(): print('serving')\ndef show(): print('showing')\n")
    commands.run("pannier", "pack", "shop", "-o", "serve.tar.gz")
    assert commands.run("pannier", "run", "serve.tar.gz").stdout == "serving\n"
    commands.run("pannier", "pack", "shop", "-o", "show.tar.gz", "--program", "show")
    assert commands.run("pannier", "run", "show.tar.gz").stdout == "showing\n"
    failed = commands.run("pannier", "pack", "shop", "-o", "no.tar.gz", "--program", "sell", status=2)
    assert "serve, show" in failed.stderr
    assert failed.stderr.endswith("code: program-entry\n")
    assert not (commands.directory / "no.tar.gz").exists()


def test_a_script_with_blanks_in_its_name_is_a_command_without(commands: Commands) -> None:
    script = commands.script("my plötter.py", "import sys\nprint(sys.argv[1:])\n")
    commands.run("pannier", "pack", script, "-o", "öut put.tar.gz")
    shown = commands.run("pannier", "run", "öut put.tar.gz", "my-plötter", "", "a b")
    assert shown.stdout == "['', 'a b']\n"


def test_an_output_that_is_a_directory_is_named_as_given(commands: Commands, hello: Path) -> None:
    place = commands.directory / "there.tar.gz"
    place.mkdir()
    failed = commands.run("pannier", "pack", hello, "-o", place.name, status=1)
    assert failed.stderr.startswith("error: `there.tar.gz` is a directory")
    assert list(place.iterdir()) == []


def test_a_directory_without_sources_is_not_packed_in_silence(commands: Commands) -> None:
    (commands.directory / "nothing").mkdir()
    failed = commands.run("pannier", "pack", "nothing", "-o", "x.tar.gz", status=1)
    assert failed.stderr.startswith("error: there is no Python source in `nothing`")


def test_the_remedy_for_an_unknown_import_works_where_it_is_told(commands: Commands) -> None:
    script = commands.script("odd.py", "import wholly_unknown\n")
    told = commands.run("pannier", "pack", script, "-o", "x.tar.gz", status=1).stderr
    assert "`--pkg-mapping wholly_unknown=PROJECT`" in told
    for verb in ("pack", "lock"):
        arguments = ["-o", "x.tar.gz"] if verb == "pack" else []
        mapped = commands.run(
            "pannier",
            verb,
            script,
            *arguments,
            "--pkg-mapping",
            "wholly_unknown=no_such",
            "--offline",
            status=1,
        )
        assert "no-such" in mapped.stderr


def test_a_pack_without_interpreter_becomes_an_environment_of_a_real_one(
    commands: Commands, hello: Path
) -> None:
    commands.run("pannier", "pack", hello, "-o", "hello.tar.gz", "--interpreter", "none")
    broken = commands.script("shims/python3", "#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    broken.chmod(0o755)
    for name in ("python", "python3.11"):
        shutil.copy(broken, broken.with_name(name))
    path = {"PATH": str(broken.parent)}
    commands.run(commands.bin / "pannier-python", "unpack", "hello.tar.gz", "there", env=path)
    home = (commands.directory / "there" / "pyvenv.cfg").read_text().splitlines()[0]
    assert not (Path(home.removeprefix("home = ")).parent / "pyvenv.cfg").exists()
    assert commands.run("there/bin/hello", "you").stdout == "hello you\n"


@pytest.mark.network
def test_a_spec_on_standard_input_names_projects_from_the_working_directory(commands: Commands) -> None:
    commands.script("shop/pyproject.toml", PYPROJECT)
    commands.script("shop/shop.py", "def serve(): print('serving')\n")
    spec = '{"dependencies": ["python=3.11", "pip", {"pip": ["-e ./shop"]}]}'
    commands.run("python_package_create", "-", "shop.tar.gz", stdin=spec)
    assert commands.run("python_package_run", "shop.tar.gz", "serve").stdout == "serving\n"
    failed = commands.run("python_package_create", "-", "x.tar.gz", stdin="[]", status=1)
    assert failed.stderr.startswith("error: `-` is not a spec")


@pytest.mark.network
def test_what_an_analysis_writes_is_locked_and_packed_from_standard_input(commands: Commands) -> None:
    script = commands.script("app.py", "import six\n")
    spec = commands.run("pannier", "analyze", script, "-o", "-").stdout
    for content in (spec, "import six\n", "six>=1.10  # old\n"):
        commands.run("pannier", "lock", "-", stdin=content)
        assert 'name = "six"' in (commands.directory / "pylock.toml").read_text()
        (commands.directory / "pylock.toml").unlink()
    commands.run("pannier", "pack", "-", "-o", "tools.tar.gz", stdin=spec)
    assert "six" in commands.run("pannier", "inspect", "tools.tar.gz").stdout
    failed = commands.run("pannier", "pack", "-", "-o", "x.tar.gz", stdin="import six\n", status=2)
    assert failed.stderr.startswith("error: a program on standard input has no file to pack")
    failed = commands.run("pannier", "lock", "-", status=2)
    assert failed.stderr.startswith("error: standard input is empty")
    assert not (commands.directory / "pylock.toml").exists()


def test_analysis_takes_the_python_it_is_given_and_no_empty_environment(commands: Commands) -> None:
    script = commands.script("app.py", "import json\n")
    conda = {"CONDA_PREFIX": str(commands.directory)}
    for arguments in (["python_package_analyze", script, "-"], ["pannier", "analyze", script, "-o", "-"]):
        shown = commands.run(*arguments, "--python", "3.9", env=conda)
        assert '"python=3.9"' in shown.stdout
        commands.run(*arguments, env=conda)


def test_a_lock_for_another_python_is_refused_as_such(commands: Commands, hello: Path) -> None:
    commands.run("pannier", "lock", hello, "--python", "3.11", "--quiet")
    failed = commands.run("pannier", "pack", "pylock.toml", "--python", "3.12", "-o", "x.tar.gz", status=1,
        env={"PANNIER_INTERPRETER": "none"})  # fmt: skip
    assert "`pannier lock SUBJECT --python 3.11 --python 3.12 -o pylock.toml`" in failed.stderr
    assert failed.stderr.endswith("code: lock-target\n")


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.zst"])
def test_a_pack_cut_short_is_one_error(commands: Commands, hello: Path, ending: str) -> None:
    pack = commands.directory / f"hello{ending}"
    commands.run("pannier", "pack", hello, "-o", pack)
    pack.write_bytes(pack.read_bytes()[:500_000])
    cache = {"PANNIER_CACHE_DIR": str(commands.directory / "cache")}
    for arguments in (["run", pack], ["verify", pack], ["unpack", pack, "there"]):
        failed = commands.run("pannier", *arguments, status=1, env=cache)
        assert failed.stderr.startswith("error: this pack is ")
        assert failed.stderr.endswith("code: corrupt-pack\n")
    assert not (commands.directory / "there").exists()
    left = (commands.directory / "cache" / "prefixes").iterdir()
    assert [path.name for path in left if not path.name.endswith(".lock")] == []


@pytest.mark.network
def test_a_lock_for_an_old_machine_takes_versions_that_have_wheels_for_it(commands: Commands) -> None:
    commands.script("requirements.txt", "numpy\n")
    old = ("--python", "3.11", "--platform", "linux-x86_64-glibc2.17")
    commands.run("pannier", "lock", "requirements.txt", *old)
    locked = (commands.directory / "pylock.toml").read_text()
    assert "cp311-cp311-manylinux_2_17_x86_64" in locked
    commands.run("pannier", "pack", "pylock.toml", *old, "--interpreter", "none", "-o", "old.tar.gz")
    shown = commands.run("pannier", "inspect", "old.tar.gz").stdout
    assert "linux-x86_64-glibc2.17" in shown


def test_an_interpreter_that_needs_a_newer_machine_than_asked_for_is_refused(
    commands: Commands, hello: Path
) -> None:
    arguments = ["pannier", "pack", hello, "-o", "x.tar.gz", "--platform", "linux-x86_64-glibc2.5"]
    failed = commands.run(*arguments, status=2)
    assert "needs a newer C library" in failed.stderr
    assert failed.stderr.endswith("code: platform-foreign\n")
    commands.run(*arguments, "--interpreter", "none")


@pytest.mark.network
def test_locking_a_project_leaves_nothing_in_its_directory(commands: Commands) -> None:
    setup = "from setuptools import setup\nsetup(name='shop', version='1', py_modules=['shop'])\n"
    commands.script("shop/setup.py", setup)
    commands.script("shop/shop.py", "")
    project = commands.directory / "shop"
    commands.run("pannier", "lock", "shop")
    commands.run("pannier", "pack", "shop", "-o", "shop.tar.gz")
    assert sorted(path.name for path in project.iterdir()) == ["setup.py", "shop.py"]
