"""Which of the projects that hold an import name are meant by it, and how well that is known."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import stdlibs
import stdlibs.py27

from import_data.curated import Table, normalized
from import_data.sources import Facts

# Of every Python from 2.7 on: a project of such a name is a back-port at best.
STANDARD = stdlibs.module_names | stdlibs.py27.module_names
# A project keeps its own name unless one at most a fourth as far down the list holds it too: what squats on
# the name of a popular import (`docx`, `jwt`, `telegram`) is downloaded by mistake, and so less.
_MORE_POPULAR = 4
_MOST_CANDIDATES = 4
# Held by as many distributions as this, a name is no project's: `utils`, `tests`, `config`.
_COMMON = 25
# Held by no more distributions, a name is taken for the one that somebody vouches for.
_FEW, _SOME = 3, 8
# What the projects of one maker, all of them small, begin with, and what their import names do.
_FAMILIES = (
    ("adafruit-circuitpython-", "adafruit_"),
    ("aliyun-python-sdk-", "aliyunsdk"),
    ("cdktf-cdktf-provider-", "cdktf_cdktf_provider_"),
    ("mypy-boto3-", "mypy_boto3_"),
    ("sensirion-i2c-", "sensirion_i2c_"),
)
_RANKS = ((100, "1"), (1_000, "2"), (5_000, "3"), (15_000, "4"))


class Candidate(NamedTuple):
    """A project that may be meant, with the evidence.

    Attributes:
        project: As the index shows it.
        evidence: A digit for its rank, then a letter for each source; see `LEGEND`.
    """

    project: str
    evidence: str


LEGEND = (
    "1-4 among the 100, 1000, 5000, 15000 most downloaded; w its distribution holds the name; "
    "c conda-forge packages it; i a recipe of conda-forge imports the name; d by the rule of its namespace; "
    "n only its own name fits; o it is named otherwise, and not ranked; s hardly another distribution "
    "holds it; f of a family whose maker is kept by hand; a another project has the import's very name"
)


def ranked_names(facts: Facts, table: Table) -> dict[str, tuple[Candidate, ...]]:
    """Import names to candidates, first choice first; without what the curated list says already."""
    chosen: dict[str, tuple[Candidate, ...]] = {}
    decided = table.names()
    for name, projects in _held(facts, table).items():
        if name in decided or is_nobodys(name, table):
            continue
        best = _best(name, projects, facts)
        if best:
            chosen[name] = tuple(_candidate(project, name, facts) for project in best)
    for name, project in _dotted(facts, table).items():
        if name not in decided:
            chosen.setdefault(name, (_candidate(project, name, facts),))
    return chosen


def is_nobodys(name: str, table: Table) -> bool:
    """Whether a name is no project's: no import names it, or programs use it for modules of their own."""
    return name in table.nobodys or name in STANDARD or not _is_dotted(name)


def _is_known(project: str, facts: Facts) -> bool:
    return project in facts.rank or project in facts.channel


def _held(facts: Facts, table: Table) -> Mapping[str, Sequence[str]]:
    """Every import name with the projects that are known, and known or named to hold it."""
    held: dict[str, set[str]] = {}
    for name, projects in facts.provided.items():
        known = [project for project in projects if _is_known(project, facts)]
        for project in known:
            if project in table.refused:
                continue
            is_alone = len(known) == 1 and len(projects) <= _SOME and _is_akin(name, project, facts)
            if is_alone or _is_plausible(name, project, len(projects), facts):
                held.setdefault(name, set()).add(project)
        if not known:
            held.update(_of_family(name, projects))
    for project in {*facts.rank, *facts.channel} - facts.recorded - table.refused:
        own = project.replace("-", "_")
        stated = [name for name in facts.imported.get(project, ()) if normalized(name) == project]
        for name in stated or [own]:
            if "-" in project and _namespace_of(project):
                continue
            if stated or project in facts.rank:
                held.setdefault(name, set()).add(project)
    return {name: sorted(projects) for name, projects in held.items()}


def _of_family(name: str, projects: Sequence[str]) -> dict[str, set[str]]:
    found = {
        project
        for project in projects
        for start, names in _FAMILIES
        if project.startswith(start) and name.startswith(names)
    }
    return {name: {min(found, key=len)}} if found else {}


def _is_akin(name: str, project: str, facts: Facts) -> bool:
    """Whether a ranked project's name has a word of the import's (`djcelery`, `st_aggrid`)."""
    words = {word for word in normalized(name).removeprefix("dj").split("-") if len(word) > 3}
    return project in facts.rank and not _is_stubs(project) and bool(words & set(project.split("-")))


def _is_stubs(project: str) -> bool:
    return project.startswith("types-") or project.endswith("-stubs")


def _is_plausible(name: str, project: str, holders: int, facts: Facts) -> bool:
    """Whether a distribution holds a name because it is its own, and not by mistake."""
    if normalized(name) == project:
        return True
    if _is_stubs(project):
        return False
    if name.startswith("_"):
        return holders <= _FEW
    squashed, own = normalized(name).replace("-", ""), project.replace("-", "")
    if squashed in own or own in squashed:
        return len(squashed) > 2 or holders < _COMMON
    if holders >= _COMMON or project not in facts.rank:
        return name in facts.imported.get(project, ())
    return holders <= _FEW or facts.rank[project] <= 1_000


def _best(name: str, projects: Sequence[str], facts: Facts) -> list[str]:
    def place(project: str) -> tuple[int, bool, str]:
        last = 15_001 if project in facts.channel else 15_002
        rank = facts.rank.get(project, last)
        if normalized(name) == project:
            rank //= _MORE_POPULAR
        return rank, normalized(name) != project, project

    best = sorted(projects, key=place)[:_MOST_CANDIDATES]
    if any(project in facts.rank for project in best):
        best = [project for project in best if project in facts.rank]
    return best


def _candidate(project: str, name: str, facts: Facts) -> Candidate:
    place = facts.rank.get(project, 0)
    digit = next((digit for last, digit in _RANKS if 0 < place <= last), "")
    evidence = digit
    if project in facts.provided.get(name, ()):
        evidence += "w"
    if project in facts.channel:
        evidence += "c"
    if name in facts.imported.get(project, ()):
        evidence += "i"
    if not set(evidence) & set("wi"):
        evidence += "d" if "." in name else "n"
    if not digit and not set(evidence) & {"c"} and any(project.startswith(start) for start, _ in _FAMILIES):
        return Candidate(facts.shown.get(project, project), evidence + "f")
    if not digit and normalized(name) != project and "." not in name:
        evidence += "o"
        if len(facts.provided.get(name, ())) <= _FEW:
            evidence += "s"
    own = normalized(name)
    if project != own and own in facts.provided.get(name, ()) and "i" not in evidence:
        evidence += "a"
    return Candidate(facts.shown.get(project, project), evidence)


# What stands before the first part that is a project's own, and what the import's dotted name begins with.
_NAMESPACES = (
    ("google-cloud-", "google.cloud."), ("azure-ai-", "azure.ai."), ("azure-mgmt-", "azure.mgmt."),
    ("azure-storage-", "azure.storage."), ("azure-keyvault-", "azure.keyvault."),
    ("azure-iot-", "azure.iot."),
    ("azure-cosmosdb-", "azure.cosmosdb."), ("azure-monitor-", "azure.monitor."), ("azure-", "azure."),
    ("opentelemetry-instrumentation-", "opentelemetry.instrumentation."),
    ("llama-index-llms-", "llama_index.llms."), ("llama-index-embeddings-", "llama_index.embeddings."),
    ("llama-index-vector-stores-", "llama_index.vector_stores."),
    ("llama-index-readers-", "llama_index.readers."), ("llama-index-tools-", "llama_index.tools."),
    ("llama-index-retrievers-", "llama_index.retrievers."), ("llama-index-agent-", "llama_index.agent."),
    ("llama-index-postprocessor-", "llama_index.postprocessor."),
    ("llama-index-packs-", "llama_index.packs."),
    ("llama-index-graph-stores-", "llama_index.graph_stores."),
    ("llama-index-storage-", "llama_index.storage."),
    ("llama-index-node-parser-", "llama_index.node_parser."), ("llama-index-", "llama_index."),
    ("sphinxcontrib-", "sphinxcontrib."), ("backports-", "backports."), ("ruamel-", "ruamel."),
    ("jaraco-", "jaraco."), ("zope-", "zope."), ("plone-", "plone."), ("collective-", "collective."),
    ("repoze-", "repoze."), ("flufl-", "flufl."), ("lazr-", "lazr."), ("z3c-", "z3c."), ("zc-", "zc."),
    ("keyrings-", "keyrings."), ("hurry-", "hurry."), ("xontrib-", "xontrib."), ("stsci-", "stsci."),
    ("tree-sitter-", ""),
)  # fmt: skip
_PROVIDERS = ("apache-airflow-providers-", "airflow.providers.")
# Providers whose vendor has several, a package for each below the vendor's.
_VENDORS = ("apache", "cncf", "microsoft", "common", "dbt", "atlassian", "facebook", "ibm")


def _namespace_of(project: str) -> str:
    if project.startswith(_PROVIDERS[0]):
        return _PROVIDERS[1]
    return next((dotted for start, dotted in _NAMESPACES if dotted and project.startswith(start)), "")


def _dotted(facts: Facts, table: Table) -> dict[str, str]:
    """Names below a namespace that many projects share, from the projects' own names."""
    found: dict[str, str] = {}
    # The more specific name of two that give one import goes first: `google-cloud-x`, not `google.cloud.x`.
    for project in sorted({*facts.rank, *facts.channel} - table.refused):
        for name in (*_dotted_names(project), *_own_dotted_name(project, facts)):
            if _is_dotted(name) and name not in table.namespaces:
                found.setdefault(name, project)
    return found


def _dotted_names(project: str) -> Iterator[str]:
    if project.startswith(_PROVIDERS[0]):
        vendor, _, rest = project.removeprefix(_PROVIDERS[0]).partition("-")
        own = (
            f"{vendor}.{rest.replace('-', '_')}"
            if rest and vendor in _VENDORS
            else f"{vendor}-{rest}".strip("-")
        )
        yield _PROVIDERS[1] + own.replace("-", "_")
        return
    for start, dotted in _NAMESPACES:
        if dotted and project.startswith(start):
            yield dotted + project.removeprefix(start).replace("-", "_")
            return


def _own_dotted_name(project: str, facts: Facts) -> Iterator[str]:
    """`testing.postgresql`, whose distribution holds `testing`; not `pdfminer.six`, `discord.py`."""
    name = facts.shown.get(project, project)
    first, _, last = name.partition(".")
    if last and last not in {"py", "six", "js"} and project in facts.provided.get(first, ()):
        yield name


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() and part.isascii() for part in name.split("."))
