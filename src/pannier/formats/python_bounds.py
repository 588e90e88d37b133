"""Bounds on the version of Python, such as `>=3.9,<4` (PEP 440).

Nearly all are plain comparisons, and reading those here saves loading a library that takes longer to load
than a script takes to analyze. It judges all others.
"""

import operator
import re
from collections.abc import Callable

_PLAIN = re.compile(r"(?:[<>]=?[0-9]+(?:\.[0-9]+)*(?:, ?|$))*(?<!,)(?<! )")
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+)*")
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


def allows(bound: str, version: str) -> bool:
    """Tell whether a valid bound allows a version, pre-releases included; an empty one allows all."""
    if _PLAIN.fullmatch(bound) and _RELEASE.fullmatch(version):
        numbers = _numbers(version)
        clauses = re.findall(r"([<>]=?)([0-9.]+)", bound)
        return all(_COMPARISONS[sign](numbers, _numbers(limit)) for sign, limit in clauses)
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bound).contains(version, prereleases=True)


def _numbers(release: str) -> tuple[int, ...]:
    """The numbers of a release to compare by: 3.9 and 3.9.0 are the same."""
    numbers = [int(part) for part in release.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
