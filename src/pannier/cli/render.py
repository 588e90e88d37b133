"""Text for people: tables, sizes, counts, and whether colour is welcome. Builds strings, writes nothing."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TextIO

Colour = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
_CODES: dict[Colour, str] = {
    "bold": "1",
    "dim": "2",
    "red": "1;31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
# C0, DEL and C1 controls: a project name or a pack's manifest must not drive the reader's terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}
_NARROWEST_COLUMN = 12
_USUAL_WIDTH = 80


class Style(NamedTuple):
    """How a stream is drawn on.

    Attributes:
        colour: Escape sequences are welcome.
        width: Columns of the terminal; `None` for a file or pipe, where nothing is shortened.
        terminal: A person watches.
    """

    colour: bool = False
    width: int | None = None
    terminal: bool = False

    def paint(self, text: str, colour: Colour) -> str:
        """`text` in `colour`, or as it is where colour is not welcome."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """How to draw on `stream`: `NO_COLOR` wins over `FORCE_COLOR`, which wins over the kind of terminal."""
    terminal = stream.isatty()
    if environ.get("NO_COLOR"):
        colour = False
    elif environ.get("FORCE_COLOR"):
        colour = True
    else:
        colour = terminal and environ.get("TERM", "") not in ("dumb", "")
    return Style(colour=colour, width=terminal_width(environ) if terminal else None, terminal=terminal)


def terminal_width(environ: Mapping[str, str]) -> int:
    """How many columns the terminal has, as `shutil` tells it; that would load three compressors."""
    columns = environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(1).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


def printable(text: str) -> str:
    """`text` with control characters and undecodable bytes shown as escapes; tabs and newlines stay."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """`printable` text with its line ends shown as escapes too: a file's name may hold one."""
    return printable(text).replace("\n", "\\n")


def display_width(text: str) -> int:
    """How many terminal columns `text` takes (UAX 11: wide characters take two, combining ones none)."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def shorten(text: str, width: int) -> str:
    """The beginning of `text` in at most `width` columns, with an ellipsis where something is left out."""
    if display_width(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while display_width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…"


def format_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, right: str = ""
) -> str:
    """Columns two spaces apart, each as wide as its widest cell.

    Args:
        header: One word per column.
        rows: As many cells per row as `header` has.
        style: On a terminal too narrow, the last column is shortened, then the widest ones.
        right: Names of the columns to align to the right, separated by spaces.

    Returns:
        Lines without spaces at their end, the last one closed too.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(header, *cells, strict=True)]
    widths = _fit(widths, style.width)
    aligned = [name in right.split() for name in header]
    lines = [style.paint(_format_row(header, widths, aligned), "bold")]
    lines += [_format_row(row, widths, aligned) for row in cells]
    return "".join(f"{line}\n" for line in lines)


def _fit(widths: list[int], available: int | None) -> list[int]:
    """Column widths that fit: narrows the last column first, then whichever is widest."""
    if available is None:
        return widths
    excess = sum(widths) + 2 * (len(widths) - 1) - available
    for index in (len(widths) - 1, *sorted(range(len(widths) - 1), key=lambda i: -widths[i])):
        if excess <= 0:
            break
        narrowed = max(widths[index] - excess, min(widths[index], _NARROWEST_COLUMN))
        excess -= widths[index] - narrowed
        widths[index] = narrowed
    return widths


def _format_row(cells: Sequence[str], widths: Sequence[int], aligned: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, aligned, strict=True):
        shown = shorten(cell, width)
        space = " " * (width - display_width(shown))
        padded.append(space + shown if right else shown + space)
    return "  ".join(padded).rstrip()


def format_facts(facts: Sequence[tuple[str, str]], style: Style) -> str:
    """Lines of a name and a value, the values below each other; empty values are left out."""
    shown = [(name, one_line(value)) for name, value in facts if value]
    width = max((len(name) for name, _ in shown), default=0)
    return "".join(f"{style.paint(name.ljust(width), 'bold')}  {value}\n" for name, value in shown)


def format_size(size: int) -> str:
    """Bytes as people read them, in powers of 1000: `512 B`, `86.1 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value:.1f} TB"


def format_count(count: int, noun: str, plural: str = "") -> str:
    """`1 file`, `12 files`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def format_seconds(seconds: float) -> str:
    """`80 ms`, `3.4 s`, `2 min 5 s`."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
