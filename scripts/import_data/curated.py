"""The list of projects kept by hand: its language, and the table that follows from it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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
    nobodys: set[str] = field(default_factory=set)
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

    def names(self) -> set[str]:
        """Every dotted name that the list says something of."""
        return {*self.first, *self.others, *self.namespaces}


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
        elif content.startswith("%"):
            table.nobodys.update(content[1:].split())
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
    for name in (table.first.keys() | table.others.keys()) - table.namespaces:
        projects = [table.first[name]] if name in table.first else []
        projects += [
            other
            for other in table.others.get(name, [])
            if normalized(other) not in map(normalized, projects)
        ]
        lines.append(" ".join([name, *projects]))
    return HEADER + "\n".join(sorted(lines)) + "\n"
