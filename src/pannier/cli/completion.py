"""`pannier completion`: a script that completes commands in a shell."""

import argparse

from pannier.cli.commands import Context, Outcome

DESCRIPTION = """Print a script that completes verbs, options, file names and indexes of `pannier` in a shell.

Each shell reads such scripts from a directory of its own, see the examples; `eval "$(pannier completion
bash)"` completes in one shell alone."""
EXAMPLES = (
    ("pannier completion bash", "for ~/.local/share/bash-completion/completions/pannier"),
    ("pannier completion zsh", "for a file _pannier in a directory of $fpath"),
    ("pannier completion fish", "for ~/.config/fish/completions/pannier.fish"),
)
SHELLS = ("bash", "zsh", "fish", "tcsh")
_INDEX_NAMES = {
    "bash": "_pannier_index_names",
    "zsh": "_pannier_index_names",
    "fish": "(_pannier_index_names)",
}
# The indexes that a release can go to: those of pannier.toml and of .pypirc.
_INDEXES = r"""
_pannier_indexes() {
  sed -n 's/^ *\[ *index\.\([^] ]*\) *\].*/\1/p' pannier.toml 2>/dev/null
  sed -n -e '/distutils/d' -e 's/^\[\([^]]*\)\].*/\1/p' ~/.pypirc 2>/dev/null
}
"""
_PREAMBLE = {
    "bash": _INDEXES + '_pannier_index_names() { compgen -W "$(_pannier_indexes)" -- "$1"; }\n',
    "fish": _INDEXES.replace("_pannier_indexes() {", "function _pannier_index_names").replace("}\n", "end\n"),
    "zsh": _INDEXES + '_pannier_index_names() { compadd -- ${(f)"$(_pannier_indexes)"}; }\n',
}
# As in the other shells: after `pannier serve`, a directory may stand in place of a second verb.
_DIRECTORIES_IN_FISH = (
    "complete -c pannier -n '_shtab_pannier_using serve; and test $_shtab_pannier_npos -eq 0' "
    "-a '(__fish_complete_directories)'\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier completion`."""
    parser.add_argument(
        "shell", metavar="SHELL", choices=SHELLS, help=f"the shell to complete in: {', '.join(SHELLS)}"
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Write the script from the parsers of every verb."""
    del context
    script = make_script(arguments.shell)
    return Outcome(data={"shell": arguments.shell, "script": script}, text=script)


def make_script(shell: str) -> str:
    """The script that completes in a shell."""
    import shtab

    script = shtab.complete(make_whole_parser(), shell, preamble=_PREAMBLE.get(shell, ""))
    if shell == "bash":
        return _offer_directories_in_bash(script)
    if shell == "zsh":
        return _offer_directories_in_zsh(script)
    return f"{script}{_DIRECTORIES_IN_FISH}" if shell == "fish" else script


def make_whole_parser() -> argparse.ArgumentParser:
    """A parser of every verb, which only completion needs at once."""
    from pannier.cli.main import SUBVERBS, VERBS

    parser = argparse.ArgumentParser(
        prog="pannier", description="Carry a Python program to a machine that has nothing."
    )
    parser.add_argument("-V", "--version", action="store_true", help="show the version")
    verbs = parser.add_subparsers(metavar="VERB")
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary)
        _fill(verb, name)
        seconds = {words: about for words, about in SUBVERBS.items() if words.split()[0] == name}
        if seconds:
            # Its arguments would hide the verbs that may stand in their place: they are offered below.
            for action in [one for one in verb._actions if not one.option_strings]:
                verb._remove_action(action)
            second = verb.add_subparsers(metavar="VERB")
            for words, about in seconds.items():
                _fill(second.add_parser(words.split()[1], help=about, description=about), words)
    return parser


def _fill(parser: argparse.ArgumentParser, verb: str) -> None:
    """Declare a verb's options, with what completes their values."""
    import shtab

    from pannier.cli.main import load_command
    from pannier.cli.parsing import add_common_options

    load_command(verb).add_arguments(parser)
    add_common_options(parser)
    for action in parser._actions:
        if verb == "release" and "--index" in action.option_strings:
            action.complete = _INDEX_NAMES  # type: ignore[attr-defined]
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif _names_a_file(action):
            action.complete = shtab.FILE  # type: ignore[attr-defined]


def _offer_directories_in_bash(script: str) -> str:
    before, line, after = script.partition("_shtab_pannier_serve_pos_0_choices=")
    return f"{before}_shtab_pannier_serve_pos_0_COMPGEN=_shtab_compgen_dirs\n{line}{after}"


def _offer_directories_in_zsh(script: str) -> str:
    """After `pannier serve`, a directory may stand in place of a second verb, with options behind it."""
    listed = "  _describe 'pannier serve commands' _commands\n"
    script = script.replace(listed, f"{listed}  _files -/\n")
    before, line, after = script.partition("_shtab_pannier_serve() {")
    last = "        yank) _arguments -C -s $_shtab_pannier_serve_yank_options ;;\n"
    plain = "${(@)_shtab_pannier_serve_options:#(: :|\\*:::)*}"
    other = f'        *) _arguments -s {plain} "*:directory:_files -/" ;;\n'
    return before + line + after.replace(last, last + other, 1)


def _names_a_file(action: argparse.Action) -> bool:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return metavar in {"SOURCE", "SUBJECT", "FILE", "OUT", "PATH", "LOCK", "KEY"} or "SITE" in metavar
