"""The road from a script to a machine that has nothing: analyze, lock, pack, run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.end_to_end.bare_machine import make_bare_machine, run_bare
from tests.end_to_end.commands import MINOR, Commands, members
from tests.end_to_end.isolation import without_network

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.network,
    pytest.mark.xdist_group("weather"),  # packed once
]


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    return make_bare_machine(tmp_path / "bare")


@pytest.fixture(scope="module")
def weather(pannier_bin: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled example, locked once and packed in both codecs."""
    directory = tmp_path_factory.mktemp("weather")
    commands = Commands(bin=pannier_bin, home=directory, cache=shared_cache, directory=directory)
    script = ROOT / "examples" / "weather.py"
    commands.run("pannier", "lock", script, "-o", "pylock.toml")
    for name in ("weather.tar.gz", "weather.tar.zst"):
        commands.run("pannier", "pack", script, "--lock", "pylock.toml", "-o", name)
    return directory


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
def test_a_pack_runs_with_the_launcher_alone(commands: Commands, weather: Path, shell: str) -> None:
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"no {shell} here")
    place = commands.directory / "far side ü"
    place.mkdir()
    shutil.copy(commands.bin / "python_package_run", place)
    shutil.copy(weather / "weather.tar.gz", place)
    done = subprocess.run(
        [*shell.split(), "python_package_run", "weather.tar.gz", "weather", "--city", "Oslo"],
        cwd=place,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(place),
            "MPLCONFIGDIR": commands.environment()["MPLCONFIGDIR"],
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Oslo: 6.8 °C")
    assert (place / "oslo.png").read_bytes().startswith(b"\x89PNG")


def test_a_pack_runs_on_a_machine_with_nothing_but_busybox(
    bare_machine: Path, commands: Commands, weather: Path
) -> None:
    shutil.copy(commands.bin / "python_package_run", bare_machine / "home")
    shutil.copy(weather / "weather.tar.gz", bare_machine / "home")
    for city in ("Bern", "Lisbon"):
        done = run_bare(
            bare_machine, f"cd /home && sh python_package_run weather.tar.gz weather --city {city}"
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{city}: ")
    assert (bare_machine / "home" / "lisbon.png").stat().st_size > 10_000


def test_pannier_run_starts_the_program_and_everything_beside_it(commands: Commands, weather: Path) -> None:
    pack = weather / "weather.tar.zst"
    assert commands.run("pannier", "run", pack).stdout.startswith("Bern: 9.5 °C")
    assert commands.run("pannier", "run", pack, "--", "weather", "--city", "Oslo").stdout.startswith("Oslo")
    other = commands.script("other.py", "import sys, weather\nprint(sys.argv[1:], weather.MONTHS[0])\n")
    assert commands.run("pannier", "run", pack, "python", other, "-x", "a b").stdout == "['-x', 'a b'] Jan\n"
    assert commands.run("pannier", "run", pack, "numpy-config", "--version").stdout


def test_a_prefix_moves_and_its_commands_need_no_activation(commands: Commands, weather: Path) -> None:
    first = commands.directory / "first"
    commands.run("pannier", "unpack", weather / "weather.tar.gz", first)
    for name in ("second place", "dritter-ört"):
        moved = commands.directory / name
        first.rename(moved)
        assert commands.run(moved / "bin" / "weather", "--city", "oslo").stdout.startswith("Oslo")
        link = commands.directory / f"link {name}"
        link.symlink_to(moved / "bin" / "numpy-config")
        assert commands.run(link, "--version").stdout.startswith("2.")
        where = commands.run(
            moved / "bin" / "python", "-c", "import sys, numpy; print(sys.prefix, numpy.__file__)"
        )
        assert where.stdout.count(str(moved)) == 2
        first = moved


def test_nothing_of_the_host_leaks_in_and_nothing_of_the_builder_out(
    commands: Commands, weather: Path
) -> None:
    trap = commands.script("trap/json.py", "raise SystemExit('the host leaked in')\n").parent
    user_site = (
        commands.home
        / ".local"
        / "lib"
        / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        / "site-packages"
    )
    user_site.mkdir(parents=True)
    (user_site / "leak.pth").write_text("import sys; sys.exit('the user site leaked in')\n")
    leaky = {"PYTHONPATH": str(trap), "PYTHONHOME": str(trap), "HOME": str(commands.home)}
    code = "import json, site, sys; print(site.ENABLE_USER_SITE, [p for p in sys.path if 'trap' in p])"
    assert commands.run(
        "pannier", "run", weather / "weather.tar.gz", "python", "-c", code, env=leaky
    ).stdout == ("False []\n")
    prefix = commands.directory / "prefix"
    commands.run("pannier", "unpack", weather / "weather.tar.gz", prefix)
    assert commands.run(prefix / "bin" / "weather", env=leaky).stdout.startswith("Bern")
    secrets = {sys.base_prefix, str(ROOT), str(weather), str(commands.cache)} - {"/usr", "/usr/local"}
    for secret in sorted(secrets):
        found = subprocess.run(["grep", "-rlF", "--", secret, str(prefix)], capture_output=True, text=True)
        assert found.stdout == "", secret


def test_the_same_lock_gives_the_same_bytes(commands: Commands, tmp_path: Path) -> None:
    script = commands.script("tool.py", "import yaml, six, local_part\nprint(local_part.X)\n")
    commands.script("local_part.py", "X = 1\n")
    commands.run("pannier", "lock", script, "-o", "pylock.toml")
    other = tmp_path / "another place"
    other.mkdir()
    for name in ("tool.py", "local_part.py", "pylock.toml"):
        shutil.copy(commands.directory / name, other)
        os.utime(other / name, (1, 1))
    for codec in ("tar.gz", "tar.zst"):
        commands.run("pannier", "pack", "tool.py", "--lock", "pylock.toml", "-o", f"tool.{codec}")
        # Another directory, another day, another home, another umask, layers not in the cache.
        shutil.copytree(
            commands.cache / "distributions", tmp_path / "cache" / "distributions", dirs_exist_ok=True
        )
        shutil.rmtree(tmp_path / "cache" / "layers", ignore_errors=True)
        environment = {
            "PANNIER_CACHE_DIR": str(tmp_path / "cache"),
            "HOME": str(tmp_path),
            "LC_ALL": "C",
            "TZ": "Asia/Tokyo",
            "PYTHONHASHSEED": "7",
        }
        pack = f"umask 077; pannier pack tool.py --lock pylock.toml -o tool.{codec}"
        commands.run("sh", "-c", pack, cwd=other, env=environment)
        ours, theirs = commands.directory / f"tool.{codec}", other / f"tool.{codec}"
        assert ours.read_bytes() == theirs.read_bytes()


def test_any_tar_unpacks_a_pack_and_it_runs(commands: Commands, weather: Path) -> None:
    for options, name in ((["-xzf"], "weather.tar.gz"), (["--zstd", "-xf"], "weather.tar.zst")):
        place = commands.directory / name
        place.mkdir()
        commands.run("tar", *options, weather / name, "-C", place)
        assert commands.run(place / "bin" / "run_in_env", "weather").stdout.startswith("Bern")
    assert sum(name.endswith(".pyc") for name in members(weather / "weather.tar.gz")) > 1000


def test_the_targets_own_python_serves_when_none_is_inside(commands: Commands) -> None:
    script = commands.script(
        "small.py", "import sys, yaml\nprint(yaml.__name__, *sys.version_info[:2], sep='.')\n"
    )
    commands.run("pannier", "pack", script, "--interpreter", "none", "--python", MINOR, "-o", "slim.tar.gz")
    assert not any(f"lib/python{MINOR}/os.py" in name for name in members(commands.directory / "slim.tar.gz"))
    assert commands.run("pannier", "run", "slim.tar.gz").stdout == f"yaml.{MINOR}\n"
    commands.run("pannier", "unpack", "slim.tar.gz", "slim")
    assert commands.run("slim/bin/small").stdout == f"yaml.{MINOR}\n"
    empty = commands.directory / "no-python"
    empty.mkdir()
    for tool in (
        "sh",
        "tar",
        "gzip",
        "mkdir",
        "rm",
        "mv",
        "uname",
        "od",
        "df",
        "awk",
        "cat",
        "tail",
        "head",
        "dd",
    ):
        (empty / tool).symlink_to(str(shutil.which(tool)))
    refused = commands.run(
        commands.bin / "python_package_run",
        "slim.tar.gz",
        status=1,
        env={"PATH": str(empty), "PANNIER_CACHE_DIR": str(commands.directory / "fresh")},
    )
    assert "code: no-interpreter" in refused.stderr
    assert f"python{MINOR}" in refused.stderr


def test_a_project_is_built_and_its_command_is_the_program(commands: Commands) -> None:
    commands.script(
        "greeter/pyproject.toml",
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "greeter"\nversion = "1.0"\ndependencies = ["six"]\n'
        '[project.scripts]\ngreet = "greeter:main"\n',
    )
    commands.script(
        "greeter/src/greeter/__init__.py", "import six\ndef main(): print('hello', six.__name__)\n"
    )
    commands.run("pannier", "pack", "greeter", "-o", "greeter.tar.gz")
    assert commands.run("pannier", "run", "greeter.tar.gz").stdout == "hello six\n"
    assert commands.run("pannier", "run", "greeter.tar.gz", "greet").stdout == "hello six\n"
    layers = json.loads(commands.run("pannier", "inspect", "--json", "greeter.tar.gz").stdout)
    kinds = [layer["kind"] for layer in layers["result"]["manifest"]["layers"]]
    assert kinds[-1] == "program"


def test_an_sdist_is_built_where_no_wheel_fits(commands: Commands) -> None:
    commands.script("requirements.txt", "docopt==0.6.2\n")
    commands.run("pannier", "pack", "requirements.txt", "-o", "docopt.tar.gz")
    ran = commands.run(
        "pannier", "run", "docopt.tar.gz", "python", "-c", "import docopt; print(docopt.__version__)"
    )
    assert ran.stdout == "0.6.2\n"


def test_a_package_runs_as_a_module_with_its_data(commands: Commands) -> None:
    commands.script("app/__init__.py", "")
    commands.script("app/__main__.py", "from .part import text\nprint(text())\n")
    commands.script(
        "app/part.py",
        "import importlib.resources, six\n"
        "def text():\n    word = importlib.resources.files('app').joinpath('word.txt').read_text()\n"
        "    return word + six.__name__\n",
    )
    commands.script("app/word.txt", "word ")
    commands.run("pannier", "pack", "app", "-o", "app.tar.gz")
    assert commands.run("pannier", "run", "app.tar.gz").stdout == "word six\n"


def test_packing_again_offline_needs_nothing_but_the_cache(commands: Commands) -> None:
    script = commands.script("small.py", "import yaml\nprint(yaml.__name__)\n")
    commands.run("pannier", "pack", script, "-o", "one.tar.gz")
    commands.run(*without_network(), "pannier", "pack", script, "--offline", "-o", "two.tar.gz")
    one, two = commands.directory / "one.tar.gz", commands.directory / "two.tar.gz"
    assert one.read_bytes() == two.read_bytes()


def test_without_a_network_the_host_and_the_way_out_are_named(commands: Commands) -> None:
    commands.script("small.py", "import yaml\n")
    environment = {"PANNIER_CACHE_DIR": str(commands.directory / "empty-cache")}
    refused = commands.run(
        *without_network(), "pannier", "pack", "small.py", "-o", "x.tar.gz", status=1, env=environment
    )
    assert "--offline" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (commands.directory / "x.tar.gz").exists()


@pytest.mark.parametrize("interpreter", ["/usr/bin/python3", "3.8", "3.13"])
def test_other_interpreters_of_this_machine_can_go_inside(
    commands: Commands, interpreter: str, bare_machine: Path
) -> None:
    if interpreter.startswith("/") and not Path(interpreter).exists():
        pytest.skip(f"no {interpreter} here")
    commands.script(
        "probe.py", "import sys, ssl, sqlite3, ctypes, lzma, bz2, yaml\nprint(sys.version_info[:2])\n"
    )
    done = subprocess.run(
        ["pannier", "pack", "probe.py", "--interpreter", interpreter, "-o", "probe.tar.gz"],
        cwd=commands.directory,
        env=commands.environment(),
        capture_output=True,
        text=True,
    )
    if "code: interpreter-not-found" in done.stderr:
        pytest.skip(f"there is no Python {interpreter} here")
    assert done.returncode == 0, done.stderr
    shutil.copy(commands.bin / "python_package_run", bare_machine / "home")
    shutil.copy(commands.directory / "probe.tar.gz", bare_machine / "home")
    ran = run_bare(bare_machine, "cd /home && sh python_package_run probe.tar.gz")
    assert ran.stdout.startswith("(3, "), ran.stderr


def test_old_pythons_are_packed_too(commands: Commands) -> None:
    script = commands.script("old.py", "import sys\nimport six\nprint(six.__name__, sys.version_info[:2])\n")
    done = subprocess.run(
        ["pannier", "pack", str(script), "--interpreter", "3.6", "-o", "old.tar.gz"],
        cwd=commands.directory,
        env=commands.environment(),
        capture_output=True,
        text=True,
    )
    if "code: interpreter-not-found" in done.stderr:
        pytest.skip("there is no Python 3.6 here")
    assert done.returncode == 0, done.stderr
    assert commands.run("pannier", "run", "old.tar.gz").stdout == "six (3, 6)\n"
    prefix = commands.directory / "old"
    commands.run("pannier", "unpack", "old.tar.gz", prefix)
    assert list(prefix.rglob("six*.pyc")), "compiled when unpacked"


def test_a_foreign_architecture_is_refused_before_anything_starts(commands: Commands) -> None:
    script = commands.script("small.py", "import yaml\n")
    commands.run(
        *("pannier", "pack", script, "--interpreter", "none", "--python", MINOR),
        *("--platform", "linux-aarch64", "-o", "arm.tar.gz"),
    )
    refused = commands.run("pannier", "run", "arm.tar.gz", status=1)
    assert "aarch64" in refused.stderr
    assert "x86_64" in refused.stderr
    assert "code: target-mismatch" in refused.stderr


def test_a_syntax_error_names_file_and_line(commands: Commands) -> None:
    commands.script("broken.py", "import os\n\ndef f(:\n")
    refused = commands.run("pannier", "pack", "broken.py", "-o", "x.tar.gz", status=1)
    assert "broken.py:3" in refused.stderr
    assert os.listdir(commands.directory) == ["broken.py"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "garbage"])
def test_a_damaged_pack_is_refused_by_run_verify_unpack_and_inspect(
    commands: Commands, weather: Path, damage: str
) -> None:
    data = bytearray((weather / "weather.tar.gz").read_bytes())
    if damage == "truncated":
        del data[len(data) // 2 :]
    elif damage == "flipped":
        data[len(data) * 3 // 4] ^= 1
    elif damage == "empty":
        data.clear()
    else:
        data = bytearray(b"\x1f\x8b" + os.urandom(5000))
    (commands.directory / "bad.tar.gz").write_bytes(data)
    environment = {"PANNIER_CACHE_DIR": str(commands.directory / "cache")}
    for command in (["run", "bad.tar.gz"], ["verify", "bad.tar.gz"], ["unpack", "bad.tar.gz", "out"]):
        refused = commands.run("pannier", *command, status=1, env=environment)
        assert refused.stderr.startswith("error: "), command
        assert refused.stdout == ""
        assert "Traceback" not in refused.stderr
    assert not (commands.directory / "out").exists()
    leftovers = [path.name for path in (commands.directory / "cache").rglob("*.tmp.*")]
    assert leftovers == []
