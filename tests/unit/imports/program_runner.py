"""Runs programs and says what they imported; a worker that forks for each, so that none sees another.

Each line of standard input names a directory, a file in it, and modules to make up on the spot where
the directory has none. The answer is a line of JSON: the names made up, and the files run.
"""

import contextlib
import importlib.abc
import importlib.machinery
import json
import os
import runpy
import sys
import types


class _Anything(types.ModuleType):
    """A module that has whatever is asked of it, and submodules of every name."""

    __path__ = ()
    __all__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **keywords: None


class _Inventor(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what nobody else finds, and writes it down."""

    def __init__(self, known):
        self.known = set(known)
        self.asked = []

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] not in self.known:
            return None
        self.asked.append(fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return _Anything(spec.name)

    def exec_module(self, module):
        pass


def _run(directory, script, known):
    inventor = _Inventor(known)
    os.chdir(directory)
    path = os.path.join(directory, script)
    sys.path[:] = [
        os.path.dirname(path),
        *(place for place in sys.path if "site-packages" not in place and place),
    ]
    sys.argv[:] = [path]
    sys.meta_path.append(inventor)
    with contextlib.suppress(BaseException):
        runpy.run_path(path, run_name="__main__")
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    inside = sorted(file for file in files if file.startswith(directory + os.sep))
    return {"asked": inventor.asked, "files": inside}


def _serve():
    for line in sys.stdin:
        receiving, sending = os.pipe()
        if os.fork() == 0:
            os.close(receiving)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            answer = _run(*json.loads(line))
            os.write(sending, json.dumps(answer).encode())
            os._exit(0)
        os.close(sending)
        with os.fdopen(receiving) as stream:
            sys.stdout.write(stream.read() + "\n")
            sys.stdout.flush()
        os.wait()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    _serve()
