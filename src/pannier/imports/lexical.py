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
_NO_CODE = re.compile(rf"""{STRING}|\#[^\n]*+|\\.|"|'""", re.DOTALL)


class _Blanks(dict[int, str]):
    """For `str.translate`: everything to spaces but line ends."""

    def __missing__(self, character: int) -> str:
        self[character] = blank = "\n" if character == 10 else " "
        return blank


_BLANKS = _Blanks()


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
        self._end = len(text)

    @cached_property
    def blanked(self) -> str:
        """The text with spaces for comments and for what strings hold; places and line ends stay."""
        blanked = _NO_CODE.sub(self._blank, self.text)
        if self.is_whole:
            return blanked
        # A quote that nothing ends makes nonsense of all that follows.
        return blanked[: self._end] + self.text[self._end :].translate(_BLANKS)

    def _blank(self, match: re.Match[str]) -> str:
        found = match[0]
        first = found[0]
        size = len(found)
        if first == "#":
            return " " * size
        if first == "\\":
            return found
        if size == 1:
            self._end = match.start() if self.is_whole else self._end
            self.is_whole = False
            return found
        inside = found[1:-1].translate(_BLANKS) if "\n" in found else " " * (size - 2)
        return f"{first}{inside}{first}"

    def holds(self, place: int) -> bool:
        """Whether a place of the text is neither in a string nor in a comment; its quotes are in none."""
        character = self.text[place : place + 1]
        return not character.isspace() and self.blanked[place : place + 1] == character
