"""Bounds on the version of Python, such as `>=3.9,<4` (PEP 440).

Nearly all are plain comparisons, and reading those here saves loading a library that takes longer to load
than a script takes to analyze. It judges all others.
"""

import operator
import re
from collections.abc import Callable

_CLAUSE = r"(?:[<>]=?[0-9]+(?:\.[0-9]+)*|==[0-9]+(?:\.[0-9]+)*\.\*)"
_PLAIN = re.compile(rf"(?:{_CLAUSE}(?:, ?{_CLAUSE})*)?")
_RELEASE = r"[0-9]+(\.[0-9]+)*"
_COMPARISONS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def is_bound(text: str) -> bool:
    """Tell whether a text is a version specifier; an empty one is."""
    if _PLAIN.fullmatch(text):
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def allows(bound: str, version: str, *, prereleases: bool = True) -> bool:
    """Tell whether a valid bound allows a version; an empty one allows all.

    Args:
        bound: What `is_bound` says is one.
        version: A whole version.
        prereleases: Whether one may be allowed at all.
    """
    if _PLAIN.fullmatch(bound) and re.fullmatch(_RELEASE, version):
        clauses = re.findall(r"([<>=]+)([0-9.]+)", bound)
        return all(_holds(sign, limit, version) for sign, limit in clauses)
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bound).contains(version, prereleases=prereleases)


def _holds(sign: str, limit: str, version: str) -> bool:
    if sign == "==":  # before `.*`, whose dot ends the limit
        wanted = [int(part) for part in limit.rstrip(".").split(".")]
        found = [int(part) for part in version.split(".")]
        return (found + [0] * len(wanted))[: len(wanted)] == wanted
    return _COMPARISONS[sign](_numbers(version), _numbers(limit))


def _numbers(release: str) -> tuple[int, ...]:
    """The numbers of a release to compare by: 3.9 and 3.9.0 are the same."""
    numbers = [int(part) for part in release.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
