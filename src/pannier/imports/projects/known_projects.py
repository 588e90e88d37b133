"""What the shipped data knows of import names and the projects that provide them."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pannier.model.analysis import CONTESTED
from pannier.model.names import normalized_name

_DATA = Path(__file__).parents[1] / "data"
# Kept by hand, and beneath it what other sources say; see scripts/build_import_data.py.
_CURATED, _RANKED = "import_names.txt", "ranked_names.txt"
# Bits of unranked_names.bloom that stand for a name; see scripts/import_data/tail.py.
_PROBES = 5
# Google's libraries version their modules (`google.cloud.storage_v1`, `google.cloud.vision_v1p3beta1`).
_API_VERSION = r"_v\d+\w*$"
# Packages of conda-forge that hold what others of it only add to.
_CONDA_PARTS = {
    "matplotlib-base": "matplotlib",
    "dask-core": "dask",
    "py-opencv": "opencv-python",
    "libopencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "tensorflow-base": "tensorflow",
    "faiss-gpu": "faiss-cpu",
}
_MEANINGS = {
    "h": "kept by hand",
    "1": "among the 100 most downloaded",
    "2": "among the 1,000 most downloaded",
    "3": "among the 5,000 most downloaded",
    "4": "among the 15,000 most downloaded",
    "w": "its distribution holds the name",
    "c": "packaged by conda-forge",
    "i": "a recipe of conda-forge imports the name",
    "d": "by the rule of its namespace",
    "n": "only its own name fits",
    "o": "it is named otherwise, and not ranked",
    "s": "hardly another distribution holds the name",
    "f": "of a family whose maker is kept by hand",
    "a": CONTESTED,
    "u": "a project of this name held it, and nobody ranks it",
}


class Known(NamedTuple):
    """A project that the data names for an import.

    Attributes:
        project: As the index shows it.
        evidence: A letter or digit for each reason; `reasons` spells them out.
    """

    project: str
    evidence: str

    @property
    def is_certain(self) -> bool:
        """Whether a project that others vouch for is known to provide the import."""
        evidence = set(self.evidence)
        if "u" in evidence or ("o" in evidence and ("a" in evidence or not evidence & set("is"))):
            return False
        return "n" not in evidence or bool(evidence & set("123c"))


def reasons(evidence: str) -> tuple[str, ...]:
    """Evidence in words."""
    return tuple(_MEANINGS[letter] for letter in evidence)


def is_obscure(found: tuple[str, ...]) -> bool:
    """Whether reasons vouch for a project but little: it is neither kept by hand nor often downloaded."""
    return not any(_MEANINGS[letter] in found for letter in "h123f")


@cache
def _table(name: str) -> bytes:
    return (_DATA / name).read_bytes()


def _place(table: bytes, key: bytes) -> int:
    """Where the first line begins that is not before `key`; the lines are sorted by what precedes a space."""
    low, high = 0, len(table)
    while low < high:
        middle = (low + high) // 2
        start = table.rfind(b"\n", low, middle) + 1 or low
        end = table.find(b"\n", middle)
        if table[start:end].partition(b" ")[0] < key:
            low = end + 1
        else:
            high = start
    return low


def _line(table_name: str, key: str) -> list[str] | None:
    table = _table(table_name)
    start = _place(table, key.encode())
    words = table[start : table.find(b"\n", start)].decode().split(" ")
    return words[1:] if words[0] == key else None


@cache
def entry(name: str) -> tuple[Known, ...]:
    """Projects that the data names for exactly this dotted name, first choice first; `*` for a namespace."""
    curated = _line(_CURATED, name)
    if curated is not None:
        return tuple(Known(project, "h") for project in curated)
    found = (item.partition(":") for item in _line(_RANKED, name) or ())
    own = name.replace("_", "-")
    return tuple(Known(own if project == "=" else project, evidence) for project, _, evidence in found)


def providers(name: str) -> tuple[str, tuple[Known, ...]]:
    """The longest part of a dotted name that projects are known for, and those projects, first choice first.

    A namespace that many projects share (`google.cloud`) says nothing alone.
    """
    parts = [re.sub(_API_VERSION, "", part) if "_v" in part else part for part in name.split(".")]
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        projects = entry(prefix)
        if projects and projects[0].project == "*":
            return "", ()
        if projects:
            return prefix, projects
    return "", ()


def unranked(name: str) -> tuple[Known, ...]:
    """The project of an import's own name, where one is known to have held it that nobody ranks.

    A set of half a million names answers, which takes three in a hundred others for its own.
    """
    from zlib import crc32

    top = name.partition(".")[0]
    bits, size, wrong = _filter()
    if top in wrong:
        return ()
    first, step = crc32(top.encode()), crc32(top.encode()[::-1], 0x9E3779B9) | 1
    for probe in range(_PROBES):
        place = (first + probe * step) % size
        if not bits[place >> 3] >> (place & 7) & 1:
            return ()
    return (Known(top.replace("_", "-"), "u"),)


@cache
def _filter() -> tuple[bytes, int, frozenset[str]]:
    """The bits, their number, and the best known of the names that they err in."""
    _, size, wrong, bits = (_DATA / "unranked_names.bloom").read_bytes().split(b"\n", 3)
    return bits, int(size), frozenset(wrong.decode().split())


def is_namespace(name: str) -> bool:
    """Whether a dotted name is shared by many projects."""
    return entry(name)[:1] == (Known("*", "h"),)


@cache
def has_deeper(name: str) -> bool:
    """Whether projects are known for names below a dotted name."""
    start = f"{name}.".encode()
    return any(table.startswith(start, _place(table, start)) for table in map(_table, (_CURATED, _RANKED)))


def conda_name(project: str) -> str:
    """What conda-forge calls a project; empty when it packages none of that name."""
    key = normalized_name(project)
    words = _line("conda_names.txt", key)
    if words is None:
        return ""
    return words[0] if words else key


def project_of_conda(package: str) -> str:
    """The project, normalized, that a package of conda-forge is made from; empty for one that is none."""
    if package.lower() in _CONDA_PARTS:
        return _CONDA_PARTS[package.lower()]
    key = re.escape(package.lower()).encode()
    found = re.search(rb"^(\S+) %b$" % key, _table("conda_names.txt"), re.MULTILINE)
    if found:
        return found[1].decode()
    own = normalized_name(package)
    return own if _line("conda_names.txt", own) == [] else ""


def project_called(name: str) -> str:
    """The project that the data knows by a name, in whatever spelling, as the index shows it; or empty."""
    normalized = normalized_name(name)
    own = entry(normalized.replace("-", "_"))
    if own and normalized_name(own[0].project) == normalized:
        return own[0].project
    spelling = "[-_.]+".join(map(re.escape, normalized.split("-"))).encode()
    for table in (_CURATED, _RANKED):
        found = re.search(rb" (%b)(?=[ :\n])" % spelling, _table(table), re.IGNORECASE)
        if found:
            return found[1].decode()
    return ""
