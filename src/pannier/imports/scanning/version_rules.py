"""Which versions of projects, and of Python, have the APIs that came or went: `data/versions.txt`, read."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

RULES = Path(__file__).parents[1] / "data" / "versions.txt"


class VersionBound(NamedTuple):
    """What using an API says of versions.

    Attributes:
        project: As the index shows it; `python` for the standard library.
        specifier: The versions that have it (`<1.24`); empty where every version has.
        python: The Pythons that such a version runs on (`<3.12`); empty for any.
        companions: Requirements that hold with it; with `?` in front only for what is needed anyway, with
            `|` and projects behind only where none of these is.
    """

    project: str
    specifier: str
    python: str = ""
    companions: tuple[str, ...] = ()


class VersionRules:
    """Rules by what they look for: those on the imports that were asked for, as far as a file is read.

    Reading all of it for the few imports of a script takes longer than the rest of its analysis.

    Args:
        text: The file.

    Attributes:
        names: Dotted names that tell by being used.
        calls: Dotted names that tell by how they are called: what follows the parenthesis, and the token.
        texts: By top-level import name, pieces of text and the rule's token.
        bounds: What each token says.
        stubs: Names that stay, and fail when they are used.
        inner: Dotted names that rules reach into, and the names they reach there.
    """

    def __init__(self, text: str) -> None:
        self.names: dict[str, str] = {}
        self.calls: dict[str, list[tuple[str, str]]] = {}
        self.texts: dict[str, list[tuple[str, str]]] = {}
        self.bounds: dict[str, VersionBound] = {}
        self.stubs: set[str] = set()
        self.inner: dict[str, set[str]] = {}
        self._unread = [f"[{part}\n" for part in text.split("\n[")[1:]]
        self._tops: set[str] = set()
        self._asked: set[str] = set()

    def speak_of(self, top: str) -> bool:
        """Whether there are rules on a top-level import; from then on they are read."""
        if top not in self._asked:
            self._asked.add(top)
            # Not those that only bound its version beside another.
            beginnings = tuple(f" {top}{end}" for end in ".:(! \n")
            self._read([part for part in self._unread if any(map(part.__contains__, beginnings))])
        return top in self._tops

    def read_all(self) -> None:
        """Read the rest."""
        self._read(list(self._unread))

    def _read(self, parts: Iterable[str]) -> None:
        for part in parts:
            self._unread.remove(part)
            for written, bound in parse_rules(part):
                self._add(written, bound)

    def _add(self, written: str, bound: VersionBound) -> None:
        token = written.removesuffix("!")
        if token != written:
            self.stubs.add(token)
        self.bounds[token] = bound
        name, colon, text = token.partition(":")
        name, parenthesis, call = (name, "", "") if colon else token.partition("(")
        parts = name.split(".")
        self._tops.add(parts[0])
        if colon:
            self.texts.setdefault(name, []).append((text, token))
            return
        if parenthesis:
            self.calls.setdefault(name, []).append((call, token))
        else:
            self.names[name] = token
        for length in range(1, len(parts)):
            self.inner.setdefault(".".join(parts[:length]), set()).add(parts[length])


@cache
def version_rules() -> VersionRules:
    """The rules that Pannier ships."""
    return VersionRules(RULES.read_text("utf-8"))


def parse_rules(text: str) -> Iterator[tuple[str, VersionBound]]:
    """Each token of the rules with its bound.

    Raises:
        ValueError: A line is none of a project, a bound and tokens.
    """
    project, bound = "", VersionBound("", "")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            project = line.strip("[] ")
        elif line[0] in "<>=*":
            bound = _parse_bound(project, line)
        elif line.startswith(" ") and project and bound.project == project:
            yield from ((token, bound) for token in line.split())
        else:
            raise ValueError(f"line {number}: {line}")


def _parse_bound(project: str, line: str) -> VersionBound:
    words, _, companions = line.partition(" with ")
    specifier, _, python = words.partition(" python")
    return VersionBound(project, specifier.strip(" *"), python.strip(), tuple(companions.split()))
