"""The catalogue follows the files, whoever changes them and however, and reads each only once."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.end_to_end.local_index import sdist_bytes, wheel_bytes
from tests.waiting import wait_until

from pannier.server.catalogue import reading
from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.catalogue.keeper import Keeper

NAME, DATA = wheel_bytes("demo", "1.0", python=">=3.9")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    path = tmp_path / "packages"
    path.mkdir()
    return path


@pytest.fixture
def kept(packages: Path) -> Iterator[Catalogue]:
    """A catalogue with its keeper at work."""
    catalogue = Catalogue((packages,))
    catalogue.open()
    keeper = Keeper(catalogue)
    keeper.start()
    wait_until(lambda: keeper.is_at_work)
    yield catalogue
    keeper.stop()


def names(catalogue: Catalogue, project: str = "demo") -> list[str]:
    record = catalogue.project(project)
    return [file.path for file in record.files] if record else []


def is_listed(catalogue: Catalogue) -> bool:
    return names(catalogue) == [NAME]


def test_a_file_copied_slowly_is_listed_when_it_is_complete_and_not_before(
    kept: Catalogue, packages: Path
) -> None:
    with (packages / NAME).open("wb") as stream:
        for start in range(0, len(DATA), 100):
            stream.write(DATA[start : start + 100])
            stream.flush()
            time.sleep(0.01)
            assert kept.projects() == []
    wait_until(lambda: names(kept) == [NAME])


def test_a_copy_that_broke_off_is_not_listed_until_it_is_copied_whole(
    kept: Catalogue, packages: Path
) -> None:
    for name, data in (
        (NAME, DATA),
        sdist_bytes("tool", "1.0", {"PKG-INFO": "Name: tool\nVersion: 1.0\n" * 99}),
    ):
        (packages / name).write_bytes(data[: len(data) // 2])
    wait_until(
        lambda: len(kept.database.connection.execute("SELECT 1 FROM file WHERE state = 2").fetchall()) == 2
    )
    assert kept.projects() == []
    (packages / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [NAME])


@pytest.mark.parametrize("way", ["mv", "cp", "cp -p", "ln", "ln -s", "rsync"])
def test_a_file_appears_by_whatever_way_it_comes(kept: Catalogue, packages: Path, way: str) -> None:
    if shutil.which(way.split(maxsplit=1)[0]) is None:
        pytest.skip(f"{way} is not installed")
    place = packages / "elsewhere.d" if way == "ln -s" else packages.parent
    place.mkdir(exist_ok=True)
    source = place / (NAME if way != "ln -s" else ".kept")
    source.write_bytes(DATA)
    os.utime(source, (1_600_000_000, 1_600_000_000))
    subprocess.run([*way.split(), source, packages / NAME], check=True)
    wait_until(lambda: names(kept) == [NAME])


def test_a_file_that_is_removed_or_moved_away_vanishes_and_its_name_stays_local(
    kept: Catalogue, packages: Path
) -> None:
    other = wheel_bytes("other", "1.0")
    (packages / NAME).write_bytes(DATA)
    (packages / other[0]).write_bytes(other[1])
    wait_until(lambda: kept.projects() == ["demo", "other"])
    (packages / NAME).unlink()
    (packages / other[0]).rename(packages.parent / other[0])
    wait_until(lambda: kept.projects() == [])
    assert kept.is_local("demo")
    assert sorted((packages / ".pannier" / "reserved").read_text().split()) == ["demo", "other"]


def test_directories_come_and_go_with_what_is_in_them(kept: Catalogue, packages: Path) -> None:
    deep = packages / "a" / "b"
    deep.mkdir(parents=True)
    (deep / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [f"a/b/{NAME}"])
    (packages / "a").rename(packages / "c")
    wait_until(lambda: names(kept) == [f"c/b/{NAME}"])
    shutil.rmtree(packages / "c")
    wait_until(lambda: kept.projects() == [])


def test_what_is_hidden_or_leads_outside_is_not_served(kept: Catalogue, packages: Path) -> None:
    outside = packages.parent / NAME
    outside.write_bytes(DATA)
    (packages / NAME).symlink_to(outside)
    (packages / f".{NAME}").write_bytes(DATA)
    (packages / ".hidden").mkdir()
    (packages / ".hidden" / NAME).write_bytes(DATA)
    (packages / "linked").symlink_to(packages.parent)
    last = wheel_bytes("last", "1.0")
    (packages / last[0]).write_bytes(last[1])
    wait_until(lambda: kept.projects() == ["last"])
    assert kept.refresh().projects == frozenset()
    assert kept.projects() == ["last"]


def test_side_files_yank_sign_and_attest(kept: Catalogue, packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [NAME])
    digest = kept.file_named(NAME).sha256  # type: ignore[union-attr]
    (packages / f"{NAME}.yanked").write_text("broken\n")
    (packages / f"{NAME}.asc").write_text("signature")
    (packages / f"{NAME}.provenance").write_text("{}")
    wait_until(lambda: (file := kept.ready_file(NAME)) and file.yanked == "broken" and file.has_signature)
    wait_until(lambda: (file := kept.ready_file(NAME)) and file.has_provenance and file.sha256 == digest)
    (packages / f"{NAME}.yanked").unlink()
    wait_until(lambda: (file := kept.ready_file(NAME)) and file.yanked is None)


def test_a_file_that_is_replaced_is_read_again(kept: Catalogue, packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [NAME])
    (packages / NAME).write_bytes(wheel_bytes("demo", "1.0", python=">=3.12")[1])
    wait_until(lambda: (file := kept.file(NAME)) and file.requires_python == ">=3.12")


def test_what_projects_toml_says_is_heeded(kept: Catalogue, packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    told = packages / ".pannier" / "projects.toml"
    told.write_text(
        '[Demo]\nstatus = "archived"\nstatus-reason = "use demo2"\ntracks = ["https://a.example/demo/"]\n'
    )
    wait_until(lambda: (record := kept.project("demo")) and record.status == "archived")
    told.write_text('[demo]\nstatus = "no such status"\n')
    other = wheel_bytes("other", "1.0")
    (packages / other[0]).write_bytes(other[1])
    wait_until(lambda: kept.projects() == ["demo", "other"])
    kept.refresh_own()
    record = kept.project("demo")
    assert record is not None
    assert (record.status, record.status_reason, record.tracks) == (
        "archived",
        "use demo2",
        ("https://a.example/demo/",),
    )


def test_nothing_is_read_again_after_a_restart(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packages / NAME).write_bytes(DATA)
    first = Catalogue((packages,))
    first.open()
    assert names(first) == [NAME]
    monkeypatch.setattr(reading, "examine", lambda *_: pytest.fail("it was read again"))
    second = Catalogue((packages,))
    second.open()
    assert names(second) == [NAME]
    second.refresh()
    assert names(second) == [NAME]


def test_what_came_and_went_while_nothing_ran_is_seen_at_the_start(packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    first = Catalogue((packages,))
    first.open()
    keeper = Keeper(first)
    keeper.start()
    wait_until(lambda: keeper.is_at_work and first.ready_file(NAME))
    keeper.stop()
    (packages / NAME).unlink()
    (packages / "new").mkdir()
    other = wheel_bytes("other", "1.0")
    (packages / "new" / other[0]).write_bytes(other[1])
    second = Catalogue((packages,))
    second.open()
    assert second.projects() == ["other"]


def test_the_store_can_be_deleted_while_it_is_used(kept: Catalogue, packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [NAME])
    shutil.rmtree(packages / ".pannier" / "store")
    while not (packages / ".pannier" / "store" / "index.sqlite").exists():
        assert names(kept) == [NAME]
        time.sleep(0.01)
    other = wheel_bytes("other", "1.0")
    (packages / other[0]).write_bytes(other[1])
    wait_until(lambda: kept.projects() == ["demo", "other"])
    assert Catalogue((packages,)).projects() == ["demo", "other"]


def test_all_of_ours_can_be_deleted_while_it_is_used(kept: Catalogue, packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    wait_until(lambda: names(kept) == [NAME])
    shutil.rmtree(packages / ".pannier")
    wait_until((packages / ".pannier" / "reserved").exists)
    other = wheel_bytes("other", "1.0")
    (packages / other[0]).write_bytes(other[1])
    wait_until(lambda: kept.projects() == ["demo", "other"])


def test_a_damaged_store_is_made_anew(packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    store = packages / ".pannier" / "store" / "index.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"this is no database" * 1000)
    catalogue = Catalogue((packages,))
    catalogue.open()
    assert names(catalogue) == [NAME]


def test_a_store_of_another_format_is_made_anew(packages: Path) -> None:
    (packages / NAME).write_bytes(DATA)
    store = packages / ".pannier" / "store" / "index.sqlite"
    store.parent.mkdir(parents=True)
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    catalogue = Catalogue((packages,))
    catalogue.open()
    assert names(catalogue) == [NAME]


def test_what_a_killed_process_was_receiving_is_removed_and_what_another_receives_is_not(
    packages: Path,
) -> None:
    catalogue = Catalogue((packages,))
    started = multiprocessing.get_context("fork").Event()

    def receive() -> None:
        with catalogue.receiving() as path:
            path.write_bytes(DATA[:100])
            started.set()
            time.sleep(100)

    process = multiprocessing.get_context("fork").Process(target=receive)
    process.start()
    assert started.wait(30)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert len(list(catalogue.incoming.iterdir())) == 1
    with catalogue.receiving() as mine:
        keeper = Keeper(catalogue)
        keeper.start()
        wait_until(lambda: keeper.is_at_work and list(catalogue.incoming.iterdir()) == [mine])
        keeper.stop()
    assert catalogue.projects() == []


def test_of_several_keepers_one_is_at_work_and_another_takes_over(packages: Path) -> None:
    catalogues = [Catalogue((packages,)) for _ in range(3)]
    keepers = [Keeper(catalogue) for catalogue in catalogues]
    for keeper in keepers:
        keeper.start()
    wait_until(lambda: sum(keeper.is_at_work for keeper in keepers) == 1)
    time.sleep(0.2)
    assert sum(keeper.is_at_work for keeper in keepers) == 1
    next(keeper for keeper in keepers if keeper.is_at_work).stop()
    wait_until(lambda: sum(keeper.is_at_work for keeper in keepers) == 1)
    (packages / NAME).write_bytes(DATA)
    for catalogue in catalogues:
        wait_until(partial(is_listed, catalogue))
    for keeper in keepers:
        keeper.stop()


def test_of_two_directories_the_first_one_counts(tmp_path: Path) -> None:
    places = (tmp_path / "a", tmp_path / "b")
    for place, python in zip(places, (">=3.9", ">=3.12"), strict=True):
        place.mkdir()
        (place / NAME).write_bytes(wheel_bytes("demo", "1.0", python=python)[1])
    catalogue = Catalogue(places)
    catalogue.open()
    assert [file.requires_python for file in catalogue.project("demo").files] == [">=3.9"]  # type: ignore[union-attr]
    (places[0] / NAME).unlink()
    catalogue.refresh()
    assert [file.requires_python for file in catalogue.project("demo").files] == [">=3.12"]  # type: ignore[union-attr]


def test_a_file_is_of_the_project_that_its_metadata_name(packages: Path) -> None:
    name, data = sdist_bytes(
        "zope-3d", "1.0", {"PKG-INFO": "Metadata-Version: 1.0\nName: zope-3d\nVersion: 1.0\n"}
    )
    (packages / name).write_bytes(data)
    stranger = sdist_bytes("mine", "1.0", {"PKG-INFO": "Metadata-Version: 1.0\nName: numpy\nVersion: 9\n"})
    (packages / stranger[0]).write_bytes(stranger[1])
    catalogue = Catalogue((packages,))
    catalogue.open()
    while catalogue.reader.read_some():
        pass
    assert catalogue.projects() == ["mine", "zope-3d"]
