import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pannier.formats.wheels import (
    ConsoleScript,
    RecordEntry,
    format_console_script,
    format_program_script,
    format_record,
    format_wheel_script,
    libc_floor,
    parse_entry_points,
    parse_name_and_version,
    parse_record,
    parse_root_is_purelib,
    parse_wheel_filename,
)
from pannier.model.errors import PackError

SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "bash --posix": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
}
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def test_a_wheel_name_gives_project_version_and_platforms() -> None:
    name = parse_wheel_filename("Foo_Bar-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")
    assert (name.project, name.version) == ("foo-bar", "1.0")
    assert name.platforms == ("manylinux2014_x86_64", "manylinux_2_17_x86_64")


@pytest.mark.parametrize("filename", ["x.whl", "a-1.0.tar.gz", "../a-1.0-py3-none-any.whl", "a-1-b-c.whl"])
def test_what_is_no_wheel_name_is_refused(filename: str) -> None:
    with pytest.raises(PackError):
        parse_wheel_filename(filename)


@pytest.mark.parametrize(
    ("platforms", "floor"),
    [
        (["any"], None),
        (["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"], ("glibc", (2, 27))),
        (["manylinux2014_x86_64"], ("glibc", (2, 17))),
        (["manylinux1_i686"], ("glibc", (2, 5))),
        (["musllinux_1_2_aarch64"], ("musl", (1, 2))),
        (["linux_x86_64"], ("", (0, 0))),
    ],
)
def test_platform_tags_tell_the_least_c_library(platforms: list[str], floor: object) -> None:
    assert libc_floor(platforms) == floor


def test_wheel_and_metadata_files_are_read() -> None:
    assert parse_root_is_purelib("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
    assert not parse_root_is_purelib("Wheel-Version: 1.9\nRoot-Is-Purelib: false\n")
    assert parse_name_and_version("Name: Foo\nVersion: 1.0\nName: Bar\n\nVersion: 2\n") == ("Foo", "1.0")
    with pytest.raises(PackError, match=r"2\.0"):
        parse_root_is_purelib("Wheel-Version: 2.0\n")


def test_entry_points_of_both_kinds_of_commands_are_read_in_order_of_names() -> None:
    scripts = parse_entry_points(
        "[console_scripts]\n# no\nzz = a.b:main [extra]\nover = x:y\n[other]\nq = r\n"
        "[gui_scripts]\naa=c:D.run\nover = z:y"
    )
    assert scripts == (
        ConsoleScript("aa", "c", "D.run", is_graphical=True),
        ConsoleScript("over", "z", "y", is_graphical=True),
        ConsoleScript("zz", "a.b", "main"),
    )


@pytest.mark.parametrize(
    "line", ["../x = a:b", "x = a", "x = a:b; import os", "= a:b", "x = a b:c", ".. = a:b", "x = 1a:b"]
)
def test_entry_points_that_are_none_are_refused(line: str) -> None:
    with pytest.raises(PackError):
        parse_entry_points(f"[console_scripts]\n{line}\n")


@given(paths=st.lists(text, max_size=5, unique=True))
def test_records_are_read_back_as_written(paths: list[str]) -> None:
    entries = tuple(RecordEntry(path, "sha256=x", "3") for path in sorted(paths))
    assert parse_record(format_record(reversed(entries))) == entries


def test_other_scripts_stay_and_foreign_codings_become_utf_8() -> None:
    assert format_wheel_script(b"#!/bin/bash\nx\n") == b"#!/bin/bash\nx\n"
    assert format_wheel_script(b"#!python\nx = 1\n").endswith(b"'''\nx = 1\n")
    assert format_wheel_script(b"#!pythonw -u\r\nx = 1\n").endswith(b"'''\nx = 1\n")
    latin = "#!python\n# coding: latin-1\nx = 'é'\n".encode("latin-1")
    assert format_wheel_script(latin).endswith("x = 'é'\n".encode())


SHOW = b"""
import os, sys
def main():
    print(ascii(sys.argv[1:]), os.environ.get("PYTHONPATH") != "/nowhere", os.environ.get("PYTHONHOME"),
        sys.flags.no_user_site)
    return 7
"""


def show(prefix: Path, script: bytes) -> Path:
    """Make a prefix whose `python3` finds the module `shown`, and a command in it."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "shown.py").write_bytes(SHOW)
    python = prefix / "bin" / "python3"
    # A home that is no home of a Python would stop it; PYTHONPATH was unset by the command under test.
    python.write_text(f'#!/bin/sh\nPYTHONPATH="${{0%/*}}/.." exec {sys.executable} -B "$@"\n')
    python.chmod(0o755)
    command = prefix / "bin" / "shöw me"
    command.write_bytes(script)
    command.chmod(0o755)
    return command


def run(command: list[str], cwd: Path) -> tuple[int, str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


EXPECTED = (7, r"['', 'a b', '*', '\xe9', \"it's\"] True None 1".replace(r"\"", '"'))
ARGUMENTS = ["", "a b", "*", "é", "it's"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("kind", ["console", "wheel", "program", "module"])
def test_commands_run_in_every_shell_from_anywhere_and_through_links(
    shell: str, kind: str, tmp_path: Path
) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{shell} is not installed")
    script = {
        "console": format_console_script("shown", "main"),
        "wheel": format_wheel_script(
            b"#!python\n'doc'\nfrom __future__ import division\nimport shown, sys\nsys.exit(shown.main())\n"
        ),
        "program": format_program_script(script="program/it's \u00fc.py"),
        "module": format_program_script(module="package.it"),
    }[kind]
    prefix = tmp_path / "a préfix"
    command = show(prefix, script)
    (prefix / "program" / "package").mkdir(parents=True)
    (prefix / "program" / "package" / "it.py").write_text("import shown, sys\nsys.exit(shown.main())\n")
    (prefix / "program" / "it's ü.py").write_text("import shown, sys\nsys.exit(shown.main())\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(command)
    (elsewhere / "second").symlink_to("link")
    for path, cwd in [
        (str(command), tmp_path),
        (f"../{command.relative_to(tmp_path)}", elsewhere),
        ("shöw me", command.parent),
        ("./second", elsewhere),
        (str(elsewhere / "link"), Path("/")),
    ]:
        assert run([*SHELLS[shell], path, *ARGUMENTS], cwd) == EXPECTED
    moved = tmp_path / "moved"
    prefix.rename(moved)
    assert run([str(moved / "bin" / "shöw me"), *ARGUMENTS], tmp_path) == EXPECTED


@pytest.mark.parametrize("shell", ["bash"])
def test_a_command_named_to_the_shell_is_found_in_path(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = show(tmp_path / "p", format_console_script("shown", "main"))
    environ = {"PATH": f"{command.parent}:{os.environ['PATH']}"}
    done = subprocess.run([*SHELLS[shell], "shöw me"], env=environ, cwd="/", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "[] True None 1\n")


def test_a_script_keeps_its_docstring_and_its_line_numbers(tmp_path: Path) -> None:
    script = format_wheel_script(b'#!python\n"""Usage: me"""\nprint(__doc__, __name__, __file__)\n1 / 0\n')
    command = tmp_path / "bin" / "me"
    command.parent.mkdir()
    command.write_bytes(script)
    (command.parent / "python3").symlink_to(sys.executable)
    done = subprocess.run(["sh", "bin/me"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "Usage: me __main__ bin/me\n"
    lines = script.count(b"\n")
    assert f"line {lines}, in <module>" in done.stderr


def test_a_programs_command_given_to_python_runs_the_program(tmp_path: Path) -> None:
    command = show(tmp_path / "p", format_program_script(script="program/x.py"))
    (tmp_path / "p" / "program").mkdir()
    (tmp_path / "p" / "program" / "x.py").write_text("import shown, sys\nsys.exit(shown.main())\n")
    done = subprocess.run([sys.executable, str(command), "a"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "['a'] True None 1\n")


def test_an_entry_point_may_name_an_attribute_of_a_class() -> None:
    script = format_console_script("a.b", "C.run")
    assert b"from a.b import C\n" in script
    assert b"sys.exit(C.run())" in script
