"""`pannier site`: the verbs about environments for a server without internet."""

import argparse
from typing import NoReturn

from pannier.cli.commands import Context
from pannier.cli.errors import usage_error

DESCRIPTION = """Keep several named environments on a server that reaches no package index.

A site.toml beside your requirements files names the environments, each with its Python. The second word
says what to do; each has a help of its own.

  plan    say what each environment would consist of; nothing is downloaded
  lock    choose exact versions, in files for git
  diff    say what has changed in them
  bundle  put everything into one file, which installs itself on the server
  pull    ask a server over ssh what it has
  push    send a server over ssh what it lacks, and install it there"""
EXAMPLES = (
    ("pannier site plan", "what would that be, how large, and what cannot be had?"),
    ("pannier site lock", "fix the versions, for the Pythons of the server"),
    ("pannier site diff", "what has changed since the last commit?"),
    ("pannier site bundle -o site.run", "all of it in one file, to be carried over"),
    ("pannier site push lab-server", "or sent and installed over ssh"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier site`: none but the second word."""
    parser.add_argument(
        "verb", metavar="VERB", nargs="?", default="", help="plan, lock, diff, bundle, pull or push"
    )


def execute(arguments: argparse.Namespace, context: Context) -> NoReturn:
    """Say which second words there are.

    Raises:
        UsageError: Always: a second word that is known does not come here.
    """
    from pannier.cli.main import SUBVERBS

    del context
    known = [words.split()[1] for words in SUBVERBS if words.startswith("site ")]
    said = (
        f"there is no verb `site {arguments.verb}`"
        if arguments.verb
        else "`pannier site` needs a second word"
    )
    raise usage_error(said, hint="see `pannier site --help`", verbs=", ".join(known))
