"""Whose a distribution is and under which licence, as a Debian package has to show it (Policy 12.5)."""

import re
from collections.abc import Mapping
from typing import Any

from pannier.formats.licences import licence_of

_FILE = re.compile(r"(?i)(.*/)?(licen[sc]e|copying|notice|copyright|authors)[^/]*")
# The beginnings of texts that each Debian system has a copy of, and what it is called.
_COMMON = (
    (re.compile(r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1"), "LGPL-2.1"),
    (re.compile(r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"), "LGPL-3"),
    (re.compile(r"GNU LIBRARY GENERAL PUBLIC LICENSE\s+Version 2"), "LGPL-2"),
    (re.compile(r"GNU GENERAL PUBLIC LICENSE\s+Version 2"), "GPL-2"),
    (re.compile(r"GNU GENERAL PUBLIC LICENSE\s+Version 3"), "GPL-3"),
    (re.compile(r"GNU Free Documentation License\s+Version 1\.3"), "GFDL-1.3"),
    (re.compile(r"Apache License\s+Version 2\.0"), "Apache-2.0"),
    (re.compile(r"Mozilla Public License,? [Vv]ersion 2\.0"), "MPL-2.0"),
)
_LOOKED_AT = 2000


def is_licence_file(name: str) -> bool:
    """Tell whether a file of a `.dist-info` directory, named from there, is a licence or the like."""
    return name.startswith(("licenses/", "license_files/")) or _FILE.fullmatch(name) is not None


def licence_name(metadata: Mapping[str, Any]) -> str:
    """Name a distribution's licence, in one line, by its metadata; empty where they say nothing.

    Args:
        metadata: As `parse_full_metadata` reads them.
    """
    licence = licence_of(
        str(metadata.get("license_expression") or ""),
        str(metadata.get("license") or ""),
        metadata.get("classifiers", ()),
    )
    return licence.expression or " and ".join(licence.names)


def licence_text(text: str) -> str:
    """Give a licence's text as a package shows it: those that each Debian system has are referred to."""
    for pattern, name in _COMMON:
        if pattern.search(text[:_LOOKED_AT]):
            return f"On Debian systems the whole text is in /usr/share/common-licenses/{name}."
    return text


def authors_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Name who wrote a distribution, by its metadata."""
    names = [str(metadata.get(key) or "").strip() for key in ("author", "author_email")]
    if names[0] and names[1] and "<" not in names[1] and "," not in names[1]:
        return (f"{names[0]} <{names[1]}>",)
    found = [part.strip() for name in names for part in name.replace("\n", " ").split(",")]
    return tuple(dict.fromkeys(part for part in found if part))
