"""A copy of an interpreter of this machine that runs wherever its prefix is put.

Files that can stay as they are come from where they lie; the others (ELF files with a search path, a few
texts that name this machine) are made once and kept in the cache, together with the list of all, so that a
second pack has the whole copy for the price of looking at its files' times.
"""

import errno
from pathlib import Path

from pannier.environment import plans
from pannier.environment.tree import InterpreterTree, TreeEntry, write_tree
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.store.writing import storage_error

__all__ = ["InterpreterTree", "TreeEntry", "plan_interpreter", "write_tree"]


def plan_interpreter(
    interpreter: Interpreter, interpreters: Path, reporter: Reporter | None = None
) -> InterpreterTree:
    """Say what a relocatable copy of an interpreter is made of; a venv's is its base's.

    The first time, the copy is put together, run elsewhere and checked; afterwards the list is read back as
    long as none of its files has changed.

    Args:
        interpreter: As probed.
        interpreters: Where copies are kept (`CacheDirectories.interpreters`).
        reporter: Hears that a copy is made, which takes seconds.

    Raises:
        InterpreterError: It cannot be copied, or its copy does not run as it does.
    """
    key = plans.plan_key(interpreter)
    tree = plans.read_plan(interpreters, key)
    if tree is not None:
        return tree
    heard, stage = reporter or SilentReporter(), Stage(name="copying the interpreter")
    heard.begin(stage)
    try:
        return _make(interpreter, interpreters, key)
    finally:
        heard.end(stage)


def _make(interpreter: Interpreter, interpreters: Path, key: str) -> InterpreterTree:
    # Reading ELF files takes modules that a plan read back does without.
    import shutil
    import tempfile

    from pannier.environment.copying import Copy
    from pannier.environment.selection import check_copyable, watched_directories
    from pannier.environment.verification import verify_copy

    check_copyable(interpreter)
    watched = plans.stamps(watched_directories(interpreter))
    try:
        interpreters.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=".making.", dir=interpreters))
    except OSError as error:
        raise storage_error(error, interpreters, size=0) from error
    try:
        tree = Copy(interpreter, workshop / "files").make()
        verify_copy(tree, interpreter, workshop)
        tree = _keep(tree, workshop / "files", interpreters)
    except OSError as error:
        # The file that was being written is gone in a moment; where it was is what the user can act on.
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise storage_error(error, interpreters, size=_size_of(workshop)) from error
        raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    plans.write_plan(interpreters, key, tree, watched)
    return tree


def _size_of(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*"))


def _keep(tree: InterpreterTree, made: Path, interpreters: Path) -> InterpreterTree:
    """Move what was made to its place by content; another process may have been there first with the same."""
    place = interpreters / tree.fingerprint
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        # Half a copy, after a cleaning that was stopped, is no copy.
        for entry in tree.entries:
            if entry.source is not None and entry.source.is_relative_to(made):
                kept = place / entry.name
                kept.parent.mkdir(parents=True, exist_ok=True)
                entry.source.replace(kept)
    entries = tuple(
        entry._replace(source=place / entry.source.relative_to(made))
        if entry.source is not None and entry.source.is_relative_to(made)
        else entry
        for entry in tree.entries
    )
    return tree._replace(entries=entries)
