"""A bundle's manifest `site.json` as JSON; its schema is `docs/reference/site-manifest.schema.json`.

The values, and how they are read, are the installer's own (`runtime.site.manifest`): what the server would
refuse is not written here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pannier.model.errors import CorruptPackError
from pannier.runtime.errors import ArchiveError
from pannier.runtime.site import manifest as reading
from pannier.runtime.site.manifest import Environment, File, Interpreter, Manifest, Wheel

__all__ = [
    "Environment",
    "File",
    "Interpreter",
    "Manifest",
    "Rehearsal",
    "Wheel",
    "complete_manifest",
    "format_site_manifest",
    "parse_site_manifest",
    "rehearsal_of",
]


class Rehearsal(NamedTuple):
    """That a bundle was installed without a network before it was sent.

    Attributes:
        tool: What did it.
        environments: The names of those that were installed and tested.
    """

    tool: str
    environments: tuple[str, ...]


def complete_manifest(manifest: Manifest, rehearsal: Rehearsal | None = None) -> Manifest:
    """Give a manifest its document and its id.

    Args:
        manifest: Its values; `id` and `value` are not looked at.
        rehearsal: Whether it was installed before it is sent.
    """
    document = _document(manifest, rehearsal)
    document["id"] = reading.compute_id(document)
    return manifest._replace(id=document["id"], value=document)


def format_site_manifest(manifest: Manifest) -> bytes:
    """Write a complete manifest in its one form: keys sorted, ASCII, no white space, a newline at the end."""
    return reading.format_canonical(manifest.value)


def parse_site_manifest(data: bytes) -> Manifest:
    """Read a manifest from its bytes.

    Raises:
        CorruptPackError: It is none, or of a format version that came later.
    """
    try:
        return reading.parse_manifest(data)
    except ArchiveError as error:
        raise CorruptPackError(error.message, code=error.code, facts=error.facts, hint=error.hint) from error


def rehearsal_of(manifest: Manifest) -> Rehearsal | None:
    """What a manifest says of its rehearsal."""
    told = manifest.value.get("rehearsed")
    return None if told is None else Rehearsal(told["tool"], tuple(told["environments"]))


def _document(manifest: Manifest, rehearsal: Rehearsal | None) -> dict[str, Any]:
    return {
        "environments": [_environment(environment) for environment in manifest.environments],
        "files": [_file(file) for file in manifest.files],
        "format": reading.FORMAT,
        "header_sha256": manifest.header_sha256,
        "name": manifest.name,
        "rehearsed": rehearsal and {"environments": list(rehearsal.environments), "tool": rehearsal.tool},
        "since": manifest.since or None,
        "site": {"bin": manifest.bin, "prefix": manifest.prefix},
        "tool": manifest.tool,
        "version": reading.VERSION,
        "wheels": {sha256: _wheel(wheel) for sha256, wheel in manifest.wheels.items()},
    }


def _environment(environment: Environment) -> Mapping[str, object]:
    return {
        "abi": environment.abi,
        "aliases": list(environment.aliases),
        "interpreter": _interpreter(environment.interpreter),
        "lock": environment.lock,
        "name": environment.name,
        "platform": environment.platform,
        "python": environment.python,
        "smoke": list(environment.smoke),
        "wheels": list(environment.wheels),
    }


def _interpreter(interpreter: Interpreter) -> Mapping[str, str]:
    fields = {"kind": interpreter.kind}
    if interpreter.kind == "path":
        fields["path"] = interpreter.path
    if interpreter.kind == "bundled":
        fields |= {"executable": interpreter.executable, "file": interpreter.file}
    return fields


def _file(file: File) -> Mapping[str, object]:
    return {"name": file.name, "sha256": file.sha256, "size": file.size}


def _wheel(wheel: Wheel) -> Mapping[str, object]:
    return {
        "built": wheel.built,
        "filename": wheel.filename,
        "included": wheel.included,
        "project": wheel.project,
        "size": wheel.size,
        "version": wheel.version,
    }
