"""The audit log: who changed what in the index, when and from where, as lines of JSON only ever added to."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pannier.server.catalogue.catalogue import Catalogue
from pannier.server.ownership import follow_owner


class Change(NamedTuple):
    """One change of the index.

    Attributes:
        action: `upload`, `replace`, `yank`, `unyank`, `remove` or `status`.
        user: Who did it; empty for somebody unknown.
        token: Name of the token that it was done with; empty for none.
        address: The client's address; `local` for a command on the server itself.
        client: What the client calls itself.
        project: Normalized name.
        version: As the distribution writes it; empty where it is about the whole project.
        filename: Of the distribution, likewise.
        sha256: Of the distribution, likewise.
        detail: The reason that was given, for example.
    """

    action: str
    user: str
    token: str
    address: str
    client: str
    project: str
    version: str = ""
    filename: str = ""
    sha256: str = ""
    detail: str = ""


class AuditLog:
    """The log in one file, which several processes may write to.

    Args:
        path: The file; made when the first change is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, catalogue: Catalogue) -> "AuditLog":
        """The log of an index."""
        return cls(catalogue.own / "audit.jsonl")

    def add(self, change: Change) -> None:
        """Write a change down; it is on the disk when this returns.

        Raises:
            OSError: The log cannot be written.
        """
        line = format_change(change, datetime.now(UTC)).encode()
        descriptor = self._open()
        try:
            # One write of one line: lines of several processes do not mix.
            os.write(descriptor, line)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Find out whether a change can be written down, before it is made.

        Raises:
            OSError: The log cannot be written.
        """
        os.close(self._open())

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(self.path, flags)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, flags | os.O_CREAT, 0o640)
            follow_owner(self.path)
            return descriptor


def format_change(change: Change, moment: datetime) -> str:
    """Write a change as a line; fields that are empty are left out, and control characters are escaped."""
    fields = {name: value for name, value in change._asdict().items() if value}
    document = {"time": moment.astimezone(UTC).isoformat(timespec="milliseconds"), **fields}
    return json.dumps(document, separators=(",", ":")) + "\n"
