"""Source text, decoded as Python would, with the way back to where each line stands."""

import bisect
import codecs
import re
from typing import NamedTuple

from pannier.model.analysis import Location, Problem

# PEP 263: on the first two lines, on the second only when the first is blank or a comment.
_COOKIE = rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)"
_BLANK = rb"^[ \t\f]*(?:#.*)?$"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class SourceText(NamedTuple):
    """Python text and where it came from.

    Attributes:
        path: As the user named the source, joined with the file's place in it; `-` for stdin.
        text: The whole text, each line ended by a line feed.
        cells: For a notebook, the number and the first line of each cell in `text`.
        installs: Requirements the notebook itself installs (`%pip install NAME`), with their line.
        kernel: For a notebook, the release of the Python it last ran with (`2.7.10`), if told.
    """

    path: str
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    installs: tuple[tuple[str, int], ...] = ()
    kernel: str = ""

    def locate(self, line: int, column: int = 1) -> Location:
        """The location of a line of `text`, as a person finds it; in a notebook that is cell and line."""
        if not self.cells:
            return Location(path=self.path, line=line, column=column)
        place = bisect.bisect_right([first for _, first in self.cells], line) - 1
        number, first = self.cells[max(place, 0)]
        return Location(path=f"{self.path}:cell {number}", line=line - first + 1, column=column)


class Reading(NamedTuple):
    """What reading one file gave: its text unless it has none, and what was wrong with it."""

    source: SourceText | None
    problems: tuple[Problem, ...] = ()


def decode_source(content: bytes, path: str) -> tuple[str | None, tuple[Problem, ...]]:
    """Decode Python source; bytes that its encoding does not allow are reported, and read all the same.

    Names of modules are almost always ASCII, so imports survive a wrong guess of the encoding.
    """
    encoding, mark_size = _declared_encoding(content)
    body = content[mark_size:]
    if b"\0" in content and not encoding.startswith(("utf-16", "utf-32")):
        return None, refused(path, "holds binary data", "source-unreadable").problems
    try:
        return with_plain_line_ends(body.decode(encoding)), ()
    except LookupError:
        message, line = f"declares the encoding `{encoding}`, which is not known", 1
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = f"is not valid {encoding}, and declares no other encoding"
        if _find_cookie(content):
            message = f"is not valid {encoding}, the encoding that it declares"
    problem = Problem(location=Location(path=path, line=line), message=message, code="source-encoding")
    return with_plain_line_ends(body.decode("latin-1")), (problem,)


def _declared_encoding(content: bytes) -> tuple[str, int]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    return _find_cookie(content) or "utf-8", 0


def _find_cookie(content: bytes) -> str:
    beginning = content.split(b"\n", 2)[:2]
    if not any(b"coding" in line for line in beginning):
        return ""
    for line in beginning:
        match = re.match(_COOKIE, line)
        if match:
            return match[1].decode("ascii").lower()
        if not re.match(_BLANK, line.rstrip(b"\r")):
            break
    return ""


def with_plain_line_ends(text: str) -> str:
    """A text whose lines all end with a line feed, as Python reads it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def refused(path: str, message: str, code: str) -> Reading:
    """The reading of a file that gave nothing, with the reason."""
    problem = Problem(location=Location(path=path, line=1), message=message, code=code)
    return Reading(None, (problem,))
