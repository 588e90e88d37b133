"""What is declared of the Python, joined with what the code shows: the declared word holds, lies are told."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pannier.imports.python_versions import conclude, ordered
from pannier.model.analysis import Analysis, PythonBound
from pannier.model.declarations import DeclaredPython

_CLAUSE = r"(>=|<=|==|~=|>|<)(\d+)(?:\.(\d+))?(\.\d+)?"
# Below the next major version (`<4`) is a habit, not knowledge.
_OPEN = (4, 0)


class _Range(NamedTuple):
    """The releases that a declared bound leaves, from the first to that after the last."""

    lower: tuple[int, int]
    upper: tuple[int, int]


def join_declared(analysis: Analysis, declared: Sequence[DeclaredPython]) -> Analysis:
    """Join what is declared of the Python with what the code of an analysis shows.

    A promise (`requires-python`) decides where it says something; where it leaves the versions open, the code
    does. Classifiers only add to what the code shows. A bound of the code that the declared one cannot hold
    beside says so (`contradicts`).
    """
    if not declared:
        return analysis
    binding = [item for item in declared if item.is_promise and not item.is_local]
    if binding:
        declared = [item for item in declared if not item.is_local]
    promised = [item for item in declared if item.is_promise]
    tried = tuple(_bound(item) for item in declared if not item.is_promise)
    code = _marked(analysis.python_bounds, declared)
    if promised:
        specifier, reason = _decide(promised, code)
    else:
        believed = () if analysis.requires_python == "==2.7.*" else tried
        specifier, reason = conclude(ordered((*code, *believed)))
    return analysis._replace(
        requires_python=specifier,
        python_reason=reason,
        python_bounds=(*map(_bound, promised), *tried, *code),
    )


def _bound(item: DeclaredPython) -> PythonBound:
    origin = "requires-python" if item.is_promise else "classifiers"
    return PythonBound(item.specifier, f"`{item.place}`", item.location, origin=origin)  # type: ignore[arg-type]


def _marked(bounds: Sequence[PythonBound], declared: Sequence[DeclaredPython]) -> tuple[PythonBound, ...]:
    """The bounds of the code, each with the declared one that it contradicts."""
    return tuple(
        bound._replace(
            contradicts=next((item.specifier for item in declared if _contradicts(bound, item)), "")
        )
        for bound in bounds
    )


def _contradicts(bound: PythonBound, item: DeclaredPython) -> bool:
    """Whether a declared bound promises a Python that the code cannot run on."""
    lower, upper = _range(item.specifier)
    limit = _range(bound.specifier)
    if bound.specifier.startswith(">="):
        return (0, 0) < lower < limit.lower or upper <= limit.lower
    return limit.upper <= lower or limit.upper < upper < _OPEN


def _decide(promised: Sequence[DeclaredPython], code: Sequence[PythonBound]) -> tuple[str, str]:
    specifiers = list(dict.fromkeys(item.specifier for item in promised))
    reasons = [str(_bound(item)) for item in promised]
    lower, upper = _range(",".join(specifiers))
    agreeing = [bound for bound in code if not bound.contradicts]
    below = [bound for bound in agreeing if bound.specifier.startswith(">=")]
    above = [bound for bound in agreeing if not bound.specifier.startswith(">=")]
    if not lower > (0, 0) and below:
        specifiers.append(below[0].specifier)
        reasons.append(str(below[0]))
    if upper >= _OPEN and above:
        specifiers.append(above[0].specifier)
        reasons.append(str(above[0]))
    return ",".join(specifiers), "; ".join(reasons)


def _range(specifier: str) -> _Range:
    """The range of a version specifier, in whole releases; exclusions inside it aside."""
    lower, upper = (0, 0), (9, 0)
    for sign, major, minor, micro in re.findall(_CLAUSE, specifier):
        release = (int(major), int(minor or 0))
        after = (release[0], release[1] + 1) if minor else (release[0] + 1, 0)
        if sign in {">", ">=", "==", "~="}:
            lower = max(lower, release)
        if sign == "<":
            upper = min(upper, after if micro and micro != ".0" else release)
        elif sign in {"<=", "=="}:
            upper = min(upper, after)
        elif sign == "~=":
            upper = min(upper, after if micro else (release[0] + 1, 0))
    return _Range(lower, upper)
