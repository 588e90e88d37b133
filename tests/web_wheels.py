"""Wheels that have something to say of themselves."""

import io
import zipfile
from collections.abc import Mapping


def described_wheel(
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    summary: str = "",
    readme: str = "",
    readme_type: str = "text/markdown",
    fields: Mapping[str, str] = {},
) -> tuple[str, bytes]:
    """Make a wheel of one module; give its name and its bytes."""
    escaped = name.replace("-", "_")
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: {summary}",
        f"Description-Content-Type: {readme_type}",
        *(f"{key}: {value}" for key, value in fields.items()),
        "",
        readme,
    ]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{escaped}.py"), f"version = {version!r}\n")
        archive.writestr(zipfile.ZipInfo(f"{escaped}-{version}.dist-info/METADATA"), "\n".join(metadata))
        wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
        archive.writestr(zipfile.ZipInfo(f"{escaped}-{version}.dist-info/WHEEL"), wheel)
        archive.writestr(zipfile.ZipInfo(f"{escaped}-{version}.dist-info/RECORD"), "")
    return f"{escaped}-{version}-{tag}.whl", stream.getvalue()
