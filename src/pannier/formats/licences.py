"""What distributions say of their licences, and the list of it for a whole site.

Standard: core metadata's `License-Expression` (PEP 639), `License` and the `License ::` classifiers.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_LONGEST = 100


class Licence(NamedTuple):
    """The licence of a distribution, as it says itself.

    Attributes:
        expression: SPDX expression; empty where it gives none.
        names: What it says in other words; empty where it says nothing.
    """

    expression: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.expression or ", ".join(self.names) or "not stated"


class LicensedWheel(NamedTuple):
    """A wheel and its licence.

    Attributes:
        project: Normalized name.
        version: Its version.
        filename: Its file name.
        sha256: Hex digest of it.
        licence: What it says.
    """

    project: str
    version: str
    filename: str
    sha256: str
    licence: Licence


def licence_of(expression: str, text: str, classifiers: Sequence[str]) -> Licence:
    """Say a licence by the fields of core metadata.

    Args:
        expression: `License-Expression`.
        text: `License`: a name, an expression, or the whole text of the licence.
        classifiers: All classifiers.
    """
    if spelled := _expression(expression):
        return Licence(spelled)
    names = [item.rpartition("::")[2].strip() for item in classifiers if item.startswith("License ::")]
    names = [name for name in names if name not in {"OSI Approved", "Other/Proprietary License"}] or names
    first = text.strip().splitlines()[0].strip() if text.strip() else ""
    if spelled := _expression(first):
        return Licence(spelled)
    if not names and first and first.upper() != "UNKNOWN":
        names = [first[:_LONGEST]]
    return Licence(names=tuple(names))


def _expression(text: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return canonicalize_license_expression(text) if text else ""
    except InvalidLicenseExpression:
        return ""


def format_licences_json(wheels: Iterable[LicensedWheel]) -> bytes:
    """Write the list for programs."""
    entries = [
        {
            "project": wheel.project,
            "version": wheel.version,
            "file": wheel.filename,
            "sha256": wheel.sha256,
            "expression": wheel.licence.expression or None,
            "names": list(wheel.licence.names),
        }
        for wheel in sorted(wheels)
    ]
    return (json.dumps({"version": 1, "licenses": entries}, indent=1, sort_keys=True) + "\n").encode()


def format_licences_text(wheels: Iterable[LicensedWheel]) -> bytes:
    """Write the list for people: one line for each project and version."""
    rows = sorted({(wheel.project, wheel.version, str(wheel.licence)) for wheel in wheels})
    wide = max((len(f"{project} {version}") for project, version, _ in rows), default=0)
    lines = [f"{f'{project} {version}':{wide}}  {licence}\n" for project, version, licence in rows]
    return "".join(lines).encode()
