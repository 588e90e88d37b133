"""Commands in `/usr/bin` that start what lies in a prefix of its own."""

from collections.abc import Sequence

_RUN_MODULE = """import runpy, sys
sys.path[: sys.path[:1] == [""]] = [sys.argv.pop(1)]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)"""


def script_start(prefix: str, place: str) -> tuple[str, ...]:
    """The words that run a Python file of a prefix."""
    return (f"{prefix}/bin/python3", f"{prefix}/{place}")


def module_start(prefix: str, module: str) -> tuple[str, ...]:
    """The words that run a module below `program/`, as `python -m` would in another directory."""
    return (f"{prefix}/bin/python3", "-c", _RUN_MODULE, f"{prefix}/program", module)


def format_system_command(prefix: str, start: Sequence[str], variables: Sequence[tuple[str, str]]) -> bytes:
    """Write the command.

    Nothing of the caller's Python reaches the program: no paths of the environment, and no packages of the
    user's home directory. The prefix's other commands are found last, for programs that start them.

    Args:
        prefix: Absolute path.
        start: The words to start.
        variables: Environment variables to set, with their values.
    """
    lines = ["#!/bin/sh", "unset PYTHONHOME PYTHONPATH", "PYTHONNOUSERSITE=1", f'PATH="$PATH:{prefix}/bin"']
    lines += [f"{name}={_quote(value)}" for name, value in variables]
    names = ["PYTHONNOUSERSITE", "PATH", *(name for name, _ in variables)]
    lines += [f"export {' '.join(names)}", f'exec {" ".join(map(_quote, start))} "$@"']
    return "".join(f"{line}\n" for line in lines).encode()


def _quote(text: str) -> str:
    import shlex

    return shlex.quote(text)
