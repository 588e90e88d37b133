"""Copies of every interpreter of this machine run elsewhere, with the originals out of sight."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.end_to_end.isolation import can_hide_directories, hiding

from pannier.environment.find import find_interpreters
from pannier.environment.probe import probe
from pannier.environment.relocatable import InterpreterTree, plan_interpreter, write_tree
from pannier.environment.selection import check_copyable
from pannier.environment.shared_libraries import is_c_library, read_elf
from pannier.model.errors import InterpreterError, StorageError
from pannier.model.events import SilentReporter, Stage
from pannier.model.interpreter import Interpreter

pytestmark = pytest.mark.xdist_group("copies")  # of each interpreter one is kept
MODULES = ("ssl", "sqlite3", "ctypes", "lzma", "bz2", "zlib", "readline", "hashlib", "decimal", "venv")
SAY = """
import json, site, sys, sysconfig
failed = []
for name in sys.argv[1:]:
    try:
        __import__(name)
    except ImportError:
        failed.append(name)
lines = open("/proc/self/maps", "rb").read().splitlines()
files = set(line.split(None, 5)[5] for line in lines if b"/" in line)
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3], "prefix": sys.prefix, "failed": failed, "path": sys.path,
    "purelib": sysconfig.get_path("purelib"), "site": site.getsitepackages(), "user": site.ENABLE_USER_SITE,
    "include": sysconfig.get_config_var("INCLUDEPY"), "files": sorted(f.decode("utf-8") for f in files),
}))
"""


def _is_copyable(interpreter: Interpreter) -> bool:
    try:
        check_copyable(interpreter)
    except InterpreterError:
        return False
    return True


INTERPRETERS = [interpreter for interpreter in find_interpreters() if _is_copyable(interpreter)]
every_interpreter = pytest.mark.parametrize(
    "interpreter", INTERPRETERS, ids=[f"{i.version}{'-debian' if i.is_debian else ''}" for i in INTERPRETERS]
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interpreters")


def _environment(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **more}


def _run(executable: Path, home: Path, *, hidden: tuple[str, ...] = (), **more: str) -> dict[str, object]:
    command = [str(executable), "-c", SAY, *MODULES]
    if hidden and can_hide_directories():
        command = hiding(hidden, command)
    result = subprocess.run(command, capture_output=True, cwd="/", env=_environment(home, **more))
    assert result.returncode == 0, result.stderr.decode()
    said: dict[str, object] = json.loads(result.stdout)
    return said


def _hidden(interpreter: Interpreter) -> tuple[str, ...]:
    if interpreter.base_prefix == "/usr":
        return (interpreter.stdlib, "/usr/lib/python3")
    return (interpreter.base_prefix,)


def _is_secret(interpreter: Interpreter) -> bool:
    return interpreter.base_prefix not in {"/usr", "/usr/local"}


@every_interpreter
def test_a_copy_runs_anywhere_with_the_original_hidden(
    interpreter: Interpreter, kept: Path, tmp_path: Path
) -> None:
    tree = plan_interpreter(interpreter, kept)
    original = _run(Path(interpreter.base_executable), tmp_path)
    minor = ".".join(interpreter.version.split(".")[:2])
    place = tmp_path / "erster Ört"
    write_tree(tree, place)
    (place / "lib" / f"python{minor}" / "site-packages").mkdir()
    for name in ("zweiter Ört", "drei/voi là"):
        _check(
            _run(place / tree.executable, tmp_path, hidden=_hidden(interpreter)), place, original, interpreter
        )
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        place = place.rename(target)
    link = tmp_path / "a link"
    link.symlink_to(place / "bin" / "python3")
    said = _run(link, tmp_path, hidden=_hidden(interpreter))
    _check(said, place, original, interpreter)


def _check(
    said: dict[str, object], place: Path, original: dict[str, object], interpreter: Interpreter
) -> None:
    minor = ".".join(interpreter.version.split(".")[:2])
    libraries = str(place / "lib" / f"python{minor}" / "site-packages")
    assert said["version"] == interpreter.version
    assert said["prefix"] == str(place)
    assert said["failed"] == original["failed"]
    assert said["purelib"] == libraries
    assert said["site"] == [libraries]
    assert libraries in said["path"]  # type: ignore[operator]
    assert said["user"] is False
    assert str(said["include"]).startswith(str(place))
    assert not [path for path in said["path"] if path and not path.startswith(f"{place}/")]  # type: ignore[attr-defined]
    outside = [path for path in said["files"] if ".so" in path and not path.startswith(f"{place}/")]  # type: ignore[attr-defined]
    assert not [path for path in outside if not is_c_library(Path(path).name)]


@every_interpreter
def test_nothing_of_the_builder_is_in_a_copy(interpreter: Interpreter, kept: Path) -> None:
    tree = plan_interpreter(interpreter, kept)
    if not _is_secret(interpreter):
        pytest.skip("its prefix, /usr, is the same on every machine")
    secret = interpreter.base_prefix.encode()
    assert [
        entry.name for entry in tree.entries if entry.source and secret in entry.source.read_bytes()
    ] == []


@every_interpreter
def test_a_copy_holds_only_what_a_pack_may(interpreter: Interpreter, kept: Path) -> None:
    tree = plan_interpreter(interpreter, kept)
    names = [entry.name for entry in tree.entries]
    assert names == sorted(set(names))
    assert all(entry.source is not None or "/" not in entry.link_target for entry in tree.entries)
    assert not [
        name
        for name in names
        if re.search(r"site-packages|dist-packages|__pycache__|/tests?/|\.a$|\.pyc$", name)
    ]
    assert {"bin/python", "bin/python3", tree.executable} <= set(names)
    assert tuple(map(int, tree.platform.libc_version.split("."))) <= tuple(
        map(int, interpreter.platform.libc_version.split("."))
    )


@pytest.fixture(scope="module")
def own_tree(kept: Path) -> InterpreterTree:
    return plan_interpreter(INTERPRETERS[0], kept)


def test_the_user_site_never_comes_in(own_tree: InterpreterTree, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    write_tree(own_tree, place)
    minor = ".".join(own_tree.version.split(".")[:2])
    user = tmp_path / ".local" / "lib" / f"python{minor}" / "site-packages"
    user.mkdir(parents=True)
    (user / "intruder.py").write_text("")
    (user / "intruder.pth").write_text("import intruder\n")
    code = "import sys; print('intruder' in sys.modules)"
    environment = _environment(tmp_path)
    printed = subprocess.check_output([place / own_tree.executable, "-c", code], env=environment, text=True)
    assert printed == "False\n"


def test_path_files_in_the_copy_are_honoured(own_tree: InterpreterTree, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    write_tree(own_tree, place)
    minor = ".".join(own_tree.version.split(".")[:2])
    libraries = place / "lib" / f"python{minor}" / "site-packages"
    (libraries / "more").mkdir(parents=True)
    (libraries / "more" / "guest.py").write_text("here = True\n")
    (libraries / "guest.pth").write_text("more\n")
    code = "import guest; print(guest.here)"
    printed = subprocess.check_output(
        [place / own_tree.executable, "-c", code], env=_environment(tmp_path), text=True
    )
    assert printed == "True\n"


@pytest.mark.skipif(not can_hide_directories(), reason="hiding directories takes root or user namespaces")
@pytest.mark.skipif(not Path("/usr/lib/ssl").is_dir(), reason="OpenSSL's directory is elsewhere here")
def test_certificates_of_the_target_are_found(own_tree: InterpreterTree, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    write_tree(own_tree, place)
    code = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 0)"
    command = hiding(["/usr/lib/ssl"], [str(place / own_tree.executable), "-c", code])
    printed = subprocess.check_output(command, env=_environment(tmp_path), text=True)
    assert printed == f"{Path('/etc/ssl/certs/ca-certificates.crt').is_file()}\n"


@every_interpreter
def test_a_search_path_of_the_host_does_not_swap_libraries(
    interpreter: Interpreter, kept: Path, tmp_path: Path
) -> None:
    tree = plan_interpreter(interpreter, kept)
    place = tmp_path / "copy"
    write_tree(tree, place)
    others = {os.path.dirname(str(entry)) for entry in Path("/usr/lib").glob("*-linux-gnu/libc.so.6")}
    decoy = tmp_path / "decoy"
    decoy.mkdir()
    for entry in tree.entries:
        if entry.name.startswith("lib/libpython"):
            (decoy / Path(entry.name).name).write_bytes(b"not a library")
    said = _run(place / tree.executable, tmp_path, LD_LIBRARY_PATH=":".join([str(decoy), *others]))
    assert said["version"] == interpreter.version
    outside = [path for path in said["files"] if ".so" in path and not path.startswith(f"{place}/")]  # type: ignore[attr-defined]
    # What the program itself needs with symbol versions cannot be named by path; those are compatible.
    versioned = {name.partition(".")[0] for name in read_elf(place / tree.executable).versioned}
    foreign = [path for path in outside if not is_c_library(Path(path).name)]
    assert not [path for path in foreign if Path(path).name.partition(".")[0] not in versioned]


def test_a_venv_is_copied_as_its_base(kept: Path, tmp_path: Path, own_tree: InterpreterTree) -> None:
    subprocess.run(
        [INTERPRETERS[0].base_executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True
    )
    in_venv = probe(tmp_path / "venv" / "bin" / "python")
    assert in_venv.prefix == str(tmp_path / "venv")
    assert plan_interpreter(in_venv, kept) == own_tree


def test_a_copy_can_be_copied_and_a_changed_file_is_noticed(
    own_tree: InterpreterTree, tmp_path: Path
) -> None:
    place = tmp_path / "copy"
    write_tree(own_tree, place)
    copied = probe(place / own_tree.executable)
    first = plan_interpreter(copied, tmp_path / "kept")
    assert first == plan_interpreter(copied, tmp_path / "kept")
    module = place / "lib" / f"python{copied.target.python_minor}" / "this.py"
    module.write_text(module.read_text() + "# changed\n")
    changed = plan_interpreter(copied, tmp_path / "kept")
    assert changed.fingerprint != first.fingerprint
    (module.parent / "brand_new.py").write_text("")
    assert plan_interpreter(copied, tmp_path / "kept").fingerprint != changed.fingerprint


def test_a_cleaned_cache_is_filled_again(own_tree: InterpreterTree, tmp_path: Path) -> None:
    first = plan_interpreter(INTERPRETERS[0], tmp_path)
    shutil.rmtree(tmp_path / first.fingerprint / "lib")
    again = plan_interpreter(INTERPRETERS[0], tmp_path)
    assert again.fingerprint == first.fingerprint == own_tree.fingerprint
    assert all(entry.source is None or entry.source.exists() for entry in again.entries)


def test_processes_that_copy_at_once_agree(tmp_path: Path) -> None:
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        trees = list(pool.map(plan_interpreter, [INTERPRETERS[0]] * 2, [tmp_path] * 2))
    assert trees[0] == trees[1]
    assert all(entry.source is None or entry.source.exists() for entry in trees[0].entries)
    assert not list(tmp_path.glob(".making.*"))


class Listener(SilentReporter):
    """Remembers which stages began."""

    def __init__(self) -> None:
        self.began: list[str] = []

    def begin(self, stage: Stage) -> None:
        self.began.append(stage.name)


def test_who_waits_for_a_copy_is_told_and_a_kept_one_is_silent(tmp_path: Path) -> None:
    listener = Listener()
    plan_interpreter(INTERPRETERS[0], tmp_path, listener)
    assert listener.began == ["copying the interpreter"]
    plan_interpreter(INTERPRETERS[0], tmp_path, listener)
    assert listener.began == ["copying the interpreter"]


def test_a_cache_that_may_not_be_written_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        plan_interpreter(INTERPRETERS[0], tmp_path / "file" / "interpreters")
    assert caught.value.code == "not-writable"
    assert "--cache-dir" in caught.value.hint
