"""`pannier run`: becomes the launcher, which becomes the command."""

import argparse
import os
import sys
from collections.abc import Sequence

from pannier.cli.commands import Context, Outcome

DESCRIPTION = """Run a pack's program, or any command in its environment.

The first run unpacks the pack into a cache, once for each content, however many processes start
together; later ones start at once. The command's exit status, signals, standard streams and working
directory are its own. Options of `pannier run` stand before FILE; everything after it is the command's."""
EXAMPLES = (
    ("pannier run weather.tar.gz", "run the packed program"),
    ("pannier run weather.tar.gz weather --city Bern", "with arguments, by its name"),
    ("pannier run weather.tar.gz python other.py", "anything else in its environment"),
    ("pannier run --cache-dir /local/scratch weather.tar.gz -- python -V", "unpack on a node's own disk"),
    ("pannier run unpacked/ python", "a directory that `pannier unpack` made"),
)
_VALUED_OPTIONS = ("--cache-dir",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier run`."""
    parser.add_argument("environment", metavar="FILE", help="a pack, or the directory it was unpacked to")
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs="*",
        default=[],
        help="what to run, with its arguments; a -- before it is dropped (default: the packed program)",
    )


def split_arguments(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide a command line after FILE: what is ours, FILE included, and the command untouched."""
    index = 0
    while index < len(argv) and argv[index].startswith("-") and argv[index] not in ("-", "--"):
        index += 2 if argv[index] in _VALUED_OPTIONS else 1
    if argv[index : index + 1] == ["--"]:
        own, command = [*argv[:index], *argv[index : index + 2]], argv[index + 2 :]
    else:
        own, command = list(argv[: index + 1]), argv[index + 1 :]
    return own, list(command[1:] if command[:1] == ["--"] else command)


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Become the command; only a failure to start it comes back."""
    from pannier import api

    argv, environ = api.run_arguments(
        arguments.environment, arguments.command, context.load_settings(), context.json
    )
    context.reporter.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], argv, environ)  # noqa: S606 - no shell of ours; the launcher is executed as it is
    raise AssertionError("execve came back")  # pragma: no cover - it does not
