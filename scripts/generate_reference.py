"""Write the reference pages that follow from the code: commands, errors, settings, JSON output.

python scripts/generate_reference.py           write docs/reference/*.md
python scripts/generate_reference.py --check   fail when a page is not what the code says
"""

import ast
import difflib
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
os.environ["COLUMNS"] = "80"
os.environ["NO_COLOR"] = "1"

from pannier.api.setting_names import NAMED_TABLES, SETTINGS, VERB_TABLES, Kind, SettingInfo, variable_name  # noqa: E402
from pannier.cli import compat, main  # noqa: E402
from pannier.cli.envelope import format_failure, format_success  # noqa: E402
from pannier.model.errors import PannierError  # noqa: E402
from pannier.model.events import Notice  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
ERRORS = Path(__file__).with_name("error_reference.toml")
SHELL_CODE = re.compile(r"_fail ([a-z0-9-]+) [\"']")
COMMAND = "python scripts/generate_reference.py"
NOTE = f"<!-- Written by `{COMMAND}`; change the code it follows from instead. -->\n"


COMMANDS_INTRODUCTION = """\
Standard output carries data and nothing else; progress, warnings, summaries and errors go to standard
error. Options may stand anywhere, except for `pannier run`, where everything after FILE belongs to the
command. Colour appears on a terminal only; `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb` are heeded.

| exit status | meaning |
| --: | --- |
| 0 | done |
| 1 | the operation failed; the error says why |
| 2 | the command line was wrong |
| 3 | `pannier analyze --check`: something is missing, unused or not declared where it is needed |
| 70 | a defect of Pannier; `PANNIER_TRACEBACK=1` shows where |
| 130 | interrupted |
| 141 | the reader of the output went away |
| the command's own | for `pannier run` |
"""
SETTINGS_INTRODUCTION = """\
A setting has one name in three places, and a later place replaces an earlier one: `pannier.toml`, or
`[tool.pannier]` in `pyproject.toml`, in the working directory or the nearest one above it; then the
environment variable; then the command's option `--NAME`, where the command has it. Paths in a file are
relative to the file. An unknown key is refused by name.

"""
SETTINGS_HEADER = """\
| in a file | variable | written as | what it does |
| --- | --- | --- | --- |
"""
SETTINGS_EXAMPLE = """
```toml
# pannier.toml
python = "3.11"
find-links = ["wheels"]

[mapping]
cv2 = "opencv-python-headless"
```

`PANNIER_PYTHON` with a path, and `PANNIER_INTERPRETER=1`, are no settings: they name the Python that
launchers and installers run with, and start the Python inside a `.pyz`.

In a variable a list is written with spaces between its items, a table as `IMPORT=NAME` with spaces between,
and a flag as `1` or `0`. `PANNIER_TRACEBACK=1` adds the traceback to an error.
"""
ERRORS_INTRODUCTION = """\
An error is a sentence, the facts needed to decide, one action, and a code that stays the same between
versions. Lists show three items and how many more there are, save the problems of a file, which are all
shown; `--verbose` shows everything. With `--json` the same fields stand in the [envelope](json-output.md).
User names and passwords in URLs are never shown.
"""
JSON_INTRODUCTION = """\
With `--json` a command prints exactly one JSON object on standard output, whether it did well or not, and
keeps warnings, errors and summaries off standard error. The exit status is the same as without. `version`
grows when a field changes its meaning or goes away; new fields may appear without that. Sizes are in bytes,
times in seconds.
"""
JSON_FAILURE = """\
A failure has `error` instead of `result`. Its fields, and those of a warning, are those of [an
error](errors.md); lists are complete. `command` is empty when the command line names no verb.
"""
JSON_RESULTS = """\
`manifest` is the JSON that a pack holds, described by [manifest.schema.json](manifest.schema.json).
`pannier run --json` prints an envelope only when the command could not be started: from then on standard
output is the command's.
"""


def _verbs() -> list[str]:
    """Every verb, those of two words after their first."""
    return sorted([*main.VERBS, *main.SUBVERBS], key=lambda verb: list(main.VERBS).index(verb.split()[0]))


def commands_page() -> str:
    """Every command's help."""
    parts = ["# Commands\n", NOTE, COMMANDS_INTRODUCTION, _section("pannier", main.format_main_help())]
    parsers = [main.make_verb_parser(verb) for verb in _verbs()]
    parsers += [compat.make_analyze_parser(), compat.make_create_parser()]
    parts += [_section(parser.prog, parser.format_help()) for parser in parsers]
    parts.append(
        "`poncho_package_analyze` and `poncho_package_create` are the same two by their other names.\n"
    )
    return "\n".join(parts)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


def settings_page() -> str:
    """Every setting, with its three spellings."""
    table = f"{SETTINGS_HEADER}{_settings_rows(SETTINGS)}"
    parts = [f"# Settings\n\n{NOTE}\n{SETTINGS_INTRODUCTION}{table}{SETTINGS_EXAMPLE}"]
    for name, infos in VERB_TABLES.items():
        rows = _settings_rows(infos, name)
        reader = (
            "`pannier pack -o NAME.deb` and `NAME.rpm` go" if name == "package" else f"`pannier {name}` goes"
        )
        parts.append(f"## `[{name}]`\n\nWhat {reader} by.\n\n{SETTINGS_HEADER}{rows}")
    for name, infos in NAMED_TABLES.items():
        rows = _settings_rows(infos, name, "NAME")
        parts.append(f"## `[{name}.NAME]`\n\n{_NAMED_INTRODUCTIONS[name]}\n{SETTINGS_HEADER}{rows}")
    return "\n".join(parts)


def _settings_rows(infos: Mapping[str, SettingInfo], *tables: str) -> str:
    rows = []
    for name, info in infos.items():
        key = "not in a file" if info.is_secret else f"`{name}`"
        rows.append(f"| {key} | `{variable_name(*tables, name)}` | {_WRITTEN[info.kind]} | {info.about} |\n")
    return "".join(rows)


_NAMED_INTRODUCTIONS = {
    "index": """\
An index, called NAME as in `pannier release --index NAME`. In a variable NAME is in upper case, with `_` for
everything but letters and digits. It has no options.
""",
}
_WRITTEN: dict[Kind, str] = {
    "text": "string",
    "flag": "boolean",
    "number": "integer",
    "list": "list of strings",
    "table": "table of strings",
}


def errors_page() -> str:
    """Every error code: what it means, its usual cause, what to do."""
    entries = read_error_entries()
    parts = ["# Errors\n", NOTE, ERRORS_INTRODUCTION]
    for code in sorted(entries):
        entry = entries[code]
        advice = f"- **Usual cause:** {entry['cause']}\n- **What to do:** {entry['remedy']}\n"
        parts.append(f"## {code}\n\n{entry['means']}\n\n{advice}")
    return "\n".join(parts)


def read_error_entries() -> dict[str, dict[str, str]]:
    """The explanations by code, from the table beside this script."""
    return tomllib.loads(ERRORS.read_text("utf-8"))


def used_codes() -> set[str]:
    """Every error code in the source, what travels included."""
    found: set[str] = set()
    for path in sorted((ROOT / "src").rglob("*.py")):
        found.update(_codes_of(ast.parse(path.read_text("utf-8"))))
    for path in (ROOT / "src" / "pannier" / "runtime").glob("*.sh"):
        found.update(SHELL_CODE.findall(path.read_text("utf-8")))
    return found


def _codes_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (isinstance(node, ast.keyword) and node.arg == "code") or (
            isinstance(node, ast.Assign)
            and any(
                isinstance(target, ast.Name) and target.id in {"default_code", "code"}
                for target in node.targets
            )
        ):
            yield from _literals(node.value)


def _literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value


def json_page() -> str:
    """The envelope, with an example of each kind and the results of every verb."""
    result = {"path": "weather.tar.gz", "id": "5f0c" * 16, "layers": 14, "size": 86_100_000}
    success = format_success("verify", result, [_EXAMPLE_WARNING])
    failure = format_failure("inspect", _EXAMPLE_ERROR, [])
    rows = [f"| `{verb}` | {_RESULTS[verb]} |" for verb in _verbs()]
    table = "".join(f"{row}\n" for row in rows)
    parts = [
        "# JSON output\n",
        NOTE,
        JSON_INTRODUCTION,
        f"```json\n{success}```\n",
        JSON_FAILURE,
        f"```json\n{failure}```\n",
        f"## Results\n\n| command | fields of `result` |\n| --- | --- |\n{table}",
        JSON_RESULTS,
    ]
    return "\n".join(parts)


_EXAMPLE_WARNING = Notice(
    message="`opencv-python` and `opencv-python-headless` install different files at one place",
    code="file-clash",
    facts={"files": ["cv2/__init__.py", "cv2/version.py"]},
)
_EXAMPLE_ERROR = PannierError(
    "there is no file or directory `weather.tar.gz`",
    code="no-such-file",
    hint="check the path and its spelling",
)
_RESULTS = {
    "analyze": "described by [analysis.schema.json](analysis.schema.json); its version is the field `schema`",
    "lock": "`path`, `projects`, `targets`, `requires_python`, `changes`",
    "pack": "`path`, `size`, `seconds`, `reused_layers`, `manifest`",
    "run": "none: the command takes over",
    "release": "`name`, `version`, `index`, `distributions`, `uploaded`, `present` (there before, with the "
    "same bytes), `commit`, `tag`, `tagged`, `pushed`, `dry_run`, `steps`",
    "site": "nothing: it wants a second word",
    "site plan": "`site`, `environments` (each with `name`, `target`, `locked`, `size`, "
    "`size_is_whole`, `libc`, `files`, `problems`)",
    "site pull": "`inventory` (as the server's installer prints it), `installed`, `path`",
    "site push": "`server`, `id`, `size`, `since`, `status` (the installer's)",
    "site diff": "`before`, `after`, `environments` (each with `name`, `changes`)",
    "site lock": "`site`, `environments` (each with `name`, `path`, `target`, `kept`, `projects`, `changes`)",
    "doctor": "`index`, `upstream`, `well`, `findings` (each with `check`, `state`, `message`, `subjects`, "
    "`hint`)",
    "serve": "none: it serves until it is told to stop",
    "serve passwd": "`file`, `user`, `is_new`",
    "serve export": "`output`, `projects`, `files`, `written`, `removed`",
    "site bundle": "`path`, `id` (empty for a dry run), `size`, `environments` (each with `name`, `python`, "
    "`wheels`, `interpreter`), `wheels`, `left_out`, `since`, `signed`, `rehearsed`, `seconds`",
    "serve remove": "`files`, `dry_run`",
    "serve status": "`project`, `status`, `reason`, `present` (the index has that project)",
    "serve token": "`token`, and for `create` `secret`; for `list` `tokens`",
    "serve yank": "`files`, `yanked`",
    "serve clean": "`directory`, `removed`, `size`, `left` (bytes that stay), `dry_run`",
    "unpack": "`directory`, `files`, `size`, `seconds`",
    "vendor": "`directory`, `tree`, `targets`, `projects`, `files`, `size`, `launcher`, `uncompiled` "
    "(targets without byte code), `changed`, `in_use` (trees that programs still run with), `dry_run`",
    "verify": "`path`, `id`, `layers`, `size`; for a bundle `files` and `signed` instead of `layers`",
    "inspect": "`path`, `id`, `size`, `manifest`; for a bundle also `signed`",
    "cache": "`directory`; for `info` also `kinds`, `files`, `size`; for `clean` also `removed`, `kept`, "
    "`size`, `dry_run`",
    "completion": "`shell`, `script`",
}


def pages() -> dict[str, str]:
    """File name in docs/reference to content."""
    return {
        "cli.md": commands_page(),
        "errors.md": errors_page(),
        "settings.md": settings_page(),
        "json-output.md": json_page(),
    }


def check(written: dict[str, str]) -> int:
    """Show how the pages on disk differ from what the code says."""
    different = False
    for name, text in written.items():
        path = REFERENCE / name
        old = path.read_text("utf-8") if path.is_file() else ""
        lines = difflib.unified_diff(
            old.splitlines(), text.splitlines(), f"docs/reference/{name}", "what the code says", lineterm=""
        )
        for line in lines:
            different = True
            print(line)
    missing = sorted(used_codes() - set(read_error_entries()))
    if missing:
        print(f"scripts/error_reference.toml does not explain: {', '.join(missing)}")
    if different:
        print(f"the reference is out of date; run `{COMMAND}`")
    return 1 if different or missing else 0


def generate() -> int:
    """Write or check every page."""
    written = pages()
    if sys.argv[1:] == ["--check"]:
        return check(written)
    for name, text in written.items():
        (REFERENCE / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(generate())
