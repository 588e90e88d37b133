"""Import names of projects that nobody ranks: a set of names, kept as a Bloom filter.

Of half a million such projects only one thing is kept: that a project of exactly this name held it at its top
level. The filter says yes to all of these, and to three in a hundred names that are not among them.
"""

import zlib
from collections.abc import Iterable, Iterator

from import_data.curated import Table, normalized
from import_data.ranking import is_nobodys
from import_data.sources import Facts

MAGIC = b"pannier-names-2\n"
BITS_A_NAME = 7
PROBES = 5
# A name that more distributions hold is a word that programs use for modules of their own.
_MOST_HOLDERS = 8
_SHORTEST_TYPO = 5
# `plot_utils`, `mytools`, `test_model`: a program's own far oftener than anyone's project.
_OWN_PARTS = frozenset(
    {"util", "utils", "helper", "helpers", "config", "common", "test", "tests", "demo", "example", "examples"}
    | {
        "tools",
        "main",
        "script",
        "scripts",
        "lib",
        "functions",
        "funcs",
        "model",
        "models",
        "module",
        "modules",
    }
    | {"utilities", "settings", "constants", "package", "mod", "class", "classes", "code", "stuff", "script"}
)


def unranked_names(facts: Facts, table: Table, decided: set[str]) -> set[str]:
    """Names that a project named alike holds.

    Left out are those of nobody, and those a typing error away from one that everybody knows.

    Args:
        facts: What the sources say.
        table: The list kept by hand.
        decided: Names that better data speak of.
    """
    popular = {name for name in decided if _is_popular(name, facts, table)}
    targets = {near for name in popular for near in _shortened(name)}
    names = set()
    for name, holders in (*facts.provided.items(), *_in_lower_case(facts)):
        project = normalized(name)
        if project not in holders or len(holders) > _MOST_HOLDERS or name in decided:
            continue
        if project in facts.placeholders or project in table.refused:
            continue
        if is_nobodys(name, table) or len(name) < 3 or name.startswith("_") or _sounds_local(name):
            continue
        if not _is_near(name, targets):
            names.add(name)
    return names


def _in_lower_case(facts: Facts) -> Iterator[tuple[str, frozenset[str]]]:
    """Names spelled like the one project that holds them: one with no list of modules is said to hold that.

    Most of these write their module's name in lower case (`oerplib` of OERPLib).
    """
    for name, holders in facts.provided.items():
        lower = name.lower()
        if (
            lower != name
            and len(holders) == 1
            and normalized(name) in holders
            and lower not in facts.provided
        ):
            yield lower, frozenset(holders)


def _sounds_local(name: str) -> bool:
    lower = name.lower()
    return bool(_OWN_PARTS & {*lower.split("_"), lower.removeprefix("my")})


def _is_popular(name: str, facts: Facts, table: Table) -> bool:
    project = table.first.get(name, name)
    return "." not in name and facts.rank.get(normalized(project), 9_999) <= 1_500


def _shortened(name: str) -> Iterator[str]:
    """The name and what is left of it without one letter: two names that share one are an error apart."""
    lower = name.lower()
    if len(lower) < _SHORTEST_TYPO:
        return
    yield lower
    yield from (lower[:place] + lower[place + 1 :] for place in range(len(lower)))


def _is_near(name: str, targets: set[str]) -> bool:
    return any(near in targets for near in _shortened(name))


def format_filter(names: Iterable[str], nobodys: Iterable[str] = ()) -> bytes:
    """The filter: a line that says what it is, the number of its bits, what it errs in, and the bits.

    Args:
        names: What it holds.
        nobodys: Names that it must not take for its own.
    """
    listed = sorted(names)
    size = len(listed) * BITS_A_NAME | 1
    bits = bytearray(size // 8 + 1)
    for name in listed:
        for place in places(name, size):
            bits[place >> 3] |= 1 << (place & 7)
    wrong = sorted(
        name for name in nobodys if all(bits[place >> 3] >> (place & 7) & 1 for place in places(name, size))
    )
    return MAGIC + f"{size}\n{' '.join(wrong)}\n".encode() + bytes(bits)


def places(name: str, size: int) -> list[int]:
    """The bits that stand for a name."""
    content = name.encode()
    first, step = zlib.crc32(content), zlib.crc32(content[::-1], 0x9E3779B9) | 1
    return [(first + probe * step) % size for probe in range(PROBES)]
