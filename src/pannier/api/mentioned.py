"""Projects that a program's settings, service files or texts name, though nothing imports them."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pannier.model.names import normalized_name

_SUFFIXES = (
    ".ini",
    ".cfg",
    ".conf",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".tpl",
    ".template",
    ".sh",
    ".service",
)
_NAMES = re.compile(r"(?:Procfile|Dockerfile|Containerfile|Makefile)[\w.-]*$|supervisord?\.conf$")
# What lists projects for other reasons than that the program uses them.
_LISTS = re.compile(
    r"requirement|constraint|lock|^environment|^conda|^meta\.ya?ml$|^pyproject\.toml$|^setup\.|^tox\.ini$|"
    r"^mypy\.ini$|^package|^\.|^readthedocs|^mkdocs|^codecov|^renovate"
)
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "build", "dist", "venv", "docs", "doc"})
_LARGEST = 200_000
_MOST_FILES = 3000
# Lines that put a project there, and do not use it.
_INSTALLS = re.compile(r"\b(?:install|add|wget|curl|apk|apt|yum|brew)\b|^\s*(?:#|//|;)")


def mentions(
    projects: Iterable[str], directories: Sequence[str], sources: Sequence[str]
) -> dict[str, tuple[str, int]]:
    """Find where projects are named that nothing imports.

    Args:
        projects: Their names, normalized.
        directories: Where settings and service files lie.
        sources: The program's own files, where a whole text has to be such a name, and no mere word.

    Returns:
        Each project that is named, with the file and line of the first place.
    """
    wanted = {project: _spellings(project) for project in projects}
    found: dict[str, tuple[str, int]] = {}
    if not wanted:
        return found
    every = "|".join(
        sorted({re.escape(name) for names in wanted.values() for name in names}, key=len, reverse=True)
    )
    in_settings = re.compile(rf"(?<![\w.@/-])({every})(?![\w@/-]|\.\w+\b/)")
    in_sources = re.compile(rf"([\"'])({every})(?:[.:][\w.:]+)?\1")
    for path in _settings(directories):
        for number, line in enumerate(_text(path).splitlines(), 1):
            if (match := in_settings.search(line)) and not _INSTALLS.search(line):
                _note(found, wanted, match[1], (path, number))
    for path in sources[:_MOST_FILES]:
        text = _text(path)
        for match in in_sources.finditer(text):
            if _is_telling(match[0][1:-1]):
                _note(found, wanted, match[2], (path, text.count("\n", 0, match.start()) + 1))
    return found


def _note(
    found: dict[str, tuple[str, int]], wanted: dict[str, tuple[str, ...]], name: str, place: tuple[str, int]
) -> None:
    for project, names in wanted.items():
        if name in names:
            found.setdefault(project, place)


def _spellings(project: str) -> tuple[str, ...]:
    """How a project, or its module, may be written."""
    name = normalized_name(project)
    return tuple(dict.fromkeys((name, name.replace("-", "_"), name.replace("-", "."))))


def _is_telling(text: str) -> bool:
    """Whether a text is more than a word that anybody may write."""
    return any(mark in text for mark in "_.:-")


def _settings(directories: Sequence[str]) -> Iterator[str]:
    left = _MOST_FILES
    for directory in directories:
        for place, inner, names in os.walk(directory):
            inner[:] = sorted(name for name in inner if name not in _SKIPPED and not name.startswith("."))
            for name in sorted(names):
                if (name.endswith(_SUFFIXES) or _NAMES.match(name)) and not _LISTS.search(name.lower()):
                    left -= 1
                    if left < 0:
                        return
                    yield os.path.join(place, name)


def _text(path: str) -> str:
    try:
        if os.path.getsize(path) > _LARGEST:  # noqa: PTH202 - thousands of files pass here
            return ""
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
