"""What the shipped data knows of import names and the projects that provide them."""

import re
from functools import cache
from pathlib import Path

_NAMES = Path(__file__).parent / "data" / "import_names.txt"
# Google's libraries version their modules (`google.cloud.storage_v1`, `google.cloud.vision_v1p3beta1`).
_API_VERSION = re.compile(r"_v\d+\w*$")


def normalized_name(name: str) -> str:
    """A project name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _names() -> str:
    return "\n" + _NAMES.read_text(encoding="utf-8")


@cache
def entry(name: str) -> tuple[str, ...]:
    """Projects that the data names for exactly this dotted name, first choice first; `*` for a namespace."""
    text = _names()
    start = text.find(f"\n{name} ")
    if start < 0:
        return ()
    return tuple(text[start + 1 : text.index("\n", start + 1)].split(" ")[1:])


def providers(name: str) -> tuple[str, tuple[str, ...]]:
    """The longest part of a dotted name that projects are known for, and those projects, first choice first.

    A namespace that many projects share (`google.cloud`) says nothing alone.
    """
    parts = [_API_VERSION.sub("", part) for part in name.split(".")]
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        projects = entry(prefix)
        if projects == ("*",):
            return "", ()
        if projects:
            return prefix, projects
    return "", ()


def is_namespace(name: str) -> bool:
    """Whether a dotted name is shared by many projects."""
    return entry(name) == ("*",)


@cache
def has_deeper(name: str) -> bool:
    """Whether projects are known for names below a dotted name."""
    return f"\n{name}." in _names()


def project_called(name: str) -> str:
    """The project that the data knows by a name, in whatever spelling, as the index shows it; or empty."""
    spelling = re.sub(r"[-_.]+", "[-_.]+", re.escape(name).replace("\\-", "-").replace("\\.", "."))
    found = re.search(rf" ({spelling})(?=[ \n])", _names(), re.IGNORECASE)
    return found[1] if found else ""
