"""The JSON that `--json` prints: one object, with a version, whether the command did well or not."""

import dataclasses
import json
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath

from pannier.cli.errors import error_data
from pannier.model.errors import PannierError
from pannier.model.events import Notice
from pannier.model.manifest import Manifest

ENVELOPE_VERSION = 1


def format_success(command: str, result: Mapping[str, object], warnings: Sequence[Notice]) -> str:
    """The envelope of a command that did what it was asked."""
    return _format({"command": command, "ok": True, "result": as_data(result)}, warnings)


def format_failure(command: str, error: PannierError, warnings: Sequence[Notice]) -> str:
    """The envelope of a command that failed, with the error's fields."""
    failure = error_data(error.message, error.facts, error.hint, error.code)
    return _format({"command": command, "ok": False, "error": failure}, warnings)


def _format(content: Mapping[str, object], warnings: Sequence[Notice]) -> str:
    shown = [error_data(notice.message, notice.facts, notice.hint, notice.code) for notice in warnings]
    # ASCII, so that it survives every locale, and file names that are no UTF-8.
    return json.dumps({"version": ENVELOPE_VERSION, **content, "warnings": shown}, indent=2) + "\n"


def as_data(value: object) -> object:
    """What JSON can hold of a value: manifests as in a pack, other values by field name, paths as text.

    Raises:
        TypeError: There is no JSON for such a value.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Manifest):
        from pannier.formats.manifests import format_manifest

        return json.loads(format_manifest(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_data(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: as_data(item) for name, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Set):
        return sorted((as_data(item) for item in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [as_data(item) for item in value]
    raise TypeError(f"no JSON for {type(value).__name__}")
