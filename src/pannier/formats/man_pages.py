"""Manual pages of section 1 (man(7)), made from what metadata say of a program."""

from collections.abc import Sequence
from typing import NamedTuple


class ManOption(NamedTuple):
    """An argument of a program.

    Attributes:
        names: Its spellings: `-o, --output FILE`.
        about: What it does; empty where nothing says.
    """

    names: str
    about: str = ""


def format_man_page(
    command: str,
    *,
    package: str,
    version: str,
    date: str,
    summary: str,
    description: Sequence[str],
    options: Sequence[ManOption] = (),
    homepage: str = "",
) -> bytes:
    """Write the page of a command.

    Args:
        command: Its name.
        package: The package that brings it.
        version: Of that.
        date: As `2026-01-31`.
        summary: What it is, in a few words.
        description: Paragraphs.
        options: What is known of its arguments.
        homepage: Where to read on; empty for nowhere.
    """
    lines = [
        f'.TH {_word(command.upper())} 1 {_word(date)} {_word(f"{package} {version}")} "User Commands"',
        ".SH NAME",
        f"{_text(command)} \\- {_text(summary)}",
        ".SH SYNOPSIS",
        f".B {_text(command)}",
        "[\\fIargument\\fR ...]",
        ".SH DESCRIPTION",
    ]
    for paragraph in description:
        lines += [".PP", *map(_text, paragraph.splitlines())]
    if options:
        lines.append(".SH OPTIONS")
        for option in options:
            lines += [".TP", f".B {_text(option.names)}", _text(option.about) or "\\&"]
    else:
        lines += [
            ".PP",
            f"Run \\fB{_text(command)} \\-\\-help\\fR for its arguments, where it has that option.",
        ]
    if homepage:
        lines += [".SH SEE ALSO", _text(homepage)]
    return "".join(f"{line}\n" for line in lines if line).encode()


def _text(text: str) -> str:
    r"""One line of text as roff takes it: `\` and `-` are special, and so are `.` and `'` at its begin."""
    line = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line[:1] in {".", "'"} else line


def _word(text: str) -> str:
    return '"' + _text(text).replace('"', "'") + '"'
