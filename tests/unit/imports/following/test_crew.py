"""Files scanned by several processes: the same as by one, whatever becomes of the others."""

import os

import pytest

from pannier.imports.following import crew
from pannier.imports.scanning.file_scan import ScanOptions, scan_file

_OPTIONS = ScanOptions((3, 11), "linux", is_thorough=False)


@pytest.fixture
def sizes(tmp_path, monkeypatch):
    """Enough files for other processes to be worthwhile, one of them large, and two cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    sizes = {}
    for number in range(60):
        path = tmp_path / f"module_{number}.py"
        lines = 40_000 if number == 30 else 1_000
        path.write_text(f"import package_{number}\n" + "x = 1  # some more of it\n" * lines)
        sizes[str(path)] = path.stat().st_size
    return sizes


def _crew(sizes):
    order = crew.Order(_OPTIONS, {})
    done = []
    return crew.Crew(sizes, order, done.append), done


def _modules(found):
    return [site.module for site in found.scan.sites]


def test_each_file_is_found_once_in_whatever_order_it_is_asked_for(sizes):
    them, done = _crew(sizes)
    paths = [*list(sizes)[::2], *list(sizes)[1::2]]
    try:
        for path in paths:
            found = them.take(path)
            assert found == scan_file(path, _OPTIONS)
        assert sum(done) == len(sizes)
        assert them.take(paths[0]) is None
        assert them.take("elsewhere.py") is None
    finally:
        them.dismiss()


def test_what_another_process_does_not_deliver_is_scanned_here(sizes, monkeypatch):
    here = os.getpid()

    def scan(path, options):
        if os.getpid() != here:
            os._exit(1)
        return scan_file(path, options)

    monkeypatch.setattr(crew, "scan_file", scan)
    them, _ = _crew(sizes)
    try:
        found = [_modules(them.take(path)) for path in sizes]
    finally:
        them.dismiss()
    assert found == [[f"package_{number}"] for number in range(60)]


def test_whoever_does_not_wait_for_the_rest_leaves_no_process_behind(sizes):
    them, _ = _crew(sizes)
    processes = [worker.process for worker in them._workers.values()]
    them.take(next(iter(sizes)))
    them.dismiss()
    assert processes
    for process in processes:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def test_portions_hold_every_file_and_get_smaller(sizes):
    portions = crew._portions(sizes, 2)
    assert sorted(path for portion in portions for path in portion) == sorted(sizes)
    assert portions[0] == [path for path in sizes if path.endswith("module_30.py")]
    assert len(portions[1]) > len(portions[-1])
