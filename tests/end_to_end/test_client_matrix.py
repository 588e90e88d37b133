"""Real clients, old and new, of `pannier serve`: installing, publishing, searching, and being refused."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.end_to_end.clients import Done, bare_environment, client_python, run
from tests.end_to_end.commands import Commands
from tests.end_to_end.local_index import sdist_bytes, wheel_bytes
from tests.end_to_end.serving import Served, served

from pannier.formats.htpasswd import hash_password

USER, PASSWORD = "alice", "correct-horse"
PIPS = ("pip-9", "pip-18", "pip-20.3", "pip-25", "pip-newest")
UV = Path(sys.executable).with_name("uv")


class Index(NamedTuple):
    """A server that users may publish to.

    Attributes:
        served: The server.
        packages: Its directory.
        home: A home for clients.
    """

    served: Served
    packages: Path
    home: Path

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def url_with_password(self) -> str:
        return self.url.replace("://", f"://{USER}:{PASSWORD}@")

    def environment(self, **extra: str) -> dict[str, str]:
        return bare_environment(self.home, extra)

    def audit(self) -> list[dict[str, str]]:
        log = self.packages / ".pannier" / "audit.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def uploads(self) -> list[str]:
        return [line["filename"] for line in self.audit() if line["action"] == "upload"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matrix")


@pytest.fixture(scope="module")
def index(place: Path, pannier_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One server for all: what tests publish are different projects."""
    commands = _commands(place, pannier_bin)
    with served(commands, commands.home / "packages", "--htpasswd", commands.home / "htpasswd") as running:
        yield Index(running, commands.home / "packages", tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def guarded(place: Path, pannier_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server that also reading takes a password of."""
    commands = _commands(place, pannier_bin)
    rights = ("--authenticate", "list,download,update")
    arguments = (commands.home / "packages", "--htpasswd", commands.home / "htpasswd", *rights)
    with served(commands, *arguments) as running:
        yield Index(running, commands.home / "packages", tmp_path_factory.mktemp("home"))


def _commands(place: Path, pannier_bin: Path) -> Commands:
    home = place / "server"
    if not home.exists():
        (home / "packages").mkdir(parents=True)
        (home / "work").mkdir()
        (home / "htpasswd").write_text(f"{USER}:{hash_password(PASSWORD, rounds=4)}\n")
        _fill(home / "packages")
    return Commands(bin=pannier_bin, home=home, cache=home / "cache", directory=home / "work")


def _fill(packages: Path) -> None:
    """What installers are asked for: the newest of `picky` needs a Python that nobody has."""
    for name, data in (
        wheel_bytes("demo", "1.0", requires=("picky",)),
        wheel_bytes("picky", "1.0", python=">=3.6"),
        wheel_bytes("picky", "2.0", python=">=3.99"),
        wheel_bytes("yanked", "1.0"),
        wheel_bytes("yanked", "2.0"),
        wheel_bytes("dated", "1.0"),
        wheel_bytes("dated", "2.0"),
    ):
        (packages / name).write_bytes(data)
    (packages / "yanked-2.0-py3-none-any.whl.yanked").write_text("loses data")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    os.utime(packages / "dated-1.0-py3-none-any.whl", (long_ago, long_ago))


def pip(name: str, index: Index, *words: str | Path, check: bool = True) -> Done:
    return run([client_python(name), "-m", "pip", *words], env=index.environment(), check=check)


def installed(target: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in target.glob("*.dist-info")}


# Installing.


@pytest.mark.parametrize("name", PIPS)
def test_pip_installs_takes_what_its_python_can_run_and_passes_over_what_is_yanked(
    index: Index, name: str, tmp_path: Path
) -> None:
    words = ["--index-url", f"{index.url}/simple/", "--trusted-host", "127.0.0.1"]
    pip(name, index, "install", *words, "--target", tmp_path / "t", "demo", "yanked")
    # Yanked releases are news to pips older than 19.2.
    newest = "yanked-2.0" if name in ("pip-9", "pip-18") else "yanked-1.0"
    assert installed(tmp_path / "t") == {"demo-1.0", "picky-1.0", newest}


@pytest.mark.parametrize("name", ["pip-20.3", "pip-newest"])
def test_pip_downloads_what_is_pinned_by_hash_and_nothing_else(
    index: Index, name: str, tmp_path: Path
) -> None:
    digest = hashlib.sha256(wheel_bytes("picky", "1.0", python=">=3.6")[1]).hexdigest()
    requirements = tmp_path / "requirements.txt"
    words = ("download", "--no-deps", "-i", f"{index.url}/simple/", "-d", tmp_path / "d", "-r", requirements)
    requirements.write_text(f"picky==1.0 --hash=sha256:{digest}\n")
    pip(name, index, *words)
    requirements.write_text(f"picky==1.0 --hash=sha256:{'0' * 64}\n")
    assert "DO NOT MATCH" in pip(name, index, *words, check=False).stderr


def test_pip_and_uv_take_what_was_there_at_a_time(index: Index, tmp_path: Path) -> None:
    a_while_ago = (datetime.now(UTC) - timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    url = f"{index.url}/simple/"
    pip(
        "pip-newest",
        index,
        "install",
        "-i",
        url,
        "-t",
        tmp_path / "pip",
        "--uploaded-prior-to",
        a_while_ago,
        "dated",
    )
    assert installed(tmp_path / "pip") == {"dated-1.0"}
    uv(index, tmp_path / "uv", "--exclude-newer", a_while_ago, "dated")
    assert installed(tmp_path / "uv") == {"dated-1.0"}


def uv(index: Index, target: Path, *words: str, url: str = "", check: bool = True) -> Done:
    command = [UV, "pip", "install", "--python", sys.executable, "--target", target]
    command += ["--index-url", url or f"{index.url}/simple/", *words]
    return run(command, env=index.environment(), check=check)


def test_uv_installs_takes_what_its_python_can_run_and_passes_over_what_is_yanked(
    index: Index, tmp_path: Path
) -> None:
    uv(index, tmp_path / "t", "demo", "yanked")
    assert installed(tmp_path / "t") == {"demo-1.0", "picky-1.0", "yanked-1.0"}


def test_uv_locks_with_hashes(index: Index) -> None:
    command = [
        UV,
        "pip",
        "compile",
        "--quiet",
        "--generate-hashes",
        "--index-url",
        f"{index.url}/simple/",
        "-",
    ]
    words = [str(word) for word in command]
    done = subprocess.run(
        words, input="demo\n", env=index.environment(), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--hash=sha256:") == 2


def test_poetry_adds_and_locks(index: Index, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1.0"\nrequires-python = ">=3.11,<3.15"\n'
        f'[[tool.poetry.source]]\nname = "ours"\nurl = "{index.url}/simple/"\npriority = "primary"\n'
        "[tool.poetry]\npackage-mode = false\n"
    )
    run(
        [client_python("poetry"), "-m", "poetry", "add", "--lock", "demo"],
        cwd=tmp_path,
        env=index.environment(),
    )
    lock = (tmp_path / "poetry.lock").read_text()
    assert 'name = "picky"\nversion = "1.0"' in lock


# Reading that takes a password.


@pytest.mark.parametrize("name", ["pip-9", "pip-18", "pip-newest"])
def test_pip_signs_in_by_netrc_and_by_url(guarded: Index, name: str, tmp_path: Path) -> None:
    netrc = guarded.home / ".netrc"
    netrc.unlink(missing_ok=True)
    words = ("download", "--no-deps", "-d", tmp_path / "d")
    pip(name, guarded, *words, "-i", f"{guarded.url_with_password}/simple/", "picky==1.0")
    refused = pip(
        name, guarded, *words, "--no-input", "-i", f"{guarded.url}/simple/", "picky==1.0", check=False
    )
    assert refused.returncode != 0
    netrc.write_text(f"machine 127.0.0.1\nlogin {USER}\npassword wrong\n")
    assert pip(
        name, guarded, *words, "--no-input", "-i", f"{guarded.url}/simple/", "picky==1.0", check=False
    ).returncode
    (guarded.packages.parent / "htpasswd").open("a").write(f"bob:{hash_password('secret', rounds=4)}\n")
    netrc.write_text("machine 127.0.0.1\nlogin bob\npassword secret\n")
    pip(name, guarded, *words, "--no-input", "-i", f"{guarded.url}/simple/", "demo==1.0")
    netrc.unlink()
    assert {path.name for path in (tmp_path / "d").iterdir()} == {
        "demo-1.0-py3-none-any.whl",
        "picky-1.0-py3-none-any.whl",
    }


def test_uv_signs_in_by_url_and_says_what_a_wrong_password_is(guarded: Index, tmp_path: Path) -> None:
    uv(guarded, tmp_path / "t", "demo", url=f"{guarded.url_with_password}/simple/")
    assert "demo-1.0" in installed(tmp_path / "t")
    wrong = f"{guarded.url.replace('://', '://alice:wrong@')}/simple/"
    done = uv(guarded, tmp_path / "other", "demo", url=wrong, check=False)
    assert done.returncode != 0
    assert "401" in done.stderr


# Publishing.


def write(directory: Path, *distributions: tuple[str, bytes]) -> list[Path]:
    """Write distributions as a build leaves them in `dist/`."""
    directory.mkdir(exist_ok=True)
    for name, data in distributions:
        (directory / name).write_bytes(data)
    return [directory / name for name, _ in distributions]


def both(name: str, **more: tuple[str, ...]) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    return wheel_bytes(name, "1.0", **more), sdist_bytes(name, "1.0", {"PKG-INFO": metadata, "setup.py": ""})


@pytest.mark.parametrize("name", ["twine-6", "twine-newest"])
def test_twine_uploads_the_same_again_and_is_refused_changes_and_wrong_passwords(
    index: Index, name: str, tmp_path: Path
) -> None:
    project = name.replace("-", "_")
    files = write(tmp_path / "dist", *both(project))

    def twine(password: str = PASSWORD, *words: str) -> Done:
        command = [
            client_python(name),
            "-m",
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
        ]
        command += ["--repository-url", f"{index.url}/legacy/", "-u", USER, "-p", password, *words, *files]
        return run(command, env=index.environment(), check=False)

    refused = twine("wrong")
    assert refused.returncode != 0
    assert "401" in refused.stdout
    assert twine().returncode == 0
    assert twine().returncode == 0
    assert sorted(index.uploads()[-2:]) == sorted(path.name for path in files)
    before = (index.packages / files[0].name).read_bytes()
    write(tmp_path / "dist", wheel_bytes(project, "1.0", requires=("other",)))
    changed = twine(PASSWORD, "--verbose")
    assert changed.returncode != 0
    assert "400" in changed.stdout
    assert "already exists" in changed.stdout
    assert (index.packages / files[0].name).read_bytes() == before


def test_uv_publishes_the_same_again_and_passes_over_what_is_there(index: Index, tmp_path: Path) -> None:
    files = write(tmp_path / "dist", *both("uv_made"))

    def publish(*words: str, password: str = PASSWORD) -> Done:
        command = [
            UV,
            "publish",
            "--publish-url",
            f"{index.url}/",
            "-u",
            USER,
            "-p",
            password,
            *words,
            *files,
        ]
        return run(command, env=index.environment(), check=False)

    assert "401" in publish(password="wrong").stderr
    assert publish().returncode == 0
    assert publish().returncode == 0
    checked = publish("--check-url", f"{index.url}/simple/")
    assert checked.returncode == 0
    assert checked.stderr.count("already exists") == 2 or "skipping" in checked.stderr.lower()
    write(tmp_path / "dist", wheel_bytes("uv_made", "1.0", requires=("other",)))
    assert publish().returncode != 0
    assert publish("--check-url", f"{index.url}/simple/").returncode != 0
    assert index.uploads().count(files[0].name) == 1


def test_a_token_publishes_within_its_limits(index: Index, tmp_path: Path, pannier_bin: Path) -> None:
    command = [pannier_bin / "pannier", "serve", "token", "create", USER, "--project", "token-*", "--json"]
    made = json.loads(run([*command, "-d", index.packages], env=index.environment()).stdout)["result"]
    for project, is_allowed in (("token_made", True), ("other_made", False)):
        (wheel,) = write(tmp_path / "dist", wheel_bytes(project, "1.0"))
        words = [UV, "publish", "--publish-url", f"{index.url}/", "--token", made["secret"], wheel]
        done = run(words, env=index.environment(), check=False)
        assert (done.returncode == 0) is is_allowed, done.stderr
    assert index.audit()[-1]["token"] == made["token"]["name"]


def test_poetry_publishes(index: Index, tmp_path: Path) -> None:
    write(tmp_path / "dist", *both("poetry_made"))
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "poetry-made"\nversion = "1.0"\n[tool.poetry]\npackages = []\n'
    )
    python = client_python("poetry")
    environment = index.environment(POETRY_REPOSITORIES_OURS_URL=f"{index.url}/legacy/")
    words = [python, "-m", "poetry", "publish", "-r", "ours", "-u", USER]
    assert "401" in run([*words, "-p", "wrong"], cwd=tmp_path, env=environment, check=False).stderr
    for _ in range(2):
        run([*words, "-p", PASSWORD], cwd=tmp_path, env=environment)
    assert sorted(index.uploads()[-2:]) == ["poetry_made-1.0-py3-none-any.whl", "poetry_made-1.0.tar.gz"]


def test_hatch_publishes(index: Index, tmp_path: Path) -> None:
    files = write(tmp_path / "dist", *both("hatch_made"))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "hatch-made"\nversion = "1.0"\n')
    words = [
        client_python("hatch"),
        "-m",
        "hatch",
        "publish",
        "--no-prompt",
        "-r",
        f"{index.url}/",
        "-u",
        USER,
    ]
    assert (
        run([*words, "-a", "wrong", *files], cwd=tmp_path, env=index.environment(), check=False).returncode
        != 0
    )
    run([*words, "-a", PASSWORD, *files], cwd=tmp_path, env=index.environment())
    assert sorted(index.uploads()[-2:]) == ["hatch_made-1.0-py3-none-any.whl", "hatch_made-1.0.tar.gz"]


def test_flit_publishes(index: Index, tmp_path: Path) -> None:
    (tmp_path / "flit_made.py").write_text('"""Made by flit, déjà vu."""\n__version__ = "1.0"\n')
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "flit_made"\ndynamic = ["version", "description"]\nauthors = [{name = "Zoë"}]\n'
    )
    environment = index.environment(
        FLIT_INDEX_URL=f"{index.url}/legacy/", FLIT_USERNAME=USER, FLIT_PASSWORD=PASSWORD, FLIT_NO_NETWORK="1"
    )
    run([client_python("flit"), "-m", "flit", "publish", "--no-use-vcs"], cwd=tmp_path, env=environment)
    assert sorted(index.uploads()[-2:]) == [
        "flit_made-1.0-py2.py3-none-any.whl",
        "flit_made-1.0.tar.gz",
    ] or sorted(index.uploads()[-2:]) == ["flit_made-1.0-py3-none-any.whl", "flit_made-1.0.tar.gz"]


SETUP = """# -*- coding: utf-8 -*-
from {module} import setup
setup(
    name="{name}", version="1.0", py_modules=["{name}"], author=u"Zo\\xeb", author_email="zoe@example.org",
    description=u"d\\xe9j\\xe0 vu", long_description=u"Tr\\xe8s bien\\r\\n\\nligne\\n", url="https://example.org",
    classifiers=["Programming Language :: Python", "Topic :: Utilities"],
)
"""


@pytest.mark.parametrize(
    ("name", "module", "builds"),
    [
        ("setuptools-2.7", "distutils.core", ["sdist", "--formats=gztar,bztar,zip"]),
        ("setuptools-2.7", "setuptools", ["sdist", "bdist_egg"]),
        ("setuptools-3.6", "distutils.core", ["sdist"]),
        ("setuptools-3.6", "setuptools", ["sdist", "bdist_egg", "bdist_wheel"]),
        ("setuptools-last-upload", "setuptools", ["sdist", "bdist_wheel"]),
    ],
)
def test_setup_py_registers_and_uploads(
    index: Index, name: str, module: str, builds: list[str], tmp_path: Path
) -> None:
    python = client_python(name)
    project = f"made_{name}_{module}".replace("-", "_").replace(".", "_")
    (tmp_path / f"{project}.py").write_text("x = 1\n")
    text = SETUP.format(module=module, name=project)
    if (name, module) == ("setuptools-2.7", "setuptools"):
        # It cannot send other letters itself.
        text = text.replace("\\xeb", "e").replace("\\xe9", "e").replace("\\xe8", "e").replace("\\xe0", "a")
    (tmp_path / "setup.py").write_text(text)
    home = tmp_path / "home"
    home.mkdir()
    password = f"[distutils]\nindex-servers = ours\n[ours]\nrepository: {index.url}/\nusername: {USER}\n"
    (home / ".pypirc").write_text(f"{password}password: {PASSWORD}\n")
    environment = bare_environment(home, {"LC_ALL": "C.UTF-8"})
    known = len(index.uploads())

    def setup(*words: str) -> Done:
        command = [python, "-W", "ignore", "setup.py", *words]
        return run(command, cwd=tmp_path, env=environment, check=False)

    registered = setup("register", "-r", "ours")
    assert "200" in registered.stdout, registered.stdout + registered.stderr
    uploaded = setup(*builds, "upload", "-r", "ours")
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    made = index.uploads()[known:]
    assert len(made) == len(list((tmp_path / "dist").iterdir())), uploaded.stdout
    again = setup(*builds[:1], "upload", "-r", "ours")
    assert "401" not in again.stdout + again.stderr
    (home / ".pypirc").write_text(f"{password}password: wrong\n")
    refused = setup(*builds[:1], "upload", "-r", "ours")
    assert "401" in refused.stdout + refused.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_uploads_with_four_fields_and_removes(index: Index, tmp_path: Path) -> None:
    (wheel,) = write(tmp_path / "dist", wheel_bytes("curl_made", "1.0"))
    curl = ["curl", "--silent", "--show-error", "--fail", "--user", f"{USER}:{PASSWORD}"]
    fields = [
        "-F",
        ":action=file_upload",
        "-F",
        "name=curl-made",
        "-F",
        "version=1.0",
        "-F",
        f"content=@{wheel}",
    ]
    run([*curl, *fields, f"{index.url}/"])
    assert index.uploads()[-1] == wheel.name
    run([*curl, "-X", "DELETE", f"{index.url}/packages/{wheel.name}"])
    assert not (index.packages / wheel.name).exists()
    run([*curl, *fields, f"{index.url}/pypi"])
    run([*curl, "-d", ":action=remove_pkg", "-d", "name=curl-made", "-d", "version=1.0", f"{index.url}/"])
    assert not (index.packages / wheel.name).exists()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_sends_a_large_file_only_when_it_may(index: Index, tmp_path: Path) -> None:
    # It asks first, with `Expect: 100-continue`, whether the server wants it.
    (wheel,) = write(tmp_path / "dist", padded_wheel("curl_large", 8 << 20))
    curl = ["curl", "--silent", "--output", "-", "--write-out", "%{http_code} %{size_upload}"]
    curl += ["-F", f"content=@{wheel}", f"{index.url}/"]
    refused = run([*curl, "--user", f"{USER}:wrong", "-H", "Expect: 100-continue"]).stdout.splitlines()[-1]
    assert refused.split()[0].endswith("401")
    assert int(refused.split()[1]) < 1 << 20
    accepted = run([*curl, "--user", f"{USER}:{PASSWORD}"]).stdout
    assert "200" in accepted.splitlines()[-1]
    assert (index.packages / wheel.name).read_bytes() == wheel.read_bytes()


def padded_wheel(name: str, size: int) -> tuple[str, bytes]:
    """A wheel with so many bytes of data in it."""
    filename, data = wheel_bytes(name, "1.0")
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(f"{name}.bin", os.urandom(size))
    return filename, stream.getvalue()


def test_every_worker_shows_what_one_of_them_took_in(pannier_bin: Path, place: Path, tmp_path: Path) -> None:
    commands = _commands(tmp_path, pannier_bin)
    packages = commands.home / "packages"
    arguments = (packages, "--htpasswd", commands.home / "htpasswd", "--workers", "3")
    (wheel,) = write(tmp_path / "dist", wheel_bytes("shared", "1.0"))
    with served(commands, *arguments, prefix="/index") as running:
        words = [
            UV,
            "publish",
            "--publish-url",
            f"{running.url}/legacy/",
            "-u",
            USER,
            "-p",
            PASSWORD,
            wheel,
        ]
        run(words, env=bare_environment(tmp_path))
        seen = [fetch(f"{running.url}/simple/shared/") for _ in range(30)]
        assert all(wheel.name in page for page in seen)
        command = [pannier_bin / "pannier", "serve", "yank", "shared==1.0", "-d", packages]
        run(command, env=bare_environment(tmp_path))
        assert all("data-yanked" in fetch(f"{running.url}/simple/shared/") for _ in range(30))
        (packages / wheel.name).unlink()
        end = time.monotonic() + 30
        while any(wheel.name in fetch(f"{running.url}/simple/shared/") for _ in range(10)):
            assert time.monotonic() < end


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        error.close()
        return str(error.code)


@pytest.mark.parametrize(
    ("name", "path"),
    [("pip-9", "/"), ("pip-9", "/simple/"), ("pip-9", "/pypi"), ("pip-18", "/RPC2"), ("pip-20.3", "/pypi")],
)
def test_old_pips_search(index: Index, name: str, path: str) -> None:
    done = pip(name, index, "search", "--index", f"{index.url}{path}", "pick")
    assert "picky (2.0)" in done.stdout
