import os
import subprocess
import sys
from pathlib import Path

import pytest

from pannier.store.directories import CacheDirectories
from pannier.store.occupancy import occupied
from pannier.store.usage import cache_usage, clean, plan_cleaning
from pannier.store.writing import write_whole


def _cache(tmp_path: Path) -> CacheDirectories:
    directories = CacheDirectories(tmp_path / "cache")
    write_whole(directories.distributions / "ab" / "abc" / "p-1.tar.gz", b"x" * 5000)
    write_whole(directories.layers / "one.zst", b"y" * 5000)
    write_whole(directories.prefixes / "id" / "bin" / "python", b"z")
    write_whole(directories.prefixes / "id.lock", b"")
    return directories


def test_each_kind_is_counted(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    os.link(directories.layers / "one.zst", directories.layers / "same.zst")
    usages = {usage.kind: usage for usage in cache_usage(directories)}
    assert (usages["distributions"].files, usages["layers"].files, usages["uv"].files) == (1, 2, 0)
    assert 5000 <= usages["layers"].size < 10000


def test_a_plan_touches_nothing_and_cleaning_removes_what_was_planned(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    plan = plan_cleaning(directories, ["distributions", "prefixes"])
    assert plan.removed == (directories.distributions / "ab", directories.prefixes / "id")
    assert plan.size >= 5000
    assert (directories.distributions / "ab").exists()
    done = clean(plan)
    assert done.removed == plan.removed
    assert os.listdir(directories.distributions) == []
    assert os.listdir(directories.prefixes) == ["id.lock"]
    assert (directories.layers / "one.zst").exists()
    assert clean(plan).removed == ()


def test_a_prefix_that_a_process_stands_in_is_kept_and_said(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    plan = plan_cleaning(directories)
    prefix = directories.prefixes / "id"
    process = subprocess.Popen([sys.executable, "-c", "input()"], cwd=prefix / "bin", stdin=subprocess.PIPE)
    try:
        assert plan_cleaning(directories).kept == (prefix,)
        assert prefix in clean(plan).kept
        assert prefix.exists()
    finally:
        process.communicate(b"\n")
    assert clean(plan_cleaning(directories)).removed == (prefix,)


@pytest.mark.parametrize("trace", ["its variable", "its open directory"])
def test_a_prefix_of_a_program_that_has_loaded_nothing_compiled_is_kept(tmp_path: Path, trace: str) -> None:
    directories = _cache(tmp_path)
    prefix = directories.prefixes / "id"
    environ = {**os.environ, "PANNIER_PREFIX": str(prefix)} if trace == "its variable" else None
    opened = os.open(prefix, os.O_RDONLY)
    process = subprocess.Popen(
        ["sh", "-c", "read answer"],
        env=environ,
        stdin=subprocess.PIPE,
        pass_fds=() if environ else (opened,),
    )
    os.close(opened)
    try:
        assert plan_cleaning(directories).kept == (prefix,)
    finally:
        process.communicate(b"\n")
    assert plan_cleaning(directories).kept == ()


def test_what_is_being_written_is_kept(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    write_whole(directories.distributions / "cd" / "cdef" / ".p-1.tar.gz.x1.tmp", b"")
    (directories.prefixes / f"other.tmp.{os.getpid()}").mkdir()
    (directories.prefixes / "dead.tmp.999999999").mkdir()
    kept = plan_cleaning(directories).kept
    assert kept == (directories.distributions / "cd", directories.prefixes / f"other.tmp.{os.getpid()}")
    os.utime(directories.distributions / "cd" / "cdef" / ".p-1.tar.gz.x1.tmp", (0, 0))
    assert directories.distributions / "cd" in plan_cleaning(directories).removed


def test_what_packing_uses_is_kept_while_somebody_packs(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    plan = plan_cleaning(directories)
    with occupied(directories.root):
        assert plan_cleaning(directories).removed == (directories.prefixes / "id",)
        assert clean(plan).removed == (directories.prefixes / "id",)
    kinds = {path.parent.name for path in clean(plan_cleaning(directories)).removed}
    assert kinds == {"distributions", "layers"}


def test_a_cache_that_cannot_be_written_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with occupied(tmp_path / "file"):
        pass


def test_read_only_trees_and_links_are_removed_without_following(tmp_path: Path) -> None:
    directories = _cache(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (directories.prefixes / "link").symlink_to(outside)
    (directories.prefixes / "id" / "bin").chmod(0o500)
    clean(plan_cleaning(directories))
    assert outside.is_dir()
    assert os.listdir(directories.prefixes) == ["id.lock"]
