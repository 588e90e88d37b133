"""What is in built distributions is put in order, and looked into."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from pannier.model.errors import BuildError, ReleaseError
from pannier.model.release import Distribution, Problem
from pannier.release.building import put_in_order
from pannier.release.checking import check_distributions, raise_if_any
from pannier.release.contents import member_names, read_metadata

METADATA = (
    "Metadata-Version: 2.1\nName: particle\nVersion: 1.2.0\nDescription-Content-Type: text/markdown\n\n# P\n"
)


@pytest.fixture(autouse=True)
def without_twine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twine is a process of its own: the end-to-end tests run it."""
    monkeypatch.setattr("pannier.release.checking._twine_problems", lambda *_, **__: [])


def sdist(path: Path, members: list[tarfile.TarInfo], *, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for member in members:
            member.size = 1 if member.isreg() else 0
            tar.addfile(member, io.BytesIO(b"x") if member.isreg() else None)
    return path


def member(name: str, *, mode: int = 0o664, uid: int = 1000, mtime: float = 1e9) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.mode, found.uid, found.uname, found.mtime = mode, uid, "ann", mtime
    return found


def test_the_same_files_make_the_same_sdist(tmp_path: Path) -> None:
    one = sdist(tmp_path / "one.tar.gz", [member("p/b", mode=0o600), member("p/a", mode=0o777, mtime=1.5)])
    other = sdist(tmp_path / "other.tar.gz", [member("p/a", mode=0o755, uid=0), member("p/b", mode=0o640)])
    for path in (one, other):
        put_in_order(path, 1_700_000_000)
    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as tar:
        found = [(item.name, item.mode, item.uid, item.uname, item.mtime) for item in tar]
    assert found == [("p/a", 0o755, 0, "", 1_700_000_000), ("p/b", 0o644, 0, "", 1_700_000_000)]


def test_links_stay_links(tmp_path: Path) -> None:
    link = member("p/link")
    link.type, link.linkname = tarfile.SYMTYPE, "a"
    path = sdist(tmp_path / "p.tar.gz", [member("p/a"), link])
    put_in_order(path, 1_700_000_000)
    with tarfile.open(path) as tar:
        assert tar.getmember("p/link").linkname == "a"


def test_what_is_no_sdist_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "p.tar.gz"
    path.write_bytes(b"not one")
    with pytest.raises(BuildError):
        put_in_order(path, 0)
    assert path.read_bytes() == b"not one"
    assert [found.name for found in tmp_path.iterdir()] == ["p.tar.gz"]


def wheel(directory: Path, *names: str, metadata: str = METADATA) -> Distribution:
    path = directory / "particle-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("particle-1.2.0.dist-info/METADATA", metadata)
        archive.writestr("particle-1.2.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("particle-1.2.0.dist-info/RECORD", "")
        for name in names:
            archive.writestr(name, "")
    return Distribution(path, "wheel", "", 0)


def sentences(distribution: Distribution, version: str = "1.2.0", allowed: tuple[str, ...] = ()) -> list[str]:
    found = check_distributions([distribution], "Particle", version, allowed=allowed, environ={})
    return [problem.sentence for problem in found]


def test_a_wheel_that_holds_what_it_should_is_fit(tmp_path: Path) -> None:
    one = wheel(tmp_path, "particle/__init__.py", "_speedups.cpython-311-x86_64-linux-gnu.so", "particle.pth")
    assert sentences(one) == []
    assert sentences(one, "1.2") == []
    assert read_metadata(one) == METADATA.encode()


def test_stray_names_are_told_and_can_be_allowed(tmp_path: Path) -> None:
    one = wheel(tmp_path, "particle.py", "tests/test_it.py", "setup.py", "README.md")
    assert sentences(one) == ["it installs `README.md`, `setup`, `tests` beside the project's modules"]
    assert sentences(one, allowed=("README.md", "setup", "tests")) == []
    assert sentences(wheel(tmp_path, "particle/tests/test_it.py")) == []


def test_a_wheel_of_another_project_or_of_nothing_is_told(tmp_path: Path) -> None:
    one = wheel(tmp_path, metadata=METADATA.replace("particle", "other"))
    assert sentences(one, "2.0") == [
        "its metadata names `other`, not `Particle`",
        "its metadata says version 1.2.0, not 2.0",
        "it installs nothing",
    ]
    requiring = METADATA.replace("\nVersion:", "\nRequires-Dist: x\nVersion:")
    assert sentences(wheel(tmp_path, metadata=requiring)) == []


def test_an_sdist_with_secrets_is_told(tmp_path: Path) -> None:
    path = sdist(tmp_path / "particle-1.2.0.tar.gz", [member("particle-1.2.0/sub/.pypirc")])
    one = Distribution(path, "sdist", "", 0)
    assert member_names(one) == ["sub/.pypirc"]
    assert "it holds `sub/.pypirc`, where secrets are kept" in sentences(one)


def test_everything_that_is_wrong_is_raised_by_file() -> None:
    raise_if_any([])
    with pytest.raises(ReleaseError) as caught:
        raise_if_any([Problem("a.whl", "x", "do"), Problem("a.whl", "y", "do"), Problem("b", "z", "other")])
    assert caught.value.facts == {"`a.whl`": "x\ny", "`b`": "z"}
    assert caught.value.hint == "do; other"
