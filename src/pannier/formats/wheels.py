"""Wheels: file names, metadata files, and the commands they install.

Standards: the binary distribution format (PEP 427, PEP 491), entry points, RECORD (PEP 376, PEP 627), and
platform tags (PEP 425, PEP 600, PEP 656).
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from pannier.model.errors import PackError
from pannier.model.names import normalized_name

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
_MUSLLINUX = re.compile(r"musllinux_(\d+)_(\d+)_")
# PEP 600 names these three older tags by the glibc they stand for.
_LEGACY_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_PYTHON_SHEBANG = re.compile(rb"#!python[^\n]*\n?")
_ENCODING_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_WHEEL_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.]*)-(?P<version>[0-9][\w.!+]*)(-[0-9][\w.]*)?"
    r"-(?P<python>[\w.]+)-(?P<abi>[\w.]+)-(?P<platform>[\w.]+)\.whl",
    re.ASCII,
)
_IDENTIFIER = r"[^\d\W]\w*"
_OBJECT_REFERENCE = re.compile(
    rf"(?P<module>{_IDENTIFIER}(\.{_IDENTIFIER})*)\s*:\s*(?P<attribute>{_IDENTIFIER}(\.{_IDENTIFIER})*)"
    r"\s*(\[(?P<extras>[^\]]*)\])?"
)


class WheelName(NamedTuple):
    """What a wheel's file name tells.

    Attributes:
        project: Normalized project name.
        version: As the file name writes it, normalized.
        platforms: Platform tags, any of which may fit.
    """

    project: str
    version: str
    platforms: tuple[str, ...]


class ConsoleScript(NamedTuple):
    """A command to make from an entry point.

    Attributes:
        name: The file's name in `bin`.
        module: Dotted module to import.
        attribute: Dotted name of what to call in it.
        is_graphical: It was declared as a GUI script, which on Linux makes no other file.
    """

    name: str
    module: str
    attribute: str
    is_graphical: bool = False


class RecordEntry(NamedTuple):
    """One line of a RECORD.

    Attributes:
        path: Relative to the directory that holds the `.dist-info`.
        digest: `algorithm=base64`, or empty.
        size: In bytes, as text; may be empty.
    """

    path: str
    digest: str = ""
    size: str = ""


def parse_wheel_filename(filename: str) -> WheelName:
    """Take a wheel's file name apart.

    Raises:
        PackError: It is not a wheel's file name.
    """
    # Not `packaging.utils`, whose import takes longer than writing a pack from finished layers.
    match = _WHEEL_NAME.fullmatch(filename)
    if match is None:
        raise PackError(
            f"`{filename}` is not the name of a wheel",
            code="wheel-name",
            facts={"wanted": "NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl"},
        )
    return WheelName(
        normalize_project(match["name"]), match["version"], tuple(sorted(match["platform"].split(".")))
    )


def normalize_project(name: str) -> str:
    """Write a project's name as indexes compare it (PEP 503)."""
    return normalized_name(name)


def libc_floor(platforms: Iterable[str]) -> tuple[str, tuple[int, int]] | None:
    """Tell the least C library that a wheel with these platform tags needs.

    Args:
        platforms: Platform tags of one wheel; one that fits is enough, so the lowest counts.

    Returns:
        Family and version; (0, 0) when only a tag such as `linux_x86_64` says that something is compiled;
        `None` when the wheel runs anywhere.
    """
    floors: list[tuple[str, tuple[int, int]]] = []
    for platform in platforms:
        if platform == "any":
            return None
        if match := _MANYLINUX.match(platform):
            floors.append(("glibc", (int(match[1]), int(match[2]))))
        elif match := _MUSLLINUX.match(platform):
            floors.append(("musl", (int(match[1]), int(match[2]))))
        elif (legacy := platform.split("_", 1)[0]) in _LEGACY_MANYLINUX:
            floors.append(("glibc", _LEGACY_MANYLINUX[legacy]))
    return min(floors) if floors else ("", (0, 0))


def parse_root_is_purelib(text: str) -> bool:
    """Read `Root-Is-Purelib` from a WHEEL file.

    Args:
        text: The file's content.

    Raises:
        PackError: The wheel is of a format version newer than 1.x.
    """
    fields = dict(_header_fields(text))
    version = fields.get("wheel-version", "1.0")
    if version.split(".")[0] != "1":
        raise PackError(
            f"a wheel is of format version {version}, which this Pannier does not know", code="wheel-version"
        )
    return fields.get("root-is-purelib", "").lower() == "true"


def parse_name_and_version(text: str) -> tuple[str, str]:
    """Read `Name` and `Version` from a METADATA file, as written there; empty where missing."""
    fields = dict(reversed(list(_header_fields(text))))
    return fields.get("name", ""), fields.get("version", "")


def _header_fields(text: str) -> Iterable[tuple[str, str]]:
    """Yield the fields of an email-like header, keys in lower case, folded lines left out."""
    for line in text.splitlines():
        if not line.strip():
            return
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            yield key.lower(), value.strip()


def parse_entry_points(text: str) -> tuple[ConsoleScript, ...]:
    """Read the commands from an `entry_points.txt`: `console_scripts` and, on Linux the same, `gui_scripts`.

    Raises:
        PackError: A command's name or object reference is none.
    """
    scripts: dict[str, ConsoleScript] = {}
    section = ""
    for raw_line in text.splitlines():
        line = raw_line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif line and line[0] not in "#;" and section in {"console_scripts", "gui_scripts"}:
            name, _, reference = line.partition("=")
            command = _console_script(name.strip(), reference.strip(), is_graphical=section == "gui_scripts")
            scripts[command.name] = command
    return tuple(scripts[name] for name in sorted(scripts))


def _console_script(name: str, reference: str, *, is_graphical: bool) -> ConsoleScript:
    match = _OBJECT_REFERENCE.fullmatch(reference)
    if match is None or not name or "/" in name or "\0" in name or name in {".", ".."}:
        raise PackError(
            f"the entry point `{name} = {reference}` is not valid",
            code="entry-point",
            facts={"wanted": "NAME = MODULE:ATTRIBUTE"},
        )
    return ConsoleScript(name, match["module"], match["attribute"], is_graphical)


def parse_record(text: str) -> tuple[RecordEntry, ...]:
    """Read the lines of a RECORD, in their order."""
    import csv
    import io

    entries = []
    for row in csv.reader(io.StringIO(text, newline="")):
        if row and row[0]:
            path, digest, size = (*row, "", "")[:3]
            entries.append(RecordEntry(path, digest, size))
    return tuple(entries)


def format_record(entries: Iterable[RecordEntry]) -> str:
    """Write a RECORD with the entries in the order of their paths."""
    import csv
    import io

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(
        (entry.path, entry.digest, entry.size) for entry in sorted(entries, key=lambda one: one.path)
    )
    return stream.getvalue()


# To the shell the second line is the command `:`; to Python it begins a string that ends where its own part
# begins. No backslash stands in it, so that no Python sees an escape. A `$0` without a slash was either
# opened from the working directory or, by `sh NAME`, found in PATH.
_HEADER = b"""\
#!/bin/sh
''':'
unset PYTHONHOME PYTHONPATH
PYTHONNOUSERSITE=1
export PYTHONNOUSERSITE
script=$0
case $script in
*/*) ;;
*) if [ -e "./$script" ]; then script=./$script; else script=$(command -v -- "$script"); fi ;;
esac
real=$script
if [ -L "$real" ]; then real=$(readlink -f -- "$real" 2>/dev/null) || real=$script; fi
here=${real%/*}
"""
_PYTHON_HEADER = _HEADER + b"""exec "$here/python3" "$script" "$@"\n'''\n"""

# A script of somebody else's may begin with a docstring that it shows to its users, and `from __future__` may
# follow; our string before them would break both. So its text is compiled from where ours ends, lines kept.
_SCRIPT_HEADER = (
    _HEADER
    + b"""\
exec "$here/python3" -c 'import os, sys
del sys.argv[0]
__file__ = sys.argv[0]
if sys.path[:1] == [""]:
    sys.path[0] = os.path.dirname(os.path.realpath(__file__))
def text():
    with open(__file__, "rb") as stream:
        ours, end, theirs = stream.read().partition(bytes([10, 39, 39, 39, 10]))
    return bytes([10]) * ((ours + end).count(10)) + theirs
exec(compile(text(), __file__, "exec"))' "$script" "$@"
'''
"""
)


def format_console_script(module: str, attribute: str) -> bytes:
    """Write the command of an entry point, for a `bin` that may lie anywhere.

    Args:
        module: Dotted module to import.
        attribute: Dotted name of what to call in it.
    """
    root = attribute.partition(".")[0]
    text = f"""\
import sys
from {module} import {root}
if __name__ == "__main__":
    for suffix in ("-script.pyw", ".exe"):
        if sys.argv[0].endswith(suffix):
            sys.argv[0] = sys.argv[0][: -len(suffix)]
    sys.exit({attribute}())
"""
    return _PYTHON_HEADER + text.encode()


def format_program_script(*, script: str = "", module: str = "") -> bytes:
    """Write the command of a packed program, with its own directory first on the path.

    Args:
        script: Path in the prefix of the script to run.
        module: Dotted name, below `program/`, of the module to run as `python -m` would.
    """
    if script:
        start = f'"$prefix"/{quote(script)}'
    else:
        start = f"""-c '{RUN_MODULE}' "$prefix/program" {quote(module)}"""
    text = f"""\
prefix=$(CDPATH= cd -- "$here/.." && pwd -P)
exec "$here/python3" {start} "$@"
'''
import os, sys
os.execv("/bin/sh", ["/bin/sh", __file__] + sys.argv[1:])
"""
    return _HEADER + text.encode()


# `python -m` itself would put the working directory first on the path.
RUN_MODULE = """import runpy, sys
sys.path[: sys.path[:1] == [""]] = [sys.argv.pop(1)]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)"""


def python_of_command(data: bytes) -> bytes | None:
    """Take the Python out of a command made by one of the functions here; `None` when it is none of those."""
    if not data.startswith(_HEADER):
        return None
    return data.partition(b"\n'''\n")[2]


def record_digest(data: bytes) -> str:
    """Write the digest of a file as RECORD has it (PEP 376)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


def quote(text: str) -> str:
    """Quote text for a POSIX shell, by single quotes whatever it holds."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def format_wheel_script(data: bytes) -> bytes:
    """Rewrite a file of `.data/scripts` that begins with `#!python`; return others as they are.

    The text after the first line stays, but a coding that is not UTF-8 becomes it: the cookie would stand too
    late.
    """
    shebang = _PYTHON_SHEBANG.match(data)
    if shebang is None:
        return data
    rest = data[shebang.end() :]
    cookie = _ENCODING_COOKIE.match(rest)
    if cookie is not None and cookie[1].lower() not in {b"utf-8", b"utf8"}:
        try:
            rest = rest.decode(cookie[1].decode("ascii")).encode()
        except (LookupError, UnicodeDecodeError):
            return data
    return _SCRIPT_HEADER + rest
