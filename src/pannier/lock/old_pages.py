"""What an old Python can take of a project's page, and wheels that hold nothing but metadata."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheels import normalize_project
from pannier.model.errors import UsageError
from pannier.model.target import Target

if TYPE_CHECKING:
    from packaging.version import Version

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def usable_files(page: ProjectPage, project: str, target: Target) -> list[FileLink]:
    """Leave out what the target's pip would, but the rest is for pip itself to judge.

    Args:
        page: A page of any index.
        project: Its normalized name.
        target: A Python before 3.6.
    """
    return [file for file in page.files if _is_usable(file, project, target)]


def without_left_behind(files: Sequence[FileLink], page: ProjectPage, target: Target) -> list[FileLink]:
    """Leave out sdists of releases that no longer were for this Python, and do not say so.

    A release is taken for one of these where it has wheels and all of them are for other Pythons, while some
    release before it has a wheel that fits.

    Args:
        files: Of the page, what the target's pip may take.
        page: The whole of it.
        target: A Python before 3.6.
    """
    fitting = [_version(file.filename) for file in files if file.filename.endswith(".whl")]
    newest = max((version for version in fitting if version), default=None)
    if newest is None:
        return list(files)
    served = {_version(file.filename): False for file in page.files if file.filename.endswith(".whl")}
    for file in page.files:
        if file.filename.endswith(".whl") and _is_for(file.filename, target):
            served[_version(file.filename)] = True

    def is_left_behind(filename: str) -> bool:
        version = _version(filename)
        return version is not None and version > newest and not served.get(version, True)

    return [file for file in files if not is_left_behind(file.filename)]


def _version(filename: str) -> "Version | None":
    from packaging.version import InvalidVersion, Version

    name = parse_distribution_filename(filename)
    try:
        return Version(name.version) if name else None
    except InvalidVersion:
        return None


def _is_for(filename: str, target: Target) -> bool:
    """Whether a wheel is for this Python, on whatever platform."""
    pythons, abis, _ = filename.removesuffix(".whl").lower().rsplit("-", 3)[-3:]
    major, minor = (int(part) for part in target.python_minor.split("."))
    for tag in pythons.split("."):
        found = re.fullmatch(r"(py|cp)(\d)(\d*)", tag)
        if found is None or int(found[2]) != major:
            continue
        is_open = found[1] == "py" or "abi3" in abis.split(".")
        if not found[3] or int(found[3]) == minor or (is_open and int(found[3]) <= minor):
            return True
    return False


def _is_usable(file: FileLink, project: str, target: Target) -> bool:
    name = parse_distribution_filename(file.filename)
    if name is None or not normalize_project(file.filename).startswith(f"{project}-"):
        return False
    if name.kind == "wheel" and not _may_fit(file.filename, target):
        return False
    return name.kind in ("wheel", "sdist") and _allows(file.requires_python, target.python_version)


def _may_fit(filename: str, target: Target) -> bool:
    pythons, _, platforms = filename.removesuffix(".whl").lower().rsplit("-", 3)[-3:]
    major = target.python_minor.partition(".")[0]
    machine = target.platform.architecture
    return any(python.startswith((f"py{major}", f"cp{major}")) for python in pythons.split(".")) and any(
        platform == "any" or ("linux" in platform and platform.endswith(machine))
        for platform in platforms.split(".")
    )


@cache
def _allows(requires_python: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return not requires_python or SpecifierSet(requires_python).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True  # as pip does


def parse_cutoff(text: str) -> datetime:
    """Read the instant before which files count: RFC 3339, or a date, which is meant to its end.

    Raises:
        UsageError: It is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"`{text}` is no date",
            code="date-invalid",
            hint="write `2026-01-31`, or an instant as in `2026-01-31T12:00:00Z`",
        ) from None
    if _DATE.fullmatch(text):
        found += timedelta(days=1)
    # A date without a zone is one of this machine's, as uv reads it.
    return found.astimezone(UTC)


def files_before(files: Sequence[FileLink], cutoff: datetime) -> list[FileLink]:
    """Keep what was uploaded before an instant; what no index dates is not known to be."""
    return [file for file in files if file.upload_time and _instant(file.upload_time) < cutoff]


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def stub_filename(filename: str, target: Target) -> str:
    """Name the wheel that stands for an sdist: of all that fit the target, the one that fits least.

    A real wheel of the version is then still preferred, as it is to an sdist.
    """
    name = parse_distribution_filename(filename)
    assert name is not None
    version = name.version.replace("-", "_")
    lowest = f"py{target.python_minor.partition('.')[0]}0"
    return f"{name.name.replace('-', '_')}-{version}-{lowest}-none-any.whl"


def stub_wheel(filename: str, metadata: bytes) -> bytes:
    """Make a wheel that says what another needs, and has nothing in it."""
    name, version = filename.split("-")[:2]
    directory = f"{name}-{version}.dist-info"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{directory}/METADATA"), metadata)
        tags = filename.removesuffix(".whl").split("-", 2)[2]
        wheel = f"Wheel-Version: 1.0\nGenerator: pannier\nRoot-Is-Purelib: true\nTag: {tags}\n"
        archive.writestr(zipfile.ZipInfo(f"{directory}/WHEEL"), wheel)
        archive.writestr(zipfile.ZipInfo(f"{directory}/RECORD"), "")
    return stream.getvalue()


def wheel_metadata(stream: Any) -> bytes:
    """Read METADATA out of a wheel; empty where it has none."""
    with zipfile.ZipFile(stream) as archive:
        for member in archive.namelist():
            if member.count("/") == 1 and member.endswith(".dist-info/METADATA"):
                return archive.read(member)
    return b""


def format_noted_metadata(noted: Mapping[str, Any]) -> bytes:
    """Write as METADATA what pip learned by running an sdist's `setup.py`."""
    lines = ["Metadata-Version: 2.1", f"Name: {noted['name']}", f"Version: {noted['version']}"]
    if noted["requires_python"]:
        lines.append(f"Requires-Python: {noted['requires_python']}")
    for extra, requirements in sorted(noted["requires"].items()):
        lines += [f"Provides-Extra: {extra}"] if extra else []
        lines += [f"Requires-Dist: {_with_extra(line, extra)}" for line in requirements]
    return ("\n".join(lines) + "\n").encode()


def _with_extra(line: str, extra: str) -> str:
    if not extra:
        return line
    requirement, _, marker = line.partition(";")
    condition = f'extra == "{extra}"'
    return f"{requirement.strip()}; ({marker.strip()}) and {condition}" if marker else f"{line}; {condition}"


def required_names(metadata: bytes) -> list[str]:
    """List the projects that a METADATA may ask for, without those of its extras."""
    found: list[str] = []
    for line in metadata.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        if key.lower() == "requires-dist" and "extra ==" not in value:
            name = re.match(r"\s*([A-Za-z0-9._-]+)", value)
            found += [normalize_project(name[1])] if name else []
    return found
