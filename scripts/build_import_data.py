"""Build the table of import names that Pannier ships, from the list of projects kept by hand.

    python scripts/build_import_data.py            write src/pannier/imports/data/import_names.txt
    python scripts/build_import_data.py --check    is it up to date, and do installed projects contradict it?

The input is `src/pannier/imports/data/projects.txt` and nothing else: no network, no foreign data. `--check`
compares it with the metadata of whatever is installed beside this Python.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from pathlib import Path

DATA = Path(__file__).parent.parent / "src/pannier/imports/data"
HEADER = (
    "# Import names to the projects that provide them, first choice first; `*` is a namespace of many.\n"
    "# Built from projects.txt by scripts/build_import_data.py; part of Pannier, under its licence (MIT).\n"
)
_PATTERN = re.compile(r"\{([^{}/]*[^{}/]+)\}")
_ALTERNATIVE = "~"


def normalized(name: str) -> str:
    """A project name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass
class Table:
    """What the list of projects says."""

    first: dict[str, str] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def add(self, project: str, module: str) -> None:
        """One project provides one module."""
        if module.endswith(_ALTERNATIVE):
            self.others.setdefault(module.removesuffix(_ALTERNATIVE), []).append(project)
            return
        present = self.first.setdefault(module, project)
        if normalized(present) != normalized(project):
            self.complaints.append(f"`{module}` has two first choices: {present} and {project}")
        elif present == normalized(present):
            self.first[module] = project


def expanded(project: str, modules: str) -> Iterator[tuple[str, str]]:
    """One line, or one for each name between braces."""
    match = _PATTERN.search(project)
    if match is None:
        yield project, modules
        return
    for name in match[1].split(","):
        filled = modules.replace("{}", name.replace("-", "_")).replace("{/}", name.replace("-", "."))
        yield project.replace(match[0], name), filled


def parse(text: str) -> Table:
    """Read the list of projects."""
    table = Table()
    explicit: list[tuple[str, str]] = []
    named_alone: list[str] = []
    for line in text.splitlines():
        content = line.partition("#")[0].strip()
        if content.startswith("="):
            table.namespaces.update(content[1:].split())
        elif content.startswith("!"):
            table.refused.update(map(normalized, content[1:].split()))
        elif ":" in content:
            explicit.extend(expanded(*content.split(":", 1)))
        else:
            named_alone.extend(content.split())
    for project, modules in explicit:
        for module in modules.split():
            table.add(project.strip(), module)
    described = {normalized(project) for project, _ in explicit}
    for project in named_alone:
        module = project.lower().replace("-", "_")
        # A line that says what a project provides knows better than a name that stands alone.
        if normalized(project) not in described and module not in table.first:
            table.add(project, module)
    return table


def complaints(table: Table) -> list[str]:
    """Everything that must be put right in the list."""
    chosen = {*table.first.values(), *(project for projects in table.others.values() for project in projects)}
    found = [
        f"{project} is refused and chosen"
        for project in sorted(chosen)
        if normalized(project) in table.refused
    ]
    found += [
        f"`{module}` is both a namespace and provided"
        for module in sorted(table.namespaces & table.first.keys())
    ]
    found += [f"`{name}` is no dotted name" for name in sorted(table.first) if not _is_dotted(name)]
    return [*table.complaints, *found]


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def format_table(table: Table) -> str:
    """The shipped form: one line an import name, sorted."""
    lines = [f"{name} *" for name in table.namespaces]
    for name in table.first.keys() | table.others.keys():
        projects = [table.first[name]] if name in table.first else []
        projects += [
            other
            for other in table.others.get(name, [])
            if normalized(other) not in map(normalized, projects)
        ]
        lines.append(" ".join([name, *projects]))
    return HEADER + "\n".join(sorted(lines)) + "\n"


def contradictions(table: Table) -> Iterator[str]:
    """Import names of installed projects for which the list names others."""
    for module, projects in sorted(packages_distributions().items()):
        listed = {
            normalized(name) for name in [table.first.get(module, ""), *table.others.get(module, [])]
        } - {""}
        if listed and not listed & set(map(normalized, projects)):
            here, there = ", ".join(sorted(set(projects))), ", ".join(sorted(listed))
            yield f"`{module}` is of {here} here, of {there} in the list"


def main() -> int:
    """Write or check the table; 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    table = parse((DATA / "projects.txt").read_text(encoding="utf-8"))
    wrong = complaints(table)
    text = format_table(table)
    output = DATA / "import_names.txt"
    if check:
        wrong += contradictions(table)
        if not output.exists() or output.read_text(encoding="utf-8") != text:
            wrong.append("import_names.txt is out of date")
    print("\n".join(wrong) or f"{text.count(chr(10))} lines", file=sys.stderr if wrong else sys.stdout)
    if not wrong and not check:
        output.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
