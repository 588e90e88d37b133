"""Core metadata (METADATA, PKG-INFO): bytes to values.

Standard: core metadata 1.0 to 2.5 (PEP 241 to PEP 794).
"""

from typing import Any, NamedTuple


class CoreMetadata(NamedTuple):
    """What an index says about a distribution without showing the whole document.

    Attributes:
        name: As the project writes it.
        version: As the distribution writes it.
        requires_python: The bound on the interpreter; empty for none.
        summary: One line on what it is.
    """

    name: str
    version: str
    requires_python: str = ""
    summary: str = ""


def parse_core_metadata(data: bytes) -> CoreMetadata:
    """Read the few fields that pages need; empty where missing.

    The document is untrusted: bytes that are not UTF-8 are read as far as they can be.
    """
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            fields.setdefault(key.lower(), value.strip())
    return CoreMetadata(
        name=fields.get("name", ""),
        version=fields.get("version", ""),
        requires_python=fields.get("requires-python", ""),
        summary=fields.get("summary", ""),
    )


def parse_full_metadata(data: bytes) -> dict[str, Any]:
    """Read every field, the description among them, named as in the standard's JSON form (PEP 566)."""
    from packaging.metadata import parse_email

    raw, _ = parse_email(data)
    return dict(raw)
