"""Which versions of projects, and of Python, have the APIs that came or went: `data/versions.txt`, read."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

_RULES = Path(__file__).parent / "data" / "versions.txt"


class VersionBound(NamedTuple):
    """What using an API says of versions.

    Attributes:
        project: As the index shows it; `python` for the standard library.
        specifier: The versions that have it (`<1.24`); empty where every version has.
        python: The Pythons that such a version runs on (`<3.12`); empty for any.
        companions: Requirements that hold with it; with `?` in front only for what is needed anyway.
    """

    project: str
    specifier: str
    python: str = ""
    companions: tuple[str, ...] = ()


class VersionRules(NamedTuple):
    """All rules, by what they look for.

    Attributes:
        names: Dotted names that tell by being used.
        calls: Dotted names that tell by how they are called: what follows the parenthesis, and the token.
        texts: By top-level import name, pieces of text and the rule's token.
        bounds: What each token says.
        tops: First parts of all dotted names.
        stubs: Names that stay, and fail when they are used.
        inner: Dotted names that rules reach into, and the names they reach there.
    """

    names: dict[str, str]
    calls: dict[str, list[tuple[str, str]]]
    texts: dict[str, list[tuple[str, str]]]
    bounds: dict[str, VersionBound]
    tops: frozenset[str]
    stubs: frozenset[str] = frozenset()
    inner: Mapping[str, frozenset[str]] = MappingProxyType({})


@cache
def version_rules() -> VersionRules:
    """The rules that Pannier ships."""
    rules = VersionRules({}, {}, {}, {}, frozenset())
    tops, stubs = set(), set()
    for written, bound in parse_rules(_RULES.read_text("utf-8")):
        token = written.removesuffix("!")
        if token != written:
            stubs.add(token)
        rules.bounds[token] = bound
        name, colon, text = token.partition(":")
        if colon:
            rules.texts.setdefault(name, []).append((text, token))
            tops.add(name)
            continue
        name, parenthesis, call = token.partition("(")
        tops.add(name.partition(".")[0])
        if parenthesis:
            rules.calls.setdefault(name, []).append((call, token))
        else:
            rules.names[name] = token
    inner: dict[str, set[str]] = {}
    for name in (*rules.names, *rules.calls):
        parts = name.split(".")
        for length in range(1, len(parts)):
            inner.setdefault(".".join(parts[:length]), set()).add(parts[length])
    return rules._replace(
        tops=frozenset(tops),
        stubs=frozenset(stubs),
        inner={name: frozenset(found) for name, found in inner.items()},
    )


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
