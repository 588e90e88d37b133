import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pannier.model.errors import FetchError, HashMismatchError
from pannier.model.events import SilentReporter, Stage
from pannier.model.lock import LockedFile
from pannier.store.directories import CacheDirectories
from pannier.store.distributions import DistributionStore


class _Counting(SilentReporter):
    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.bytes = 0

    def begin(self, stage: Stage) -> None:
        self.stages.append(stage)

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        self.bytes += amount


def _file(path: Path, data: bytes, *, sha256: str = "", size: int | None = None) -> LockedFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    digest = sha256 or hashlib.sha256(data).hexdigest()
    return LockedFile(filename=path.name, url=path.as_uri(), hashes={"sha256": digest}, size=size)


def _store(tmp_path: Path, *, offline: bool = False) -> DistributionStore:
    return DistributionStore(CacheDirectories(tmp_path / "cache"), offline=offline, reporter=_Counting())


def test_a_local_file_is_copied_once_and_then_only_looked_at(tmp_path: Path) -> None:
    file = _file(tmp_path / "a b" / "p-1+cpu-py3-none-any.whl", b"wheel", size=5)
    store = _store(tmp_path, offline=True)
    (path,) = store.fetch([file, file]).values()
    assert path == tmp_path / "cache/distributions" / file.sha256[:2] / file.sha256 / file.filename
    assert path.read_bytes() == b"wheel"
    (tmp_path / "a b" / file.filename).unlink()
    assert store.fetch([file]) == {file.sha256: path}
    assert isinstance(store.reporter, _Counting)
    assert store.reporter.bytes == 5
    assert store.reporter.stages == [Stage(name="downloading", total=5, unit="bytes")]


def test_a_file_cut_short_in_the_store_is_brought_again(tmp_path: Path) -> None:
    file = _file(tmp_path / "p-1.tar.gz", b"sdist", size=5)
    store = _store(tmp_path)
    store.fetch([file])
    store.path_of(file).write_bytes(b"sd")
    assert store.fetch([file])[file.sha256].read_bytes() == b"sdist"


def test_a_wrong_hash_says_both_and_leaves_nothing(tmp_path: Path) -> None:
    file = _file(tmp_path / "p-1.tar.gz", b"tampered", sha256="0" * 64)
    store = _store(tmp_path)
    with pytest.raises(HashMismatchError) as caught:
        store.fetch([file])
    assert caught.value.facts["locked"] == "sha256:" + "0" * 64
    assert caught.value.facts["found"] == "sha256:" + hashlib.sha256(b"tampered").hexdigest()
    assert not list(store.path_of(file).parent.iterdir())


def test_every_file_that_could_not_be_had_is_named(tmp_path: Path) -> None:
    files = [_file(tmp_path / f"p{n}-1.tar.gz", str(n).encode()) for n in range(3)]
    for n in (0, 2):
        (tmp_path / f"p{n}-1.tar.gz").unlink()
    with pytest.raises(FetchError) as caught:
        _store(tmp_path).fetch(files)
    assert caught.value.message == "2 files could not be fetched"
    assert "p0-1" in caught.value.facts["found"][0]
    assert "p2-1" in caught.value.facts["found"][1]


def test_offline_names_all_that_is_missing_and_asks_nobody(tmp_path: Path) -> None:
    files = [
        LockedFile(filename=f"p{n}.whl", url=f"https://f.invalid/p{n}.whl", hashes={"sha256": str(n) * 64})
        for n in range(2)
    ]
    with pytest.raises(FetchError) as caught:
        _store(tmp_path, offline=True).fetch(files)
    assert caught.value.code == "offline-not-cached"
    assert caught.value.facts["missing"] == ["`p0.whl`", "`p1.whl`"]
    assert "--offline" in caught.value.hint


def test_a_file_of_ones_own_is_taken_in_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "p-1-py3-none-any.whl"
    path.write_bytes(b"mine")
    store = _store(tmp_path)
    file = store.add(path)
    assert file.sha256 == hashlib.sha256(b"mine").hexdigest()
    assert file.size == 4
    assert store.has(file)
    assert file.url == store.path_of(file).as_uri()
    assert store.add(path) == file


def test_the_module_needs_no_http_client_until_something_is_missing() -> None:
    code = "import sys, pannier.store.distributions; sys.exit('httpx' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
    )
