"""The generated pages of the reference are what the code says, and hints name what there is."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from pannier.cli.main import SUBVERBS, VERBS, make_verb_parser
from pannier.cli.parsing import option_names

ROOT = Path(__file__).parents[3]


def test_the_reference_is_up_to_date() -> None:
    script = ROOT / "scripts" / "generate_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


BACKTICKS = re.compile(r"`([^`]+)`")
# Options of other programs that hints may name, by the word before them.
FOREIGN = ("git ", "uv ", "pip ", "ls ", "python")
OF_REQUIREMENTS_FILES = {"--hash"}


def texts(node: ast.expr) -> str:
    """The text of a string expression, with `X` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(texts(part) if isinstance(part, ast.Constant) else "X" for part in node.values)
    if isinstance(node, ast.IfExp):
        return f"{texts(node.body)} {texts(node.orelse)}"
    return ""


def hints() -> list[tuple[str, str]]:
    found = [
        (str(path.relative_to(ROOT)), texts(node.value))
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "hint" and texts(node.value)
    ]
    entries = tomllib.loads((ROOT / "scripts" / "error_reference.toml").read_text("utf-8"))
    found += [(code, entry["remedy"]) for code, entry in entries.items()]
    return found


def wrong_words(hint: str, options: dict[str, set[str]]) -> list[str]:
    """The commands in backticks that name a verb or an option there is not."""
    every_option = {"--help", *OF_REQUIREMENTS_FILES}.union(*options.values())
    wrong = []
    for command in BACKTICKS.findall(hint):
        words = [*command.split(), "", ""]
        program, verb = words[0], words[1]
        verb = f"{verb} {words[2]}" if f"{verb} {words[2]}" in options else verb
        given = {word.partition("=")[0] for word in command.split() if word.startswith("--")} - {"--"}
        if program == "pannier" and verb not in {"", "VERB", "X", "--help"}:
            fits = verb in options and given <= options[verb]
        else:
            fits = command.startswith(FOREIGN) or given <= every_option
        if not fits:
            wrong.append(command)
    return wrong


def test_commands_and_options_that_hints_name_exist() -> None:
    options = {verb: set(option_names(make_verb_parser(verb))) for verb in (*VERBS, *SUBVERBS)}
    wrong = {f"{place}: {word}" for place, hint in hints() for word in wrong_words(hint, options)}
    assert wrong == set()
