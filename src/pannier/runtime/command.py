"""The verbs of what travels: what the launcher starts on the target."""

import os
import signal
import sys
from typing import List, NoReturn

from .archive import parse_head, read_pack
from .bytecode import compile_prefix
from .errors import ArchiveError, format_error, storage
from .host import link_interpreter
from .unpack import mark_complete, unpack_pack

_USAGE_STATUS = 2


def main(arguments: List[str]) -> int:
    """Do one verb; print an error as all of Pannier's look; return the exit status."""
    signal.signal(signal.SIGTERM, _end)
    verb, operands = (arguments[0], arguments[1:]) if arguments else ("", [])
    try:
        if verb == "install" and len(operands) == 4:
            install(*operands)
        elif verb == "link" and len(operands) == 1:
            with open(os.path.join(operands[0], ".pannier/head"), "rb") as stream:
                link_interpreter(operands[0], parse_head(stream.read()).python_minor)
        elif verb == "compile" and len(operands) == 1:
            compile_prefix(operands[0])
        else:
            sys.stderr.write("usage: runtime install|link|compile ..., as its __main__.py says\n")
            return _USAGE_STATUS
    except ArchiveError as error:
        sys.stderr.write(format_error(error))
        return 1
    except OSError as error:
        sys.stderr.write(format_error(storage(error, operands[0])))
        return 1
    return 0


def install(path: str, stage: str, target: str, mode: str) -> None:
    """Unpack all but the first layers, which the launcher unpacked, and put the prefix in place.

    Args:
        path: The pack.
        stage: The directory that holds the first layers.
        target: Where the prefix is to be.
        mode: `new` renames the stage to the target; `replace` also moves aside what is there; `fill` moves
            file by file into it.
    """
    pack = read_pack(path)
    skipped = [layer.name for layer in pack.layers if layer.is_bootstrap]
    unpack_pack(path, stage, skip_layers=skipped)
    if pack.head.origin == "host":
        link_interpreter(stage, pack.head.python_minor)
    if not all(layer.bytecode for layer in pack.layers):
        compile_prefix(stage)
    if mode == "fill":
        fill(stage, target)
        mark_complete(target, pack.head.id)
        return
    mark_complete(stage, pack.head.id)
    if mode == "replace":
        # The launcher holds the lock, and removes what lies beside under such a name.
        parent, name = os.path.split(target)
        os.rename(target, os.path.join(parent, f".{name}.pannier.old.{os.getpid()}"))
    os.rename(stage, target)


def fill(stage: str, target: str) -> None:
    """Move a tree into a directory that holds other files, of which those of the same names are replaced."""
    for directory, directories, names in os.walk(stage):
        place = os.path.join(target, os.path.relpath(directory, stage))
        links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
        for name in directories:
            path = os.path.join(place, name)
            if name not in links and not os.path.isdir(path):
                os.mkdir(path)
        for name in names + links:
            os.replace(os.path.join(directory, name), os.path.join(place, name))


def _end(_number: int, _frame: object) -> NoReturn:
    # Raised in the middle of whatever runs, so that workers are stopped on the way out.
    # Only once: the launcher repeats it until this process has ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)
