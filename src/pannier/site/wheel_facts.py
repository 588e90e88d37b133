"""What a bundle tells of each wheel, read from the wheel's own metadata."""

import zipfile

from pannier.formats.core_metadata import parse_full_metadata
from pannier.formats.licences import licence_of
from pannier.model.errors import DistributionError
from pannier.model.site import LockedWheel
from pannier.site.bundle_plan import WheelFacts

_LARGEST = 16 << 20


def read_facts(wheel: LockedWheel) -> WheelFacts:
    """Read a wheel's bound on the interpreter and its licence.

    Raises:
        DistributionError: It is no archive, or has no METADATA.
    """
    fields = parse_full_metadata(_read_metadata(wheel))
    licence = licence_of(
        fields.get("license_expression", ""), fields.get("license", ""), fields.get("classifiers", ())
    )
    return WheelFacts(requires_python=fields.get("requires_python", ""), licence=licence)


def _read_metadata(wheel: LockedWheel) -> bytes:
    try:
        with zipfile.ZipFile(wheel.path) as archive:
            name = next(name for name in archive.namelist() if _is_metadata(name))
            with archive.open(name) as stream:
                return stream.read(_LARGEST)
    except (zipfile.BadZipFile, StopIteration, ValueError, EOFError, NotImplementedError) as error:
        raise DistributionError(
            f"the metadata of `{wheel.filename}` cannot be read",
            facts={"file": str(wheel.path), "because": str(error) or "there is no METADATA in it"},
            hint="remove it with `pannier cache clean distributions built`, and run the same again",
        ) from error


def _is_metadata(name: str) -> bool:
    directory, _, file = name.partition("/")
    return file == "METADATA" and directory.endswith(".dist-info")
