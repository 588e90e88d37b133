"""What the files of a package need of the machine it is installed on."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pannier.environment.shared_libraries import ElfFacts, is_c_library, read_elf
from pannier.formats.core_metadata import parse_full_metadata
from pannier.formats.python_reach import Reach, reach_of
from pannier.formats.wheel_reach import wheel_reach
from pannier.model.errors import InterpreterError
from pannier.pack.contents import Item
from pannier.pack.plan import PackPlan

_MACHINES = {
    "x86_64": "64 EM_X86_64",
    "aarch64": "64 EM_AARCH64",
    "armv7l": "32 EM_ARM",
    "i686": "32 EM_386",
    "ppc64le": "64 EM_PPC64",
    "s390x": "64 EM_S390",
    "riscv64": "64 EM_RISCV",
}
_ELF = b"\x7fELF"


class BinaryNeeds(NamedTuple):
    """What compiled files need.

    Attributes:
        is_compiled: There are some.
        libraries: Shared libraries that are not among the files, nor the C library's, sorted.
        glibc: The least version of it; empty for none.
    """

    is_compiled: bool
    libraries: tuple[str, ...] = ()
    glibc: str = ""


def metadata_of(plan: PackPlan) -> list[dict[str, Any]]:
    """Read the metadata of every wheel of a plan, in its order."""
    import zipfile

    documents: list[dict[str, Any]] = []
    for wheel in plan.wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1]
            found = [name for name in names if name.endswith(".dist-info/METADATA")]
            documents.append(parse_full_metadata(archive.read(found[0])) if found else {})
    return documents


def newest_date(plan: PackPlan, least: int) -> int:
    """The newest date of a file in the wheels, in seconds since the epoch: the same wheels, the same date."""
    import calendar
    import zipfile

    newest = least
    for wheel in plan.wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            dates = [info.date_time for info in archive.infolist()]
        newest = max(newest, *(calendar.timegm((*date, 0, 0, 0)) for date in dates))
    return newest


def python_reach(plan: PackPlan, metadata: Iterable[dict[str, Any]], bound: str) -> Reach:
    """Say which versions of Python all of a plan is right for.

    Args:
        plan: What is packed, without an interpreter.
        metadata: Of its wheels.
        bound: What the subject demands of the interpreter.
    """
    reach = reach_of(metadata, [bound], plan.target.python_version)
    own = int(plan.target.python_minor.split(".")[1])
    for wheel in plan.wheels:
        if one := wheel_reach(wheel.path.name, own):
            ends = [end for end in (reach.end, one.end) if end is not None]
            reach = Reach(max(reach.first, one.first), min(ends, default=None))
    return reach


def binary_needs(items: Iterable[Item], architecture: str) -> BinaryNeeds:
    """Read the ELF files among items; those for other machines say nothing.

    Args:
        items: Files and links.
        architecture: As `uname -m` prints it.
    """
    names: set[str] = set()
    needed: set[str] = set()
    glibc: tuple[int, ...] = ()
    is_compiled = False
    for item in items:
        names.add(item.name.rpartition("/")[2])
        facts = _elf_facts(item)
        if facts is None:
            continue
        is_compiled = True
        if facts.kind == _MACHINES.get(architecture, facts.kind):
            needed.update(name.rpartition("/")[2] for name in facts.needed)
            glibc = max(glibc, facts.glibc)
    outside = sorted(name for name in needed - names if not is_c_library(name))
    return BinaryNeeds(is_compiled, tuple(outside), ".".join(map(str, glibc)))


def _elf_facts(item: Item) -> ElfFacts | None:
    if item.pieces is None or item.size < 64 or item.name.endswith((".py", ".pyi", ".txt", ".json")):
        return None
    pieces = iter(item.pieces())
    first = next(pieces, b"")
    if first[:4] != _ELF:
        return None
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(first)
        stream.writelines(pieces)
        stream.flush()
        try:
            return read_elf(Path(stream.name))
        except InterpreterError:
            return None  # a sample in some distribution's tests
