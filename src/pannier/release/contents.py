"""What is inside an sdist or a wheel."""

import tarfile
import zipfile

from pannier.model.release import Distribution


def read_metadata(distribution: Distribution) -> bytes:
    """The core metadata: a wheel's METADATA, an sdist's PKG-INFO; empty where there is none."""
    if distribution.kind == "wheel":
        with zipfile.ZipFile(distribution.path) as archive:
            names = [name for name in archive.namelist() if _is_metadata(name)]
            return archive.read(names[0]) if names else b""
    with tarfile.open(distribution.path) as tar:
        for member in tar:
            if member.name.count("/") == 1 and member.name.endswith("/PKG-INFO") and member.isreg():
                content = tar.extractfile(member)
                return content.read() if content else b""
    return b""


def _is_metadata(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(".dist-info/METADATA")


def member_names(distribution: Distribution) -> list[str]:
    """Every file in a distribution, by its path there; in an sdist without the first directory."""
    if distribution.kind == "wheel":
        with zipfile.ZipFile(distribution.path) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    with tarfile.open(distribution.path) as tar:
        return [member.name.partition("/")[2] for member in tar if not member.isdir()]
