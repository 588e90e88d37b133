"""Attestations sent with a distribution (PEP 740), checked for being about it, and made into its provenance.

Signatures are not verified: that takes the roots of trust of whoever signed, and installers verify them.
"""

import base64
import binascii
import json
from typing import Any

from pannier.model.errors import RequestError

_MAX_COUNT = 20


def make_provenance(text: str, *, filename: str, sha256: str) -> bytes:
    """Write the provenance object of a distribution.

    Args:
        text: The form's field: a JSON list of attestations.
        filename: Of the distribution.
        sha256: Its hex digest.

    Raises:
        RequestError: It is no such list, or an attestation is about something else.
    """
    try:
        attestations = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused("they are not JSON") from None
    if not isinstance(attestations, list) or not 0 < len(attestations) <= _MAX_COUNT:
        raise _refused(f"they are no list of one to {_MAX_COUNT}")
    for attestation in attestations:
        _check(attestation, filename, sha256)
    bundle = {"publisher": {"kind": "unknown"}, "attestations": attestations}
    document = {"version": 1, "attestation_bundles": [bundle]}
    return json.dumps(document, separators=(",", ":")).encode()


def _check(attestation: Any, filename: str, sha256: str) -> None:
    try:
        version = attestation["version"]
        statement = json.loads(base64.b64decode(attestation["envelope"]["statement"], validate=True))
        is_signed = bool(attestation["envelope"]["signature"] and attestation["verification_material"])
        subjects = [(subject["name"], subject["digest"]["sha256"]) for subject in statement["subject"]]
    except (KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        raise _refused("one lacks what PEP 740 asks for") from None
    if version != 1 or not is_signed:
        raise _refused("one is not signed, or of an unknown version")
    if subjects != [(filename, sha256)]:
        raise _refused(f"one is about {json.dumps(subjects)[:200]}")


def _refused(reason: str) -> RequestError:
    return RequestError(
        "the attestations are not those of this distribution",
        code="bad-attestations",
        facts={"reason": reason},
    )
