"""The `pannier` command: finds the verb, hands it its arguments, prints what it returns.

Only the module of the verb at hand is loaded, so that help and packing with warm layers start fast.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pannier import __version__
from pannier.cli.commands import Command, Context, Outcome
from pannier.cli.errors import render_error, suggestion, usage_error
from pannier.cli.parsing import (
    CommandParser,
    add_common_options,
    format_examples,
    make_parser,
    parse_arguments,
    split_common_options,
)
from pannier.cli.process import guard, prepare, write_output
from pannier.cli.render import printable, style_of
from pannier.model.errors import PannierError, StorageError

if TYPE_CHECKING:
    from pannier.cli.progress import CommandReporter

VERBS = {
    "analyze": "say what a program imports, and which projects provide it",
    "lock": "choose exact versions, every file with its hash, for one or several targets",
    "pack": "put a program, its environment and its interpreter into one file",
    "run": "run a pack's program, or any command in its environment",
    "unpack": "unpack a pack into a directory, verified",
    "verify": "check every byte of a pack against its manifest",
    "inspect": "show what is inside a pack",
    "vendor": "put what a program needs beside it, for any python3 that fits",
    "release": "release a project to an index: check, build, upload, verify, tag",
    "serve": "serve a private package index over a directory of distributions",
    "site": "several environments for a server without internet: plan, lock, carry over, install",
    "doctor": "look an index over: what its clients rely on, and names that somebody could take over",
    "cache": "say where the cache is and what it holds; clean it",
    "completion": "print a script that completes commands in a shell",
}
# Verbs of two words, each with a module of its own.
SUBVERBS = {
    "serve passwd": "give a user a password in a password file",
    "serve token": "make, list and revoke tokens to publish with",
    "serve yank": "keep releases out of new installs",
    "serve remove": "remove releases from an index",
    "serve status": "say how a project of an index is doing",
    "serve clean": "remove what an index fetched from its upstream",
    "serve export": "write an index as static files for any web server",
    "site plan": "say what each environment of a site would consist of, before anything is downloaded",
    "site lock": "choose exact versions for each environment of a site",
    "site bundle": "put every locked wheel of a site into one file that installs it on its server",
    "site diff": "say what has changed in a site's locks",
    "site pull": "ask a server what it has",
    "site push": "send a server what it lacks, and install it there",
}
EXAMPLES = (
    ("pannier pack weather.py -o weather.tar.gz", "carry a script with everything it needs"),
    ("pannier run weather.tar.gz", "run it where there is nothing: no Python, no network"),
    ("pannier run weather.tar.gz weather --city Bern", "the program is a command inside, by its name"),
    ("pannier run weather.tar.gz python other.py", "and so is everything else in its environment"),
    ("pannier vendor weather.py --wrapper", "what a script needs, beside it, for the python3 of the machine"),
    ("pannier site bundle -o site.run", "several environments for a server without internet, in one file"),
    ("pannier serve packages/", "a private index of the distributions in a directory"),
    ("pannier release --index team", "check and build a project, and publish it there"),
)
EXIT_STATUSES = """exit status: 0 done, 1 the operation failed, 2 the command line was wrong, 130 interrupted;
  3 `pannier analyze --check` found something; `pannier run` ends as the command it runs does"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `pannier` command.

    Args:
        argv: Arguments without the program's name; the process's own by default.

    Returns:
        The exit status.
    """
    if argv is None:
        prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    session = _Session(arguments)
    return guard(session.run, session.fail, argv=["pannier", *arguments], environ=os.environ)


class _Session:
    """One invocation: knows how errors are to be shown, even before the command line is understood."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.verb = ""
        self.json = wants_json(argv)
        self.verbose = False
        self.reporter: CommandReporter | None = None

    def run(self) -> int:
        before, rest = split_common_options(self.argv)
        if not rest and self.json:
            raise usage_error("no verb is given", hint="see `pannier --help`", verbs=", ".join(VERBS))
        if not rest or rest[0] in ("-h", "--help", "-V", "--version", "help"):
            return _answer(rest, complete=bool(rest))
        self.verb, words = split_verb(rest)
        arguments = parse_command(self.verb, [*before, *words])
        self.verbose = arguments.verbose
        self.json = arguments.json
        context = self._open(arguments)
        try:
            outcome = load_command(self.verb).execute(arguments, context)
        finally:
            context.reporter.close()
        self._show(outcome, context, quiet=arguments.quiet)
        return outcome.status

    def _open(self, arguments: argparse.Namespace) -> Context:
        from pannier.cli.progress import choose_reporter

        error_style = style_of(sys.stderr, os.environ)
        self.reporter = choose_reporter(
            sys.stderr, error_style, quiet=arguments.quiet, verbose=arguments.verbose, json=arguments.json
        )
        return Context(
            reporter=self.reporter,
            style=style_of(sys.stdout, os.environ),
            environ=os.environ,
            directory=Path.cwd(),
            stdin=sys.stdin,
            flags={name: value for name, value in vars(arguments).items() if value is not None},
            verbose=arguments.verbose,
            json=arguments.json,
        )

    def _show(self, outcome: Outcome, context: Context, *, quiet: bool) -> None:
        if self.json:
            from pannier.cli.envelope import format_success

            write_output(format_success(self.verb, outcome.data, context.reporter.notices))
            return
        write_output(outcome.text)
        if outcome.summary and not quiet:
            sys.stderr.write(f"{printable(outcome.summary)}\n")

    def fail(self, error: PannierError) -> None:
        if self.json:
            from pannier.cli.envelope import format_failure

            notices = self.reporter.notices if self.reporter else []
            try:
                write_output(format_failure(self.verb, error, notices))
            except StorageError as unwritten:
                # There is one place left to say so.
                sys.stderr.write(render_error(unwritten, style_of(sys.stderr, os.environ)))
            return
        sys.stderr.write(render_error(error, style_of(sys.stderr, os.environ), verbose=self.verbose))


def wants_json(argv: Sequence[str]) -> bool:
    """Whether a command line asks for JSON; what follows the pack of `run` is not ours to read."""
    before, rest = split_common_options(argv)
    if rest[:1] == ["run"]:
        from pannier.cli.run import split_arguments

        return "--json" in [*before, *split_arguments(rest[1:])[0]]
    return "--json" in argv


def _answer(words: Sequence[str], *, complete: bool) -> int:
    """Answer `--help`, `--version`, `help VERB`, or no word at all."""
    if words[:1] == ["help"] and len(words) > 1:
        sys.stdout.write(make_verb_parser(split_verb(words[1:])[0]).format_help())
    elif words[:1] in (["-V"], ["--version"]):
        sys.stdout.write(f"pannier {__version__}\n")
    else:
        (sys.stdout if complete else sys.stderr).write(format_main_help())
    return 0 if complete else 2


def format_main_help() -> str:
    """The help of `pannier` itself."""
    verbs = "".join(f"  {name:12}{summary}\n" for name, summary in VERBS.items())
    return (
        "usage: pannier VERB ...\n\n"
        "Carry a Python program, with everything it needs, to a machine that has nothing.\n\n"
        f"verbs:\n{verbs}\n"
        "options:\n"
        "  -h, --help     show this, or a verb's own help: `pannier VERB --help`\n"
        "  -V, --version  show the version\n"
        "  --json, -q/--quiet, -v/--verbose and --cache-dir DIR belong to every verb\n\n"
        f"{format_examples(EXAMPLES)}\n\n{EXIT_STATUSES}\n"
    )


def split_verb(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The verb that a command line begins with, of one word or two, and the words after it.

    Raises:
        UsageError: It begins with none.
    """
    verb = " ".join(words[:2])
    return (verb, words[2:]) if verb in SUBVERBS else (known_verb(words[0]), words[1:])


def known_verb(word: str) -> str:
    """`word`, when it is a verb.

    Raises:
        UsageError: It is none; the nearest one is named.
    """
    if word in VERBS:
        return word
    if word.startswith("-"):
        raise usage_error(
            f"`pannier` has no option `{word}`", hint="options of a verb stand after it; see `pannier --help`"
        )
    facts = {"verbs": ", ".join(VERBS)}
    hint = suggestion(word, list(VERBS))
    if not hint and Path(word).exists():
        is_pack = word.endswith((".tar.gz", ".tgz", ".tar.zst"))
        hint = f"write `pannier run {word}`" if is_pack else f"write `pannier pack {word} -o FILE` to pack it"
    raise usage_error(f"there is no verb `{word}`", hint=hint or "see `pannier --help`", **facts)


def load_command(verb: str) -> Command:
    """The module of a verb."""
    return cast("Command", importlib.import_module(f"pannier.cli.{verb.replace(' ', '_')}"))


def make_verb_parser(verb: str) -> CommandParser:
    """The whole parser of one verb."""
    command = load_command(verb)
    parser = make_parser(f"pannier {verb}", command.DESCRIPTION, command.EXAMPLES)
    command.add_arguments(parser)
    add_common_options(parser)
    return parser


def parse_command(verb: str, argv: Sequence[str]) -> argparse.Namespace:
    """Read one verb's command line.

    Raises:
        UsageError: It is wrong.
        SystemExit: `--help` was asked for, and shown.
    """
    parser = make_verb_parser(verb)
    if verb == "run":
        from pannier.cli.run import split_arguments

        own, command = split_arguments(argv)
        namespace = parse_arguments(parser, own)
        namespace.command = command
        return namespace
    return parse_arguments(parser, argv)


if __name__ == "__main__":
    sys.exit(main())
