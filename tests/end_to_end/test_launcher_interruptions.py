"""First use by many at once, and unpacking that is killed, stopped, refused or runs out of space."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.launching import SHELLS, Launcher, tools_without
from tests.unit.runtime.pack_building import (
    PYTHON,
    File,
    LayerPlan,
    PackPlan,
    build_pack,
    frames,
    host_plan,
    link,
    plain_plan,
    sample_layer,
)
from tests.waiting import wait_until

# So often each kind of interruption is tried under each shell, with and without flock, at ever other moments.
MOMENTS = int(os.environ.get("LAUNCHER_MOMENTS", "3"))


@pytest.fixture(params=list(SHELLS))
def launcher(request: pytest.FixtureRequest, tmp_path: Path) -> Launcher:
    shell = SHELLS[request.param]
    found = shutil.which(shell[0])
    if found is None:
        pytest.skip(f"there is no {shell[0]} here")
    return Launcher((found, *shell[1:]), tmp_path)


@pytest.fixture(params=["flock", "no flock"])
def tools(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A PATH with and without flock."""
    if request.param == "no flock":
        return tools_without(tmp_path / "tools", "flock")
    if shutil.which("flock") is None:
        pytest.skip("there is no flock here")
    return os.environ["PATH"]


@pytest.fixture(scope="module")
def large_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes some tenths of a second to unpack, in both of its stages: many files, if small ones."""
    plan = plain_plan(*(sample_layer(f"sample{number}", files=400, size=500) for number in range(6)))
    filler = [File(f"lib/python{PYTHON}/f{number}.py", b"# x\n" * 100) for number in range(1500)]
    first, interpreter, *rest = plan.layers
    interpreter = replace(interpreter, members=[*interpreter.members, *filler])
    return build_pack(tmp_path_factory.mktemp("pack") / "x.tar.gz", PackPlan((first, interpreter, *rest)))


@pytest.fixture(scope="module")
def unpacking_seconds(large_pack: Path) -> float:
    """How long a whole first use takes on this machine, as busy as it is: interruptions come all over it."""
    started = time.monotonic()
    Launcher(SHELLS["dash"], large_pack.parent).run(large_pack, "true")
    return time.monotonic() - started


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Falls the same in each run of a test, and otherwise for each shell, with and without flock."""
    return random.Random(request.node.name)


def processes_in(directory: Path) -> list[str]:
    """Command lines of all processes that name the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(directory) in command or where.startswith(str(directory)):
                found.append(command)
    return found


def wait_until_none_is_left(directory: Path) -> None:
    wait_until(lambda: not processes_in(directory), f"processes are left in {directory}")


def wait_until_signals_are_caught(process: int) -> None:
    """Before that they end a shell as they end anything; while bash sets a trap, it ignores that signal."""

    def is_caught() -> int:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        (caught,) = (int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
        return caught & 1 << (signal.SIGHUP - 1)  # the last that the launcher sets

    wait_until(is_caught)


def test_sixteen_at_once_unpack_once(launcher: Launcher, tools: str, large_pack: Path) -> None:
    started = [launcher.start("-d", large_pack, "cat", env={"PATH": tools}) for _ in range(16)]
    done = [
        (process.communicate(str(number), timeout=120), process) for number, process in enumerate(started)
    ]
    for number, ((output, errors), process) in enumerate(done):
        assert process.returncode == 0, errors
        assert output == str(number)
    assert sum("unpacking the rest" in errors for (_, errors), _ in done) == 1
    (name,) = launcher.leftovers()
    assert len(name) == 64


def test_killed_at_any_moment_and_the_next_call_works(
    launcher: Launcher, tools: str, large_pack: Path, dice: random.Random, unpacking_seconds: float
) -> None:
    for _ in range(MOMENTS):
        process = launcher.start(large_pack, "hello", env={"PATH": tools})
        time.sleep(dice.uniform(0.01, unpacking_seconds))
        victims = [process.pid]
        if dice.random() < 0.5:
            victims += children_of(process.pid)
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        process.communicate(timeout=60)
        if dice.random() < 0.3:
            shutil.rmtree(launcher.cache, ignore_errors=True)
        elif dice.random() < 0.5:
            assert "hello" in launcher.run(large_pack, "hello", env={"PATH": tools}).stdout
            forget_dead_locks(launcher)
            check_whole(launcher)
            shutil.rmtree(launcher.cache)
    launcher.run(large_pack, "hello", env={"PATH": tools})
    forget_dead_locks(launcher)
    check_whole(launcher)
    wait_until_none_is_left(launcher.directory)


def forget_dead_locks(launcher: Launcher) -> None:
    """Killed after all was in place, a process leaves its lock, which the next one that needs it breaks."""
    for lock in launcher.cache.glob("prefixes/*.lock.link"):
        assert not Path("/proc", str(lock.readlink()).partition(".")[0]).exists()
        lock.unlink()


def children_of(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    try:
        return [int(word) for word in listed.read_text().split()]
    except OSError:
        return []


def check_whole(launcher: Launcher) -> None:
    assert len(launcher.leftovers()) == 1, launcher.leftovers()
    (name,) = launcher.leftovers()
    prefix = launcher.cache / "prefixes" / name
    assert (prefix / ".pannier" / "complete").read_text().strip() == name
    assert sum(len(files) for _, _, files in os.walk(prefix)) > 6 * 400 + 1500
    assert len(list((prefix / "lib" / f"python{PYTHON}").glob("f*.py"))) == 1500
    for number in range(6):
        assert len(list(prefix.glob(f"lib/python*/site-packages/sample{number}/part*/*.dat"))) == 400


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopped_while_unpacking_it_leaves_nothing(
    launcher: Launcher,
    tools: str,
    large_pack: Path,
    number: signal.Signals,
    dice: random.Random,
    unpacking_seconds: float,
) -> None:
    for _ in range(MOMENTS):
        process = launcher.start(large_pack, "sleep", "60", env={"PATH": tools})
        wait_until_signals_are_caught(process.pid)
        time.sleep(dice.uniform(0.01, unpacking_seconds))
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number
        wait_until_none_is_left(launcher.directory)
        names = launcher.leftovers()
        assert not names or (len(names) == 1 and len(names[0]) == 64), names
        assert not list(launcher.cache.rglob("*.link"))
        shutil.rmtree(launcher.cache, ignore_errors=True)


def test_stopped_between_starting_the_parts_of_a_pipeline(tmp_path: Path, large_pack: Path) -> None:
    """Where bash runs a trap, which must not wait for the part already started: its pipe has no reader."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("strace") is None:
        pytest.skip("there is no bash or no strace here")
    tools = tmp_path / "tools"
    tools.mkdir()
    started = tmp_path / "started"
    (tools / "tail").write_text(f"#!/bin/sh\n: >'{started}'\nexec {shutil.which('tail')} \"$@\"\n")
    (tools / "tail").chmod(0o755)
    # The first part runs, and the second is not begun: forking returns late.
    slowly = ("-e", "trace=fork,vfork,clone,clone3", "-e", "inject=fork,vfork,clone,clone3:delay_exit=100000")
    launcher = Launcher(("strace", "-f", "-o", os.devnull, "-e", "signal=none", *slowly, bash), tmp_path)
    process = launcher.start(large_pack, "sleep", "60", env={"PATH": f"{tools}:{os.environ['PATH']}"})
    wait_until(lambda: started.exists() or process.poll() is not None)
    assert process.poll() is None
    (shell,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(shell), signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    wait_until_none_is_left(tmp_path)
    assert launcher.leftovers() == []


def test_stopped_while_waiting_for_the_lock(launcher: Launcher, tools: str, large_pack: Path) -> None:
    first = launcher.start(large_pack, "true", env={"PATH": tools})
    wait_until(launcher.leftovers)  # of who has the lock
    second = launcher.start(large_pack, "true", env={"PATH": tools})
    wait_until_signals_are_caught(second.pid)
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=60)
    assert second.returncode == -signal.SIGTERM
    first.communicate(timeout=60)
    assert first.returncode == 0
    check_whole(launcher)


def test_the_wait_has_a_limit(launcher: Launcher, tools: str, large_pack: Path) -> None:
    launcher.run(large_pack, "true", env={"PATH": tools})
    (name,) = launcher.leftovers()
    shutil.rmtree(launcher.cache / "prefixes" / name)
    lock = launcher.cache / "prefixes" / f"{name}.lock"
    holder = None
    if "tools" in tools:
        start = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
        lock.with_name(lock.name + ".link").symlink_to(f"{os.getpid()}.{start}@{os.uname().nodename}")
    else:
        held = launcher.directory / "held"
        hold = ["sh", "-c", f": >'{held}'; exec sleep 600"]
        holder = subprocess.Popen(["flock", str(lock), *hold], start_new_session=True)
        wait_until(held.exists)
    try:
        failed = launcher.run("-w", "1", large_pack, "true", env={"PATH": tools}, status=1)
    finally:
        if holder:
            os.killpg(holder.pid, signal.SIGKILL)
            holder.wait()
    assert failed.stderr.endswith("code: lock-timeout\n")
    assert "waited: 1 s" in failed.stderr


def test_a_dead_owners_lock_is_broken(launcher: Launcher, tmp_path: Path, large_pack: Path) -> None:
    tools = tools_without(tmp_path / "tools", "flock")
    launcher.run(large_pack, "true", env={"PATH": tools})
    (name,) = launcher.leftovers()
    shutil.rmtree(launcher.cache / "prefixes" / name)
    lock = launcher.cache / "prefixes" / f"{name}.lock.link"
    lock.symlink_to(f"{os.getpid()}.1@{os.uname().nodename}")
    started = [launcher.start("-d", large_pack, "true", env={"PATH": tools}) for _ in range(6)]
    errors = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 6, errors
    assert sum("unpacking the rest" in text for text in errors) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "small disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield where
    subprocess.run(["umount", str(where)], check=True)


@pytest.mark.parametrize("claimed", [None, 1])
@pytest.mark.parametrize("free", [1, 12])
def test_a_full_disk_gives_one_error_and_leaves_nothing(
    launcher: Launcher, small_disk: Path, claimed: int | None, free: int
) -> None:
    # With a false claim of the unpacked size the disk really fills, in the first stage or in the second.
    def change(lines: list[str]) -> list[str]:
        return [
            f"unpacked {claimed} 1" if claimed and line.startswith("unpacked") else line for line in lines
        ]

    plan = plain_plan(*(sample_layer(f"s{number}", files=400, size=20_000) for number in range(6)))
    pack = build_pack(launcher.directory / "x", replace(plan, change_head=change))
    filler = small_disk / "filler"
    filler.write_bytes(bytes((24 - free) << 20))
    cache = small_disk / "cache"
    failed = launcher.run(pack, "true", env={"PANNIER_CACHE_DIR": str(cache)}, status=1)
    assert failed.stderr.count("error:") == 1
    assert failed.stderr.endswith("code: disk-full\n")
    assert [path.name for path in (cache / "prefixes").iterdir() if not path.name.endswith(".lock")] == []


HOSTILE = {
    "absolute": File("/tmp/pannier-evil", b"x"),
    "climbing": File("../evil", b"x"),
    "climbing inside": File("lib/../../evil", b"x"),
    "device": File("lib/null", kind=b"3"),
    "fifo": File("lib/fifo", kind=b"6"),
    "hard link": File("lib/hard", kind=b"1", target="bin/hello"),
    "absolute link": link("lib/link", "/etc/passwd"),
    "escaping link": link("lib/link", "../../etc"),
    "marker": File(".pannier/complete", b"x"),
    "setuid": File("bin/su", b"x", mode=0o4755),
}


# A mode has no effect on a file that its reader could write anyway.
@pytest.mark.parametrize(
    ("layer", "what"),
    [("distribution", what) for what in HOSTILE]
    + [("interpreter", what) for what in HOSTILE if what != "setuid"],
)
def test_hostile_members_are_refused_before_anything_runs(launcher: Launcher, layer: str, what: str) -> None:
    canary = launcher.directory / "canary"
    plan = plain_plan()
    members = [HOSTILE[what], File("bin/hello2", f"#!/bin/sh\ntouch {canary}\n".encode(), 0o755)]
    if layer == "interpreter":
        first, interpreter, *rest = plan.layers
        script = f"#!/bin/sh\ntouch {canary}\n".encode()
        fake = [*members, File(f"bin/python{PYTHON}", script, 0o755)]
        plan = replace(plan, layers=(first, replace(interpreter, members=fake), *rest))
    else:
        plan = plain_plan(LayerPlan("distribution", "evil", members))
    pack = build_pack(launcher.directory / "x", plan)
    failed = launcher.run(pack, status=1)
    assert failed.stderr.count("error:") == 1
    assert failed.stderr.split()[-1] in {"hostile-pack", "corrupt-pack"}
    assert launcher.leftovers() == []
    assert not canary.exists()
    assert not Path("/tmp/pannier-evil").exists()
    assert not (launcher.cache / "evil").exists()


def test_writing_through_a_link_is_refused(launcher: Launcher) -> None:
    through = LayerPlan("distribution", "b", [File("lib/a/evil", b"x")])
    linked = LayerPlan("distribution", "a", [link("lib/a", "../bin")])
    pack = build_pack(launcher.directory / "x", plain_plan(linked, through))
    assert launcher.run(pack, status=1).stderr.endswith("code: hostile-pack\n")
    first, interpreter, *rest = plain_plan(LayerPlan("distribution", "b", [File("lib/a/evil", b"x")])).layers
    members = [*interpreter.members, link("lib/a", "b"), File("lib/b/x", b"")]
    pack = build_pack(
        launcher.directory / "y", PackPlan((first, replace(interpreter, members=members), *rest))
    )
    assert launcher.run(pack, status=1).stderr.endswith("code: hostile-pack\n")
    assert launcher.leftovers() == []


def test_a_pack_cut_short_anywhere_is_refused(launcher: Launcher) -> None:
    parts = frames(plain_plan())
    data = b"".join(parts)
    pack = launcher.directory / "x"
    ends = [sum(map(len, parts[:count])) for count in range(len(parts))]
    for end in ends:
        for cut in {max(1, end - 1), end, end + 1}:
            if cut < 1 or (cut < len(parts[0]) and launcher.shell[-1] != "/usr/bin/dash"):
                continue
            pack.write_bytes(data[:cut])
            failed = launcher.run(pack, status=1)
            assert failed.stderr.count("error:") == 1, cut
            assert failed.stderr.split()[-1] in {"corrupt-pack", "unpack-failed"}, failed.stderr
            assert launcher.leftovers() == []


def test_flipped_bits_are_found(launcher: Launcher) -> None:
    data = b"".join(frames(plain_plan()))
    moments = random.Random(3)
    pack = launcher.directory / "x"
    for _ in range(25):
        damaged = bytearray(data)
        place = moments.randrange(600, len(data))
        damaged[place] ^= 1 << moments.randrange(8)
        pack.write_bytes(damaged)
        process = launcher.start(pack, "echo", "ran")
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 1, (place, output, errors)
        assert output == ""
        assert errors.count("error:") == 1, (place, errors)
        assert launcher.leftovers() == []


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("linux sparc64 glibc 2.17", "sparc64"),
        ("plan9 x86_64 glibc 2.17", "plan9"),
        (f"linux {os.uname().machine} glibc 2.999", "glibc 2.999"),
        (f"linux {os.uname().machine} musl 1.2", "musl 1.2"),
    ],
)
def test_a_pack_for_another_machine_is_refused(launcher: Launcher, system: str, expected: str) -> None:
    pack = build_pack(launcher.directory / "x", replace(plain_plan(), system=system))
    failed = launcher.run(pack, status=1)
    assert f"  pack:    {expected}" in failed.stderr.replace("linux ", "") or expected in failed.stderr
    assert f"machine: linux {os.uname().machine}" in failed.stderr
    assert failed.stderr.endswith("code: target-mismatch\n")
    assert launcher.leftovers() == []
    output = launcher.directory / "output"
    output.mkdir()
    subprocess.run(["tar", "xzf", str(pack), "-C", str(output)], check=True)
    assert launcher.run("hello", script=output / "bin" / "run_in_env", status=1).stdout == ""


def test_a_pack_that_fits_every_machine(launcher: Launcher) -> None:
    pack = build_pack(launcher.directory / "x", replace(host_plan(), system="any any any 0"))
    launcher.run(pack)


def test_a_newer_format_is_refused_by_its_number(launcher: Launcher) -> None:
    pack = build_pack(launcher.directory / "x", replace(plain_plan(), format_number=2))
    assert "format 2" in launcher.run(pack, status=1).stderr
