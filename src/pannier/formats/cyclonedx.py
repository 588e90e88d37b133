"""A bill of materials of a site, as CycloneDX 1.6 JSON.

Standards: CycloneDX 1.6 (ECMA-424), package URLs.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from pannier.formats.licences import Licence, LicensedWheel

_NAMESPACE = uuid.UUID("0f7f2c4e-5d0b-5b6e-9a4e-3c2b7f8a1d60")


class BilledEnvironment(NamedTuple):
    """An environment of a site.

    Attributes:
        name: Its name.
        python: Version of its interpreter.
        wheels: sha256 of each of its wheels.
    """

    name: str
    python: str
    wheels: Sequence[str]


def format_bill(
    name: str, tool_version: str, environments: Sequence[BilledEnvironment], wheels: Sequence[LicensedWheel]
) -> bytes:
    """Write the bill; the same wheels always give the same bytes, so it bears no time.

    Args:
        name: Of the site.
        tool_version: Pannier's own.
        environments: With what each consists of.
        wheels: Each wheel once.
    """
    components = [_environment(environment) for environment in environments]
    components += [_wheel(wheel) for wheel in sorted(wheels)]
    tool = {"type": "application", "name": "pannier", "version": tool_version}
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [tool]},
            "component": {"type": "application", "name": name, "bom-ref": "site"},
        },
        "components": components,
        "dependencies": _dependencies(environments, wheels),
    }
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))}"
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _environment(environment: BilledEnvironment) -> Mapping[str, object]:
    return {
        "type": "application",
        "name": environment.name,
        "bom-ref": f"environment:{environment.name}",
        "properties": [{"name": "pannier:python", "value": environment.python}],
    }


def _wheel(wheel: LicensedWheel) -> Mapping[str, object]:
    component: dict[str, object] = {
        "type": "library",
        "name": wheel.project,
        "version": wheel.version,
        "bom-ref": f"sha256:{wheel.sha256}",
        "purl": f"pkg:pypi/{wheel.project}@{quote(wheel.version, safe='')}?file_name={quote(wheel.filename)}",
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
    }
    if licences := _licences(wheel.licence):
        component["licenses"] = licences
    return component


def _licences(licence: Licence) -> list[Mapping[str, object]]:
    if licence.expression:
        return [{"expression": licence.expression}]
    return [{"license": {"name": name}} for name in licence.names]


def _dependencies(
    environments: Sequence[BilledEnvironment], wheels: Sequence[LicensedWheel]
) -> list[Mapping[str, object]]:
    of_site = {"ref": "site", "dependsOn": [f"environment:{one.name}" for one in environments]}
    of_environments = [
        {"ref": f"environment:{one.name}", "dependsOn": sorted(f"sha256:{digest}" for digest in one.wheels)}
        for one in environments
    ]
    return [of_site, *of_environments, *({"ref": f"sha256:{wheel.sha256}"} for wheel in sorted(wheels))]
