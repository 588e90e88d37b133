"""Where in a TOML file its keys are, for messages: the parser of the standard library does not say."""

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_INDEX = re.compile(r"\[\d+\]$")
_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)$")


def key_lines(text: str) -> dict[str, int]:
    """The line, from 1 on, where each key or table of `text` first stands, by its dotted name without quotes.

    What looks like a key inside a text of several lines is taken for one: good enough to point a reader.
    """
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _plain(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(f"{table}.{_plain(key[1])}" if table else _plain(key[1]), number)
    return lines


def with_lines(problems: list[str], text: str, filename: str) -> list[str]:
    """Put `filename:line: ` before each problem that begins with the dotted name of a key (`site.bin: ...`).

    A key that is missing is told at its table; what has no place stays as it is.
    """
    lines = key_lines(text)
    return [f"{filename}:{line}: {told}" if (line := _line_of(told, lines)) else told for told in problems]


def _line_of(problem: str, lines: dict[str, int]) -> int | None:
    if syntax := _SYNTAX.search(problem):
        return int(syntax[1])
    place = _INDEX.sub("", problem.partition(": ")[0])
    while place:
        if place in lines:
            return lines[place]
        place = place.rpartition(".")[0]
    return None


def _plain(dotted: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, dotted))
