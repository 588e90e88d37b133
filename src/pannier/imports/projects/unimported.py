"""Projects that are rightly required though nothing imports them: plug-ins, stubs, tools, drivers."""

from collections.abc import Set
from functools import cache
from pathlib import Path

from pannier.model.names import normalized_name

_TABLE = Path(__file__).parents[1] / "data" / "unimported.txt"


def why_unimported(project: str, beside: Set[str] = frozenset()) -> str:
    """Why a project may be required and never imported; empty when nothing speaks for that.

    Args:
        project: Its name.
        beside: The projects that are imported, normalized.
    """
    name = normalized_name(project)
    names, patterns, hosts = _reasons()
    host = next((host for host in hosts.get(name, ()) if host in beside), "")
    if host:
        return f"`{host}` loads it where it is there"
    if name in names:
        return names[name]
    for head, tail, reason in patterns:
        if name.startswith(head) and name.endswith(tail) and len(name) > len(head) + len(tail):
            return reason
    return ""


@cache
def _reasons() -> tuple[dict[str, str], tuple[tuple[str, str, str], ...], dict[str, list[str]]]:
    names: dict[str, str] = {}
    hosts: dict[str, list[str]] = {}
    patterns: list[tuple[str, str, str]] = []
    reason = ""
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            reason = line.removeprefix("= ")
        elif not line.startswith("#"):
            for item in line.split():
                head, star, tail = item.partition("*")
                name, _, besides = item.partition("@")
                if besides:
                    hosts.setdefault(normalized_name(name), []).extend(besides.split(","))
                elif star:
                    patterns.append((normalized_name(head), normalized_name(tail), reason))
                else:
                    names.setdefault(normalized_name(item), reason)
    return names, tuple(patterns), hosts
