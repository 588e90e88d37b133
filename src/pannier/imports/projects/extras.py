"""What the extras of well-known projects bring."""

from functools import cache
from pathlib import Path

from pannier.model.names import normalized_name

_TABLE = Path(__file__).parents[1] / "data" / "extras.txt"


def brought_by(project: str, extra: str) -> frozenset[str]:
    """The projects, normalized, that an extra brings along; empty for one that the table lacks."""
    return _brought().get(f"{normalized_name(project)}[{normalized_name(extra)}]", frozenset())


def stand_ins(project: str) -> frozenset[str]:
    """Projects, normalized, that hold nothing and require this one."""
    name = normalized_name(project)
    return frozenset(one for one, brought in _brought().items() if "[" not in one and name in brought)


@cache
def _brought() -> dict[str, frozenset[str]]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    return {extra: frozenset(projects) for extra, *projects in words}
