"""Changelogs: Keep a Changelog, and any Markdown, reStructuredText or plain file with version headings.

A heading is a version's when it begins with one, after words such as "Version" or the project's name. Which
kind of heading a file uses is the one that most of these are of; deeper ones belong to an entry.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}")
_RELEASE = r"\d+(?:\.\d+)*"
_SUFFIX = (
    r"(?:[-_.]?(?:alpha|beta|preview|post|dev|rev|pre|rc|a|b|c|r)[-_.]?\d*)*"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?"
)
_VERSION = rf"(?:\d+!)?{_RELEASE}{_SUFFIX}"
# Up to four words, the project's name or "What's new in version", none of them with a number of its own.
_WORDS = r"(?:[^\W\d][^\s\d]*\s+){0,4}"
_HEADING = re.compile(
    rf"{_WORDS}\(?v?(?P<version>{_VERSION})\)?(?P<rest>$|[\s:,;(\u2013\u2014-].*)", re.IGNORECASE
)
_UNRELEASED = re.compile(
    rf"{_WORDS}(?:unreleased|un-released|upcoming|next|development|in development|in progress|wip|tbd|tba|dev"
    r"|head|main|master|trunk)(?:\s+(?:version|release|changes))?\W*",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:unreleased|not (?:yet )?released|in development|in progress|tbd|tba|wip|xxxx?-xx-xx|yyyy-mm-dd)\b"
    r"|\?\?|\bdev\b",
    re.IGNORECASE,
)
# Without any mark a line has to be a version and little else.
_PLAIN = re.compile(
    rf"(?:(?:version|release|[^\W\d][\w.-]*)\s+)?\(?v?{_VERSION}\)?\s*:?"
    r"(?:\s*[-\u2013\u2014,(\[]?\s*(?:released?\s+)?(?:on\s+)?[\w?,. :/;=*-]{0,40}[)\]]?)?:?\s*"
    r"|\[?unreleased\]?:?",
    re.IGNORECASE,
)
_BULLET = re.compile(rf"[-*] (?:version )?v?(?P<version>\d+\.{_VERSION}):\s", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_ATX = re.compile(r"(#{1,6})\s+(?P<title>.*?)\s*#*\s*")
_UNDERLINE = re.compile(r"""([=\-~^"'`*+#:._])\1{2,}\s*""")
_LINK_DEFINITION = re.compile(r"\s*\[[^\]]+\]:\s*\S+.*")


class ChangelogEntry(NamedTuple):
    """What a changelog says of one version, or of what is not released yet.

    Attributes:
        title: The heading as written.
        version: As written, without `v`; empty for changes that have no version yet.
        is_released: Neither the heading nor its place says that the version is still to come.
        date: As written, where it is numbers with the year first; else empty.
        body: The lines below the heading, without blank ones around them.
        line: Of the heading, from 1.
    """

    title: str
    version: str
    is_released: bool
    date: str
    body: str
    line: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing but headings, link definitions and blank lines stands below the heading."""
        return all(_says_nothing(line) for line in self.body.splitlines())


class _Heading(NamedTuple):
    """Where a heading is (`start` to `end`, lines from 0), what it says, and what makes it one."""

    start: int
    end: int
    title: str
    level: str


def parse_changelog(text: str) -> tuple[ChangelogEntry, ...]:
    """Read the entries of a changelog, in the file's order.

    Args:
        text: Markdown, reStructuredText or plain text.

    Returns:
        An entry for each version heading; none where the file has no such heading.
    """
    lines = text.lstrip("\ufeff").splitlines()
    visible = _visible(lines)
    for iterate in (_iter_marked, _iter_plain, _iter_bullets):
        headings = list(iterate(visible))
        releases = [heading for heading in headings if _reading(heading.title) is not None]
        if releases:
            # The one that most of them have: a number may stand in other headings too.
            level, _ = Counter(heading.level for heading in releases).most_common(1)[0]
            ends = [heading for heading in headings if _depth(heading.level) < _depth(level)]
            return _entries([one for one in releases if one.level == level], ends, lines)
    return ()


def _entries(
    releases: Sequence[_Heading], ends: Sequence[_Heading], lines: Sequence[str]
) -> tuple[ChangelogEntry, ...]:
    bounds = sorted({heading.start for heading in (*releases, *ends)} | {len(lines)})
    entries = []
    for heading in releases:
        following = next(bound for bound in bounds if bound > heading.start)
        reading = _reading(heading.title)
        assert reading is not None
        version, is_released, date = reading
        body = "\n".join(lines[heading.end : following]).strip("\n").rstrip()
        entries.append(ChangelogEntry(heading.title, version, is_released, date, body, heading.start + 1))
    return tuple(entries)


def _depth(level: str) -> int:
    """How deep a heading of number signs is; underlines say nothing of that."""
    return len(level) if level.startswith("#") and level.strip("#") == "" else 0 if level == "" else 9


def _reading(title: str) -> tuple[str, bool, str] | None:
    """Version, whether it is released, and date of a heading; `None` for one that is no version's."""
    plain = _MARKDOWN_LINK.sub(r"\1", title).translate(_NO_EMPHASIS).strip()
    dates = [found.group() for found in _DATE.finditer(plain)]
    match = _HEADING.fullmatch(_without_leading_date(plain))
    if match is not None:
        is_released = _NOT_YET.search(match["rest"]) is None
        return match["version"], is_released, dates[0] if dates else ""
    return ("", False, "") if _UNRELEASED.fullmatch(plain) else None


_NO_EMPHASIS = str.maketrans("", "", "*`[]")


def _without_leading_date(title: str) -> str:
    """A title such as `2026-01-31: version 1.2`, without its date."""
    match = re.match(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\s*[:,\u2013\u2014-]?\s+", title)
    return title[match.end() :] if match else title


def _visible(lines: Sequence[str]) -> list[str]:
    """The lines with those of code blocks and comments blanked: no heading in them is one."""
    shown: list[str] = []
    fence, is_comment = "", False
    front = lines.index("---", 1) + 1 if lines[:1] == ["---"] and "---" in lines[1:] else 0
    for line in (*[""] * front, *lines[front:]):
        mark = _FENCE.match(line)
        if mark and not is_comment:
            fence = "" if fence == mark[1] else fence or mark[1]
            shown.append("")
            continue
        is_comment = is_comment or ("<!--" in line and not fence)
        shown.append("" if fence or is_comment else line)
        is_comment = is_comment and "-->" not in line
    return shown


def _iter_marked(lines: Sequence[str]) -> Iterator[_Heading]:
    """Headings with number signs, or with a line below (and perhaps above) them."""
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        above = lines[index - 1] if index else ""
        if match := _ATX.fullmatch(line):
            yield _Heading(index, index + 1, match["title"], match[1])
        elif line.strip() and _UNDERLINE.fullmatch(following) and not _UNDERLINE.fullmatch(line):
            is_overlined = above.strip()[:1] == following[0] and _UNDERLINE.fullmatch(above) is not None
            level = f"{following[0]}{'above' if is_overlined else 'below'}"
            yield _Heading(index - is_overlined, index + 2, line.strip(), level)


def _iter_plain(lines: Sequence[str]) -> Iterator[_Heading]:
    """Lines at the margin that are a version and little else."""
    for index, line in enumerate(lines):
        if line[:1].strip() and _PLAIN.fullmatch(line.rstrip()) is not None:
            yield _Heading(index, index + 1, line.strip().rstrip(":"), "plain")


def _iter_bullets(lines: Sequence[str]) -> Iterator[_Heading]:
    """Items at the margin that begin with a version and a colon."""
    for index, line in enumerate(lines):
        if match := _BULLET.match(line):
            yield _Heading(index, index + 1, match["version"], "bullet")


def _says_nothing(line: str) -> bool:
    is_heading = _ATX.fullmatch(line) is not None or _UNDERLINE.fullmatch(line) is not None
    is_markup = (
        _LINK_DEFINITION.fullmatch(line) is not None or re.fullmatch(r"\s*<!--.*-->\s*", line) is not None
    )
    return not line.strip(" \t-*+.") or is_heading or is_markup
