import io

import pytest

from pannier.cli import render
from pannier.cli.render import Style

ROWS = [("numpy", "2.1.0", "18.3 MB"), ("a-long-project-name", "10", "1 B")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_piped_table_is_plain_and_whole() -> None:
    assert render.format_table(("project", "version", "size"), ROWS, render.PLAIN, right="size") == (
        "project              version     size\n"
        "numpy                2.1.0    18.3 MB\n"
        "a-long-project-name  10           1 B\n"
    )


def test_a_narrow_terminal_shortens_the_last_column_first() -> None:
    rows = [("numpy", "src/a/very/long/path/to/module.py:12 (+ 3 others)")]
    shown = render.format_table(("project", "where"), rows, Style(width=30, terminal=True))
    assert shown == "project  where\nnumpy    src/a/very/long/path…\n"
    assert max(map(len, shown.splitlines())) <= 30


def test_a_header_is_bold_where_colour_is_welcome() -> None:
    shown = render.format_table(("a",), [("x",)], Style(colour=True))
    assert shown == "\x1b[1ma\x1b[0m\nx\n"


def test_wide_and_combining_characters_keep_columns_straight() -> None:
    assert render.display_width("日本") == 4
    assert render.display_width("e\u0301") == 1
    assert render.shorten("日本語", 4) == "日…"
    shown = render.format_table(("name", "x"), [("日本", "1"), ("e\u0301", "2")], render.PLAIN)
    assert [render.display_width(line) for line in shown.splitlines()] == [7, 7, 7]


def test_cells_cannot_drive_the_terminal() -> None:
    assert "\x1b" not in render.format_table(("a",), [("\x1b[31mred",)], render.PLAIN)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (86_100_000, "86.1 MB"),
        (999_960_000, "1.0 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes_are_in_powers_of_a_thousand(size: int, text: str) -> None:
    assert render.format_size(size) == text


def test_times_and_counts_read_well() -> None:
    assert [render.format_seconds(s) for s in (0.08, 3.44, 125.0)] == ["80 ms", "3.4 s", "2 min 5 s"]
    assert [render.format_count(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_facts_align_and_empty_ones_are_left_out() -> None:
    assert (
        render.format_facts([("name", "x"), ("program", ""), ("id", "y")], render.PLAIN)
        == "name  x\nid    y\n"
    )


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {}, False),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_colour_follows_the_terminal_and_the_environment(
    terminal: bool, environ: dict[str, str], colour: bool
) -> None:
    style = render.style_of(Terminal() if terminal else io.StringIO(), {**environ, "COLUMNS": "40"})
    assert style.colour is colour
    assert style.width == (40 if terminal else None)


def test_a_cell_with_a_line_end_stays_one_line() -> None:
    shown = render.format_table(("where",), [("new\nline.py:1",)], render.PLAIN)
    assert shown == "where\nnew\\nline.py:1\n"
    assert render.format_facts([("file", "a\nb")], render.PLAIN) == "file  a\\nb\n"
