"""What a server of a site says that it has: the JSON of `sh BUNDLE inventory --json`."""

import json
import re
from typing import Any, NamedTuple

from pannier.model.errors import CorruptPackError

FORMAT = "pannier-site-inventory"
VERSION = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MINOR = re.compile(r"\d+\.\d+")


class Inventory(NamedTuple):
    """What a server has.

    Attributes:
        id: Of the bundle in force; empty when there is none.
        prefix: Where its environments live.
        platform: What it is, such as `linux-x86_64-glibc2.36`.
        wheels: sha256 and `major.minor` of the Python, for each wheel that lies ready for it.
        interpreters: sha256 of each interpreter that a bundle brought.
    """

    id: str
    prefix: str
    platform: str
    wheels: tuple[tuple[str, str], ...]
    interpreters: tuple[str, ...]


def parse_inventory(data: bytes, filename: str) -> Inventory:
    """Read an inventory.

    Args:
        data: Its bytes.
        filename: Where they came from, for messages.

    Raises:
        CorruptPackError: It is none, or of a version that came later.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise _invalid(filename, "it is not JSON, and no bundle") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _invalid(filename, f"it does not say `format` `{FORMAT}`")
    if document.get("version") != VERSION:
        raise CorruptPackError(
            f"the inventory `{filename}` is of a version that this Pannier does not know",
            code="unknown-format",
            facts={"found": str(document.get("version"))[:40], "known": str(VERSION)},
            hint="use a newer Pannier",
        )
    try:
        return _parse(document)
    except (KeyError, TypeError, ValueError) as error:
        raise _invalid(filename, f"a field is missing or not what it should be: {error!r}"[:200]) from None


def _parse(document: dict[str, Any]) -> Inventory:
    return Inventory(
        id="" if document["id"] is None or document["id"] == "" else _text(document["id"], _DIGEST),
        prefix=_text(document["prefix"]),
        platform=_text(document["platform"]),
        wheels=tuple(
            (_text(sha256, _DIGEST), _text(minor, _MINOR)) for sha256, minor in _list(document["wheels"])
        ),
        interpreters=tuple(_text(sha256, _DIGEST) for sha256 in _list(document["interpreters"])),
    )


def _text(value: object, pattern: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        raise ValueError(value)
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _invalid(filename: str, because: str) -> CorruptPackError:
    return CorruptPackError(
        f"`{filename}` says nothing of a server",
        code="inventory-invalid",
        facts={"because": because},
        hint="name the bundle that was sent before, or what `sh BUNDLE inventory --json` printed",
    )
