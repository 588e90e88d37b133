"""Dependencies beside a program, and its launcher, with the Pythons that machines have."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.commands import MINOR, Commands
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.local_index import LocalIndex, sdist_bytes, wheel_bytes
from tests.end_to_end.test_lock_resolve import BACKEND, PROJECT

SCRIPT = """\
# /// script
# dependencies = ["top", "leaf"]
# ///
import os
import signal
import sys

import leaf
import top

if sys.argv[1:] == ["term"]:
    os.kill(os.getpid(), signal.SIGTERM)
if sys.argv[1:] == ["fail"]:
    raise ValueError("of the program")
if sys.argv[1:] == ["seven"]:
    exit(7)
print("{}.{}".format(*sys.version_info), top.version, leaf.version, sys.argv[1:], __name__)
"""
SETUP = (
    "from setuptools import setup\nsetup(name='{name}', version='{version}', py_modules=['{name}'], {more})\n"
)
PYTHONS = [minor for minor in ("3.6", "3.8", "3.11", "3.13") if find_python(minor)]


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as served:
        served.add(
            wheel_bytes("top", "1.0", requires=("leaf",)),
            wheel_bytes("leaf", "1.0"),
            wheel_bytes("leaf", "2.0", python=">=3.8"),
        )
        yield served


@pytest.fixture
def program(commands: Commands) -> Path:
    return commands.script("tool.py", SCRIPT)


def vendor(commands: Commands, index: LocalIndex, *options: str | Path, status: int = 0) -> str:
    done = commands.run(
        "pannier", "vendor", "tool.py", "--wrapper", "--index-url", index.simple, *options, status=status
    )
    return done.stderr


def start(
    launcher: Path, *arguments: str, python: str | None = None, cwd: Path = Path("/"), **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Start a launcher as whoever knows nothing of Pannier does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PANNIER"))}
    if python is not None:
        variables["PANNIER_PYTHON"] = python
    return subprocess.run(
        [launcher, *arguments], cwd=cwd, env={**kept, **variables}, capture_output=True, text=True
    )


def python_of(minor: str) -> str:
    found = find_python(minor)
    assert found is not None
    return found


def test_a_script_runs_from_anywhere_as_it_would_bare(
    commands: Commands, program: Path, index: LocalIndex, tmp_path: Path
) -> None:
    vendor(commands, index)
    launcher = commands.directory / "tool"
    printed = f"{MINOR} 1.0 2.0 ['a', 'b c'] __main__\n"
    assert start(launcher, "a", "b c").stdout == printed
    moved = tmp_path / "moved to here"
    commands.directory.rename(moved)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "link").symlink_to("../second")
    (tmp_path / "second").symlink_to(moved / "tool")
    assert start(tmp_path / "bin" / "link", "a", "b c").stdout == printed
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    found = subprocess.run(
        ["sh", "-c", "link a 'b c'"], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert found.stdout == printed
    relative = subprocess.run(["sh", "tool", "a", "b c"], cwd=moved, capture_output=True, text=True)
    assert relative.stdout == printed
    assert start(moved / "tool", "seven").returncode == 7
    assert start(moved / "tool", "term").returncode == -signal.SIGTERM
    failed = start(moved / "tool", "fail")
    assert failed.returncode == 1
    assert failed.stderr.startswith("Traceback")
    assert "vendored" not in failed.stderr


def test_nothing_of_the_host_gets_in(
    commands: Commands, program: Path, index: LocalIndex, tmp_path: Path
) -> None:
    vendor(commands, index)
    hostile = tmp_path / "hostile"
    user = tmp_path / "home" / ".local" / "lib" / f"python{MINOR}" / "site-packages"
    for directory in (hostile, user):
        directory.mkdir(parents=True)
        for module in ("leaf", "top", "site", "json", "usercustomize", "sitecustomize"):
            (directory / f"{module}.py").write_text("raise SystemExit('hostile')\n")
    ran = start(
        commands.directory / "tool",
        PYTHONPATH=str(hostile),
        PYTHONHOME="",
        HOME=str(tmp_path / "home"),
        cwd=hostile,
    )
    assert ran.stdout == f"{MINOR} 1.0 2.0 [] __main__\n", ran.stderr


def test_one_directory_serves_several_pythons_and_says_what_to_do_for_others(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    if len(PYTHONS) < 4:
        pytest.skip(f"of Python 3.6, 3.8, 3.11 and 3.13 there are only {PYTHONS} here")
    options = [word for minor in ("3.6", "3.8", "3.11") for word in ("--python", minor)]
    vendor(commands, index, *options)
    launcher = commands.directory / "tool"
    for minor, leaf in (("3.6", "1.0"), ("3.8", "2.0"), ("3.11", "2.0")):
        assert start(launcher, python=python_of(minor)).stdout == f"{minor} 1.0 {leaf} [] __main__\n"
    # Stored once: what all need, and what two do.
    (tree,) = (commands.directory / "python_deps").glob("tree-*")
    assert sorted(str(path.relative_to(tree)) for path in tree.rglob("leaf.py")) == [
        "cp36-x86_64/leaf.py",
        "pure-cp38-cp311/leaf.py",
    ]
    assert [path.parent.name for path in tree.rglob("top.py")] == ["pure"]
    cached = {path.name for path in (tree / "pure" / "__pycache__").iterdir()}
    assert cached == {"top.cpython-36.pyc", "top.cpython-38.pyc", "top.cpython-311.pyc"}
    refused = start(launcher, python=python_of("3.13"))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "needs Python 3.6 or 3.8 or 3.11, and this one is 3.13" in refused.stderr
    # A python3 that does not fit gives way to one that does.
    directory = Path(python_of("3.13")).parent
    taken = start(launcher, PATH=f"{directory}:{Path(python_of('3.8')).parent}:/usr/bin:/bin")
    assert taken.stdout.split()[0] in {"3.11", "3.8"}, taken.stderr
    # A version in that variable is a setting of Pannier's.
    again = start(launcher, python="3.4", PATH=f"{directory}:{Path(python_of('3.8')).parent}:/usr/bin:/bin")
    assert again.stdout == taken.stdout


def test_a_program_can_choose_the_directories_itself(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index)
    commands.script(
        "other.py",
        "import sys\nsys.path.insert(0, 'python_deps')\nimport vendored, top\nprint(top.__file__)\n",
    )
    printed = commands.run(python_of(MINOR) if find_python(MINOR) else "python3", "other.py").stdout
    assert "python_deps/tree-" in printed


def test_what_is_there_is_recognised_checked_and_replaced_whole(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index)
    deps = commands.directory / "python_deps"
    (first,) = deps.glob("tree-*")
    (deps / "mine").mkdir()
    (deps / "mine" / "notes.txt").write_text("mine")
    asked = len(index.requests)
    assert "up to date" in vendor(commands, index)
    vendor(commands, index, "--check")
    assert len(index.requests) == asked
    # Newer versions are taken when they are asked for.
    index.add(wheel_bytes("leaf", "3.0"))
    assert "up to date" in vendor(commands, index)
    vendor(commands, index, "--upgrade")
    (second,) = deps.glob("tree-*")
    assert second != first
    assert start(commands.directory / "tool").stdout == f"{MINOR} 1.0 3.0 [] __main__\n"
    assert (deps / "mine" / "notes.txt").read_text() == "mine"
    (module,) = second.rglob("leaf.py")
    module.write_text(module.read_text().replace("3", "4"))
    assert "vendor-outdated" in vendor(commands, index, "--check", status=1)
    module.unlink()
    assert "leaf.py" in vendor(commands, index, "--check", status=1)
    vendor(commands, index)
    vendor(commands, index, "--check")
    program.write_text(SCRIPT.replace('"leaf"]', '"leaf<2"]'))
    assert "out of date" in vendor(commands, index, "--check", status=1)
    vendor(commands, index)
    assert start(commands.directory / "tool").stdout == f"{MINOR} 1.0 1.0 [] __main__\n"


def test_a_dry_run_writes_nothing(commands: Commands, program: Path, index: LocalIndex) -> None:
    done = commands.run(
        "pannier", "vendor", "tool.py", "--wrapper", "--dry-run", "--json", "--index-url", index.simple
    )
    result = json.loads(done.stdout)["result"]
    assert [project["name"] for project in result["projects"]] == ["leaf", "top"]
    assert result["changed"]
    assert [path.name for path in commands.directory.iterdir()] == ["tool.py"]


def test_files_of_others_are_not_replaced(commands: Commands, program: Path, index: LocalIndex) -> None:
    commands.script("tool", "#!/bin/sh\n")
    assert "output-exists" in vendor(commands, index, status=2)
    assert not (commands.directory / "python_deps").exists()
    (commands.directory / "tool").unlink()
    commands.script("python_deps/vendored.py", "mine = 1\n")
    assert "output-exists" in vendor(commands, index, status=2)
    assert (commands.directory / "python_deps" / "vendored.py").read_text() == "mine = 1\n"


def test_a_project_that_is_only_an_sdist_is_built(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    files = {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND.replace("NAME", "source"),
        "source.py": "version = 'built'\n",
        "METADATA": "Metadata-Version: 2.1\nName: source\nVersion: 1.0\n",
        "PKG-INFO": "Metadata-Version: 2.1\nName: source\nVersion: 1.0\n",
    }
    index.add(sdist_bytes("source", "1.0", files))
    text = SCRIPT.replace('"leaf"]', '"leaf", "source"]')
    program.write_text(text + "import source\nprint(source.version)\n")
    vendor(commands, index)
    assert start(commands.directory / "tool").stdout.endswith("built\n")
    # On demand it travels along, for no index has it.
    shutil.rmtree(commands.directory / "python_deps")
    vendor(commands, index, "--on-demand")
    ran = start(commands.directory / "tool", PIP_INDEX_URL="")
    assert ran.stdout.endswith("built\n"), ran.stderr


def test_a_console_script_of_what_is_vendored_is_started(commands: Commands) -> None:
    commands.run("pannier", "vendor", "-r", commands.script("requirements.txt", "idna\ncharset-normalizer\n"),
        "-t", "lib/deps", "--wrapper", "normalizer")  # fmt: skip
    ran = start(commands.directory / "normalizer", "--version")
    assert "Charset-Normalizer" in ran.stdout, ran.stderr


@pytest.mark.skipif(not find_python("2.7"), reason="there is no Python 2.7 here")
def test_a_script_of_python_2_runs_with_what_was_locked_for_it(commands: Commands, index: LocalIndex) -> None:
    commands.script(
        "old.py", "# coding: latin-1\nimport sys, leaf\nprint leaf.version, sys.argv[1:]\nexit(7)\n"
    )
    name, content = wheel_bytes("leaf", "1.0", tag="py2-none-any")
    (commands.directory / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    commands.script(
        "pylock.toml",
        'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "leaf"\nversion = "1.0"\n'
        f'[[packages.wheels]]\npath = "{name}"\nhashes = {{ sha256 = "{digest}" }}\n',
    )
    commands.run("pannier", "vendor", "old.py", "--lock", "pylock.toml", "--wrapper", "--python", "2.7")
    ran = start(commands.directory / "old", "a", python=python_of("2.7"), PYTHONPATH="/nowhere")
    assert (ran.returncode, ran.stdout) == (7, "1.0 ['a']\n"), ran.stderr
    # Any other Python finds the one that fits.
    ran = start(commands.directory / "old", PATH=f"{Path(python_of('2.7')).parent}:/usr/bin:/bin")
    assert ran.returncode == 7


def test_a_project_starts_its_console_script_and_is_not_changed_by_what_lies_in_it(
    commands: Commands, index: LocalIndex
) -> None:
    commands.script("app/pyproject.toml", f'{PROJECT}[project]\nname="app"\nversion="1.0"\n')
    backend = BACKEND.replace("NAME", "app").replace(
        '"app.py"',
        '"app-1.0.dist-info/entry_points.txt": "[console_scripts]\\nserve=app:main\\n", "app.py"',
        1,
    )
    commands.script("app/backend.py", backend)
    commands.script("app/METADATA", "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n")
    commands.script("app/app.py", "import sys\ndef main():\n    print('serves', sys.argv)\n    return 5\n")
    done = commands.run("pannier", "vendor", "app", "--wrapper", "serve", "--index-url", index.simple)
    ran = start(commands.directory / "app" / "serve", "x")
    assert (ran.returncode, ran.stdout) == (5, f"serves ['{commands.directory}/app/serve', 'x']\n"), (
        ran.stderr
    )
    done = commands.run("pannier", "vendor", "app", "--wrapper", "serve", "--index-url", index.simple)
    assert "up to date" in done.stderr


def test_a_kill_at_any_moment_leaves_what_was_there(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index)
    launcher = commands.directory / "tool"
    environment = commands.environment()
    for number in range(6):
        program.write_text(SCRIPT + f"# {number}\n")
        index.add(wheel_bytes("leaf", f"{number + 3}.0"))
        command = ["pannier", "vendor", "tool.py", "--wrapper", "--upgrade", "--index-url", index.simple]
        process = subprocess.Popen(
            command,
            cwd=commands.directory,
            env=environment,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deps = commands.directory / "python_deps"
        if number % 2:  # when it has begun to write
            while process.poll() is None and not list(deps.glob(".pannier-stage-*")):
                time.sleep(0.0005)
            time.sleep(number * 0.002)
        else:
            time.sleep(0.1 * (number + 1))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        ran = start(launcher)
        assert ran.stdout.startswith(f"{MINOR} 1.0 "), ran.stderr
    vendor(commands, index, "--upgrade")
    assert start(launcher).stdout == f"{MINOR} 1.0 8.0 [] __main__\n"
    names = {path.name for path in deps.iterdir()}
    assert len(names) == 4, names


# --- On demand ---


def fetched(commands: Commands) -> list[str]:
    found = (commands.directory / "python_deps").glob("tree-*/fetched/*")
    return sorted(path.name for path in found if path.name != ".lock")


def test_what_is_missing_is_fetched_once_when_two_starts_race(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index, "--on-demand")
    index.requests.clear()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    racing = [
        subprocess.Popen([commands.directory / "tool"], env=kept, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    printed = {process.communicate()[0] for process in racing}
    assert printed == {f"{MINOR} 1.0 2.0 [] __main__\n"}
    assert sorted(path for path, _ in index.requests) == [
        "/files/leaf-2.0-py3-none-any.whl",
        "/files/top-1.0-py3-none-any.whl",
    ]
    index.files.clear()
    assert start(commands.directory / "tool").stdout == f"{MINOR} 1.0 2.0 [] __main__\n"


def test_nothing_half_made_is_left_after_a_kill(commands: Commands, program: Path, index: LocalIndex) -> None:
    vendor(commands, index, "--on-demand")
    process = subprocess.Popen(
        [commands.directory / "tool"], env={**os.environ, "PIP_INDEX_URL": ""}, start_new_session=True
    )
    deadline = time.monotonic() + 20
    while not fetched(commands) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert all(
        name.startswith(".stage-") or name == f"cp{MINOR.replace('.', '')}-x86_64"
        for name in fetched(commands)
    )
    again = start(commands.directory / "tool", PIP_INDEX_URL="")
    assert again.stdout == f"{MINOR} 1.0 2.0 [] __main__\n", again.stderr
    assert len(fetched(commands)) == 1


def test_a_file_that_is_not_the_locked_one_is_refused(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index, "--on-demand")
    index.add(wheel_bytes("leaf", "2.0", requires=("evil",)))
    refused = start(commands.directory / "tool", PIP_INDEX_URL="")
    assert refused.returncode == 1
    assert "`leaf-2.0-py3-none-any.whl` is not the file that was locked" in refused.stderr
    assert fetched(commands) == []


def test_a_mirror_is_asked_first_and_the_locked_place_last(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index, "--on-demand")
    index.requests.clear()
    with LocalIndex(credentials="me:secret") as mirror:
        mirror.add(wheel_bytes("leaf", "2.0", python=">=3.8"))
        url = mirror.simple.replace("//", "//me:secret@")
        ran = start(commands.directory / "tool", PIP_INDEX_URL=url)
        assert ran.stdout == f"{MINOR} 1.0 2.0 [] __main__\n", ran.stderr
        assert ("/files/leaf-2.0-py3-none-any.whl", "") in mirror.requests
    assert [path for path, _ in index.requests] == ["/files/top-1.0-py3-none-any.whl"]


def test_what_cannot_be_fetched_is_told_in_one_line(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    vendor(commands, index, "--on-demand")
    index.files.clear()
    refused = start(commands.directory / "tool", PIP_INDEX_URL="")
    assert refused.returncode == 1
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert "could not be fetched" in line
    assert "PIP_INDEX_URL" in line


def test_a_directory_that_cannot_be_written_gives_way_to_the_cache(
    commands: Commands, program: Path, index: LocalIndex, tmp_path: Path
) -> None:
    vendor(commands, index, "--on-demand")
    (tree,) = (commands.directory / "python_deps").glob("tree-*")
    (tree / "fetched").write_text("in the way, for root too")
    cache = tmp_path / "cache"
    ran = start(commands.directory / "tool", XDG_CACHE_HOME=str(cache), PIP_INDEX_URL="")
    assert ran.stdout == f"{MINOR} 1.0 2.0 [] __main__\n", ran.stderr
    assert f"dependencies go to {cache}/pannier/vendored/{tree.name}" in ran.stderr
    index.files.clear()
    again = start(commands.directory / "tool", XDG_CACHE_HOME=str(cache))
    assert (again.stdout, again.stderr) == (ran.stdout, "")


# --- Real packages ---

REAL = """\
import sys
import numpy
import requests
import yaml
print(yaml.safe_load("[1, 2]"), numpy.array([1, 2]).sum(), requests.__name__, yaml.__with_libyaml__)
"""


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("on_demand", [False, True])
def test_compiled_packages_run_on_every_python(commands: Commands, on_demand: bool) -> None:
    if not PYTHONS:
        pytest.skip("there is none of Python 3.6, 3.8, 3.11 and 3.13 here")
    commands.script("real.py", REAL)
    options = [word for minor in PYTHONS for word in ("--python", minor)]
    options += ["--on-demand"] if on_demand else []
    commands.run("pannier", "vendor", "real.py", "--wrapper", *options)
    for minor in PYTHONS[:: 3 if on_demand else 1]:
        ran = start(commands.directory / "real", python=python_of(minor))
        assert ran.stdout == "[1, 2] 3 requests True\n", ran.stderr


def test_a_program_that_runs_keeps_what_it_was_started_with(
    commands: Commands, program: Path, index: LocalIndex
) -> None:
    program.write_text(
        '# /// script\n# dependencies = ["top", "leaf"]\n# ///\nimport sys\nimport leaf\n'
        "print(leaf.version, flush=True)\nsys.stdin.readline()\nimport top\nprint(top.version)\n"
    )
    vendor(commands, index)
    directory = commands.directory / "python_deps"

    def trees() -> set[str]:
        return {path.name for path in directory.glob("tree-*")}

    before = trees()
    launcher = [commands.directory / "tool"]
    with subprocess.Popen(launcher, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "2.0\n"
        index.add(wheel_bytes("leaf", "3.0"), wheel_bytes("top", "2.0"))
        told = vendor(commands, index, "--upgrade")
        assert f"{next(iter(before))} is in use" in told
        assert start(commands.directory / "tool").stderr == ""
        vendor(commands, index)
        assert before < trees()
        assert running.communicate("\n")[0] == "1.0\n", "what it was started with"
    assert "in use" not in vendor(commands, index)
    assert len(trees()) == 1
    assert not before & trees()
    commands.run("pannier", "vendor", "tool.py", "--wrapper", "--check", "--index-url", index.simple)


def test_projects_wheels_and_sdists_beside_it_are_vendored_and_packed(commands: Commands) -> None:
    directory = commands.directory
    (directory / "files").mkdir()
    sdist = sdist_bytes(
        "raw",
        "4.0",
        {
            "setup.py": SETUP.format(name="raw", version="4.0", more=""),
            "raw.py": "",
        },
    )
    for name, content in (wheel_bytes("ready", "3.0"), sdist):
        (directory / "files" / name).write_bytes(content)
    commands.script(
        "libs/lab/setup.py",
        SETUP.format(
            name="lab",
            version="1.0",
            more="install_requires=['ready'], entry_points={'console_scripts': ['lab = lab:main']}",
        ),
    )
    commands.script(
        "libs/lab/lab.py", "import raw, ready\n\n\ndef main():\n    print('lab', ready.version)\n"
    )
    commands.script(
        "requirements.txt",
        "-e ./libs/lab\nfiles/ready-3.0-py3-none-any.whl\nraw @ file:files/raw-4.0.tar.gz\n"
        "./libs/lab ; python_version < '3'\n",
    )
    commands.run("pannier", "vendor", "-r", "requirements.txt", "--wrapper", "lab")
    assert start(directory / "lab").stdout == "lab 3.0\n"
    assert (
        "up to date" in commands.run("pannier", "vendor", "-r", "requirements.txt", "--wrapper", "lab").stderr
    )
    commands.script("libs/lab/lab.py", "def main():\n    print('changed')\n")
    commands.run("pannier", "vendor", "-r", "requirements.txt", "--wrapper", "lab")
    assert start(directory / "lab").stdout == "changed\n"
    commands.run("pannier", "pack", "requirements.txt", "--program", "lab", "-o", "lab.pyz")
    assert start(directory / "lab.pyz", PANNIER_CACHE_DIR=str(commands.cache)).stdout == "changed\n"
    commands.run("pannier", "pack", "requirements.txt", "--program", "lab", "-o", "lab.deb")
    listed = subprocess.run(
        ["dpkg-deb", "-c", directory / "lab.deb"], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"/{name}.py\n" in listed for name in ("lab", "raw", "ready"))
