"""Modules of the standard library, per Python version."""

import sys
from functools import cache
from typing import NamedTuple

# Modules that a later version added: importing one says what a program needs at least.
_ADDED = {
    "asyncio": (3, 4),
    "compression": (3, 14),
    "contextvars": (3, 7),
    "dataclasses": (3, 7),
    "graphlib": (3, 9),
    "importlib.metadata": (3, 8),
    "importlib.resources": (3, 7),
    "tomllib": (3, 11),
    "wsgiref.types": (3, 11),
    "zoneinfo": (3, 9),
    "annotationlib": (3, 14),
    "string.templatelib": (3, 14),
    "concurrent.interpreters": (3, 14),
    "pathlib.types": (3, 14),
}
# The first version without a module (PEP 594, PEP 632 and their like).
_REMOVED = {
    **dict.fromkeys(("formatter", "parser", "symbol", "macpath"), (3, 10)),
    **dict.fromkeys(("binhex", "asynchat", "asyncore", "distutils", "imp", "smtpd"), (3, 12)),
    **dict.fromkeys(
        [
            "aifc",
            "audioop",
            "cgi",
            "cgitb",
            "chunk",
            "crypt",
            "imghdr",
            "lib2to3",
            "mailcap",
            "msilib",
            "nis",
            "nntplib",
            "ossaudiodev",
            "pipes",
            "sndhdr",
            "spwd",
            "sunau",
            "telnetlib",
            "uu",
            "xdrlib",
        ],
        (3, 13),
    ),
}
_OLDEST_LISTED, _NEWEST_LISTED = 6, 15
# Modules of a running program that no list of the standard library names.
_ALWAYS = frozenset({"__main__", "__builtin__", "__builtins__", "builtins"})


class VersionNeed(NamedTuple):
    """A bound on the Python version that using a standard module implies.

    Attributes:
        lower: First version that has the module.
        upper: First version that no longer has it.
    """

    lower: tuple[int, int] | None = None
    upper: tuple[int, int] | None = None


@cache
def standard_modules(python_version: str) -> frozenset[str]:
    """Top-level standard modules of a version (`3.11.7`, `2.7`), or of the nearest that is known."""
    numbers = [int(part) for part in python_version.split(".")[:2] if part.isdecimal()]
    major, minor = (*numbers, 0, 0)[:2]
    if (major, minor) == sys.version_info[:2]:
        return sys.stdlib_module_names | _ALWAYS
    if major == 2:
        return _listed("27")
    return _listed(f"3{min(max(minor, _OLDEST_LISTED), _NEWEST_LISTED)}")


def _listed(version: str) -> frozenset[str]:
    from importlib import import_module

    names: frozenset[str] = import_module(f"stdlibs.py{version}").module_names
    return frozenset(name.partition(".")[0] for name in names) | _ALWAYS


def is_standard_somewhere(name: str) -> bool:
    """Whether a top-level name is standard in another version, Python 2.7 among them."""
    return any(name in standard_modules(version) for version in ("2.7", "3.6", "3.11", "3.14"))


def version_need(module: str) -> VersionNeed:
    """What using a standard module says of the Python version."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in _ADDED or prefix in _REMOVED:
            return VersionNeed(_ADDED.get(prefix), _REMOVED.get(prefix))
    return VersionNeed()
