"""The shipped tables made of ranked facts, in the forms that `pannier.imports` looks names up in."""

from collections.abc import Mapping

from import_data.curated import normalized
from import_data.ranking import LEGEND, Candidate
from import_data.sources import Facts

FORMAT = 1
_RANKED_HEADER = (
    f"# Import names to candidates PROJECT:EVIDENCE, first choice first; format {FORMAT}.\n"
    "# `=` stands for a project named alike.\n"
    f"# Evidence: {LEGEND}.\n"
    "# Built by scripts/build_import_data.py from what sources.toml names; licences in NOTICE.txt.\n"
)
_CONDA_HEADER = (
    f"# Projects, normalized, to their names on conda-forge where those differ; format {FORMAT}.\n"
    "# Built by scripts/build_import_data.py from what sources.toml names; licences in NOTICE.txt.\n"
)


def format_ranked(names: Mapping[str, tuple[Candidate, ...]]) -> str:
    """One line an import name, sorted by its bytes."""
    lines = [" ".join([name, *(_shortened(name, item) for item in found)]) for name, found in names.items()]
    return _RANKED_HEADER + "\n".join(sorted(lines, key=lambda line: line.partition(" ")[0])) + "\n"


def _shortened(name: str, candidate: Candidate) -> str:
    project = "=" if candidate.project in {name, name.replace("_", "-")} else candidate.project
    if project == "=" and candidate.project != name.replace("_", "-"):
        project = candidate.project
    return f"{project}:{candidate.evidence}"


def format_channel(facts: Facts) -> str:
    """One line a project that conda-forge packages, sorted by its bytes."""
    lines = [
        project if conda == project else f"{project} {conda}" for project, conda in facts.channel.items()
    ]
    return _CONDA_HEADER + "\n".join(sorted(lines, key=lambda line: line.partition(" ")[0])) + "\n"


def contradictions(first: Mapping[str, str], facts: Facts) -> list[str]:
    """What the curated list says and the distributions' own names deny; to be looked into, not believed."""
    found = []
    for name, project in sorted(first.items()):
        key = normalized(project)
        holders = facts.provided.get(name.partition(".")[0], ())
        if key in facts.recorded and holders and key not in holders:
            known = [holder for holder in holders if holder in facts.rank][:3]
            found.append(f"`{name}` of {project}: its distribution does not hold it; {', '.join(known)}")
    return found
