"""The one exception of what travels, in the form of all of Pannier's errors."""

import errno
from typing import Dict, Optional


class ArchiveError(Exception):
    """A pack that cannot be read, is not to be trusted, or cannot be unpacked here.

    Args:
        message: One sentence, lower-case start, no final period.
        code: Stable slug: `corrupt-pack`, `hostile-pack`, `unknown-format`, `disk-full`, `storage`,
            `no-decompressor`, `no-interpreter`, `unpack-failed`, `interrupted`.
        facts: Name to value, in the order to show them.
        hint: One action; empty for none.
    """

    def __init__(
        self, message: str, code: str, facts: Optional[Dict[str, str]] = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.facts = dict(facts or {})
        self.hint = hint


def corrupt(message: str, **facts: object) -> ArchiveError:
    """A pack whose bytes are not what it says of itself."""
    return ArchiveError(
        message,
        "corrupt-pack",
        {name: str(value) for name, value in facts.items()},
        "copy the pack again; `pannier verify` tells whether the original is whole",
    )


def hostile(name: str, because: str) -> ArchiveError:
    """A pack with a member that no pack may hold."""
    return ArchiveError(
        "this pack holds a member that does not belong in one",
        "hostile-pack",
        {"member": printable(name), "because": because},
        "do not use this pack; no tool of ours writes such a member",
    )


def storage(error: OSError, directory: str) -> ArchiveError:
    """The operating system's refusal to write, by what the reader can do about it."""
    facts = {"directory": printable(directory), "because": error.strerror or str(error)}
    if error.filename:
        facts["file"] = printable(os_text(error.filename))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, or unpack to another place; for the cache, with PANNIER_CACHE_DIR"
        return ArchiveError("the disk is full", "disk-full", facts, hint)
    return ArchiveError("the pack cannot be unpacked there", "storage", facts)


def os_text(name: object) -> str:
    """A file name as text, whatever the operating system gave."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def printable(text: str) -> str:
    """Text that cannot break a line or confuse a terminal."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in shown)


def format_error(error: ArchiveError) -> str:
    """Write an error as its reader sees it, ending in a newline."""
    lines = ["error: " + error.message]
    lines += [f"  {name}: {value}" for name, value in error.facts.items()]
    if error.hint:
        lines.append("hint: " + error.hint)
    lines.append("code: " + error.code)
    return "\n".join(lines) + "\n"
