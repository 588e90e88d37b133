"""Byte code for modules that came without: compiled in the prefix, by its own Python, on all processors."""

import os
import py_compile
import sys
from importlib.util import cache_from_source
from typing import Any, Dict, List

from .workers import Link, check_parent, count_workers, run_jobs

_BATCH = 64


def find_uncompiled(prefix: str) -> List[str]:
    """Return the modules of a prefix, relative to it, that have no byte code of the Python that runs this."""
    library = "lib/python{}.{}".format(*sys.version_info[:2])
    found = []
    for top in (library, "program"):
        for directory, directories, names in os.walk(os.path.join(prefix, top)):
            directories[:] = sorted(name for name in directories if name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(directory, name)
                if name.endswith(".py") and not os.path.exists(cache_from_source(path)):
                    found.append(os.path.relpath(path, prefix))
    return found


def compile_prefix(prefix: str, workers: int = 0) -> int:
    """Compile what has no byte code, valid whatever happens to the times of files, where Python knows such.

    Modules that this Python cannot parse are left alone, as importing them would show.

    Args:
        prefix: The prefix, whose own Python must be the one that runs this.
        workers: Processes; 0 for as many as there are processors.

    Returns:
        How many modules had none.
    """
    names = find_uncompiled(prefix)
    batches = [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]

    def compile_batch(number: int) -> List[Link]:
        for name in batches[number]:
            check_parent()
            _compile(prefix, name)
        return []

    run_jobs(compile_batch, len(batches), min(workers or count_workers(), max(1, len(batches))), prefix)
    return len(names)


def _compile(prefix: str, name: str) -> None:
    options: Dict[str, Any] = {}
    if hasattr(py_compile, "PycInvalidationMode"):
        # New in 3.7. Before, byte code is tied to its source's time, which unpacking sets once.
        options["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    path = os.path.join(prefix, name)
    try:
        # The import system puts the real path in place of the one relative to the prefix.
        py_compile.compile(path, cache_from_source(path), name, True, **options)
    except (py_compile.PyCompileError, ValueError, RecursionError):
        # Test data and templates that were never meant to be compiled.
        return
