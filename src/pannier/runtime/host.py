"""The target's own Python in a prefix that brings none, which links and a `pyvenv.cfg` make possible."""

import os
import sys
from typing import Dict

from .errors import ArchiveError


def find_base_executable() -> str:
    """Return the real executable of the Python that runs this, also in a virtual environment.

    Asked without `site`, so that nothing of the host's own packages is run.
    """
    executable = os.path.abspath(sys.executable)
    home = read_home(os.path.dirname(executable)) or read_home(os.path.dirname(os.path.dirname(executable)))
    if home:
        for name in ("python{}.{}".format(*sys.version_info[:2]), "python3", "python"):
            if os.path.exists(os.path.join(home, name)):
                executable = os.path.join(home, name)
                break
    return os.path.realpath(executable)


def read_home(directory: str) -> str:
    """Return the `home` of the `pyvenv.cfg` in a directory, empty when there is none."""
    try:
        with open(os.path.join(directory, "pyvenv.cfg"), encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return ""
    values: Dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition("=")
        values[key.strip().lower()] = value.strip()
    return values.get("home", "")


def link_interpreter(prefix: str, minor: str) -> None:
    """Make `bin/python3` a link to the Python that runs this, and the prefix its virtual environment.

    Args:
        prefix: The prefix; may be linked already, by another process at the same time too.
        minor: The `major.minor` version that the pack was made for.

    Raises:
        ArchiveError: This Python has another version.
        OSError: The prefix cannot be written to.
    """
    own = "{}.{}".format(*sys.version_info[:2])
    if own != minor:
        raise ArchiveError(
            "this pack runs with the Python of the machine, and this one does not fit",
            "no-interpreter",
            {"wanted": "python" + minor, "found": f"{sys.executable} ({own})"},
            f"put a Python {minor} on PATH, or pack with the interpreter inside",
        )
    executable = find_base_executable()
    lines = (
        "home = " + os.path.dirname(executable),
        "include-system-site-packages = false",
        "version = {}.{}.{}".format(*sys.version_info[:3]),
    )
    os.makedirs(os.path.join(prefix, "bin"), exist_ok=True)
    _replace_text(os.path.join(prefix, "pyvenv.cfg"), "\n".join(lines) + "\n")
    _replace_link(os.path.join(prefix, "bin", "python" + minor), executable)
    _replace_link(os.path.join(prefix, "bin", "python"), "python" + minor)
    # Last, because its presence says that the prefix is linked.
    _replace_link(os.path.join(prefix, "bin", "python3"), "python" + minor)


def _replace_text(path: str, text: str) -> None:
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.rename(temporary, path)


def _replace_link(path: str, target: str) -> None:
    temporary = f"{path}.{os.getpid()}"
    os.symlink(target, temporary)
    os.rename(temporary, path)
