"""Waiting for an event as long as the busiest machine takes, and no longer than it takes to come."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60


def wait_until(is_so: Callable[[], object], what: str = "it never came to be") -> None:
    """Return as soon as something holds; the test fails, with these words, where it never does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.002)
