"""Argument parsers: options anywhere, help that teaches, mistakes that name the nearest right word."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pannier.cli.commands import Example
from pannier.cli.errors import suggestion, usage_error
from pannier.cli.render import terminal_width

VERSION_NUMBER = re.compile(r"\d+(\.\d+){0,2}")
_COMMON_FLAGS = ("--json", "-q", "--quiet", "-v", "--verbose")


class CommandParser(argparse.ArgumentParser):
    """A parser that raises our errors instead of leaving the process, and reads alike on every Python."""

    def format_help(self) -> str:
        """The help, with what must be given in its first line and everything else below."""
        self.usage = self.usage or self._make_usage()
        return super().format_help()

    def parse_intermixed(self, argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """The namespace, and the words that fit nowhere; options may stand between positional arguments."""
        # Before argparse parses: it hides the positional arguments from itself while it reads the options.
        self.usage = self.usage or self._make_usage()
        return self.parse_known_intermixed_args(list(argv))

    def _make_usage(self) -> str:
        words = [self.prog, "[OPTIONS]"]
        for action in self._actions:
            name = str(action.metavar or action.dest)
            if action.required and action.option_strings:
                words.append(f"{action.option_strings[0]} {name}")
        for action in self._get_positional_actions():
            name = "{" + ",".join(action.choices) + "}" if action.choices else str(action.metavar)
            forms = {"+": f"{name}...", "*": f"[{name}...]", "?": f"[{name}]"}
            words.append(forms.get(str(action.nargs), name))
        return " ".join(words)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UsageError: Always.
        """
        raise usage_error(_tidy(message), hint=f"`{self.prog} --help` shows what it takes")


def _tidy(message: str) -> str:
    """Argparse's sentence with its literals in backticks."""
    message = re.sub(r"^argument ([^:]+): ", r"`\1`: ", message)
    message = re.sub(r"invalid int value: ('.*')", r"\1 is no whole number", message)
    return re.sub(r"'([^']*)'", r"`\1`", message)


class _HelpFormatter(argparse.HelpFormatter):
    """Fills paragraphs, keeps indented blocks, and writes options as Python 3.13 does: `-o, --output OUT`."""

    def __init__(self, prog: str) -> None:
        # Each argument that is declared asks for a formatter, and argparse's own measures with `shutil`.
        super().__init__(prog, width=terminal_width(os.environ) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap

        blocks = text.split("\n\n")
        return "\n\n".join(
            block if "\n " in f"\n{block}" else textwrap.fill(block, width, initial_indent=indent)
            for block in blocks
        )

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, str(action.metavar or action.dest.upper()))
        return f"{', '.join(action.option_strings)} {value}"


def make_parser(program: str, description: str, examples: Sequence[Example] = ()) -> CommandParser:
    """An empty parser with the description and the examples in its help."""
    return CommandParser(
        prog=program,
        description=description,
        epilog=format_examples(examples) or None,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )


def format_examples(examples: Sequence[Example]) -> str:
    """The examples, each below what it is for."""
    if not examples:
        return ""
    return "examples:\n" + "\n".join(f"  # {purpose}\n  {line}" for line, purpose in examples)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Declare what every verb has: `--json`, `--quiet`, `--verbose` and `--cache-dir`."""
    group = parser.add_argument_group("options of every verb")
    group.add_argument("--json", action="store_true", help="print one JSON object, also for an error")
    group.add_argument("-q", "--quiet", action="store_true", help="print nothing but results and errors")
    group.add_argument("-v", "--verbose", action="store_true", help="shorten nothing, and log progress")
    group.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="where downloads, layers and unpacked packs are kept (default: $PANNIER_CACHE_DIR, "
        "else the user's cache directory)",
    )


def add_served_directory(parser: argparse.ArgumentParser) -> None:
    """Declare which index a verb is about, of those of this machine."""
    parser.add_argument(
        "-d",
        "--directory",
        metavar="DIR",
        dest="served",
        action="append",
        default=[],
        help="the directory that is served (default: what the setting `directories` of `serve` says)",
    )


def add_index_options(parser: argparse.ArgumentParser) -> None:
    """Declare where distributions come from."""
    group = parser.add_argument_group("where distributions come from")
    group.add_argument(
        "--offline", action="store_true", default=None, help="ask no network: use what the cache has"
    )
    group.add_argument(
        "--index-url",
        metavar="URL",
        help="use this package index instead of the one pip and uv are set up for",
    )
    group.add_argument(
        "--extra-index-url", metavar="URL", action="append", help="ask this index as well; may be repeated"
    )
    group.add_argument(
        "--find-links",
        metavar="DIR",
        action="append",
        help="consider the distributions in this directory or on this page as well; may be repeated",
    )


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Declare which Pythons and platforms something is for."""
    group = parser.add_argument_group("what it is for")
    group.add_argument(
        "--python",
        dest="pythons",
        metavar="VERSION",
        type=parse_python,
        action="append",
        default=[],
        help="for this Python, such as 3.11; may be repeated",
    )
    group.add_argument(
        "--platform",
        dest="platforms",
        metavar="PLATFORM",
        action="append",
        default=[],
        help="for this platform, such as linux-x86_64-glibc2.28; may be repeated",
    )


def add_version_options(parser: argparse.ArgumentParser) -> None:
    """Declare how versions are chosen anew, beside `add_resolution_options`."""
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions, whatever is locked")
    parser.add_argument(
        "--constraint",
        dest="constraints",
        metavar="REQUIREMENT",
        type=parse_requirement,
        action="append",
        default=[],
        help="bound the versions of a project, such as 'numpy<2', if it is needed at all; may be repeated",
    )


def add_strict_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--strict`, which asks more of what is read out of a program."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse unknown imports, guesses, projects with little evidence, and unreadable sources",
    )


def add_mapping_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--pkg-mapping`, which the errors about unknown imports tell users of."""
    parser.add_argument(
        "--pkg-mapping",
        "--mapping",
        dest="pairs",
        metavar="IMPORT=NAME",
        type=parse_pair,
        action="append",
        default=[],
        help="this project provides this import; may be repeated",
    )


def add_resolution_options(parser: argparse.ArgumentParser) -> None:
    """Declare which versions may be chosen."""
    group = parser.add_argument_group("which versions are chosen")
    group.add_argument("--prerelease", action="store_true", default=None, help="let pre-releases be chosen")
    group.add_argument(
        "--exclude-newer", metavar="DATE", help="ignore what was uploaded after this date, such as 2026-01-31"
    )


def parse_arguments(parser: CommandParser, argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line whose options may stand anywhere.

    Raises:
        UsageError: It is wrong; an unknown option comes with the nearest known one.
        SystemExit: `--help` or `--version` was asked for, and shown.
    """
    namespace, unknown = parser.parse_intermixed(_without_separator(argv))
    if not unknown:
        return namespace
    word = unknown[0]
    if word.startswith("-") and word != "-":
        hint = suggestion(word.partition("=")[0], option_names(parser))
        raise usage_error(
            f"`{parser.prog}` has no option `{word.partition('=')[0]}`",
            hint=hint or f"`{parser.prog} --help` shows its options",
        )
    raise usage_error(
        f"`{parser.prog}` does not know what to do with `{word}`",
        hint=f"`{parser.prog} --help` shows what it takes",
    )


def _without_separator(argv: Sequence[str]) -> list[str]:
    """The words without `--`: argparse's intermixed parsing forgets it between its two rounds.

    What follows it are names, so that one with a hyphen in front is the same as `./` and that one.
    """
    if "--" not in argv:
        return list(argv)
    index = list(argv).index("--")
    names = [f"./{word}" if word.startswith("-") and word != "-" else word for word in argv[index + 1 :]]
    return [*argv[:index], *names]


def option_names(parser: argparse.ArgumentParser) -> list[str]:
    """Every long option of a parser."""
    usage = (name for action in parser._actions for name in action.option_strings)
    return [name for name in usage if name.startswith("--")]


def split_common_options(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide a command line into the options before the verb that every verb has, and the rest."""
    index = 0
    while index < len(argv):
        if argv[index] in _COMMON_FLAGS or argv[index].startswith("--cache-dir="):
            index += 1
        elif argv[index] == "--cache-dir":
            index += 2
        else:
            break
    return list(argv[:index]), list(argv[index:])


def parse_pair(text: str) -> tuple[str, str]:
    """Read `IMPORT=NAME`.

    Raises:
        ArgumentTypeError: It is not such a pair.
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form IMPORT=NAME")
    return name, value


def parse_python(text: str) -> str:
    """Read a Python version such as `3.11` or `3.11.7`.

    Raises:
        ArgumentTypeError: It is not a version.
    """
    if VERSION_NUMBER.fullmatch(text) is None or "." not in text:
        raise argparse.ArgumentTypeError(f"'{text}' is not a Python version such as 3.11 or 3.11.7")
    return text


def parse_requirement(text: str) -> str:
    """Read a requirement such as `numpy<2` (PEP 508).

    Raises:
        ArgumentTypeError: It is none.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise argparse.ArgumentTypeError(f"'{text}' is no requirement such as numpy<2: {reason}") from None
    return text


def split_python(text: str) -> tuple[str, str]:
    """Tell an interpreter or environment from a version: `(python, target_python)`, one of them empty."""
    if VERSION_NUMBER.fullmatch(text) and not Path(text).exists():
        return "", text
    return text, ""
