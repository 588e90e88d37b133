"""Data of a spec, fetched from repositories and archives made by the test."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from pannier.model.errors import FetchError, HashMismatchError
from pannier.model.spec import DataSource
from pannier.store.data_sources import fetched_data


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: `one` is tagged, `two` is the branch's head."""
    place = tmp_path / "repository"

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example"]
        subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True)

    place.mkdir()
    git("init", "-q", "-b", "trunk")
    for word in ("one", "two"):
        (place / "word.txt").write_text(word)
        git("add", "word.txt")
        git("commit", "-qm", word)
        if word == "one":
            git("tag", "v1")
    return place


@pytest.mark.parametrize(("ref", "word"), [("", "two"), ("v1", "one"), ("trunk", "two")])
def test_a_repository_comes_at_the_ref_asked_for(repository: Path, ref: str, word: str) -> None:
    source = DataSource(variable="WORDS", kind="git", url=str(repository), ref=ref)
    with fetched_data(source) as place:
        assert (place / "word.txt").read_text() == word
        assert not (place / ".git").exists()
    assert not place.exists()


def test_a_ref_that_does_not_exist_is_refused(repository: Path) -> None:
    source = DataSource(variable="WORDS", kind="git", url=str(repository), ref="nowhere")
    with pytest.raises(FetchError) as caught, fetched_data(source):
        pass
    assert caught.value.code == "git-failed"
    assert caught.value.facts["ref"] == "nowhere"


def test_a_tar_is_unpacked_and_its_hash_checked(tmp_path: Path) -> None:
    archive = tmp_path / "data.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("table.csv")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"a,b"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    source = DataSource(variable="DATA", kind="tar", url=archive.as_uri(), compression="gzip", sha256=digest)
    with fetched_data(source) as place:
        assert (place / "table.csv").read_text() == "a,b"
    wrong = DataSource(variable="DATA", kind="tar", url=archive.as_uri(), sha256="0" * 64)
    with pytest.raises(HashMismatchError), fetched_data(wrong):
        pass


def test_a_member_that_leaves_the_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "data.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    source = DataSource(variable="DATA", kind="tar", url=archive.as_uri())
    with pytest.raises(FetchError) as caught, fetched_data(source):
        pass
    assert caught.value.code == "data-invalid"
    assert not (tmp_path / "outside").exists()


def test_a_file_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\0\1")
    source = DataSource(variable="MODEL", kind="file", url=(tmp_path / "model.bin").as_uri())
    with fetched_data(source) as place:
        assert place.name == "model.bin"
        assert place.read_bytes() == b"\0\1"


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    source = DataSource(variable="MODEL", kind="file", url=(tmp_path / "absent").as_uri())
    with pytest.raises(FetchError) as caught, fetched_data(source):
        pass
    assert "MODEL" in caught.value.message


def test_offline_asks_no_network() -> None:
    source = DataSource(variable="MODEL", kind="file", url="https://files.example/model.bin")
    with pytest.raises(FetchError) as caught, fetched_data(source, offline=True):
        pass
    assert caught.value.code == "offline-not-cached"
