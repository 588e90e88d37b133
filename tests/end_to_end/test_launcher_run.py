"""What a command in a pack sees, and what its caller sees of it, under dash, bash and BusyBox."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.launching import LAUNCHER, SHELLS, Launcher, busybox_tools, tools_without
from tests.unit.runtime.pack_building import (
    PYTHON,
    File,
    LayerPlan,
    PackPlan,
    build_pack,
    host_plan,
    plain_plan,
    program_layer,
    sample_layer,
)


@pytest.fixture(params=list(SHELLS))
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Launcher:
    shell = SHELLS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"there is no {shell[0]} here")
    directory = tmp_path / "a dir — ü"
    directory.mkdir()
    return Launcher(shell, directory)


@pytest.fixture(params=["gzip", "zstd"])
def codec(request: pytest.FixtureRequest) -> str:
    if request.param == "zstd" and shutil.which("zstd") is None:
        pytest.skip("there is no zstd here")
    return str(request.param)


@pytest.fixture
def pack(launcher: Launcher) -> Path:
    return build_pack(launcher.directory / "a pack ü.tar.gz", plain_plan())


def prefix_of(launcher: Launcher) -> Path:
    (name,) = launcher.leftovers()
    return launcher.cache / "prefixes" / name


def test_a_pack_runs_its_program_and_any_other_command(launcher: Launcher, codec: str) -> None:
    pack = build_pack(launcher.directory / "x", plain_plan(codec=codec))
    first = launcher.run(pack)
    prefix = prefix_of(launcher)
    assert first.stdout == f"hello from {prefix}\n"
    assert launcher.run("-e", pack.name, "--", "hello").stdout == first.stdout
    shown = launcher.run("-e", pack, "python3", "-c", "import sys; print(sys.argv[1:])", "1", "", "* $x")
    assert shown.stdout == "['1', '', '* $x']\n"
    library = prefix / "lib" / f"python{PYTHON}" / "site-packages" / "sample"
    assert (library / "part1" / "f1.dat").read_bytes() == b"1" * 3000
    assert (library / "empty").is_dir()
    assert str((library / "link").readlink()) == "part0/f0.dat"
    assert len(list(library.glob("**/säule ☃.txt"))) == 1


def test_a_host_pack_uses_the_machines_python(launcher: Launcher, codec: str) -> None:
    pack = build_pack(launcher.directory / "x", host_plan(codec=codec))
    code = (
        "import sys; print(sys.prefix); print('%d.%d' % sys.version_info[:2]); print(sys.flags.no_user_site)"
    )
    prefix, version, no_user_site = launcher.run(pack, "python", "-c", code).stdout.splitlines()
    assert Path(prefix) == prefix_of(launcher)
    assert version == PYTHON
    assert no_user_site == "1"


def test_a_host_pack_names_what_it_found_when_no_python_fits(launcher: Launcher) -> None:
    pack = build_pack(launcher.directory / "x", replace(host_plan(), python="3.99.1"))
    failed = launcher.run(pack, status=1)
    assert "wanted: python3.99" in failed.stderr
    assert f"({PYTHON})" in failed.stderr
    assert failed.stderr.endswith("code: no-interpreter\n")
    assert launcher.leftovers() == []


@pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 255])
def test_the_exit_status_is_the_commands(launcher: Launcher, pack: Path, status: int) -> None:
    launcher.run(pack, "sh", "-c", f"exit {status}", status=status)


def test_a_missing_command_and_one_that_is_no_program(launcher: Launcher, pack: Path) -> None:
    missing = launcher.run(pack, "no-such-command", status=127).stderr
    assert missing.startswith("error: there is no command `no-such-command` in this environment or on PATH\n")
    assert missing.endswith("code: no-command\n")
    plain = launcher.directory / "plain"
    plain.write_text("text")
    launcher.run(pack, plain, status=126)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_signals_reach_the_command_itself(launcher: Launcher, pack: Path, number: signal.Signals) -> None:
    launcher.run(pack, "true")
    process = launcher.start(pack, "sh", "-c", "echo $$; exec sleep 60")
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid, "the launcher gave its process to the command"
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == -number


def test_standard_input_reaches_the_command_also_in_the_first_run(launcher: Launcher, pack: Path) -> None:
    for _ in range(2):
        assert launcher.run(pack, "cat", stdin="one\n\ntwo").stdout == "one\n\ntwo"


def test_300_odd_arguments(launcher: Launcher, pack: Path) -> None:
    odd = ["", " ", "*", "$HOME", "`x`", "a\nb", "'", '"', "\\", "-e", "--", "é☃"]
    arguments = (odd * 25)[:300]
    code = "import json, sys; json.dump(sys.argv[1:], sys.stdout)"
    assert json.loads(launcher.run(pack, "python", "-c", code, *arguments).stdout) == arguments


def test_nothing_but_the_promised_variables_changes(launcher: Launcher, pack: Path) -> None:
    before = {
        "IFS": "x/",
        "CDPATH": "/tmp:/",
        "PYTHONPATH": "/evil",
        "PYTHONHOME": "/evil",
        "ENV": "/nonexistent",
        "_id": "mine",
        "_prefix": "mine",
        "id": "mine",
        "prefix": "mine",
    }
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    for _ in range(2):
        shown = launcher.run(pack, sys.executable, "-c", code, env=before)
        after = json.loads(shown.stdout)
        prefix = str(prefix_of(launcher))
        expected = {**launcher.environment(before), "PANNIER_PREFIX": prefix, "PONCHO_PREFIX": prefix}
        expected.update(PYTHONNOUSERSITE="1", PATH=f"{prefix}/bin:{expected['PATH']}")
        del expected["PYTHONPATH"], expected["PYTHONHOME"]
        # Shells set these on their own, and one that inherits IFS resets it; `_id` and `_prefix` are ours.
        for name in ("PWD", "OLDPWD", "SHLVL", "_", "IFS", "_id", "_prefix", "LC_CTYPE"):
            expected.pop(name, None)
            after.pop(name, None)
        assert after == expected


@pytest.mark.parametrize("option", ["-u", "-e", "-f"])
def test_a_caller_may_start_the_shell_with_options(launcher: Launcher, pack: Path, option: str) -> None:
    strict = Launcher((*launcher.shell, option), launcher.directory)
    for _ in range(2):
        assert strict.run(pack, "echo", "done").stdout == "done\n"


def test_paths_with_newlines_and_relative_ones(launcher: Launcher, pack: Path) -> None:
    odd = launcher.directory / " new\nline*\n"
    odd.mkdir()
    moved = pack.rename(odd / "-pack\n")
    for environment in (moved, f"./{moved.name}"):
        shown = launcher.run("-e", environment, "pwd", cwd=odd, env={"PANNIER_CACHE_DIR": "c\n"})
        assert shown.stdout == f"{odd}\n"
    assert len(list((odd / "c\n" / "prefixes").iterdir())) == 2
    launcher.run("-e", moved, "-u", odd / "unpacked\n", "true")
    assert launcher.run("-e", odd / "unpacked\n").stdout == f"hello from {odd}/unpacked\n\n"


def test_a_read_only_working_directory(launcher: Launcher, pack: Path) -> None:
    where = launcher.directory / "read only"
    where.mkdir(mode=0o555)
    assert launcher.run(pack, "pwd", cwd=where).stdout == f"{where}\n"
    assert list(where.iterdir()) == []


def test_variables_of_the_pack_name_places_in_the_prefix(launcher: Launcher) -> None:
    data = LayerPlan(
        "data", "data", [File("data/A/x", b"1"), File(".pannier/environment", b"A data/A\nB_2 data\n")]
    )
    pack = build_pack(launcher.directory / "x", plain_plan(data))
    shown = launcher.run(pack, "sh", "-c", 'cat "$A/x"; echo "$B_2"')
    assert shown.stdout == f"1{prefix_of(launcher)}/data\n"


def test_without_a_program_unpacking_is_all_that_the_drop_in_command_does(launcher: Launcher) -> None:
    pack = build_pack(launcher.directory / "x", replace(plain_plan(), program=""))
    assert launcher.run("-e", pack).stdout == ""
    assert prefix_of(launcher).is_dir()
    failed = launcher.run("--program", pack, status=1)
    assert failed.stderr.startswith("error: this environment has no program")


@pytest.mark.parametrize("arguments", [[], ["-e"], ["--nonsense"], ["-w", "x", "env"], ["-e", ""]])
def test_usage_errors(launcher: Launcher, arguments: list[str]) -> None:
    assert launcher.run(*arguments, status=1).stderr.endswith("code: usage\n")
    assert launcher.run("--program", *arguments, status=2).stderr.startswith("error: ")


def test_help_names_every_option(launcher: Launcher) -> None:
    text = launcher.run("--help").stdout
    for option in ("-e", "--environment", "-u", "--unpack-to", "-w", "--wait-for-lock", "-d", "--debug"):
        assert option in text
    assert "python_package_create" in launcher.run("--help-env-creation").stdout


def test_a_missing_file(launcher: Launcher) -> None:
    assert launcher.run("nowhere.tar.gz", "true", status=1).stderr.endswith("code: no-such-file\n")


def test_why_nothing_could_be_started_is_said_as_json_too(launcher: Launcher, pack: Path) -> None:
    odd = 'a "b"\\c\nd.tar.gz'
    for arguments, status, code in (
        ((odd, "true"), 1, "no-such-file"),
        ((pack, "no-such-command"), 127, "no-command"),
    ):
        done = launcher.run("--json", *arguments, status=status)
        said = json.loads(done.stdout)
        assert (said["version"], said["command"], said["ok"], said["warnings"]) == (1, "run", False, [])
        assert said["error"]["code"] == code
        assert said["error"]["message"]
        assert done.stderr == ""
    assert json.loads(launcher.run("--json", odd, "true", status=1).stdout)["error"]["facts"] == {"file": odd}


def test_a_script_is_told_how_it_is_packed(launcher: Launcher) -> None:
    (launcher.directory / "fit.py").write_text("print(1)\n")
    assert "pannier pack fit.py -o fit.tar.gz" in launcher.run("fit.py", "true", status=1).stderr


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a.pyz", "`sh a.pyz`"),
        ("a.run", "`sh a.run install`"),
        ("a.deb", "`dpkg -i a.deb`"),
        ("a.rpm", "rpm -i"),
    ],
)
def test_what_starts_or_is_installed_by_itself_is_told_how(
    launcher: Launcher, name: str, remedy: str
) -> None:
    (launcher.directory / name).write_text("#!/bin/sh\n")
    assert remedy in launcher.run(name, "true", status=1).stderr


def test_taskvines_sequence_and_a_move(launcher: Launcher, pack: Path) -> None:
    output = launcher.directory / "output"
    output.mkdir()
    subprocess.run(["tar", "xzf", str(pack), "-C", str(output)], check=True)
    script = output / "bin" / "run_in_env"
    assert launcher.run(script=script).stdout == ""
    (launcher.directory / "ln").symlink_to("output")
    linked = launcher.directory / "ln" / "bin" / "run_in_env"
    shown = launcher.run("hello", script=linked)
    assert shown.stdout == f"hello from {launcher.directory}/ln\n"
    assert (
        launcher.run("python3", "-c", "print(1)", script=Path("bin/run_in_env"), cwd=output).stdout == "1\n"
    )
    assert launcher.run("hello", script=Path("./run_in_env"), cwd=output / "bin").stdout.endswith("output\n")
    assert launcher.run("hello", script=Path("run_in_env"), cwd=output / "bin").stdout.endswith("output\n")
    (launcher.directory / "r").symlink_to("output/bin/run_in_env")
    assert launcher.run("hello", script=launcher.directory / "r").stdout.endswith("output\n")
    output.rename(launcher.directory / "moved here")
    moved = launcher.directory / "moved here"
    assert launcher.run("-e", moved, "hello").stdout == f"hello from {moved}\n"
    assert launcher.run("moved here/").stdout == f"hello from {moved}\n"


def test_a_host_prefix_from_tar_is_linked_on_its_first_use(launcher: Launcher) -> None:
    pack = build_pack(launcher.directory / "x", host_plan())
    output = launcher.directory / "output"
    output.mkdir()
    subprocess.run(["tar", "xzf", str(pack), "-C", str(output)], check=True)
    script = output / "bin" / "run_in_env"
    launcher.run(script=script)
    assert (output / "pyvenv.cfg").exists()
    shown = launcher.run("python3", "-c", "import sys; print(sys.prefix)", script=script)
    assert Path(shown.stdout[:-1]) == output


def test_unpack_to_a_directory_is_never_stale(launcher: Launcher, pack: Path) -> None:
    where = launcher.directory / "sand box" / "env"
    assert launcher.run("-e", pack, "-u", where).stdout == f"hello from {where}\n"
    (where / "mark").write_text("")
    launcher.run("-e", pack, "--unpack-to", where, "true")
    assert (where / "mark").exists(), "unpacked once"
    other = build_pack(launcher.directory / "other", plain_plan(sample_layer("other")))
    launcher.run("-e", other, "-u", f"{where}/", "true")
    assert not (where / "mark").exists(), "another pack replaces it"
    assert (where / "lib" / f"python{PYTHON}" / "site-packages" / "other").is_dir()
    assert [path.name for path in where.parent.iterdir() if not path.name.endswith(".lock")] == ["env"]
    assert launcher.leftovers() == []


def test_unpack_to_keeps_foreign_files(launcher: Launcher, pack: Path) -> None:
    where = launcher.directory / "env"
    (where / "bin").mkdir(parents=True)
    (where / "bin" / "mine").write_text("mine")
    (where / "bin" / "hello").write_text("half made")
    for _ in range(2):
        assert launcher.run("-e", pack, "-u", where).stdout == f"hello from {where}\n"
    assert (where / "bin" / "mine").read_text() == "mine"
    assert not list(where.glob(".pannier.tmp*"))


def test_unpack_to_an_empty_directory(launcher: Launcher, pack: Path) -> None:
    where = launcher.directory / "env"
    where.mkdir()
    (launcher.directory / "link").symlink_to("env")
    launcher.run("-e", pack, "-u", "link", "true")
    assert (where / ".pannier" / "complete").exists()
    assert (launcher.directory / "link").is_symlink()


@pytest.mark.parametrize("home", [None, "", "/proc/nonexistent"])
def test_without_a_home_the_cache_is_a_private_directory(
    launcher: Launcher, pack: Path, home: str | None
) -> None:
    temporary = launcher.directory / "tmp"
    temporary.mkdir()
    env = {"HOME": home, "PANNIER_CACHE_DIR": None, "TMPDIR": str(temporary)}
    for _ in range(2):
        launcher.run(pack, "true", env=env)
    (cache,) = temporary.iterdir()
    assert cache.name == f"pannier-{os.getuid()}"
    assert cache.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(cache)
    cache.symlink_to(launcher.directory / "home")
    assert launcher.run(pack, "true", env=env, status=1).stderr.endswith("code: unsafe-cache\n")
    nowhere = {**env, "TMPDIR": str(launcher.directory / "absent")}
    assert launcher.run(pack, "true", env=nowhere, status=1).stderr.endswith("code: storage\n")


def test_xdg_cache_home_and_home(launcher: Launcher, pack: Path) -> None:
    home = launcher.directory / "home"
    env: dict[str, str | None] = {"PANNIER_CACHE_DIR": None}
    launcher.run(pack, "true", env=env)
    assert list((home / ".cache" / "pannier" / "prefixes").iterdir())
    launcher.run(pack, "true", env={**env, "XDG_CACHE_HOME": str(launcher.directory / "xdg")})
    assert list((launcher.directory / "xdg" / "pannier" / "prefixes").iterdir())


def test_the_way_to_what_is_unpacked_starts_no_process(
    launcher: Launcher, pack: Path, tmp_path: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("there is no strace here")
    launcher.run(pack, "true")
    log = tmp_path / "log"
    traced = Launcher(
        ("strace", "-f", "-o", str(log), "-e", "trace=process", *launcher.shell), launcher.directory
    )
    traced.run(pack, "true")
    text = log.read_text()
    assert "fork(" not in text
    assert "clone(" not in text
    # BusyBox runs its own `true` without starting it.
    assert text.count("execve(") - text.count("ENOENT") == (1 if launcher.shell[0] == "busybox" else 2)


def test_busyboxs_tools_are_enough(launcher: Launcher, tmp_path: Path) -> None:
    if shutil.which("busybox") is None:
        pytest.skip("there is no busybox here")
    pack = build_pack(launcher.directory / "x", plain_plan())
    env = {"PATH": busybox_tools(tmp_path / "tools")}
    shell = shutil.which(launcher.shell[0])
    assert shell
    only = Launcher((shell, *launcher.shell[1:]), launcher.directory)
    for _ in range(2):
        assert only.run(pack, env=env).stdout == f"hello from {prefix_of(only)}\n"


@pytest.mark.parametrize("missing", ["flock", "sha256sum", "stat", "getconf"])
def test_a_host_with_fewer_tools(launcher: Launcher, pack: Path, tmp_path: Path, missing: str) -> None:
    shell = shutil.which(launcher.shell[0])
    assert shell
    only = Launcher((shell, *launcher.shell[1:]), launcher.directory)
    tools = tools_without(tmp_path / "tools", "flock", missing)
    done = only.run(pack, "true", env={"PATH": tools})
    # BusyBox has its own inside.
    assert ("warning" in done.stderr) == (missing == "sha256sum" and launcher.shell[0] != "busybox")
    assert not list(launcher.cache.rglob("*.link"))


def test_members_that_cannot_be_looked_through_are_not_unpacked(
    launcher: Launcher, pack: Path, tmp_path: Path
) -> None:
    if launcher.shell[0] == "busybox":
        pytest.skip("BusyBox has its own awk inside")
    tools = tools_without(tmp_path / "tools", "awk")
    shell = shutil.which(launcher.shell[0])
    assert shell
    failed = Launcher((shell,), launcher.directory).run(pack, "true", env={"PATH": tools}, status=1)
    assert "hint: put `awk` on PATH" in failed.stderr
    assert failed.stderr.endswith("code: unpack-failed\n")
    assert launcher.leftovers() == []


def test_no_zstd_is_said_with_a_remedy_and_pannier_zstd_is_one(launcher: Launcher, tmp_path: Path) -> None:
    pack = build_pack(launcher.directory / "x.tar.zst", plain_plan(codec="zstd"))
    shell = shutil.which(launcher.shell[0])
    assert shell
    only = Launcher((shell, *launcher.shell[1:]), launcher.directory)
    tools = tools_without(tmp_path / "tools", "zstd")
    failed = only.run(pack, env={"PATH": tools}, status=1)
    assert "hint: install zstd" in failed.stderr
    assert failed.stderr.endswith("code: no-decompressor\n")
    assert only.leftovers() == []
    script = tmp_path / "unzstd.py"
    script.write_text(
        "import sys, zstandard\n"
        "data = zstandard.ZstdDecompressor().stream_reader(sys.stdin.buffer, read_across_frames=True)\n"
        "while chunk := data.read(65536): sys.stdout.buffer.write(chunk)\n"
    )
    only.run(pack, env={"PATH": tools, "PANNIER_ZSTD": f"{sys.executable} {script}"})


def conda_tarball(directory: Path, name: str, word: str) -> Path:
    """What conda-pack makes, in little: a prefix with its placeholder, and the program that replaces it."""
    tree = directory / f"{name}.tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "conda-meta").mkdir()
    scripts = {
        "python": f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n",
        "conda-unpack": (
            "import os, sys\n"
            "prefix = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n"
            "open(os.path.join(prefix, 'unpacked'), 'a').write(prefix + '\\n')\n"
        ),
        "activate": "export ACTIVATED=yes-${BASH_VERSION%%.*}\nif [ $unset_variable ]; then :; fi\n",
        "word": f"#!/bin/sh\necho {word} $ACTIVATED\n",
    }
    for script, text in scripts.items():
        (tree / "bin" / script).write_text(text)
        (tree / "bin" / script).chmod(0o755)
    path = directory / name
    subprocess.run(["tar", "czf", str(path), "-C", str(tree), "."], check=True)
    os.utime(path, (1, 1))
    return path


def test_a_conda_pack_tarball_is_unpacked_once_and_activated(launcher: Launcher) -> None:
    tarball = conda_tarball(launcher.directory, "conda env.tar.gz", "one")
    for _ in range(2):
        shown = launcher.run("-e", tarball, "word")
        assert shown.stdout.startswith("one yes-")
    (prefix,) = [path for path in (launcher.cache / "prefixes").iterdir() if path.is_dir()]
    assert (prefix / "unpacked").read_text() == f"{prefix}\n"
    (prefix / ".pannier" / "complete").unlink()
    (prefix / "half").write_text("")
    launcher.run("-e", tarball, "word")
    assert not (prefix / "half").exists(), "a half-made one is made again"


def test_the_digest_of_a_tarball_is_remembered_until_it_changes(launcher: Launcher) -> None:
    tarball = conda_tarball(launcher.directory, "env.tar.gz", "one")
    launcher.run("-e", tarball, "word")
    time.sleep(3.1)
    assert "computing the sha256" in launcher.run("-d", "-e", tarball, "word").stderr
    assert "computing the sha256" not in launcher.run("-d", "-e", tarball, "word").stderr
    other = conda_tarball(launcher.directory, "other.tar.gz", "two")
    shutil.copyfile(other, tarball)
    os.utime(tarball, (1, 1))
    assert launcher.run("-e", tarball, "word").stdout.startswith("two ")


def test_a_conda_pack_tarball_unpacked_to_a_directory(launcher: Launcher) -> None:
    one = conda_tarball(launcher.directory, "one.tar.gz", "one")
    two = conda_tarball(launcher.directory, "two.tar.gz", "two")
    where = launcher.directory / "where"
    for tarball, word in ((one, "one"), (one, "one"), (two, "two")):
        assert launcher.run("-e", tarball, "-u", where, "word").stdout.startswith(word)
    assert launcher.run("-e", where, "word").stdout.startswith("two yes-")


def test_a_broken_tarball_leaves_nothing_and_a_good_one_works_after(launcher: Launcher) -> None:
    tarball = conda_tarball(launcher.directory, "env.tar.gz", "one")
    whole = tarball.read_bytes()
    tarball.write_bytes(whole[: len(whole) // 2])
    assert launcher.run("-e", tarball, "word", status=1).stderr.endswith("code: corrupt-pack\n")
    assert launcher.leftovers() == []
    tarball.write_bytes(whole)
    assert launcher.run("-e", tarball, "word").stdout.startswith("one")


def test_the_front_door_finds_its_siblings_through_links(launcher: Launcher, pack: Path) -> None:
    commands = launcher.directory / "venv" / "bin"
    commands.mkdir(parents=True)
    shutil.copy(LAUNCHER.with_name("pannier.sh"), commands / "pannier")
    shutil.copy(LAUNCHER, commands / "python_package_run")
    (commands / "pannier-python").write_text('#!/bin/sh\necho python "$@"\n')
    (commands / "pannier-python").chmod(0o755)
    (launcher.directory / "bin").mkdir()
    (launcher.directory / "bin" / "pannier").symlink_to("../venv/bin/pannier")
    for script in (commands / "pannier", launcher.directory / "bin" / "pannier"):
        assert launcher.run("run", pack, "--", "echo", "a b", script=script).stdout == "a b\n"
        assert launcher.run("run", pack, script=script).stdout.startswith("hello from")
        assert launcher.run("run", "--help", script=script).stdout == "python run --help\n"
        assert launcher.run("pack", "x", script=script).stdout == "python pack x\n"
        assert launcher.run(script=script).stdout == "python\n"


def test_the_launcher_copied_alone_is_enough(launcher: Launcher, pack: Path) -> None:
    alone = launcher.directory / "poncho_package_run"
    shutil.copy(LAUNCHER, alone)
    assert launcher.run("-e", pack, "echo", "1", script=alone).stdout == "1\n"


def test_program_layers_may_shadow_nothing(launcher: Launcher) -> None:
    twice = program_layer(File("bin/run_in_env", b"x", 0o755))
    plan = plain_plan()
    pack = build_pack(launcher.directory / "x", PackPlan((*plan.layers[:-1], twice)))
    assert launcher.run(pack, status=1).stderr.endswith("code: hostile-pack\n")
    assert launcher.leftovers() == []
