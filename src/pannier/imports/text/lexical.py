"""What of a text is code, and what is string or comment: one compiled expression, at the speed of C."""

import re
from functools import cached_property

STRING = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"""'
    r"|'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''"
    r'|"(?!"")[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
    r"|'(?!'')[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
)
# The last two are quotes that nothing ends.
_NO_CODE = re.compile(rf"""({STRING}|\#[^\n]*+|\\.|"|')""", re.DOTALL)
_UNENDED = ('"', "'")


class _Blanks(dict[int, str]):
    """For `str.translate`: everything to spaces but line ends."""

    def __missing__(self, character: int) -> str:
        self[character] = blank = "\n" if character == 10 else " "
        return blank


_BLANKS = _Blanks()
_ASCII_BLANKS = bytes(10 if character == 10 else 32 for character in range(256))


class Code:
    """A text, and what of it is code.

    Args:
        text: The source, its lines ended by line feeds.

    Attributes:
        text: The source.
        is_whole: Every string of it ends; known once `blanked` is.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_whole = True

    @cached_property
    def blanked(self) -> str:
        """The text with spaces for comments and for what strings hold; places and line ends stay.

        All that is left of strings are two double quotes, whatever theirs are.
        """
        parts = _NO_CODE.split(self.text)
        found = parts[1::2]
        parts[1::2] = map(_blank, found)
        self.is_whole = not any(map(found.__contains__, _UNENDED))
        if self.is_whole:
            return "".join(parts)
        # A quote that nothing ends makes nonsense of all that follows.
        first = 2 * min(found.index(quote) for quote in _UNENDED if quote in found) + 1
        before = "".join(parts[:first])
        return before + _spaces(self.text[len(before) :])

    def holds(self, place: int) -> bool:
        """Whether a place of the text is neither in a string nor in a comment; its quotes are in none."""
        character = self.text[place : place + 1]
        return not character.isspace() and self.blanked[place : place + 1] == character


def _blank(found: str) -> str:
    first = found[0]
    if first == "#":
        return " " * len(found)
    size = len(found)
    if first == "\\" or size == 1:
        return found
    inside = _spaces(found[1:-1]) if "\n" in found else " " * (size - 2)
    return f'"{inside}"'


def _spaces(text: str) -> str:
    if text.isascii():
        return text.encode().translate(_ASCII_BLANKS).decode("ascii")
    return text.translate(_BLANKS)
