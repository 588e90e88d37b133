"""A bundle on its server: installed, switched, rolled back, verified, cleaned and taken away."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.interpreters import find_python
from tests.end_to_end.isolation import without_network
from tests.end_to_end.site_bundles import Environment, wheel, write_bundle

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
PYTHONS = {
    "2.7": ("2.7.18", "cp27mu"),
    "3.6": ("3.6.15", "cp36m"),
    MINOR: (f"{MINOR}.{sys.version_info[2]}", f"cp{MINOR.replace('.', '')}"),
}


def hello(version: str = "1.0", **extra: str) -> tuple[str, bytes]:
    text = f"version = {version!r}\n\n\ndef main():\n    print('hello ' + version)\n"
    return wheel(
        "hello",
        version,
        {"hello/__init__.py": text, "hello/other.py": "print 'old'\n", **extra},
        scripts="hello = hello:main",
    )


@dataclass(frozen=True)
class Server:
    """A place for a site, and what is done there."""

    root: Path

    @property
    def prefix(self) -> Path:
        return self.root / "envs"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    def environment(
        self, name: str, minor: str, *wheels: tuple[str, bytes], **options: object
    ) -> Environment:
        python, abi = PYTHONS[minor]
        if find_python(minor) is None:
            pytest.skip(f"there is no Python {minor} here")
        return Environment(name, python, abi, wheels, **options)  # type: ignore[arg-type]

    def bundle(self, name: str, *environments: Environment, **options: object) -> Path:
        path = self.root / name
        return write_bundle(path, environments, prefix=self.prefix, bin=self.bin, **options)  # type: ignore[arg-type]

    def run(
        self, *words: object, status: int = 0, before: Sequence[str] = (), shell: str = "sh"
    ) -> "subprocess.CompletedProcess[str]":
        python = find_python(MINOR)
        env = {
            **os.environ,
            "PATH": f"{Path(str(python)).parent}:{os.environ['PATH']}",
            "PYTHONPATH": "/nowhere",
        }
        done = subprocess.run(
            [*before, shell, *map(str, words)], capture_output=True, text=True, env=env, timeout=300
        )
        assert done.returncode == status, f"{words} exited {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def site(self, *words: object, status: int = 0) -> "subprocess.CompletedProcess[str]":
        return self.run(self.prefix / "site", *words, status=status)

    def python(self, name: str, code: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(self.bin / name), "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"},
        )
        assert done.returncode == status, done.stderr
        return done.stdout.strip()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


SHOW = "import hello; print(hello.version)"


@pytest.mark.parametrize("minor", ["2.7", "3.6", MINOR])
def test_an_environment_is_installed_without_network_and_started_by_its_names(
    server: Server, minor: str
) -> None:
    environment = server.environment("lab", minor, hello(), smoke=["import hello"], aliases=["lab-old"])
    bundle = server.bundle("site.run", environment)
    said = server.run(bundle, "install", before=without_network()).stdout
    assert "generation 1 is in force" in said
    assert server.python("lab", SHOW) == server.python("lab-old", SHOW) == "1.0"
    script = server.root / "script"
    script.write_text(f"#!{server.bin}/lab-old\nimport hello, sys\nprint(hello.version, sys.prefix)\n")
    script.chmod(0o755)
    shown = subprocess.run([str(script)], capture_output=True, text=True, check=True).stdout
    assert "1.0" in shown
    assert str(server.prefix / "generations" / "1" / "lab") in shown
    assert (
        subprocess.run([server.prefix / "current/lab/bin/hello"], capture_output=True).stdout
        == b"hello 1.0\n"
    )
    seen = server.python(
        "lab", "import sys, site; print([p for p in sys.path if 'packages' in p], site.ENABLE_USER_SITE)"
    )
    assert seen.count("site-packages") == 1
    assert "False" in seen
    cached = server.python("lab", "import hello; print(getattr(hello, '__cached__', hello.__file__))")
    assert Path(cached).suffix == ".pyc"
    assert Path(cached).exists()
    for module in ("ssl", "ctypes", "sqlite3"):
        server.python("lab", f"import {module}")
    assert json.loads(server.site("verify", "--json").stdout)["result"]["problems"] == []


def test_an_update_switches_all_names_and_rollback_brings_them_back(server: Server) -> None:
    first = server.bundle(
        "1.run", server.environment("lab", MINOR, hello()), server.environment("old", MINOR, hello())
    )
    second = server.bundle(
        "2.run",
        server.environment("lab", MINOR, hello("2.0")),
        server.environment("new", MINOR, hello("2.0")),
    )
    server.run(first, "install")
    server.run(second, "install")
    assert server.python("lab", SHOW) == "2.0"
    assert sorted(path.name for path in server.bin.iterdir()) == ["lab", "new"]
    server.site("rollback")
    assert server.python("lab", SHOW) == server.python("old", SHOW) == "1.0"
    assert sorted(path.name for path in server.bin.iterdir()) == ["lab", "old"]
    assert "there is no earlier generation" in server.site("rollback", status=1).stderr
    server.site("rollback", "2")
    assert server.python("new", SHOW) == "2.0"
    actions = [
        entry["action"] for entry in json.loads(server.site("log", "--json").stdout)["result"]["entries"]
    ]
    assert actions == ["install", "install", "rollback", "rollback"]
    status = json.loads(server.site("status", "--json").stdout)["result"]
    assert status["generation"] == 2
    assert status["environments"][0]["packages"] == [{"project": "hello", "version": "2.0"}]


def test_the_same_bundle_again_changes_nothing(server: Server) -> None:
    bundle = server.bundle("1.run", server.environment("lab", MINOR, hello()))
    server.run(bundle, "install")
    assert (
        "in force already, as generation 1; --force installs it anew" in server.run(bundle, "install").stdout
    )
    assert sorted(os.listdir(server.prefix / "generations")) == ["1"]
    (server.bin / "lab").unlink()
    assert server.site("rollback", "1").stdout == "generation 1 is in force already; its names are in place\n"
    assert server.python("lab", SHOW) == "1.0"
    (server.bin / "lab").unlink()
    server.run(bundle, "install")
    assert server.python("lab", SHOW) == "1.0"


def test_a_prefix_that_is_a_file_is_named_as_such(server: Server) -> None:
    server.prefix.parent.mkdir(parents=True, exist_ok=True)
    server.prefix.write_text("in the way")
    said = server.run(server.bundle("1.run", server.environment("lab", MINOR, hello())), "install", status=1)
    assert "the prefix is no directory" in said.stderr
    assert "code: prefix-taken" in said.stderr
    assert server.prefix.read_text() == "in the way"


def test_a_failing_smoke_test_leaves_the_old_set_in_force_and_names_the_import(server: Server) -> None:
    server.run(server.bundle("1.run", server.environment("lab", MINOR, hello())), "install")
    bad = server.bundle(
        "2.run", server.environment("lab", MINOR, hello("2.0"), smoke=["import hello", "import nothere"])
    )
    said = server.run(bad, "install", status=1).stderr
    assert "No module named 'nothere'" in said
    assert "code: smoke-failed" in said
    assert server.python("lab", SHOW) == "1.0"
    assert os.listdir(server.prefix / "generations") == ["1"]
    assert len(os.listdir(server.prefix / ".site" / "pool")) == 1
    said = server.run(
        server.bundle("3.run", server.environment("lab", MINOR, hello("2.0"), smoke=["while True: pass"])),
        "install",
        "--timeout",
        "1",
        status=1,
    ).stderr
    assert "did not end within 1 seconds" in said


def test_wheels_are_stored_once(server: Server) -> None:
    both = [server.environment(name, MINOR, hello()) for name in ("one", "two")]
    server.run(server.bundle("1.run", *both), "install")
    server.run(server.bundle("2.run", *both, server.environment("three", MINOR, hello())), "install")
    path = (
        server.prefix
        / "current"
        / "three"
        / "lib"
        / f"python{MINOR}"
        / "site-packages"
        / "hello"
        / "__init__.py"
    )
    assert path.stat().st_nlink == 1 + 2 + 3


def test_everything_wrong_is_said_at_once_and_nothing_is_touched(server: Server) -> None:
    missing = Environment("other", "3.5.10", "cp35m", [hello()])
    foreign = server.environment("lab", MINOR, hello(), platform="linux-aarch64-glibc2.17")
    bundle = server.bundle("1.run", foreign, missing, left_out=["hello"])
    server.bin.mkdir()
    (server.bin / "lab").write_text("mine")
    said = server.run(bundle, "install", "--require-signature", status=1).stderr
    for part in (
        "this bundle is not signed, and must be",
        "no Python 3.5",
        "the wheels are for aarch64",
        "`lab` is there already",
        "leaves out a wheel",
    ):
        assert part in said
    assert not server.prefix.exists()
    assert (server.bin / "lab").read_text() == "mine"


def test_a_dry_run_changes_nothing(server: Server) -> None:
    bundle = server.bundle("1.run", server.environment("lab", MINOR, hello()))
    assert "nothing was changed" in server.run(bundle, "install", "--dry-run").stdout
    assert not server.prefix.exists()


def test_any_tampered_byte_is_refused_by_the_name_of_its_part(server: Server) -> None:
    bundle = server.bundle("1.run", server.environment("lab", MINOR, hello()))
    whole = bundle.read_bytes()
    filename = hello()[0]
    places = {
        whole.index(b"PK\x03\x04") + 10: "the header of",
        whole.index(b"wheels/" + filename.encode() + b"PK") + 60: f"wheels/{filename} is not",
        whole.index(b"unset PYTHONPATH"): "the shell header",
        whole.rindex(b"PK\x01\x02") + 12: "the archive's directory",
        len(whole) - 1: "",
        whole.rindex(b'"header_sha256"') + 20: "manifest does not match its id",
    }
    for place, part in places.items():
        damaged = bytearray(whole)
        damaged[place] ^= 1
        bundle.write_bytes(damaged)
        if part == "the shell header":
            # The shell would read it first: it is started as a Python starts an archive.
            done = subprocess.run(
                [sys.executable, str(bundle), "install"], capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 1
            assert part in done.stderr
            continue
        said = server.run(bundle, "install", status=1).stderr
        assert part in said
    assert not server.prefix.exists()


def make_key(directory: Path, name: str) -> Path:
    path = directory / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def test_a_signature_is_checked_against_the_keys_that_the_site_trusts(server: Server) -> None:
    key, other = make_key(server.root, "key"), make_key(server.root, "other")
    signed = server.bundle("1.run", server.environment("lab", MINOR, hello()), key=key)
    unsigned = server.bundle("2.run", server.environment("lab", MINOR, hello("2.0")))
    forged = server.bundle("3.run", server.environment("lab", MINOR, hello("3.0")), key=other)
    signers = server.root / "signers"
    signers.write_text(f'admin@lab namespaces="pannier-site" {key.with_suffix(".pub").read_text()}')
    said = server.run(signed, "install", "--allowed-signers", server.root / "absent", status=1).stderr
    assert "there is no such file of trusted keys" in said
    assert "hint: name the file that holds your keys with --allowed-signers" in said
    server.run(signed, "install", "--allowed-signers", signers)
    status = json.loads(server.site("status", "--json").stdout)["result"]
    assert status["signed_by"] == "admin@lab"
    (server.prefix / ".site" / "allowed_signers").write_text(signers.read_text())
    assert "is not signed, and must be" in server.run(unsigned, "install", status=1).stderr
    assert "not by a key trusted here" in server.run(forged, "install", status=1).stderr
    assert server.python("lab", SHOW) == "1.0"


def test_verify_names_what_was_changed(server: Server) -> None:
    server.run(server.bundle("1.run", server.environment("lab", MINOR, hello())), "install")
    packages = server.prefix / "current" / "lab" / "lib" / f"python{MINOR}" / "site-packages"
    changed = packages / "hello" / "__init__.py"
    changed.write_text("version = 'evil'\n")
    (packages / "stray.pth").write_text("import os\n")
    (packages / "hello" / "other.py").unlink()
    said = server.site("verify", status=1).stdout
    assert "hello/__init__.py: it has" in said
    assert "stray.pth: nothing that was installed brought it" in said
    assert "hello/other.py: it is missing" in said


def test_a_delta_needs_what_it_leaves_out(server: Server) -> None:
    lab = server.environment("lab", MINOR, hello(), wheel("more", "1.0", {"more.py": "x = 1\n"}))
    full = server.bundle("1.run", lab)
    server.run(full, "install")
    inventory = json.loads(server.site("inventory", "--json").stdout)
    assert sorted(minor for _, minor in inventory["wheels"]) == [MINOR, MINOR]
    newer = server.environment("lab", MINOR, hello(), wheel("more", "2.0", {"more.py": "x = 2\n"}))
    delta = server.bundle("2.run", newer, left_out=["hello"])
    server.run(delta, "install")
    assert server.python("lab", "import hello, more; print(hello.version, more.x)") == "1.0 2"


def test_all_wheels_that_are_nowhere_are_one_error(server: Server) -> None:
    more = [wheel(f"more{number}", "1.0", {f"more{number}.py": ""}) for number in range(4)]
    lab = server.environment("lab", MINOR, hello(), *more)
    names = ["hello", *(f"more{number}" for number in range(4))]
    said = server.run(server.bundle("1.run", lab, left_out=names), "install", status=1).stderr
    assert said.startswith("error: this bundle leaves out 5 wheels, and this site does not have them\n")
    assert "and 2 others\n" in said
    assert said.count("error:") == 1


def test_one_environment_alone_can_be_renewed(server: Server) -> None:
    server.run(
        server.bundle(
            "1.run", server.environment("one", MINOR, hello()), server.environment("two", MINOR, hello())
        ),
        "install",
    )
    newer = server.bundle(
        "2.run",
        server.environment("one", MINOR, hello("2.0")),
        server.environment("two", MINOR, hello("2.0")),
    )
    server.run(newer, "install", "--environment", "one")
    assert (server.python("one", SHOW), server.python("two", SHOW)) == ("2.0", "1.0")
    assert (
        "has no environment `three`"
        in server.run(newer, "install", "--environment", "three", status=1).stderr
    )


def test_clean_keeps_what_runs_and_the_generation_before(server: Server) -> None:
    for number in ("1", "2", "3", "4"):
        server.run(server.bundle("x.run", server.environment("lab", MINOR, hello(number + ".0"))), "install")
        if number == "1":
            code = "import time; print('ready', flush=True); time.sleep(600)"
            running = subprocess.Popen([str(server.bin / "lab"), "-c", code], stdout=subprocess.PIPE)
            assert running.stdout is not None
            assert running.stdout.readline() == b"ready\n"
    try:
        assert "would remove 2" in server.site("clean", "--dry-run").stdout
        said = server.site("clean").stdout
        assert "removed 2 " in said
        assert "generation 1 stays" in said
        assert sorted(os.listdir(server.prefix / "generations")) == ["1", "3", "4"]
        assert len(os.listdir(server.prefix / ".site" / "pool")) == 3
    finally:
        running.kill()
        running.communicate()
    server.site("clean")
    assert sorted(os.listdir(server.prefix / "generations")) == ["3", "4"]
    server.site("rollback")
    assert server.python("lab", SHOW) == "3.0"


def test_uninstall_leaves_nothing_of_ours_and_all_of_others(server: Server) -> None:
    server.run(server.bundle("1.run", server.environment("lab", MINOR, hello())), "install")
    (server.bin / "other").write_text("theirs")
    assert "would remove" in server.site("uninstall", "--dry-run").stdout
    assert server.python("lab", SHOW) == "1.0"
    server.site("uninstall")
    assert os.listdir(server.bin) == ["other"]
    assert not server.prefix.exists()


def test_scripts_that_start_all_the_time_never_fail_while_the_site_is_renewed(server: Server) -> None:
    server.run(server.bundle("0.run", server.environment("lab", MINOR, hello("0.0"))), "install")
    script = server.root / "script"
    script.write_text(f"#!{server.bin}/lab\nimport hello\nprint(hello.version)\n")
    script.chmod(0o755)
    loop = f"while :; do {script} >/dev/null || echo failed; echo started; done"
    watcher = subprocess.Popen(
        ["sh", "-c", loop],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        for number in range(1, 11):
            server.run(
                server.bundle("x.run", server.environment("lab", MINOR, hello(f"{number}.0"))), "install"
            )
    finally:
        os.killpg(watcher.pid, signal.SIGTERM)
    said = watcher.communicate()[0].splitlines()
    assert len(said) > 10
    assert set(said) == {"started"}


def test_a_prefix_with_spaces_and_a_strict_umask_serves_everybody(tmp_path: Path) -> None:
    server = Server(tmp_path / ("a place with spaces " + "x" * 100))
    server.root.mkdir()
    bundle = server.bundle("1.run", server.environment("lab", MINOR, hello()))
    done = subprocess.run(
        ["sh", "-c", f"umask 077; exec sh '{bundle}' install"], capture_output=True, text=True, check=True
    )
    assert "in force" in done.stdout
    assert server.python("lab", SHOW) == "1.0"
    assert (
        subprocess.run([server.prefix / "current/lab/bin/hello"], capture_output=True).stdout
        == b"hello 1.0\n"
    )
    if os.getuid() == 0:
        for path in server.prefix.rglob("*"):
            if not path.is_symlink() and path.name != "lock":
                assert path.stat().st_mode & 0o004, path


@pytest.mark.parametrize("minor", ["3.6", "3.13"])
def test_the_installer_runs_with_the_oldest_and_a_new_python(server: Server, minor: str) -> None:
    python = find_python(minor)
    if python is None:
        pytest.skip(f"there is no Python {minor} here")
    bundle = server.bundle("1.run", server.environment("lab", MINOR, hello()))
    second = server.bundle("2.run", server.environment("lab", MINOR, hello("2.0")))
    for path in (bundle, second):
        server.run("-c", f"PANNIER_PYTHON={python} exec sh {path} install")
    assert python.rpartition("/bin/")[0] in (server.prefix / "site").read_text()
    # A version there is a setting of Pannier's.
    server.run("-c", f"PANNIER_PYTHON=3.4 exec sh {bundle} status")
    assert json.loads(server.site("verify", "--json").stdout)["ok"]
    server.site("rollback")
    for words in (("status",), ("list",), ("log",), ("inventory",), ("clean", "--dry-run")):
        server.site(*words)
    assert server.python("lab", SHOW) == "1.0"
    server.site("uninstall")
    assert not server.prefix.exists()


def test_a_full_disk_leaves_the_old_set_and_nothing_new(server: Server) -> None:
    if os.getuid() != 0:
        pytest.skip("a small file system needs root")
    server.prefix.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(server.prefix)], check=True)
    try:
        server.run(server.bundle("1.run", server.environment("lab", MINOR, hello())), "install")
        large = wheel("large", "1.0", {f"large/data{number}": os.urandom(1 << 20) for number in range(30)})
        bundle = server.bundle("2.run", server.environment("lab", MINOR, hello("2.0"), large))
        assert "not enough space" in server.run(bundle, "install", status=1).stderr
        # The disk fills while the installation runs, which no check before it can see.
        driver = (
            "import sys; from pannier.runtime.site import checks, command; "
            "checks._check_room = lambda *rest: []; sys.exit(command.main(['install'], sys.argv[1]))"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", driver, str(bundle)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root / "src")},
        )
        assert done.returncode == 1
        assert "code: disk-full" in done.stderr
        assert server.python("lab", SHOW) == "1.0"
        assert os.listdir(server.prefix / "generations") == ["1"]
        assert len(os.listdir(server.prefix / ".site" / "pool")) == 1
        assert not (server.prefix / ".site" / "journal.json").exists()
    finally:
        subprocess.run(["umount", str(server.prefix)], check=True)


def test_a_user_installs_into_a_place_of_his_own_and_is_told_where_he_may_not(server: Server) -> None:
    if os.getuid() != 0:
        pytest.skip("becoming another user needs root")
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("there is no Python here that every user may run")
    said = subprocess.run(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], capture_output=True, text=True
    ).stdout.strip()
    abi = "cp" + "".join(said.split(".")[:2])
    directory = Path(tempfile.mkdtemp(prefix="pannier-user-"))
    try:
        directory.chmod(0o755)
        own = directory / "own"
        own.mkdir()
        os.chown(own, 65534, 65534)
        bundle = write_bundle(
            directory / "1.run",
            [Environment("lab", said, abi, [hello()])],
            prefix=directory / "no",
            bin=directory / "bin",
        )

        def run(*words: object) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, words)],
                capture_output=True,
                text=True,
                env={"PATH": "/usr/bin:/bin", "PANNIER_PYTHON": python},
                cwd="/",
            )

        refused = run("sh", bundle, "install")
        assert refused.returncode == 1
        assert refused.stderr.count("code: no-rights") == 2
        done = run("sh", bundle, "install", "--prefix", own / "envs", "--bin", own / "bin")
        assert done.returncode == 0, done.stderr
        assert run(own / "bin" / "lab", "-c", SHOW).stdout == "1.0\n"
        os.chown(own / "envs" / ".site" / "lock", 0, 0)
        for words in (("rollback", "1"), ("clean",), ("uninstall",)):
            said = run(own / "envs" / "site", *words)
            assert said.returncode == 1
            assert said.stderr.startswith("error: this site cannot be changed by this user\n"), said.stderr
    finally:
        shutil.rmtree(directory)


def test_two_installations_at_once_do_not_mix(server: Server) -> None:
    server.run(server.bundle("0.run", server.environment("lab", MINOR, hello("0.0"))), "install")
    goes_on = server.root / "go on"
    waits = (
        f"import os, time; [time.sleep(0.01) for _ in iter(lambda: os.path.exists({str(goes_on)!r}), True)]"
    )
    slow = server.bundle("1.run", server.environment("lab", MINOR, hello("1.0"), smoke=[waits]))
    first = subprocess.Popen(["sh", str(slow), "install"], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    while "smoke" not in first.stdout.readline():
        pass
    said = server.run(
        server.bundle("2.run", server.environment("lab", MINOR, hello("2.0"))), "install", status=1
    ).stderr
    assert "being changed by another process" in said
    goes_on.touch()
    assert first.wait() == 0
    assert server.python("lab", SHOW) == "1.0"
