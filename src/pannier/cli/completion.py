"""`pannier completion`: a script that completes commands in a shell."""

import argparse

from pannier.cli.commands import Context, Outcome

DESCRIPTION = """Print a script that completes verbs, options and file names of `pannier` in a shell."""
EXAMPLES = (
    ("pannier completion bash", "for ~/.local/share/bash-completion/completions/pannier"),
    ("pannier completion zsh", "for a file _pannier in a directory of $fpath"),
)
SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier completion`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to complete in")


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Write the script from the parsers of every verb."""
    import shtab

    del context
    script = shtab.complete(make_whole_parser(), arguments.shell)
    return Outcome(data={"shell": arguments.shell, "script": script}, text=script)


def make_whole_parser() -> argparse.ArgumentParser:
    """A parser of every verb, which only completion needs at once."""
    import shtab

    from pannier.cli.main import VERBS, load_command
    from pannier.cli.parsing import add_common_options

    parser = argparse.ArgumentParser(
        prog="pannier", description="Carry a Python program to a machine that has nothing."
    )
    parser.add_argument("-V", "--version", action="store_true", help="show the version")
    verbs = parser.add_subparsers(metavar="VERB")
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary)
        load_command(name).add_arguments(verb)
        add_common_options(verb)
        for action in verb._actions:
            if _names_a_file(action):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def _names_a_file(action: argparse.Action) -> bool:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return metavar in {"SOURCE", "SUBJECT", "FILE", "OUT", "DIR", "PATH", "LOCK"}
