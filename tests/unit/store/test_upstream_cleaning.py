"""What is kept of upstream, made smaller: the least used first."""

import os
from pathlib import Path

import pytest

from pannier.store.upstream.cleaning import clean, plan_cleaning

BLOCK = 4096


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Five files, each used a day after the one before; and what must stay."""
    for number in range(5):
        place = tmp_path / "index" / "files" / f"p{number}" / "sha256-0" / "p.whl"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x" * BLOCK)
        os.utime(place, (number * 86400.0, 0))
    (tmp_path / "index" / "lock").touch()
    (tmp_path / "index" / "answered").touch()
    return tmp_path


def left(cache: Path) -> list[str]:
    return sorted(path.parts[-3] for path in cache.rglob("*.whl"))


def test_the_least_used_go_until_it_fits(cache: Path) -> None:
    done = clean(plan_cleaning(cache, limit=4 * BLOCK))
    # A tenth below the limit, so that the next file does not start it all again.
    assert left(cache) == ["p2", "p3", "p4"]
    assert (done.size, done.left) == (2 * BLOCK, 3 * BLOCK)
    assert not (cache / "index" / "files" / "p0").exists()
    assert (cache / "index" / "lock").exists()


def test_what_fits_stays(cache: Path) -> None:
    assert clean(plan_cleaning(cache, limit=5 * BLOCK)).removed == ()
    assert len(left(cache)) == 5


def test_what_nobody_asks_for_goes(cache: Path) -> None:
    clean(plan_cleaning(cache, limit=1 << 40, unused=86400 * 2.5, now=86400.0 * 5))
    assert left(cache) == ["p3", "p4"]


def test_everything_goes_when_nothing_may_stay(cache: Path) -> None:
    plan = plan_cleaning(cache, limit=0)
    assert len(left(cache)) == 5
    clean(plan)
    assert left(cache) == []


def test_what_is_arriving_stays_until_its_process_is_gone(cache: Path) -> None:
    part = cache / "index" / "files" / "q" / "sha256-0" / ".q.whl.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    os.utime(part, (1000.0, 1000.0))
    clean(plan_cleaning(cache, limit=0, now=1010.0))
    assert part.exists()
    clean(plan_cleaning(cache, limit=0, now=1000.0 + 7200))
    assert not part.exists()


def test_no_cache_is_no_error(tmp_path: Path) -> None:
    assert clean(plan_cleaning(tmp_path / "none", limit=0)).left == 0
