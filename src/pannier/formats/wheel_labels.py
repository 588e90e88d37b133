"""What a distribution's file name says about where it runs: in words for people, and for a machine they name.

Standard: compatibility tags (PEP 425, 513, 571, 599, 600, 656). Rougher than an installer, which knows the
machine: a page answers "is there something for me", not "which one".
"""

import re
from typing import NamedTuple

PLATFORMS = {
    "linux-x86_64": "Linux x86-64",
    "linux-aarch64": "Linux ARM64",
    "musl-x86_64": "Alpine x86-64",
    "macos-arm64": "macOS ARM",
    "macos-x86_64": "macOS Intel",
    "windows-x86_64": "Windows x86-64",
}
"""Platforms to ask for, and what they are called."""
_ARCHITECTURES = {
    "x86_64": "x86-64",
    "amd64": "x86-64",
    "aarch64": "ARM64",
    "arm64": "ARM64",
    "universal2": "Intel and ARM",
    "i686": "x86, 32 bits",
    "win32": "x86, 32 bits",
    "armv7l": "ARMv7",
    "ppc64le": "POWER",
    "s390x": "IBM Z",
}
_OLD_MANYLINUX = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}
_LINUX = re.compile(r"(manylinux|musllinux)_(\d+)_(\d+)_(\w+)")
_OLD_LINUX = re.compile(r"(manylinux1|manylinux2010|manylinux2014|linux)_(\w+)")
_MACOS = re.compile(r"macosx_(\d+)_(\d+)_(\w+)")
_WINDOWS = re.compile(r"(?:win_)?(amd64|arm64|win32)")
_PYTHON = re.compile(r"(py|cp|pp)(\d)(\d*)")


class Machine(NamedTuple):
    """What somebody wants to install on.

    Attributes:
        python: Such as `3.11`; empty for any.
        platform: One of `PLATFORMS`; empty for any.
    """

    python: str = ""
    platform: str = ""


ANY_MACHINE = Machine()


class _Tags(NamedTuple):
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]


def describe_distribution(filename: str) -> str:
    """Say what a distribution runs on, such as `CPython 3.11, Linux x86-64 with glibc 2.17 or later`."""
    tags = _tags_of(filename)
    if tags is None:
        return (
            "Source" if filename.endswith((".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz")) else "Installer"
        )
    pythons = _join([_describe_python(tag, "abi3" in tags.abis) for tag in tags.pythons])
    platforms = _join([_describe_platform(tag) for tag in tags.platforms])
    return f"{pythons}, {platforms}"


def fits(filename: str, requires_python: str, machine: Machine) -> bool:
    """Say whether a distribution may be installed on a machine; for what is left open, whether on any."""
    if machine.python and not _allows(requires_python, machine.python):
        return False
    tags = _tags_of(filename)
    if tags is None:
        return not filename.endswith((".egg", ".exe", ".msi", ".rpm", ".deb", ".dmg"))
    return _fits_python(tags, machine.python) and (
        not machine.platform or any(_fits_platform(tag, machine.platform) for tag in tags.platforms)
    )


def least_libc(filename: str) -> str:
    """Give the oldest C library that a wheel runs on, such as `2.17`; empty for one that tells of none."""
    tags = _tags_of(filename)
    found = [_libc_of(tag) for tag in tags.platforms] if tags else []
    if not all(found):
        return ""
    return min(found, key=lambda version: tuple(int(part) for part in version.split(".")), default="")


def _libc_of(tag: str) -> str:
    if match := _LINUX.fullmatch(tag):
        return f"{match[2]}.{match[3]}"
    match = _OLD_LINUX.fullmatch(tag)
    return _OLD_MANYLINUX.get(match[1], "") if match else ""


def _tags_of(filename: str) -> _Tags | None:
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) < 5:
        return None
    pythons, abis, platforms = (part.split(".") for part in parts[-3:])
    return _Tags(tuple(pythons), tuple(abis), tuple(platforms))


def _join(words: list[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _describe_python(tag: str, is_stable: bool) -> str:
    match = _PYTHON.fullmatch(tag)
    if not match:
        return tag
    kind = {"py": "Python", "cp": "CPython", "pp": "PyPy"}[match[1]]
    version = f"{match[2]}.{match[3]}" if match[3] else match[2]
    later = " or later" if (is_stable and match[1] == "cp") or (match[1] == "py" and match[3]) else ""
    return f"{kind} {version}{later}"


def _describe_platform(tag: str) -> str:
    if tag == "any":
        return "any system"
    if match := _LINUX.fullmatch(tag):
        library = {"manylinux": "glibc", "musllinux": "musl"}[match[1]]
        return f"Linux {_architecture(match[4])} with {library} {match[2]}.{match[3]} or later"
    if match := _OLD_LINUX.fullmatch(tag):
        glibc = _OLD_MANYLINUX.get(match[1])
        return f"Linux {_architecture(match[2])}" + (f" with glibc {glibc} or later" if glibc else "")
    if match := _MACOS.fullmatch(tag):
        return f"macOS {match[1]}.{match[2]} or later, {_architecture(match[3])}"
    if match := _WINDOWS.fullmatch(tag):
        return f"Windows {_architecture(match[1])}"
    return tag


def _architecture(tag: str) -> str:
    return _ARCHITECTURES.get(tag, tag)


def _fits_python(tags: _Tags, python: str) -> bool:
    if not python:
        return True
    major, _, minor = python.partition(".")
    return any(_fits_tag(tag, major, int(minor or 0), "abi3" in tags.abis) for tag in tags.pythons)


def _fits_tag(tag: str, major: str, minor: int, is_stable: bool) -> bool:
    match = _PYTHON.fullmatch(tag)
    if not match or match[2] != major or match[1] == "pp":
        return False
    if not match[3]:
        return True
    least = int(match[3])
    return least <= minor if match[1] == "py" or is_stable else least == minor


def _fits_platform(tag: str, platform: str) -> bool:
    family, _, architecture = platform.partition("-")
    if tag == "any":
        return True
    starts = {
        "linux": ("manylinux", "linux"),
        "musl": ("musllinux", "linux"),
        "macos": ("macosx",),
        "windows": ("win",),
    }
    ends = {"x86_64": ("x86_64", "amd64", "universal2", "intel"), "arm64": ("arm64", "universal2")}
    return tag.startswith(starts[family]) and tag.endswith(ends.get(architecture, (architecture,)))


def _allows(requires_python: str, python: str) -> bool:
    """A minor version fits when its first or its last patch release does."""
    if not requires_python:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    return any(allowed.contains(f"{python}.{patch}", prereleases=True) for patch in (0, 99))
