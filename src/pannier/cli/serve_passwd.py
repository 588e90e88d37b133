"""`pannier serve passwd`: a user's password in a password file."""

import argparse
import sys
from pathlib import Path

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import usage_error

DESCRIPTION = """Give a user a password in a password file, for `pannier serve --htpasswd FILE`.

The file is made when it is not there; it is the one that Apache's htpasswd writes, with bcrypt. On a
terminal the password is asked for twice, else it is the first line of standard input. A server that runs
notices at once."""
EXAMPLES = (
    ("pannier serve passwd .htpasswd alice", "ask for alice's password"),
    ("pannier serve passwd .htpasswd ci < password.txt", "take it from a file"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier serve passwd`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the password file")
    parser.add_argument("user", metavar="USER", help="the user's name")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Set the password."""
    from pannier import api

    is_new = api.set_password(arguments.file, arguments.user, _ask(context))
    done = "added" if is_new else "has a new password"
    data = {"file": str(arguments.file), "user": arguments.user, "is_new": is_new}
    return Outcome(data=data, summary=f"{arguments.user} {done} in {arguments.file}")


def _ask(context: Context) -> str:
    if not context.stdin.isatty():
        return context.stdin.readline().rstrip("\r\n")
    from getpass import getpass

    password = getpass("password: ", stream=sys.stderr)
    if getpass("and again: ", stream=sys.stderr) != password:
        raise usage_error("the two passwords differ")
    return password
