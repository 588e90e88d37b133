"""How an upstream index does: apart from what asks it, so that nobody loads that to know."""

from typing import NamedTuple


class UpstreamState(NamedTuple):
    """How an upstream index does, for those who operate the server.

    Attributes:
        url: The index.
        is_down: The last attempts to reach it failed, and it is not asked for a while.
        last_answer: When it last answered, in seconds since the epoch; `None` for never.
    """

    url: str
    is_down: bool
    last_answer: float | None
