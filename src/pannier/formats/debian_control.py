"""The texts of a Debian package: control and changelog (deb-control(5)), copyright (DEP 5)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "i686": "i386",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
_LONGEST_SYNOPSIS = 79
_MAINTAINER = re.compile(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>")


class CopyrightPart(NamedTuple):
    """The copyright of some files of a package.

    Attributes:
        files: Patterns of their paths.
        holders: Who holds it, a line each.
        license: Its name.
        text: The licence itself, or where it is to be read.
    """

    files: tuple[str, ...]
    holders: tuple[str, ...]
    license: str
    text: str


def package_name(name: str) -> str:
    """Make a name of a Debian package of any name; empty when none can be made (Policy 5.6.7)."""
    text = re.sub(r"[^a-z0-9+.-]+", "-", name.lower()).strip("-")
    return text if _NAME.fullmatch(text) else ""


def debian_architecture(machine: str) -> str:
    """Say what Debian calls the architecture that Linux calls `machine`; empty where it is not known."""
    return _ARCHITECTURES.get(machine, "")


def is_maintainer(text: str) -> bool:
    """Tell whether a text is a name with an address: `Jane Doe <jane@example.org>`."""
    return _MAINTAINER.fullmatch(text) is not None


def format_control(fields: Mapping[str, str]) -> bytes:
    """Write a paragraph of fields, in their order, those without a value left out.

    A value of several lines goes on as deb-control(5) has it: lines begin with a blank, empty ones are a dot.
    """
    lines = []
    for name, value in fields.items():
        first, *more = value.strip().splitlines() or [""]
        if first or more:
            lines.append(f"{name}: {first}".rstrip())
            lines += [f" {line}" if line.strip() else " ." for line in more]
    return "".join(f"{line}\n" for line in lines).encode()


def format_description(summary: str, paragraphs: Iterable[str]) -> str:
    """Write the value of `Description`: a synopsis of one line, then paragraphs of short lines."""
    lines = [synopsis_of(summary)]
    for paragraph in paragraphs:
        if len(lines) > 1:
            lines.append("")
        lines += _wrapped(paragraph)
    return "\n".join(lines)


def synopsis_of(summary: str) -> str:
    """Shorten a summary to what a synopsis may be: one line, no article before it, no period behind it."""
    text = re.sub(r"^(an?|the)\s+", "", " ".join(summary.split()), flags=re.IGNORECASE).rstrip(". ")
    if len(text) <= _LONGEST_SYNOPSIS:
        return text
    return text[: _LONGEST_SYNOPSIS - 3].rsplit(" ", 1)[0].rstrip(",;:. ") + "..."


def format_changelog(package: str, version: str, maintainer: str, date: int, changes: Sequence[str]) -> bytes:
    """Write a changelog of one entry.

    Args:
        package: Its name.
        version: Debian's.
        maintainer: Name and address.
        date: Seconds since the epoch.
        changes: What changed, a line each.
    """
    moment = format_datetime(datetime.fromtimestamp(date, UTC))
    items = "".join(f"  * {change}\n" for change in changes)
    return f"{package} ({version}) unstable; urgency=medium\n\n{items}\n -- {maintainer}  {moment}\n".encode()


def format_copyright(name: str, source: str, parts: Iterable[CopyrightPart]) -> bytes:
    """Write a machine-readable copyright file.

    Args:
        name: What the program is called by its makers.
        source: Where it is had from; empty where nothing says.
        parts: The first for all files, later ones for some.
    """
    paragraphs = [
        format_control(
            {
                "Format": "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
                "Upstream-Name": name,
                "Source": source,
            }
        )
    ]
    paragraphs += [
        format_control(
            {
                "Files": "\n".join(part.files),
                "Copyright": "\n".join(part.holders),
                "License": "\n".join([part.license, *part.text.strip("\n").splitlines()]),
            }
        )
        for part in parts
    ]
    return b"\n".join(paragraphs)


def _wrapped(paragraph: str) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(paragraph.split()), 76, break_long_words=False, break_on_hyphens=False)
