"""Build the tables of import names that Pannier ships.

    python scripts/build_import_data.py                write import_names.txt, from the list kept by hand
    python scripts/build_import_data.py --check        is all in order, do installed projects contradict it?
    python scripts/build_import_data.py --sources DIR  write the tables of foreign facts as well

The list kept by hand, `src/pannier/imports/data/projects.txt`, stands above everything else. The other tables
come from local copies of foreign sources, named in `sources.toml` with their licences; how to get them is in
`docs/how-to/import-data.md`. No part of this asks the network.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from import_data.curated import Table, complaints, format_table, normalized, parse
from import_data.ranking import ranked_names
from import_data.sources import Facts, digest, read_facts
from import_data.tables import contradictions, format_channel, format_ranked
from import_data.tail import format_filter, unranked_names

DATA = Path(__file__).parent.parent / "src/pannier/imports/data"


def installed_contradictions(table: Table) -> Iterator[str]:
    """Import names of installed projects for which the list names others."""
    for module, projects in sorted(packages_distributions().items()):
        listed = {
            normalized(name) for name in [table.first.get(module, ""), *table.others.get(module, [])]
        } - {""}
        if listed and not listed & set(map(normalized, projects)):
            here, there = ", ".join(sorted(set(projects))), ", ".join(sorted(listed))
            yield f"`{module}` is of {here} here, of {there} in the list"


def refused_but_ranked(table: Table, ranked: str) -> Iterator[str]:
    """Projects that are never to be chosen, and are."""
    for line in ranked.splitlines():
        name, *candidates = line.split(" ") if not line.startswith("#") else [""]
        for candidate in candidates:
            project = candidate.partition(":")[0]
            if normalized(name if project == "=" else project) in table.refused:
                yield f"`{name}` names {project}, which is refused"


def read_sources(directory: Path) -> Facts:
    """The facts of the local copies, each checked against the hash that sources.toml records."""
    listed = tomllib.loads((DATA / "sources.toml").read_text("utf-8"))["source"]
    paths = {source["use"]: directory / source["file"] for source in listed}
    for source in listed:
        found = digest(paths[source["use"]])
        if found != source["sha256"]:
            print(f"{source['file']} is {found}: put that and its date into sources.toml", file=sys.stderr)
            raise SystemExit(1)
    return read_facts(paths["top-level"], paths["ranks"], paths["channel"], paths["recipes"])


def build(sources: Path | None, table: Table, show: bool) -> None:
    """Write the tables."""
    (DATA / "import_names.txt").write_text(format_table(table), encoding="utf-8")
    if sources is None:
        return
    facts = read_sources(sources)
    ranked = ranked_names(facts, table)
    (DATA / "ranked_names.txt").write_text(format_ranked(ranked), encoding="utf-8")
    unranked = unranked_names(facts, table, table.names() | ranked.keys())
    (DATA / "unranked_names.bloom").write_bytes(format_filter(unranked, table.nobodys | table.refused))
    (DATA / "conda_names.txt").write_text(format_channel(facts), encoding="utf-8")
    if show:
        print("\n".join(contradictions(table.first, facts)))


def main() -> int:
    """Write or check the tables; 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--sources", type=Path, metavar="DIR", help="local copies of the foreign sources")
    parser.add_argument("--contradictions", action="store_true", help="show where sources and list disagree")
    options = parser.parse_args()
    table = parse((DATA / "projects.txt").read_text(encoding="utf-8"))
    wrong = complaints(table)
    if options.check:
        wrong += installed_contradictions(table)
        if (DATA / "import_names.txt").read_text(encoding="utf-8") != format_table(table):
            wrong.append("import_names.txt is out of date")
        wrong += refused_but_ranked(table, (DATA / "ranked_names.txt").read_text(encoding="utf-8"))
    elif not wrong:
        build(options.sources, table, options.contradictions)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
