"""What we lock and pack for: one Python on one kind of machine."""

import re
from typing import NamedTuple, Self

from pannier.model.errors import UsageError

_PLATFORM = r"(?P<system>[a-z]+)-(?P<architecture>[a-z0-9_]+)(-(?P<family>glibc|musl)(?P<version>\d+\.\d+))?"
_SYSTEMS = ("linux",)
ARCHITECTURES = ("x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64")
# manylinux_2_28 is what today's wheels are built for; RHEL 8 and every newer distribution satisfy it.
DEFAULT_GLIBC = "2.28"
DEFAULT_MUSL = "1.2"
# The last release of each minor version, for those who name only the minor. Markers and requires-python ask
# for the patch: 3.6 alone means 3.6.0, which current pandas for 3.6 refuses.
_LAST_PATCHES = {
    "2.7": 18, "3.5": 10, "3.6": 15, "3.7": 17, "3.8": 20, "3.9": 25, "3.10": 22,
    "3.11": 18, "3.12": 16, "3.13": 18, "3.14": 10, "3.15": 2,
}  # fmt: skip
_VERSION = r"(?P<minor>\d+\.\d+)(\.(?P<patch>\d+))?((a|b|rc)\d+)?"


def whole_python_version(text: str) -> str:
    """Give `major.minor` its last patch release; leave a whole version as it is.

    Args:
        text: `3.9` or `3.9.18`.

    Raises:
        UsageError: `text` is not a version, or a minor version that Pannier knows no release of.
    """
    match = re.fullmatch(_VERSION, text)
    if match is not None and match["patch"] is not None:
        return text
    if match is not None and match["minor"] == text and text in _LAST_PATCHES:
        return f"{text}.{_LAST_PATCHES[text]}"
    raise UsageError(
        f"`{text}` is not a Python version that Pannier knows",
        code="python-version-unknown",
        facts={"known": ", ".join(_LAST_PATCHES)},
        hint="name the whole version, such as `3.11.7`",
    )


def whole_python_versions(oldest: tuple[int, int]) -> tuple[str, ...]:
    """List the first and the last release of each minor version from `oldest` on."""
    return tuple(
        f"{minor}.{patch}"
        for minor, last in _LAST_PATCHES.items()
        if tuple(int(part) for part in minor.split(".")) >= oldest
        for patch in (0, last)
    )


class Platform(NamedTuple):
    """A kind of machine: operating system, architecture and C library.

    Attributes:
        system: `linux`.
        architecture: As `uname -m` prints it.
        libc_family: `glibc` or `musl`.
        libc_version: The oldest C library to run on, `major.minor`.
    """

    system: str
    architecture: str
    libc_family: str
    libc_version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `linux-x86_64`, `linux-x86_64-glibc2.17` or `linux-aarch64-musl1.2`.

        Raises:
            UsageError: `text` is not such a platform.
        """
        match = re.fullmatch(_PLATFORM, text)
        if match is None or match["system"] not in _SYSTEMS or match["architecture"] not in ARCHITECTURES:
            raise UsageError(
                f"`{text}` is not a platform that Pannier knows",
                code="platform-unknown",
                facts={"architectures": ", ".join(ARCHITECTURES)},
                hint="write SYSTEM-ARCHITECTURE[-LIBC], such as `linux-x86_64-glibc2.17`",
            )
        family = match["family"] or "glibc"
        version = match["version"] or (DEFAULT_GLIBC if family == "glibc" else DEFAULT_MUSL)
        return cls(
            system=match["system"],
            architecture=match["architecture"],
            libc_family=family,
            libc_version=version,
        )

    def __str__(self) -> str:
        return f"{self.system}-{self.architecture}-{self.libc_family}{self.libc_version}"


class Target(NamedTuple):
    """One Python on one platform.

    Attributes:
        python_version: The whole version, patch included (`3.11.7`): markers and requires-python need it.
        platform: The machine.
        implementation: `cpython`.
    """

    python_version: str
    platform: Platform
    implementation: str = "cpython"

    @property
    def python_minor(self) -> str:
        """The `major.minor` version, which wheels, byte code and `lib/pythonX.Y` are tied to."""
        return ".".join(self.python_version.split(".")[:2])

    def __str__(self) -> str:
        return f"{self.platform} / {self.implementation} {self.python_version}"
