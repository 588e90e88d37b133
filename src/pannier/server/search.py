"""Search among projects by name and summary, the best first."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from pannier.formats.wheels import normalize_project
from pannier.server.catalogue.catalogue import version_key
from pannier.server.catalogue.records import SearchRow
from pannier.server.messages import Identity
from pannier.server.services import Services

_PRERELEASE = re.compile(r"\d[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)[-_.]?\d*", re.IGNORECASE)


class Hit(NamedTuple):
    """A project found.

    Attributes:
        row: Its newest version.
        rank: How well it fits; larger is better.
    """

    row: SearchRow
    rank: int


def search(rows: Iterable[SearchRow], words: Sequence[str], limit: int = 200) -> list[Hit]:
    """Find the projects in which every word occurs, in the name or in the newest version's summary.

    Args:
        rows: All files, those of a project one after the other, as the catalogue gives them.
        words: In any case; none finds every project.
        limit: The most to give.
    """
    wanted = [(word.casefold(), normalize_project(word)) for word in words if word.strip()]
    hits: list[Hit] = []
    for name, group in groupby(rows, key=lambda row: row.name):
        versions = list(group)
        # Comparing versions takes most of the time: only those of what may be found are.
        if any(_rank(name, row.summary, wanted) for row in versions):
            newest = max(versions, key=lambda row: _age_key(row.version))
            if rank := _rank(name, newest.summary, wanted):
                hits.append(Hit(newest, rank))
    return sorted(hits, key=lambda hit: (-hit.rank, hit.row.name))[:limit]


def _age_key(version: str) -> tuple[bool, tuple[object, ...]]:
    """What the newest version has most of: one that is released comes before all that are not yet."""
    return not _PRERELEASE.search(version), version_key(version)


def search_projects(
    services: Services, identity: Identity, words: Sequence[str], limit: int = 200
) -> list[Hit]:
    """Find the projects that somebody may list. Blocks while all are looked through.

    Args:
        services: Of the index.
        identity: Who asks.
        words: As for `search`.
        limit: The most to give.
    """
    glances = services.overview.projects()
    rows: Iterable[SearchRow] = (SearchRow(each.name, each.version, each.summary) for each in glances)
    if services.gate.is_limited(identity, "list"):
        rows = (row for row in rows if services.gate.permits(identity, "list", normalize_project(row.name)))
    return search(rows, words, limit)


def _rank(name: str, summary: str, words: Sequence[tuple[str, str]]) -> int:
    normalized, text = normalize_project(name), summary.casefold()
    ranks = [_rank_word(normalized, text, word, as_name) for word, as_name in words]
    return 0 if 0 in ranks else sum(ranks) + 1


def _rank_word(name: str, summary: str, word: str, as_name: str) -> int:
    if name == as_name:
        return 100
    if name.startswith(as_name):
        return 60
    if as_name in name.split("-"):
        return 50
    if as_name in name:
        return 30
    if word in summary:
        return 10 if word in summary.split() else 5
    return 0
