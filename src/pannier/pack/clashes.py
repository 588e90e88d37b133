"""Files that several layers of a pack would write: who keeps them, and who must be made again without them.

Layers know nothing of each other, or one could not be used in two packs. So a clash is found when a pack is
put together, and the layer that loses is made again without the file, under a key that says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pannier.model.errors import PackError
from pannier.model.events import Notice
from pannier.pack.contents import Trace


@dataclass(slots=True)
class Clashes:
    """What to do about the files that several layers have.

    Attributes:
        excluded: Number of a layer to the places it must leave alone.
        notices: What the user should know.
    """

    excluded: dict[int, set[str]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)


def find_clashes(names: Sequence[str], traces: Sequence[Iterable[Trace]]) -> Clashes:
    """Settle which layer keeps each file that several have.

    Of files that are the same the first stays. Of others the last stays, as when an installer writes one
    after the other, and the user is told.

    Args:
        names: Of the layers, in their order in the pack.
        traces: The members of each.

    Raises:
        PackError: A place of the pack's own would change, or a file stands where another layer needs a
            directory.
    """
    clashes = Clashes()
    owners: dict[str, tuple[int, str]] = {}
    differing: dict[tuple[int, int], list[str]] = {}
    for number, members in enumerate(traces):
        for member in members:
            there = owners.setdefault(member.name, (number, member.content))
            # Byte code goes with its source.
            if there[0] == number or "/__pycache__/" in member.name:
                continue
            if there[1] == member.content:
                clashes.excluded.setdefault(number, set()).add(member.name)
                continue
            if _is_reserved(member.name):
                raise _clash(member.name, names[there[0]], names[number])
            clashes.excluded.setdefault(there[0], set()).add(member.name)
            differing.setdefault((there[0], number), []).append(member.name)
            owners[member.name] = (number, member.content)
    _check_directories(owners, names)
    for (first, last), files in sorted(differing.items()):
        clashes.notices.append(_notice(names[first], names[last], files))
    return clashes


def _is_reserved(name: str) -> bool:
    return name.startswith((".pannier/", "bin/python")) or name == "bin/run_in_env"


def _check_directories(owners: dict[str, tuple[int, str]], names: Sequence[str]) -> None:
    directories: dict[str, int] = {}
    for name, (number, _) in owners.items():
        directory = name.rpartition("/")[0]
        while directory and directory not in directories:
            directories[directory] = number
            directory = directory.rpartition("/")[0]
    for directory, number in directories.items():
        if directory in owners:
            raise _clash(directory, names[owners[directory][0]], names[number])


def _clash(name: str, first: str, last: str) -> PackError:
    return PackError(
        f"`{first}` and `{last}` cannot be in one pack: both need `{name}`",
        code="file-clash",
        hint=f"leave `{last}` or `{first}` out",
    )


def _notice(first: str, last: str, files: list[str]) -> Notice:
    return Notice(
        message=f"`{first}` and `{last}` install different files at one place; those of `{last}` are packed",
        code="file-clash",
        facts={"files": files},
    )
