"""The console scripts of a wheel, and what is behind each."""

import zipfile
from pathlib import Path

from pannier.formats.wheels import parse_entry_points


def console_scripts(wheel: Path) -> dict[str, str]:
    """Name of each console script to its `module:attribute`.

    Args:
        wheel: A wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/entry_points.txt") and name.count("/") == 1:
                declared = parse_entry_points(archive.read(name).decode("utf-8-sig"))
                return {script.name: f"{script.module}:{script.attribute}" for script in declared}
    return {}
