"""Names of projects, as they are compared."""

import re

_SEPARATORS = re.compile(r"[-_.]+")


def normalized_name(name: str) -> str:
    """A project's name as indexes compare it (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()
