"""What pypiserver was told, in our words: its command line (2.4) read, ours written.

`pypi-server run -P users packages` is `pannier serve --host 0.0.0.0 --port 8080 --htpasswd users packages`.
"""

import argparse
import shlex
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from pannier.cli.errors import usage_error

_PROGRAMS = ("pypi-server", "pypiserver", "run", "--")
# Options of pypiserver's that ask for nothing here, and why.
_NEEDLESS = {
    "server": "there is one server, made for this",
    "backend": "what was read from the files is always kept",
    "hash_algo": "pages name sha256, which every client checks",
    "cache_control": "files and pages carry validators instead",
    "health_endpoint": "it is /health, and checks something",
    "welcome": "the start page lists the projects",
    "log_frmt": "see --access-log",
    "log_req_frmt": "see --access-log",
    "log_res_frmt": "see --access-log",
    "log_err_frmt": "see --access-log",
    "log_stream": "logs go to standard error, or to --log-file",
}


class Migration(NamedTuple):
    """What becomes of a command line.

    Attributes:
        command: Ours.
        notes: What was left out or is done otherwise, a sentence each.
    """

    command: str
    notes: tuple[str, ...]


def migrate(text: str) -> Migration:
    """Translate a command line of pypiserver's, with or without its program's name.

    Raises:
        UsageError: It is none.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise usage_error(f"the command line of pypiserver cannot be read: {error}") from None
    while words and words[0].rpartition("/")[2] in _PROGRAMS:
        words = words[1:]
    given = _parser().parse_args(words)
    options, notes = _options(given)
    directories = given.package_directory or ["~/packages"]
    command = " ".join(["pannier serve", *(shlex.quote(word) for word in options), *map(_quote, directories)])
    notes += [
        f"--{name.replace('_', '-')} is left out: {_NEEDLESS[name]}"
        for name in _NEEDLESS
        if getattr(given, name)
    ]
    return Migration(command, tuple(notes))


def _options(given: argparse.Namespace) -> tuple[list[str], list[str]]:
    notes: list[str] = []
    options = ["--host", given.host or "0.0.0.0", "--port", given.port or "8080"]  # noqa: S104 - as pypiserver's
    if given.passwords and given.passwords != ".":
        options += ["--htpasswd", given.passwords]
    if given.authenticate is not None:
        rights = given.authenticate.replace(" ", "").lower() or "."
        options += ["--authenticate", rights.replace("update", "update,remove")]
    if given.overwrite:
        options.append("--overwrite")
    if given.log_file:
        options += ["--log-file", given.log_file]
    if given.verbose:
        options += ["--log-level", "info" if given.verbose == 1 else "debug"]
    prefix = (given.server_base_url or "").strip("/")
    if prefix:
        options += ["--prefix", f"/{prefix}"]
    if given.fallback_url:
        options += ["--upstream", given.fallback_url]
    if not given.disable_fallback:
        notes.append(
            "pypiserver sends clients elsewhere for what it does not have; --upstream URL fetches and keeps "
            "it instead, and never asks for a name that is yours"
        )
    return options, notes


def _quote(word: str) -> str:
    return word if word.startswith("~/") else shlex.quote(word)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UsageError: Always.
        """
        raise usage_error(
            f"this is no command line of pypiserver: {message}", hint="quote all of it, as one word"
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=True)
    parser.add_argument("package_directory", nargs="*")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("-p", "--port")
    parser.add_argument("-i", "-H", "--interface", "--host", dest="host")
    parser.add_argument("-a", "--authenticate")
    parser.add_argument("-P", "--passwords")
    parser.add_argument("-o", "--overwrite", action="store_true")
    parser.add_argument("--disable-fallback", action="store_true")
    for name in (
        "log-file",
        "fallback-url",
        "server-base-url",
        *(name.replace("_", "-") for name in _NEEDLESS),
    ):
        parser.add_argument(f"--{name}")
    return parser


def format_migration(migration: Migration) -> str:
    """Ours on a line of its own, the notes as comments before it: the whole can be pasted into a shell."""
    return "".join(f"# {note}\n" for note in migration.notes) + f"{migration.command}\n"


def migration_data(migration: Migration) -> dict[str, Sequence[str] | str]:
    """The JSON result."""
    return {"command": migration.command, "notes": list(migration.notes)}
