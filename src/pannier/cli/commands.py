"""What a verb's module is made of, what it is handed and what it hands back."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from pannier.cli.render import Style

if TYPE_CHECKING:
    from pannier.api import Settings
    from pannier.cli.progress import CommandReporter


Example = tuple[str, str]


class Outcome(NamedTuple):
    """What a verb did.

    Attributes:
        data: The `result` of the JSON envelope: values that its `as_data` understands.
        text: For standard output, without `--json`: the data that people asked for.
        summary: One line for standard error, kept back by `--quiet` and `--json`.
        status: Exit status.
    """

    data: Mapping[str, object]
    text: str = ""
    summary: str = ""
    status: int = 0


class Context(NamedTuple):
    """What a verb may know of the process it runs in.

    Attributes:
        reporter: Hears of progress and warnings.
        style: How standard output is drawn.
        environ: The process's environment variables.
        directory: The working directory.
        stdin: Read where a source or spec is `-`.
        flags: Settings given as options, by the field names of `Settings`.
        verbose: Show everything, shorten nothing.
        json: Standard output carries the envelope and nothing else.
    """

    reporter: "CommandReporter"
    style: Style
    environ: Mapping[str, str]
    directory: Path
    stdin: TextIO
    flags: Mapping[str, object]
    verbose: bool = False
    json: bool = False

    def load_settings(self) -> "Settings":
        """Settings from the configuration file, the environment and this command's options."""
        from pannier import api

        settings = api.load_settings(self.flags, self.environ, self.directory)
        pairs = self.flags.get("pairs")
        if not isinstance(pairs, list) or not pairs:
            return settings
        return settings._replace(mapping={**settings.mapping, **dict(pairs)})


class Command(Protocol):
    """A verb's module."""

    DESCRIPTION: str
    EXAMPLES: Sequence[Example]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments and options."""

    def execute(self, arguments: argparse.Namespace, context: Context) -> Outcome:
        """Do it."""


def stdin_content(subjects: Sequence[str], context: Context) -> bytes | None:
    """The bytes that `-` stands for, undecoded, for they may declare their own encoding (PEP 263)."""
    if "-" not in subjects:
        return None
    buffer = getattr(context.stdin, "buffer", None)
    return buffer.read() if buffer is not None else context.stdin.read().encode()
