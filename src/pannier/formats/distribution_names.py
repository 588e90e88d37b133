"""File names of distributions of every kind that an index has held: wheels, sdists, eggs, installers.

Standards: the binary distribution format (PEP 427), source distributions (PEP 625) and, for what came before
them, the rule that a version starts at the first hyphen with a number behind it that goes on like a version;
where that could be at several hyphens, at the first that leaves a version of PEP 440.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pannier.model.names import normalized_name

Kind = Literal["wheel", "sdist", "egg", "other"]

_KINDS: dict[str, Kind] = {
    ".whl": "wheel",
    ".tar.gz": "sdist",
    ".tgz": "sdist",
    ".tar.bz2": "sdist",
    ".tbz": "sdist",
    ".tar.xz": "sdist",
    ".tar.z": "sdist",
    ".tar": "sdist",
    ".zip": "sdist",
    ".egg": "egg",
    ".exe": "other",
    ".msi": "other",
    ".rpm": "other",
    ".deb": "other",
    ".dmg": "other",
}
_SUFFIXES = tuple(_KINDS)
_WHEEL = re.compile(r"(?P<name>.+?)-(?P<version>[0-9][^-]*)(-[0-9][^-]*)?-[^-]+-[^-]+-[^-]+", re.ASCII)
_EGG_PYTHON = re.compile(r"-py\d[\d.]*(-.+)?$")
_INSTALLER_PLATFORM = re.compile(r"\.(win32|win-amd64|win-arm64|linux-\w+|macosx-[\d.]+-\w+)(-py\d[\d.]*)?$")
_VERSION_START = re.compile(r"-(?=[0-9]+[a-z_.!+])", re.IGNORECASE)
_PROJECT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)


class DistributionName(NamedTuple):
    """What the file name of a distribution tells.

    Attributes:
        name: The project as the file name writes it.
        version: As the file name writes it, underscores of an escaped local version undone; may be empty.
        kind: What kind of distribution it is.
    """

    name: str
    version: str
    kind: Kind

    @property
    def project(self) -> str:
        """The normalized project name (PEP 503)."""
        return normalized_name(self.name)


def parse_distribution_filename(filename: str) -> DistributionName | None:
    """Take a distribution's file name apart; `None` when it is not one."""
    suffix = next((suffix for suffix in _KINDS if filename.lower().endswith(suffix)), "")
    if not suffix:
        return None
    kind = _KINDS[suffix]
    stem = filename[: -len(suffix)]
    if kind == "wheel":
        match = _WHEEL.fullmatch(stem)
        found = (match["name"], match["version"].replace("_", "-")) if match else None
    else:
        found = _split_stem(_without_platform(stem, kind))
    if found is None or not is_project_name(found[0]):
        return None
    return DistributionName(found[0], found[1], kind)


def is_distribution(filename: str) -> bool:
    """Whether a file name ends as that of a distribution does."""
    return filename.lower().endswith(_SUFFIXES)


def is_project_name(name: str) -> bool:
    """Whether a text can be a project's name (PEP 508)."""
    return _PROJECT.fullmatch(name) is not None


def _without_platform(stem: str, kind: Kind) -> str:
    if kind == "egg":
        return _EGG_PYTHON.sub("", stem)
    return _INSTALLER_PLATFORM.sub("", stem) if kind == "other" else stem


def _split_stem(stem: str) -> tuple[str, str] | None:
    """Name and version of a stem; a stem without a version is all name."""
    starts = list(_VERSION_START.finditer(stem))
    if starts:
        start = starts[0] if len(starts) == 1 else _choose_start(stem, starts)
        return (stem[: start.start()], stem[start.end() :]) if start.start() else None
    name, hyphen, version = stem.rpartition("-")
    return (name, version) if hyphen else (stem, "")


def _choose_start(stem: str, starts: Sequence[re.Match[str]]) -> re.Match[str]:
    """The first start of a version that installers understand: names like `zope-3d` look like one as well."""
    from packaging.version import InvalidVersion, Version

    for start in starts:
        try:
            Version(stem[start.end() :])
        except InvalidVersion:
            continue
        return start
    return starts[0]
