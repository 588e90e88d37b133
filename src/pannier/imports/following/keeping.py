"""What keeps what was read of a program until the next time; the store has one."""

from typing import Protocol


class Keeper(Protocol):
    """Keeps contents by name; whoever keeps them may lose them at any time."""

    def load(self, name: str) -> bytes:
        """What was last saved under a name, whole; empty when there is nothing."""

    def save(self, name: str, content: bytes) -> None:
        """Keep a content, whole or not at all; failing to is no error."""
