import io
import sys
import threading
import time

import pytest

from pannier.cli import progress
from pannier.cli.render import PLAIN, Style
from pannier.model.events import Notice, Stage

DOWNLOADING = Stage(name="downloading", total=3_000_000, unit="bytes")
NOTICE = Notice(message="`x` is old", code="old", facts={"now": "2"}, hint="update it")
TERMINAL = Style(terminal=True, width=80)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def choose(
    stream: io.StringIO, style: Style = PLAIN, *, quiet: bool = False, json: bool = False
) -> progress.CommandReporter:
    return progress.choose_reporter(stream, style, quiet=quiet, verbose=False, json=json)


def work(reporter: progress.CommandReporter) -> None:
    reporter.begin(DOWNLOADING)
    reporter.advance(DOWNLOADING, 1_000_000, "numpy")
    reporter.advance(DOWNLOADING, 2_000_000, "scipy")
    reporter.end(DOWNLOADING)
    reporter.warn(NOTICE)
    reporter.warn(NOTICE)
    reporter.close()


def test_a_pipe_sees_warnings_only_and_each_once() -> None:
    stream = io.StringIO()
    work(choose(stream))
    assert stream.getvalue() == "warning: `x` is old\n  now: 2\nhint: update it\ncode: old\n"


def test_quiet_writes_nothing_and_json_keeps_warnings_for_the_envelope() -> None:
    for quiet in (True, False):
        stream = io.StringIO()
        reporter = choose(stream, quiet=quiet, json=not quiet)
        work(reporter)
        assert stream.getvalue() == ""
        assert reporter.notices == [NOTICE]


def test_verbose_says_in_a_pipe_when_a_stage_ends() -> None:
    now = iter((0.0, 1.0, 2.0, 3.0))
    stream = io.StringIO()
    reporter = progress.LineReporter(stream, clock=lambda: next(now))
    reporter.begin(DOWNLOADING)
    reporter.advance(DOWNLOADING, 1_000_000)
    reporter.advance(DOWNLOADING, 2_000_000)
    reporter.end(DOWNLOADING)
    assert stream.getvalue() == "downloading: 3.0 MB, 3.0 s\n"


def test_long_stages_speak_every_ten_seconds() -> None:
    now = iter((0.0, 4.0, 11.0, 15.0, 20.0))
    stream = io.StringIO()
    reporter = progress.LineReporter(stream, clock=lambda: next(now))
    building = Stage(name="building", total=4)
    reporter.begin(building)
    for name in ("a", "b", "c"):
        reporter.advance(building, 1, name)
    reporter.end(building)
    assert stream.getvalue() == "building: 2 of 4 items b\nbuilding: 3 of 4 items, 20.0 s\n"


def test_a_stage_that_counts_nothing_says_how_long_it_took() -> None:
    now = iter((0.0, 2.0))
    stream = io.StringIO()
    reporter = progress.LineReporter(stream, clock=lambda: next(now))
    probing = Stage(name="probing")
    reporter.begin(probing)
    reporter.end(probing)
    assert stream.getvalue() == "probing: 2.0 s\n"


def test_nothing_is_drawn_and_rich_not_loaded_for_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    stream = Terminal()
    reporter = choose(stream, TERMINAL)
    reporter.begin(DOWNLOADING)
    reporter.advance(DOWNLOADING, 5)
    reporter.end(DOWNLOADING)
    reporter.close()
    assert stream.getvalue() == ""
    assert "rich" not in sys.modules


def test_bars_are_drawn_when_work_takes_long_and_taken_away_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    reporter = choose(stream, TERMINAL)
    reporter.begin(DOWNLOADING)
    deadline = time.monotonic() + 20
    while "downloading" not in stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    reporter.advance(DOWNLOADING, 1_000_000, "[numpy]")
    reporter.warn(NOTICE)
    building = Stage(name="building", total=2)
    reporter.begin(building)
    reporter.end(building)
    reporter.end(DOWNLOADING)
    reporter.close()
    reporter.close()
    drawn = stream.getvalue()
    assert "downloading" in drawn
    assert "warning: `x` is old" in drawn
    assert drawn.rstrip("\r").endswith("\x1b[2K\x1b[?25h")  # the line is erased, the cursor is back


def test_many_threads_may_report_at_once() -> None:
    stream = io.StringIO()
    reporter = progress.LineReporter(stream)
    counting = Stage(name="counting", total=8000, unit="files")
    reporter.begin(counting)

    def count() -> None:
        for _ in range(1000):
            reporter.advance(counting, 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reporter.end(counting)
    assert stream.getvalue().startswith("counting: 8000 files, ")


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_stage_takes_one_line_however_narrow_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    bars = progress._make_bars(stream, colour=False)
    bars.add_task("laying out", total=9, completed=2, detail="numpy-2.4.6-" + "x" * 90, counted="items")
    bars.console.print(bars.get_renderable())
    (line,) = stream.getvalue().splitlines()
    assert len(line) <= width
    assert "laying out" in line
    assert "2 of 9 items" in line
    assert line.rstrip().endswith("…")
