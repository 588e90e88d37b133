"""The foreign sources: local copies, read into facts. docs/how-to/import-data.md says where they are from."""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from import_data.curated import normalized

_EMPTY_VERSIONS = frozenset(
    {"0", "0.0", "0.0.0", "0.0.1", "0.0.0.1", "0.0.0a0", "0.0.1a0", "0.0.1.dev0", "0.0.0.dev0"}
)


@dataclass(frozen=True)
class Facts:
    """What the sources say, project names normalized.

    Attributes:
        provided: Import name to the projects whose distributions hold it at their top level.
        recorded: Projects of which the distributions' names are known at all.
        rank: Project to its place among the most downloaded, from 1.
        channel: Project to its name on conda-forge.
        imported: Project to the import names that conda-forge's recipes state.
        shown: Project to its name as the index shows it.
        placeholders: Projects whose version says that nothing is in them yet.
    """

    provided: Mapping[str, tuple[str, ...]]
    recorded: frozenset[str]
    rank: Mapping[str, int]
    channel: Mapping[str, str]
    imported: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, str]
    placeholders: frozenset[str] = frozenset()


def read_facts(top_level: Path, ranks: Path, channel: Path, recipes: Path) -> Facts:
    """Read the four sources.

    Args:
        top_level: SQLite database of distributions and their top-level names (pigar's).
        ranks: Projects in the order of their downloads (top-pypi-packages, JSON).
        channel: conda-forge names to project names (parselmouth's compressed mapping, JSON).
        recipes: Triples of project, import and conda name (conda-pypi, JSON).
    """
    provided: dict[str, set[str]] = defaultdict(set)
    recorded: set[str] = set()
    placeholders: set[str] = set()
    shown: dict[str, str] = {}
    for project, version, module in _top_level_rows(top_level):
        key = normalized(project)
        if version in _EMPTY_VERSIONS:
            placeholders.add(key)
        recorded.add(key)
        shown[key] = project
        provided[module].add(key)
    imported: dict[str, set[str]] = defaultdict(set)
    for triple in json.loads(recipes.read_text("utf-8")).values():
        imported[normalized(triple["pypi_name"])].add(triple["import_name"])
    rows = json.loads(ranks.read_text("utf-8"))["rows"]
    for row in rows:
        shown.setdefault(normalized(row["project"]), row["project"])
    return Facts(
        provided={name: tuple(sorted(projects)) for name, projects in provided.items()},
        recorded=frozenset(recorded),
        rank={normalized(row["project"]): place for place, row in enumerate(rows, 1)},
        channel=_channel_names(json.loads(channel.read_text("utf-8"))),
        imported={project: tuple(sorted(names)) for project, names in imported.items()},
        shown=shown,
        placeholders=frozenset(placeholders),
    )


def _top_level_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as database:
        yield from database.execute(
            "select distributions.name, distributions.version, top_level_module_names.name "
            "from top_level_module_names "
            "join distributions on distributions.id = top_level_module_names.distribution_id "
            "order by distributions.name, top_level_module_names.name"
        )


# The package that users name, where the mapping knows only the parts that it is made of.
_CONDA_NAMES = {"opencv-python": "opencv"}


def _channel_names(mapping: Mapping[str, str | None]) -> dict[str, str]:
    """Project to conda name; of several, the one that is the project's own name, else the shortest."""
    names: dict[str, list[str]] = defaultdict(list)
    for conda, project in mapping.items():
        if project:
            names[normalized(project)].append(conda)
    return {
        project: min(found, key=lambda name: (normalized(name) != project, len(name), name))
        for project, found in names.items()
    } | _CONDA_NAMES


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
