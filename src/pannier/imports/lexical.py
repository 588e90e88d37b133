"""What of a text is code, and what is string or comment, told by compiled expressions at the speed of C."""

import re
from functools import cache

STRING = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"""'
    r"|'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''"
    r'|"(?!"")[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
    r"|'(?!'')[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
)
COMMENT = r"\#[^\n]*+"


@cache
def _code() -> re.Pattern[str]:
    return re.compile(rf"""(?:[^"'\#\\]++|\\.|{STRING}|{COMMENT}\n)*+""", re.DOTALL)


class Code:
    """Tells places in code from places in strings and comments, asked in any order.

    Args:
        text: The source.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._known = 0

    def holds(self, place: int) -> bool:
        """Whether a place of the text is neither in a string nor in a comment."""
        here = self._text[place : place + 1]
        if here in ("'", '"') and self._text.endswith(here * 2, 0, place):
            # The third quote of three: up to here it looks like an empty string.
            return False
        start = self._known if place >= self._known else 0
        found = _code().match(self._text, start, place)
        if found is None or found.end() != place:
            return False
        self._known = place
        return True

    def string_around(self, place: int) -> int:
        """Where the string or comment begins that a place lies in; -1 for a place in code."""
        found = _code().match(self._text, 0, place)
        return found.end() if found and found.end() != place else -1
