"""What fits a target: compatibility tags (PEP 425, 600, 656) and marker environments (PEP 508).

All of it follows from the target alone; nothing asks the machine or the Python that runs this.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pannier.model.lock import LockedFile, LockedProject
from pannier.model.target import Platform, Target

if TYPE_CHECKING:
    from packaging.tags import Tag

# PEP 600: the names that came before manylinux_x_y, by the glibc minor they stand for.
_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_LEGACY_ARCHITECTURES = {"manylinux2010": ("x86_64", "i686"), "manylinux1": ("x86_64", "i686")}


@cache
def supported_tags(target: Target) -> "tuple[Tag, ...]":
    """List the tags of the wheels that run on `target`, most preferred first.

    Args:
        target: A CPython on Linux.
    """
    from packaging.tags import compatible_tags, cpython_tags

    version = _version_pair(target)
    interpreter = f"cp{version[0]}{version[1]}"
    platforms = list(_platform_tags(target.platform))
    own = cpython_tags(version, [_abi(version)], platforms)
    return (*own, *compatible_tags(version, interpreter, platforms))


def marker_environment(target: Target) -> dict[str, str]:
    """Give the values that PEP 508 markers are evaluated with on `target`.

    What no target can know beforehand (kernel release and version) is empty, as is `extra`.
    """
    return {
        "implementation_name": target.implementation,
        "implementation_version": target.python_version,
        "os_name": "posix",
        "platform_machine": target.platform.architecture,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.python_version,
        "python_version": target.python_minor,
        "sys_platform": "linux",
        "extra": "",
    }


def best_wheel(project: LockedProject, target: Target) -> LockedFile | None:
    """Choose the wheel that an installer on `target` would; `None` when none fits.

    The highest build number wins among equals (PEP 427).
    """
    ranks = _ranks(target)
    best: tuple[int, tuple[int, str]] | None = None
    chosen = None
    for wheel in project.wheels:
        rank = _rank(wheel.filename, ranks)
        if rank is None:
            continue
        build = _build_number(wheel.filename)
        if best is None or rank < best[0] or (rank == best[0] and build > best[1]):
            best, chosen = (rank, build), wheel
    return chosen


@cache
def _ranks(target: Target) -> dict[str, int]:
    return {str(tag): rank for rank, tag in reversed(list(enumerate(supported_tags(target))))}


def _rank(filename: str, ranks: dict[str, int]) -> int | None:
    """Rank a wheel by its best tag; by strings, for thousands of names pass through here."""
    pythons, abis, platforms = filename.removesuffix(".whl").lower().rsplit("-", 3)[-3:]
    found = [
        ranks[tag]
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
        if (tag := f"{python}-{abi}-{platform}") in ranks
    ]
    return min(found, default=None)


def _build_number(filename: str) -> tuple[int, str]:
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) != 6:
        return (-1, "")
    digits = parts[2][: len(parts[2]) - len(parts[2].lstrip("0123456789"))]
    return (int(digits or 0), parts[2][len(digits) :])


def _version_pair(target: Target) -> tuple[int, int]:
    major, minor = target.python_minor.split(".")
    return int(major), int(minor)


def _abi(version: tuple[int, int]) -> str:
    # Until 3.7 the ABI tag says that pymalloc is on, as it is in every build that wheels are made for; before
    # 3.3 also whether characters are wide, as every Linux distribution has them.
    flags = ("mu" if version < (3, 3) else "m") if version < (3, 8) else ""
    return f"cp{version[0]}{version[1]}{flags}"


def _platform_tags(platform: Platform) -> Iterator[str]:
    family_tags = _musllinux_tags if platform.libc_family == "musl" else _manylinux_tags
    # Bare `linux` comes first, as in packaging: what was built for this machine itself.
    yield f"linux_{platform.architecture}"
    yield from family_tags(platform)


def _manylinux_tags(platform: Platform) -> Iterator[str]:
    major, minor = (int(part) for part in platform.libc_version.split("."))
    architecture = platform.architecture
    # PEP 600: glibc 2.5 is manylinux1's, 2.17 the first with anything but Intel's architectures.
    oldest = 5 if architecture in ("x86_64", "i686") else 17
    for older in range(minor, oldest - 1, -1):
        yield f"manylinux_{major}_{older}_{architecture}"
        legacy = _LEGACY_MANYLINUX.get(older)
        if legacy and architecture in _LEGACY_ARCHITECTURES.get(legacy, (architecture,)):
            yield f"{legacy}_{architecture}"


def _musllinux_tags(platform: Platform) -> Iterator[str]:
    major, minor = (int(part) for part in platform.libc_version.split("."))
    for older in range(minor, -1, -1):
        yield f"musllinux_{major}_{older}_{platform.architecture}"
