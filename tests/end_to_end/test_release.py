"""`pannier release`, from real repositories to a real index."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.commands import Commands
from tests.end_to_end.release_index import PASSWORD, ReleaseIndex, install_pypiserver
from tests.end_to_end.release_projects import (
    COMPUTED,
    FLIT,
    GIT,
    HATCH,
    KEEP,
    PLAIN,
    POETRY,
    SETUP,
    Work,
    make_work,
)
from tests.end_to_end.serving import served

pytestmark = [pytest.mark.network, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
FILES = ["particle-1.2.0-py3-none-any.whl", "particle-1.2.0.tar.gz"]

Release = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def pypiserver() -> Path:
    return install_pypiserver(ROOT)


@pytest.fixture
def index(pypiserver: Path, tmp_path: Path) -> Iterator[ReleaseIndex]:
    with ReleaseIndex(pypiserver, tmp_path / "index") as running:
        (tmp_path / "pypirc").write_text(
            f"[distutils]\nindex-servers = team\n[team]\nrepository = {running.url}\n"
            f"username = ann\npassword = {PASSWORD}\n"
        )
        yield running


@pytest.fixture
def release(commands: Commands, tmp_path: Path) -> Release:
    (tmp_path / "pypirc").touch()

    def run(work: Work, *options: str, status: int = 0, **env: str) -> "subprocess.CompletedProcess[str]":
        variables = {**GIT, "PANNIER_RELEASE_PYPIRC": str(tmp_path / "pypirc"), **env}
        command = ["pannier", "release", *options]
        return commands.run(*command, status=status, cwd=work.directory, env=variables)

    return run


def failure(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    return dict(json.loads(done.stdout)["error"])


@pytest.mark.parametrize(
    ("files", "changelog"),
    [
        (HATCH, {"CHANGELOG.md": KEEP}),
        (SETUP, {"CHANGES": PLAIN}),
        (FLIT, {"HISTORY.rst": "History\n=======\n\n1.2.0 (2026-11-20)\n------------------\n\n* A thing\n"}),
        (POETRY, {"docs/changelog.md": KEEP}),
    ],
    ids=["hatch with src", "setup.py only", "flit", "poetry"],
)
def test_a_project_of_every_habit_is_released(
    files: dict[str, str], changelog: dict[str, str], index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, files, changelog)
    done = release(work, "--index", "team", "--push")
    assert [line.split()[0] for line in done.stderr.splitlines()[:6]] == [
        "read", "build", "check", "upload", "verify", "tag",
    ]  # fmt: skip
    assert index.uploads == ["particle-1.2.0.tar.gz", "particle-1.2.0-py3-none-any.whl"]
    assert index.names() == FILES
    assert work.git("rev-parse", "v1.2.0^{commit}") == work.git("rev-parse", "HEAD")
    assert "A thing" in work.git("cat-file", "tag", "v1.2.0")
    assert "refs/tags/v1.2.0" in work.git("ls-remote", "origin")
    assert work.git("status", "--porcelain", "--ignored") == ""


def test_what_is_done_is_not_done_twice_and_what_is_there_stays(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, HATCH)
    first = json.loads(release(work, "--index", "team", "--json").stdout)["result"]
    before = index.digests()
    second = json.loads(release(work, "--index", "team", "--json").stdout)["result"]
    assert (sorted(first["uploaded"]), first["present"], first["tagged"]) == (FILES, [], True)
    assert (second["uploaded"], sorted(second["present"]), second["tagged"]) == ([], FILES, False)
    assert {one["filename"]: one["sha256"] for one in first["distributions"]} == before == index.digests()
    work.git("tag", "--delete", "v1.2.0")
    work.write({"src/particle/more.py": "changed = True\n"})
    error = failure(release(work, "--index", "team", "--json", status=1))
    assert error["code"] == "release-conflict"
    assert list(error["facts"]) == [f"`{name}`" for name in reversed(FILES)]
    assert index.digests() == before
    assert len(index.uploads) == 2
    assert work.git("tag") == ""


def test_every_problem_is_told_at_once_and_nothing_is_built(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, HATCH)
    work.git("tag", "v1.3.0")
    work.write({"src/particle/__init__.py": '__version__ = "1.3.0"\n'})
    work.git("commit", "--quiet", "--allow-empty", "--message", "Not pushed")
    work.write({"notes.txt": "", "README.md": "# Changed\n"}, commit=False)
    error = failure(release(work, "--index", "team", "--json", status=1))
    assert error["code"] == "release-refused"
    assert list(error["facts"]) == ["changelog", "tree", "branch", "tag"]
    assert "1.2.0" in error["facts"]["changelog"]
    assert "notes.txt" in error["facts"]["tree"]
    assert "1 commit here" in error["facts"]["branch"]
    assert "`v1.3.0` is on" in error["facts"]["tag"]
    assert index.uploads == []
    shown = release(work, "--index", "team", status=1)
    assert "build" not in shown.stderr.split()


def test_a_branch_that_others_have_moved_is_refused(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, HATCH)
    other = work.clone(tmp_path / "other")
    other.write({"more.txt": ""})
    error = failure(release(work, "--index", "team", "--json", status=1))
    assert list(error["facts"]) == ["branch"]
    assert "git pull" in error["hint"]
    work.git("switch", "--quiet", "--detach")
    assert (
        "none is checked out"
        in failure(release(work, "--index", "team", "--json", status=1))["facts"]["branch"]
    )


def test_an_index_that_is_down_is_one_of_the_problems(release: Release, tmp_path: Path) -> None:
    (tmp_path / "pypirc").write_text(
        "[distutils]\nindex-servers = team\n[team]\nrepository = http://127.0.0.1:9/\n"
    )
    work = make_work(tmp_path, SETUP, {"CHANGES": "1.1.0\n\n* Old\n"})
    error = failure(release(work, "--index", "team", "--json", status=1))
    assert list(error["facts"]) == ["changelog", "index"]


def test_a_dry_run_builds_and_checks_and_leaves_no_trace(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, HATCH)
    done = release(work, "--index", "team", "--dry-run", "--push")
    assert "would upload particle-1.2.0.tar.gz" in done.stderr
    assert "would tag v1.2.0" in done.stderr
    assert "imports `particle`" in done.stderr
    assert index.uploads == []
    assert work.git("tag") == ""
    assert work.git("status", "--porcelain", "--ignored") == ""


def test_a_release_killed_half_way_is_completed_by_the_next(
    index: ReleaseIndex, release: Release, commands: Commands, tmp_path: Path
) -> None:
    work = make_work(tmp_path, SETUP)
    index.on_upload = lambda number: "hang" if number == 1 else "pass"
    variables = {**GIT, "PANNIER_RELEASE_PYPIRC": str(tmp_path / "pypirc")}
    process = subprocess.Popen(
        [commands.bin / "pannier", "release", "--index", "team"],
        cwd=work.directory,
        env=commands.environment(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while len(index.uploads) < 2:
        assert process.poll() is None
        index.hanging.wait(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert index.names() == ["particle-1.2.0.tar.gz"]
    before = index.digests()
    assert work.git("tag") == ""
    done = release(work, "--index", "team")
    assert "has particle-1.2.0.tar.gz already, with the same bytes" in done.stderr
    assert index.names() == FILES
    assert before.items() <= index.digests().items()
    assert work.git("tag") == "v1.2.0"


def test_an_upload_is_tried_again_and_an_answer_that_is_lost_is_no_failure(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, SETUP)
    index.on_upload = {0: "drop", 1: "pass", 2: "lose"}.__getitem__
    release(work, "--index", "team")
    assert index.uploads == [
        "particle-1.2.0.tar.gz",
        "particle-1.2.0.tar.gz",
        "particle-1.2.0-py3-none-any.whl",
    ]
    assert index.names() == FILES


def test_a_password_that_is_wrong_is_said_and_not_shown(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, SETUP)
    done = release(work, "--index", "team", "--json", status=1, PANNIER_INDEX_TEAM_PASSWORD="hunter2")
    error = failure(done)
    assert error["code"] == "upload-credentials"
    assert error["facts"]["user"] == "ann"
    assert "hunter2" not in done.stdout + done.stderr
    assert index.names() == []


def test_what_should_not_be_released_is_told_at_once(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    text = SETUP["setup.py"].replace("py_modules=['particle']", "py_modules=['particle'], packages=['tests']")
    text = text.replace("text/markdown", "text/x-rst")
    files = {
        "setup.py": text,
        "particle.py": "import nothing_that_is_declared\n",
        "tests/__init__.py": "",
        "README.md": "Particle\n===\n\n.. nothing::\n",
        "MANIFEST.in": "include .env README.md\n",
        ".env": "TOKEN=x\n",
    }
    work = make_work(tmp_path, files)
    error = failure(release(work, "--index", "team", "--json", status=1))
    assert error["code"] == "release-check"
    told = "\n".join(error["facts"].values())
    for part in ("installs `tests`", "nothing_that_is_declared", "`twine check` refuses it", "`.env`"):
        assert part in told
    assert index.uploads == []


def test_the_same_commit_gives_the_same_bytes_anywhere(release: Release, tmp_path: Path) -> None:
    work = make_work(tmp_path, SETUP)
    clone = work.clone(tmp_path / "elsewhere" / "differently-called")
    for path in clone.directory.glob("*.*"):
        path.chmod(0o600)
        os.utime(path, (1, 1))

    def digests(one: Work) -> list[str]:
        result = json.loads(release(one, "--dry-run", "--json", "--skip-import").stdout)["result"]
        return [distribution["sha256"] for distribution in result["distributions"]]

    assert digests(work) == digests(clone)


def test_a_version_that_is_computed_is_taken_from_the_build(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    work = make_work(tmp_path, COMPUTED)
    done = release(work, "--index", "team")
    assert "`setup.py` has no" not in done.stderr
    assert "only a build tells" in done.stderr
    assert "1.2.0 (the built metadata)" in done.stderr
    assert index.names() == FILES


def test_what_it_requires_may_be_on_the_index_it_goes_to(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    text = "from setuptools import setup\nsetup(name='team-base', version='3.0', py_modules=['team_base'])\n"
    base = {"setup.py": text, "team_base.py": ""}
    release(make_work(tmp_path / "base", base, {"NEWS": "3.0\n\n* x\n"}), "--index", "team", "--no-strict")
    text = SETUP["setup.py"].replace("py_modules", "install_requires=['team-base'], py_modules")
    work = make_work(tmp_path, {**SETUP, "setup.py": text, "particle.py": "import team_base\n"})
    table = f'[index.own]\nupload-url = "{index.url}"\nusername = "ann"\n'
    work.write({"pannier.toml": f'[release]\nindex = "own"\n{table}'})
    release(work, PANNIER_INDEX_OWN_PASSWORD=PASSWORD)
    assert "particle-1.2.0.tar.gz" in index.names()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_tag_is_signed_where_git_is_set_up_for_it(
    index: ReleaseIndex, release: Release, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    work = make_work(tmp_path, SETUP)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", str(key)), ("tag.gpgSign", "true")):
        work.git("config", name, value)
    release(work, "--index", "team", "--tag-format", "{name}-{version}")
    assert "BEGIN SSH SIGNATURE" in work.git("cat-file", "tag", "particle-1.2.0")


def test_pannier_serve_takes_a_release_and_is_verified_behind_a_password(
    commands: Commands, release: Release, tmp_path: Path
) -> None:
    packages = commands.directory / "packages"
    packages.mkdir()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    commands.script("htpasswd", f"ann:{{SHA}}{digest}\n")
    work = make_work(tmp_path, HATCH)
    rights = ("--htpasswd", "htpasswd", "--authenticate", "list,download,update")
    with served(commands, packages, *rights) as server:
        table = f'[index.own]\nurl = "{server.simple}"\nusername = "ann"\n'
        work.write({"pannier.toml": f'[release]\nindex = "own"\n{table}'})
        refused = failure(release(work, "--json", status=1))
        assert refused["code"] == "release-refused"
        assert "401" in refused["facts"]["index"]
        netrc = commands.script("netrc", f'machine 127.0.0.1\nlogin ann\npassword "{PASSWORD}"\n')
        netrc.chmod(0o600)
        done = release(work, NETRC=str(netrc))
        assert "serves the same: sha256, metadata, downloaded bytes" in done.stderr
    assert sorted(path.name for path in packages.glob("*.*") if path.is_file()) == FILES
