"""Scripts of an environment: those that wheels ask for, those that wheels bring, and those that start it."""

import re
import shlex

# The kernel cuts a longer first line; 127 on Linux before 5.1, with the `#!` and the newline.
_MAX_FIRST_LINE = 127

_WRAPPER = """#!/bin/sh
unset PYTHONPATH PYTHONHOME
exec {python} -s "$@"
"""

_ENTRY_POINT = """{shebang}
import sys
from {module} import {top}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


def format_shebang(python: str) -> str:
    """The first line, or lines, by which a script is run with a Python, wherever that lies."""
    line = "#!" + python
    if len(line) < _MAX_FIRST_LINE and " " not in python and "\t" not in python:
        return line
    # A shell runs it: for Python these lines are a string.
    return f"#!/bin/sh\n'''exec' {shlex.quote(python)} \"$0\" \"$@\"\n' '''"


def format_entry_point(python: str, target: str) -> str:
    """A script that calls `module:attribute`, or runs a module's `main` of an older form."""
    module, _, attribute = target.partition(":")
    return _ENTRY_POINT.format(
        shebang=format_shebang(python), module=module, top=attribute.split(".")[0], attribute=attribute
    )


def rewrite_script(python: str, data: bytes) -> bytes:
    """A wheel's own script with its environment's interpreter in place of `#!python`."""
    match = re.match(rb"#!python(w?)([^\r\n]*)(\r?\n|\Z)", data)
    if match is None:
        return data
    return format_shebang(python).encode() + b"\n" + data[match.end() :]


def format_wrapper(python: str) -> str:
    """What starts an environment's interpreter by name, in a `#!` line too, and keeps out what others set."""
    return _WRAPPER.format(python=shlex.quote(python))
