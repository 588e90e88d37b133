"""What a program's own messages and comments say to install, as evidence for whose an import is.

It decides between projects that are known to provide the import, and proposes one, as a guess, where none is
known. It never adds a project that nothing imports.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pannier.imports.following.roles import Site
from pannier.imports.projects.resolution import Provider
from pannier.imports.text.reading import parse_text, read_source
from pannier.model.analysis import Import, Location
from pannier.model.names import normalized_name

_INSTALL = re.compile(r"\bpip[\d.]*[\"']?,?\s+(?:[\"'])?install\b([^\n]*)")
_PROJECT = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?")
# What is said of another system than the one that packs are for.
_ELSEWHERE = re.compile(r"windows|\bmac\b|macos|os ?x\b", re.IGNORECASE)
_OPTIONS_WITH_VALUE = frozenset({"-r", "-c", "-e", "-i", "-f", "-t", "--index-url", "--extra-index-url"})
_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "conda", "cython", "ninja"})
# A message stands below the import that it speaks of, a comment beside or above it.
_ABOVE, _BELOW = 1, 8
# Files that are read once more for what they say, at most.
_MOST_FILES = 30


class Advice(NamedTuple):
    """A project that a text says to install.

    Attributes:
        project: As it is written there.
        line: In the text of its file.
        location: Where a person finds it.
        is_first: It stands first in its command: what follows may be words of a sentence.
    """

    project: str
    line: int
    location: Location
    is_first: bool

    @property
    def reason(self) -> str:
        """Why it counts, in words."""
        return f"the program says `pip install {self.project}`, at {self.location}"


class Adviser:
    """Reads again what says something of imports that are not certain.

    Args:
        texts: Sources that are no files, by name.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._found: dict[str, tuple[Advice, ...]] = {}

    def chosen(self, provider: Provider, sites: Sequence[Site]) -> Provider:
        """The provider, or that of its alternatives which the files that import it say to install."""
        candidates = {normalized_name(one): one for one in (provider.name, *provider.alternatives)}
        said = self._said(site.unit.path for site in sites)
        named = {name: one for one in said if (name := normalized_name(one.project)) in candidates}
        if not named and provider.confidence == "guess":
            return self._guessed(sites[0], ()) or provider
        if len(named) != 1:
            return provider
        ((name, advice),) = named.items()
        if name.endswith("-gpu") and name != normalized_name(provider.name):
            # Such variants were given up; what was said of them holds no more.
            return provider
        chosen = candidates[name]
        return provider._replace(
            name=chosen,
            requirement=chosen,
            confidence="known",
            alternatives=tuple(one for one in candidates.values() if one != chosen),
            reasons=(*(provider.reasons if chosen == provider.name else ()), advice.reason),
        )

    def proposed(self, unknown: Mapping[Import, Site]) -> dict[Import, Provider]:
        """Guesses at imports that nothing known provides, by what is said beside them or like them."""
        by_top: dict[str, Provider] = {}
        for found in sorted(unknown, key=lambda one: (one.location, one.name)):
            top = found.name.partition(".")[0]
            guessed = None if top in by_top else self._guessed(unknown[found], unknown.values())
            if guessed is not None:
                by_top[top] = guessed
        tops = {found: found.name.partition(".")[0] for found in unknown}
        return {found: by_top[top] for found, top in tops.items() if top in by_top}

    def _guessed(self, site: Site, others: Iterable[Site]) -> Provider | None:
        """What is said of an import, unless it may be said of another one just as well."""
        line = site.site.line
        name = site.found.name.partition(".")[0]
        top = _compact(name)
        rivals = [one for one in others if one.unit is site.unit and one.site.line != line]
        taken = _INSTALLERS | {_compact(one.module.partition(".")[0]) for one in site.unit.external}
        for advice in self._said([site.unit.path]):
            said = _compact(advice.project)
            is_like = min(len(top), len(said)) > 2 and (top in said or said in top)
            if said in taken and not is_like:
                # It is said of another import, which has its name, or of what installs.
                continue
            is_beside = advice.is_first and -_ABOVE <= advice.line - line <= _BELOW
            if is_like or (is_beside and not any(_is_between(one, line, advice.line) for one in rivals)):
                return Provider(advice.project, advice.project, "guess", name, reasons=(advice.reason,))
        return None

    def _said(self, paths: Iterable[str]) -> Iterator[Advice]:
        for path in dict.fromkeys(paths):
            if path not in self._found:
                self._found[path] = tuple(self._read(path)) if len(self._found) < _MOST_FILES else ()
            yield from self._found[path]

    def _read(self, path: str) -> Iterator[Advice]:
        text = self._texts.get(path)
        source = (read_source(path) if text is None else parse_text(text, path)).source
        if source is None or "install" not in source.text:
            return
        for match in _INSTALL.finditer(source.text):
            start = source.text.rfind("\n", 0, match.start()) + 1
            if _ELSEWHERE.search(source.text, start, match.end()):
                continue
            line = source.text.count("\n", 0, match.start()) + 1
            for place, project in enumerate(_projects(match[1])):
                yield Advice(project, line, source.locate(line), not place)


def _projects(words: str) -> Iterator[str]:
    previous = ""
    for word in re.split(r"[\s\"'`,;]+", words):
        match = _PROJECT.match(word)
        if match and previous not in _OPTIONS_WITH_VALUE:
            yield match[0]
        previous = word


def _is_between(site: Site, line: int, advised: int) -> bool:
    return min(line, advised) - _ABOVE <= site.site.line <= max(line, advised) + _BELOW


def _compact(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()
