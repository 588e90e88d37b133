"""A `.pyz` from end to end: real Pythons, started side by side, killed, damaged and led astray."""

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.interpreters import find_python

MINORS = ("3.6", "3.8", "3.11", "3.13")
APP = """
# /// script
# requires-python = ">=3.6"
# dependencies = []
# ///
import json, multiprocessing, os, subprocess, sys
import part


def square(number):
    return number * number


if __name__ == "__main__":
    if sys.argv[1:2] == ["workers"]:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            print(pool.map(square, [1, 2, 3]))
        sys.exit(3)
    if sys.argv[1:2] == ["child"]:
        code = "import part, sys; print(part.NAME, sys.prefix)"
        sys.exit(subprocess.call([sys.executable, "-c", code]))
    if sys.argv[1:2] == ["wait"]:
        print("ready", flush=True)
        sys.stdin.read()
    facts = {
        "version": "%d.%d" % sys.version_info[:2], "arguments": sys.argv, "cwd": os.getcwd(),
        "part": part.__cached__,
        "stdin": sys.stdin.read(), "path": sys.path, "prefix": sys.prefix, "file": __file__, "name": __name__,
    }
    print(json.dumps(facts))
    sys.exit(int(os.environ.get("STATUS", "0")))
"""


@dataclass(frozen=True)
class Program:
    """A `.pyz` of `app.py`, with a cache, a home and a PATH of the test's own."""

    file: Path
    python: str
    home: Path
    directory: Path

    @property
    def prefixes(self) -> Path:
        return self.home / ".cache/pannier/prefixes"

    def command(self, way: str) -> Sequence[str]:
        if way == "itself":
            return [str(self.file)]
        return ["/bin/sh" if way == "sh" else self.python, str(self.file)]

    def environment(self, **extra: str) -> dict[str, str]:
        path = f"{Path(self.python).parent}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.home), "TMPDIR": str(self.directory), **extra}

    def run(
        self, *words: str, way: str = "itself", stdin: str = "", **extra: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.command(way), *words],
            env=self.environment(**extra),
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def unpacked(self) -> list[str]:
        return sorted(path.name for path in self.prefixes.iterdir() if not path.name.endswith(".lock"))


class Make(Protocol):
    """What `make_program` gives."""

    def __call__(
        self, minor: str = "3.11", text: str = APP, include: int = 0, name: str = "app"
    ) -> Program: ...


@pytest.fixture
def make_program(commands: Commands, tmp_path: Path) -> "Make":
    def make(minor: str = "3.11", text: str = APP, include: int = 0, name: str = "app") -> Program:
        python = find_python(minor)
        if python is None:
            pytest.skip(f"there is no Python {minor} here")
        commands.script("app.py", text)
        commands.script("part.py", "NAME = 'part'\n")
        more: list[str] = ["--include", "many"] if include else []
        for number in range(include):
            commands.script(f"many/{number}.txt", f"{number}\n" * 20)
        output = f"{name}.pyz"
        commands.run(
            "pannier", "pack", "app.py", "-o", output, "--python", minor, "--offline", "--name", name, *more
        )
        home, directory = tmp_path / "far", tmp_path / "elsewhere"
        home.mkdir(exist_ok=True)
        directory.mkdir(exist_ok=True)
        return Program(commands.directory / output, python, home, directory)

    return make


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("way", ["itself", "by its Python"])
def test_it_runs_as_if_bare_the_first_time_and_later(make_program: Make, minor: str, way: str) -> None:
    program = make_program(minor)
    for _ in range(2):
        done = program.run("a b", "", "--c", way=way, stdin="from outside", STATUS="7")
        assert done.returncode == 7, done.stderr
        assert not done.stderr
        facts = json.loads(done.stdout)
        prefix = program.prefixes / program.unpacked()[0]
        assert facts["version"] == minor
        assert facts["arguments"] == [f"{prefix}/program/app.py", "a b", "", "--c"]
        assert (facts["cwd"], facts["stdin"], facts["name"]) == (
            str(program.directory), "from outside", "__main__",
        )  # fmt: skip
        assert facts["prefix"] == str(prefix)
        assert facts["path"][0] == f"{prefix}/program"
        assert (prefix / facts["part"]).is_file()
        assert not [path for path in facts["path"] if ".pyz" in path]
    assert program.run("workers", way=way).stdout == "[1, 4, 9]\n"
    assert program.run("workers", way=way).returncode == 3
    assert program.run("child", way=way).stdout == f"part {prefix}\n"


def test_python_path_and_the_users_site_are_kept_out(make_program: Make, tmp_path: Path) -> None:
    program = make_program()
    hostile = tmp_path / "hostile"
    user = program.home / ".local/lib/python3.11/site-packages"
    for directory in (hostile, user):
        directory.mkdir(parents=True)
        for module in ("json.py", "part.py", "multiprocessing.py"):
            (directory / module).write_text("raise SystemExit('led astray')\n")
    (user / "early.pth").write_text("import sys; sys.modules['part'] = sys\n")
    for way in ("itself", "by its Python", "itself", "by its Python"):
        done = program.run(way=way, PYTHONPATH=str(hostile))
        assert done.returncode == 0, done.stderr
        assert "hostile" not in done.stdout
        assert ".local" not in done.stdout
        assert program.run("child", way=way, PYTHONPATH=str(hostile)).stdout.startswith("part ")


def test_starts_at_the_same_time_unpack_once(make_program: Make) -> None:
    program = make_program(include=300)
    started = [
        subprocess.Popen(
            program.command("itself" if number % 2 else "by its Python"),
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for number in range(6)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 6, said
    assert len(program.unpacked()) == 1


def _start_unpacking(program: Program) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        program.command("itself"),
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if program.prefixes.is_dir() and any(".tmp." in name for name in program.unpacked()):
            return process
        time.sleep(0.001)
    raise AssertionError("it was never seen to unpack")


def test_killed_while_it_unpacks_it_leaves_nothing_that_is_taken_for_whole(make_program: Make) -> None:
    program = make_program(include=1500)
    for _ in range(3):
        process = _start_unpacking(program)
        process.kill()
        process.communicate()
        assert all(".tmp." in name for name in program.unpacked())
    assert program.run().returncode == 0
    assert len(program.unpacked()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_unpacks_ends_it_and_leaves_nothing(make_program: Make, number: int) -> None:
    program = make_program(include=1500)
    process = _start_unpacking(program)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -number
    assert b"Traceback" not in said
    assert program.unpacked() == []


def test_without_a_writable_home_it_unpacks_to_a_private_directory(
    make_program: Make, tmp_path: Path
) -> None:
    program = make_program()
    for way in ("itself", "by its Python"):
        done = program.run(way=way, HOME="/dev/null/nowhere")
        assert done.returncode == 0, done.stderr
    # Later, the shell finds it by itself.
    assert program.run(HOME="/dev/null/nowhere", PATH="/nowhere").returncode == 0
    private = program.directory / f"pannier-{os.getuid()}"
    assert private.stat().st_mode & 0o777 == 0o700
    assert f'"{private}/prefixes/' in done.stdout
    shutil.rmtree(private)
    private.mkdir()
    private.chmod(0o777)
    done = program.run(HOME="/dev/null/nowhere")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unsafe-cache" in done.stderr
    shutil.rmtree(private)
    private.symlink_to(tmp_path)
    assert program.run(HOME="/dev/null/nowhere").returncode == 1


def test_no_damaged_byte_comes_to_run(make_program: Make) -> None:
    program = make_program()
    whole = program.file.read_bytes()
    entry = whole.index(b"PK\3\4")
    unpacking = whole.index(b"PK\3\4", entry + 4)
    pack = whole.rindex(b"environment.tar.gz", 0, -200)
    places = [
        entry + 5,
        unpacking + 200,
        pack - 30,
        pack + 18,
        len(whole) - 3,
        len(whole) - 200,
        len(whole) - 600,
    ]
    places += range(unpacking, len(whole), (len(whole) - unpacking) // 25)
    for place in [3, 100, entry - 20, *places]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        program.file.write_bytes(damaged)
        for way in ("itself", "by its Python"):
            # By the shell, for the very first bytes say that it is to be.
            done = program.run(way="sh" if way == "itself" else way)
            assert done.returncode != 0, (place, way)
            assert not done.stdout, (place, way)
            # Where Python cannot read the archive, it takes the file for a script.
            if place >= unpacking and (way == "itself" or place < len(whole) - 3000):
                assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False), (
                    place,
                    done.stderr,
                )
        assert not program.prefixes.is_dir() or program.unpacked() == []
    program.file.write_bytes(whole[: len(whole) // 2])
    assert program.run(way="by its Python").returncode != 0


def test_another_python_goes_to_one_that_fits_or_says_what_it_wants(make_program: Make) -> None:
    program = make_program("3.11")
    for minor in ("2.7", "3.6", "3.8", "3.13"):
        other = find_python(minor)
        if other is None:
            continue
        fitting = f"{Path(other).parent}:{Path(program.python).parent}"
        alone = {"PATH": str(Path(other).parent), "HOME": str(program.home)}
        shutil.rmtree(program.prefixes, ignore_errors=True)
        done = subprocess.run([other, program.file], capture_output=True, text=True, env=alone)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"is cpython {minor}" in done.stderr
        assert "is for cpython 3.11" in done.stderr
        assert "PATH has no python3.11" in done.stderr
        done = subprocess.run(["/bin/sh", program.file], capture_output=True, text=True, env=alone)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        for _ in range(2):
            done = subprocess.run(
                [other, program.file],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                env={**alone, "PATH": fitting},
            )
            assert '"version": "3.11"' in done.stdout, done.stderr


def test_the_interpreter_inside_can_be_had(make_program: Make) -> None:
    program = make_program()
    for way in ("itself", "by its Python"):
        done = program.run(
            "-c", "import part, sys; print(part.NAME, sys.argv)", way=way, PANNIER_INTERPRETER="1"
        )
        assert done.stdout == "part ['-c']\n"
        done = program.run("-m", "part", way=way, PANNIER_INTERPRETER="1")
        assert done.returncode == 0
        done = program.run(
            "-c", "import os; print(os.environ.get('PANNIER_INTERPRETER'))", PANNIER_INTERPRETER="1"
        )
        assert done.stdout == "None\n"
        # As a setting of Pannier's it says which interpreter a pack has inside.
        assert program.run(way=way, PANNIER_INTERPRETER="none").stdout == program.run(way=way).stdout


def test_versions_nobody_uses_are_removed_and_the_others_kept(make_program: Make) -> None:
    names = []
    other = make_program(text=APP, name="other")
    assert other.run().returncode == 0
    names += other.unpacked()
    used = make_program(text=APP + "# used\n")
    waiting = subprocess.Popen(
        [*used.command("by its Python"), "wait"],
        env=used.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"ready\n"
    names += [name for name in used.unpacked() if name not in names]
    old = make_program(text=APP)
    assert old.run().returncode == 0
    names += [name for name in old.unpacked() if name not in names]
    for name in names:
        os.utime(used.prefixes / name / ".pannier/used", (0, 0))
    newest = make_program(text=APP + "# newest\n")
    assert newest.run().returncode == 0
    names += [name for name in newest.unpacked() if name not in names]
    waiting.communicate()
    # One that is old and unused is gone; one of another name, or in use, is kept however old.
    assert newest.unpacked() == sorted(name for name in names if name != names[2])
    assert len(names) == 4


def test_the_same_lock_gives_the_same_bytes_and_verify_reads_them(
    make_program: Make, commands: Commands
) -> None:
    program = make_program()
    first = program.file.read_bytes()
    assert make_program().file.read_bytes() == first
    assert "whole" in commands.run("pannier", "verify", "app.pyz").stderr
    assert "app" in commands.run("pannier", "inspect", "app.pyz").stdout
    commands.run("pannier", "unpack", "app.pyz", "unpacked")
    assert (commands.directory / "unpacked/program/part.py").is_file()
    program.file.write_bytes(first[:300] + b"X" + first[301:])
    assert "damaged" in commands.run("pannier", "verify", "app.pyz", status=1).stderr


def _write_wheel(directory: Path) -> None:
    directory.mkdir()
    members = {
        "tool/__init__.py": "import sys\ndef main():\n    print('tool', sys.argv[1:])\n    return 4\n",
        "tool/__main__.py": "import sys\nprint('module', sys.argv[1:], __spec__.name)\n",
        "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
        "tool-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool:main\n",
        "tool-1.0.data/scripts/other": "#!python\nimport sys\nprint('other', sys.argv[1:])\n",
        "tool-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(directory / "tool-1.0-py3-none-any.whl", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


@pytest.mark.parametrize("way", ["itself", "by its Python"])
def test_commands_of_distributions_and_modules_start_too(
    make_program: Make, commands: Commands, tmp_path: Path, way: str
) -> None:
    program = make_program()
    _write_wheel(commands.directory / "wheels")
    commands.script("requirements.txt", "tool\n")
    commands.script("package/__init__.py", "")
    commands.script(
        "package/__main__.py", "import sys, package\nprint(__name__, sys.argv[1:], __package__)\n"
    )
    offline = ("--offline", "--find-links", "wheels", "--python", "3.11")
    for subject, more, status, expected in (
        ("requirements.txt", ["--program", "tool"], 4, "tool ['a b']\n"),
        ("requirements.txt", ["--program", "other"], 0, "other ['a b']\n"),
        ("package", [], 0, "__main__ ['a b'] package\n"),
    ):
        commands.run("pannier", "pack", subject, "-o", "app.pyz", *offline, *more)
        for _ in range(2):
            done = program.run("a b", way=way)
            assert (done.returncode, done.stdout) == (status, expected), done.stderr
    commands.run("pannier", "pack", "requirements.txt", "-o", "app.pyz", *offline)
    assert program.run("-m", "tool", "x", way=way).stdout == "module ['x'] tool.__main__\n"


@pytest.mark.network
def test_a_script_that_says_what_it_needs_takes_compiled_modules_along(
    make_program: Make, commands: Commands
) -> None:
    program = make_program()
    commands.script(
        "app.py",
        '# /// script\n# requires-python = "==3.11.*"\n'
        '# dependencies = ["PyYAML", "requests", "rich"]\n# ///\n'
        "import requests, rich, yaml\nprint(yaml.__with_libyaml__, yaml.CLoader.__name__, __file__)\n",
    )
    commands.run("pannier", "pack", "app.py", "-o", "app.pyz")
    for way in ("itself", "by its Python"):
        done = program.run(way=way)
        assert done.stdout.startswith("True CLoader "), done.stderr


def test_a_form_without_an_interpreter_refuses_one(commands: Commands) -> None:
    commands.script("app.py", "print(1)\n")
    done = commands.run("pannier", "pack", "app.py", "-o", "app.pyz", "--interpreter", "standalone", status=2)
    assert "form-without-interpreter" in done.stderr
    assert not (commands.directory / "app.pyz").exists()


def test_another_kind_of_machine_is_told_in_one_line(make_program: Make, commands: Commands) -> None:
    program = make_program()
    platform = "linux-aarch64-glibc2.17" if os.uname().machine != "aarch64" else "linux-x86_64-glibc2.17"
    commands.run("pannier", "pack", "app.py", "-o", "app.pyz", "--python", "3.11", "--platform", platform)
    for way in ("itself", "by its Python"):
        done = program.run(way=way)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "made for: linux " in done.stderr
        assert "[target-mismatch]" in done.stderr
    assert not program.home.joinpath(".cache").exists()
