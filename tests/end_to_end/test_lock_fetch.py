"""The store against a real HTTP server that misbehaves."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.end_to_end.local_index import LocalIndex

from pannier.model.errors import FetchError, HashMismatchError
from pannier.model.lock import LockedFile
from pannier.store.directories import CacheDirectories
from pannier.store.distributions import DistributionStore
from pannier.store.index_settings import IndexSettings
from pannier.store.transfer import Transfer


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    monkeypatch.setattr("pannier.store.transfer._FIRST_PAUSE", 0.01)
    monkeypatch.setattr(Transfer.__init__, "__defaults__", (0.01,))
    with LocalIndex() as index:
        yield index


@pytest.fixture
def store(tmp_path: Path) -> DistributionStore:
    return DistributionStore(CacheDirectories(tmp_path / "cache"))


def _offer(index: LocalIndex, name: str, data: bytes) -> LockedFile:
    index.add((name, data))
    sha256 = hashlib.sha256(data).hexdigest()
    return LockedFile(filename=name, url=f"{index.url}/files/{name}", hashes={"sha256": sha256})


def test_many_files_come_at_once_and_only_once(index: LocalIndex, store: DistributionStore) -> None:
    files = [_offer(index, f"p{n}-1.tar.gz", os.urandom(100_000)) for n in range(20)]
    paths = store.fetch(files)
    assert all(paths[file.sha256].read_bytes() == index.files[file.filename] for file in files)
    asked = len(index.requests)
    assert asked == 20
    assert store.fetch(files) == paths
    assert len(index.requests) == asked


def test_a_broken_line_is_taken_up_where_it_broke(index: LocalIndex, store: DistributionStore) -> None:
    file = _offer(index, "p-1.tar.gz", os.urandom(1_000_000))
    index.cut.add(file.filename)
    assert store.fetch([file])[file.sha256].stat().st_size == 1_000_000
    assert [wanted for _, wanted in index.requests] == ["", "bytes=500000-"]


def test_a_server_that_is_busy_is_asked_again(index: LocalIndex, store: DistributionStore) -> None:
    file = _offer(index, "p-1.tar.gz", b"x")
    index.refusals[file.filename] = [503, 429]
    store.fetch([file])
    assert len(index.requests) == 3


def test_what_is_missing_is_told_together_and_the_rest_is_kept(
    index: LocalIndex, store: DistributionStore
) -> None:
    files = [_offer(index, f"p{n}-1.tar.gz", str(n).encode()) for n in range(3)]
    del index.files["p0-1.tar.gz"]
    index.refusals["p2-1.tar.gz"] = [500] * 9
    with pytest.raises(FetchError) as caught:
        store.fetch(files)
    assert "HTTP status 404" in caught.value.facts["found"][0]
    assert "HTTP status 500" in caught.value.facts["found"][1]
    assert store.has(files[1])
    assert not store.has(files[0])


def test_a_file_that_was_replaced_is_refused(index: LocalIndex, store: DistributionStore) -> None:
    file = _offer(index, "p-1.tar.gz", b"right")
    index.files[file.filename] = b"wrong"
    with pytest.raises(HashMismatchError):
        store.fetch([file])
    assert not store.has(file)


def test_credentials_of_the_index_open_its_files_and_stay_out_of_messages(
    index: LocalIndex, tmp_path: Path
) -> None:
    index.credentials = "me:p@ss"
    file = _offer(index, "p-1.tar.gz", b"x")
    directories = CacheDirectories(tmp_path / "cache")
    with pytest.raises(FetchError) as caught:
        DistributionStore(directories).fetch([file])
    assert "401" in str(caught.value.facts["reason"])
    settings = IndexSettings(index_url=f"http://me:p%40ss@{index.url.removeprefix('http://')}/simple")
    assert DistributionStore(directories, settings).fetch([file])
    gone = LockedFile(
        filename="gone-1.tar.gz",
        url=f"http://me:p%40ss@{index.url.removeprefix('http://')}/files/gone-1.tar.gz",
        hashes={"sha256": "0" * 64},
    )
    with pytest.raises(FetchError) as caught:
        DistributionStore(directories).fetch([gone])
    assert "404" in str(caught.value.facts["reason"])
    assert "p%40ss" not in f"{caught.value.message}{caught.value.facts}"


def test_netrc_opens_files_where_nothing_nearer_does(index: LocalIndex, tmp_path: Path) -> None:
    index.credentials = "me:p@ss"
    file = _offer(index, "p-1.tar.gz", b"x")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password p@ss\n")
    directories, home = CacheDirectories(tmp_path / "cache"), {"HOME": str(tmp_path)}
    assert DistributionStore(directories, environ=home).fetch([file])
    other = _offer(index, "q-1.tar.gz", b"y")
    index.credentials = "you:pass"
    url = f"http://you:pass@{other.url.removeprefix('http://')}"
    assert DistributionStore(directories, environ=home).fetch([replace(other, url=url)])
    (tmp_path / ".netrc").write_text("no such word\n")
    with pytest.raises(FetchError) as caught:
        DistributionStore(directories, environ=home).fetch([_offer(index, "r-1.tar.gz", b"z")])
    assert "401" in str(caught.value.facts["reason"])


def test_a_host_that_is_not_there_is_named(store: DistributionStore, index: LocalIndex) -> None:
    file = LockedFile(filename="p-1.tar.gz", url="http://127.0.0.1:9/p-1.tar.gz", hashes={"sha256": "0" * 64})
    with pytest.raises(FetchError) as caught:
        store.fetch([file])
    assert "127.0.0.1:9" in caught.value.message
