"""Is a file the distribution it is said to be? Archive, metadata, name and form must agree."""

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pannier.formats.core_metadata import CoreMetadata, parse_core_metadata
from pannier.formats.distribution_names import DistributionName, is_project_name, parse_distribution_filename
from pannier.formats.wheels import normalize_project
from pannier.model.errors import DistributionError
from pannier.server.uploads.limits import MAX_METADATA
from pannier.server.uploads.tar_archives import read_tar
from pannier.server.uploads.zip_archives import open_zip, read_member

# What begins a file that is no archive we open: installers and packages of other systems.
_MAGIC = {
    ".exe": b"MZ",
    ".msi": b"\xd0\xcf\x11\xe0",
    ".rpm": b"\xed\xab\xee\xdb",
    ".deb": b"!<arch>\n",
    ".dmg": b"",
}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}")
_WANTED = "NAME-VERSION-PYTHON-ABI-PLATFORM.whl or NAME-VERSION.tar.gz"


class Inspected(NamedTuple):
    """What a distribution was found to be.

    Attributes:
        name: What its file name tells.
        metadata: The bytes of METADATA or PKG-INFO; `None` for kinds that have none.
        fields: Name, version and more, from the metadata, or else from the file name.
    """

    name: DistributionName
    metadata: bytes | None
    fields: CoreMetadata


def parse_upload_name(filename: str) -> DistributionName:
    """Check a file name that a client sent, and take it apart.

    Raises:
        DistributionError: It is a path, or not the name of a distribution.
    """
    name = parse_distribution_filename(filename)
    if name is None or not name.version or not _PLAIN.fullmatch(filename):
        raise DistributionError(
            "the file's name is not that of a distribution",
            code="distribution-name",
            facts={
                "name": repr(filename[:200]),
                "wanted": _WANTED,
            },
        )
    return name


def inspect_distribution(path: Path, filename: str, *, name: str = "", version: str = "") -> Inspected:
    """Open a distribution and check that everything about it agrees.

    Args:
        path: The file, under whatever name it lies.
        filename: The name it is to have.
        name: Of the project, as the form says; empty where it says nothing.
        version: Likewise.

    Raises:
        DistributionError: Something does not agree, or the archive is damaged or made to do harm.
        OSError: The file cannot be read.
    """
    parsed = parse_upload_name(filename)
    with path.open("rb") as stream:
        metadata = _read_metadata(stream, filename, parsed)
    if metadata is None:
        fields = CoreMetadata(parsed.name, parsed.version)
    else:
        fields = parse_core_metadata(metadata)
        _check_agreement("the file's name", parsed.name, parsed.version, fields)
    if name or version:
        _check_agreement("the form", name or fields.name, version or fields.version, fields)
    return Inspected(parsed, metadata, fields)


def _read_metadata(stream: BinaryIO, filename: str, parsed: DistributionName) -> bytes | None:
    if parsed.kind == "other":
        magic = _MAGIC.get(Path(filename).suffix, b"")
        if stream.read(len(magic)) != magic:
            raise DistributionError("the file is not what its name says", code="not-an-archive")
        return None
    if parsed.kind == "wheel":
        return _read_wheel(stream, parsed)
    if parsed.kind == "egg":
        with open_zip(stream) as archive:
            return read_member(archive, "EGG-INFO/PKG-INFO", MAX_METADATA)
    return _read_sdist(stream, filename)


def _read_wheel(stream: BinaryIO, parsed: DistributionName) -> bytes:
    with open_zip(stream) as archive:
        names = archive.namelist()
        directories = {name.split("/")[0] for name in names if name.split("/")[0].endswith(".dist-info")}
        if len(directories) != 1:
            raise DistributionError(
                "a wheel has one `.dist-info` directory",
                code="archive-incomplete",
                facts={"found": sorted(directories) or "none"},
            )
        (directory,) = directories
        missing = [one for one in ("METADATA", "WHEEL", "RECORD") if f"{directory}/{one}" not in names]
        if missing:
            raise _incomplete(f"the wheel has no {' and no '.join(missing)}")
        name, _, version = directory.removesuffix(".dist-info").rpartition("-")
        named = CoreMetadata(parsed.name, parsed.version)
        _check_agreement("the `.dist-info` directory", name, version, named)
        return read_member(archive, f"{directory}/METADATA", MAX_METADATA)


def _read_sdist(stream: BinaryIO, filename: str) -> bytes:
    if filename.endswith(".zip"):
        with open_zip(stream) as archive:
            name = next(filter(_is_package_information, archive.namelist()), "NAME-VERSION/PKG-INFO")
            return read_member(archive, name, MAX_METADATA)
    found = read_tar(stream, _is_package_information)
    if found is None:
        raise _incomplete("the sdist has no PKG-INFO")
    return found


def _incomplete(message: str) -> DistributionError:
    return DistributionError(message, code="archive-incomplete", hint="build it again")


def _is_package_information(name: str) -> bool:
    return name.endswith("/PKG-INFO") and name.count("/") == 1


def _check_agreement(where: str, name: str, version: str, fields: CoreMetadata) -> None:
    if not is_project_name(fields.name) or not fields.version:
        raise DistributionError(
            "the metadata has no name or no version",
            code="archive-incomplete",
            facts={"name": repr(fields.name[:200]), "version": repr(fields.version[:200])},
        )
    same_name = normalize_project(name) == normalize_project(fields.name)
    if not same_name or not is_same_version(version, fields.version):
        raise DistributionError(
            f"{where} and the metadata do not agree",
            code="distribution-mismatch",
            facts={where: f"{name} {version}", "the metadata": f"{fields.name} {fields.version}"},
            hint="build it again",
        )


def is_same_version(one: str, other: str) -> bool:
    """Compare versions as installers do (PEP 440); those that are none, by their letters."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return _loose(one) == _loose(other)


def _loose(version: str) -> str:
    return version.lower().replace("_", "-")
