"""Which installed project requires which, by the metadata of an environment (`Requires-Dist`)."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pannier.environment.installed import site_directories
from pannier.model.interpreter import Interpreter
from pannier.model.names import normalized_name

_HEADER = re.compile(r"Requires-Dist:\s*([A-Za-z0-9][\w.-]*)([^\n]*)", re.IGNORECASE)

_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)")


def installed_requirements(environment: Path | Interpreter) -> dict[str, set[str]]:
    """Read who requires whom; what an extra asks for is a requirement of `project[extra]`.

    Args:
        environment: A prefix, or a probed interpreter.

    Returns:
        Normalized project names to those that each requires.
    """
    found: dict[str, set[str]] = {}
    for directory in site_directories(environment):
        for name, required in _requirements_in(str(directory)):
            found.setdefault(name, required)
    return found


def _requirements_in(directory: str) -> Iterator[tuple[str, set[str]]]:
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in sorted(names):
        if not name.endswith(".dist-info"):
            continue
        try:
            text = Path(directory, name, "METADATA").read_text("utf-8", "replace")
        except OSError:
            continue
        headers = text.partition("\n\n")[0]
        project = normalized_name(name.removesuffix(".dist-info").partition("-")[0])
        required: dict[str, set[str]] = {project: set()}
        for match in _HEADER.finditer(headers):
            extra = _EXTRA.search(match[2])
            key = f"{project}[{normalized_name(extra[1])}]" if extra else project
            required.setdefault(key, set()).add(normalized_name(match[1]))
        yield from required.items()
