"""The front door: help, verbs, exit statuses, and what goes to which stream."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pannier.cli import compat
from pannier.cli.main import (
    EXAMPLES,
    SUBVERBS,
    VERBS,
    load_command,
    main,
    make_verb_parser,
    parse_command,
    split_verb,
)
from pannier.cli.parsing import parse_arguments
from pannier.model.errors import PackError, UsageError
from pannier.model.events import Notice, Stage


def example_lines() -> list[str]:
    lines = [line for line, _ in EXAMPLES]
    for verb in VERBS:
        lines += [line for line, _ in load_command(verb).EXAMPLES]
    return lines


@pytest.mark.parametrize("line", example_lines())
def test_every_example_in_a_help_text_is_a_command_line_of_ours(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "pannier"
    parse_command(*split_verb(words))


@pytest.mark.parametrize("line", [line for line, _ in (*compat.ANALYZE_EXAMPLES, *compat.CREATE_EXAMPLES)])
def test_every_example_of_the_drop_in_commands_is_one_of_theirs(line: str) -> None:
    program, *arguments = shlex.split(line)
    makers = {
        "python_package_analyze": compat.make_analyze_parser,
        "python_package_create": compat.make_create_parser,
    }
    parse_arguments(makers[program](), arguments)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples_within_eighty_columns(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: pannier {verb} [OPTIONS]")
    assert "examples:\n  # " in shown
    before_examples = shown.partition("examples:")[0]
    assert max(map(len, before_examples.splitlines())) <= 80
    for option in ("--json", "--quiet", "--verbose", "--cache-dir"):
        assert option in shown
    assert main(["help", verb]) == 0
    assert capsys.readouterr().out == shown


def test_the_main_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: pannier VERB ...\n")
    for verb, summary in VERBS.items():
        assert f"  {verb:12}{summary}\n" in shown


def test_no_word_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: ")


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pannier 0.")


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["pakc"], "there is no verb `pakc`", "did you mean `pack`?"),
        (["wholly-different"], "there is no verb `wholly-different`", "see `pannier --help`"),
        (["pack", "x", "--ofline"], "", ""),
        (
            ["analyze", "x", "--strictt"],
            "`pannier analyze` has no option `--strictt`",
            "did you mean `--strict`?",
        ),
        (
            ["lock", "a", "b"],
            "`pannier lock` does not know what to do with `b`",
            "`pannier lock --help` shows",
        ),
        (["pack", "x"], "the following arguments are required: -o/--output", "`pannier pack --help` shows"),
        (["--offline", "pack"], "`pannier` has no option `--offline`", "options of a verb stand after it"),
        (["lock", "x", "--python", "3"], "`--python`: `3` is not a Python version", "`pannier lock --help`"),
        (
            ["lock", "x", "--constraint", "numpy<<2"],
            "`--constraint`: `numpy<<2` is no requirement such as numpy<2",
            "`pannier lock --help`",
        ),
        (["analyze", "x", "--pkg-mapping", "cv2"], "`--pkg-mapping/--mapping`: `cv2` is not of the form", ""),
        (["cache", "info", "--dry-run"], "`pannier cache info` takes no KIND", "`pannier cache clean` does"),
        (
            ["cache", "clean", "layer"],
            "the cache holds nothing of the kind `layer`",
            "did you mean `layers`?",
        ),
    ],
)
def test_a_wrong_command_line_says_what_and_what_else(
    argv: list[str], message: str, hint: str, api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {message}")
    assert f"hint: {hint}" in printed.err
    assert printed.err.endswith("code: usage\n")


def test_a_file_in_place_of_a_verb_gets_a_true_hint(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, hint in (
        ("xyzzy.tar.gz", "`pannier run xyzzy.tar.gz`"),
        ("plugh.py", "`pannier pack plugh.py -o FILE`"),
    ):
        (tmp_path / name).touch()
        assert main([name]) == 2
        assert hint in capsys.readouterr().err


def test_options_may_stand_anywhere(api: Any) -> None:
    wanted = vars(parse_command("pack", ["x", "-o", "y.tar.gz", "--quiet", "--offline"]))
    for argv in (
        ["--quiet", "-o", "y.tar.gz", "x", "--offline"],
        ["--offline", "x", "--quiet", "--output=y.tar.gz"],
    ):
        assert vars(parse_command("pack", argv)) == wanted
    sources = parse_command("analyze", ["a.py", "--strict", "b.py", "-o", "-", "--", "-c.py"]).sources
    assert sources == ["a.py", "b.py", "./-c.py"]


def test_common_options_may_stand_before_the_verb(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--cache-dir", "/c", "cache", "dir"]) == 0
    assert json.loads(capsys.readouterr().out)["result"] == {"directory": "/c"}


def test_data_goes_to_stdout_and_the_summary_to_stderr(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "weather.py", "-o", "weather.tar.gz"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "weather.tar.gz: 86.1 MB, python 3.11.7 + 1 distribution, 3.4 s (2 of 4 layers reused)\n"
    )


def test_quiet_prints_results_and_errors_only(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
    api.results["pack"] = PackError("no")
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "--quiet"]) == 1
    assert capsys.readouterr().err == "error: no\ncode: pack-failed\n"


def warn_and_return(result: Any) -> Any:
    def verb(*arguments: Any) -> Any:
        arguments[-1].warn(Notice(message="`x` is old", code="old"))
        stage = Stage(name="packing", total=2)
        arguments[-1].begin(stage)
        arguments[-1].advance(stage, 2)
        arguments[-1].end(stage)
        return result

    return verb


def test_json_is_one_object_with_the_warnings_in_it(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["pack"] = warn_and_return(api.results["pack"])
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    envelope = json.loads(printed.out)
    assert list(envelope) == ["version", "command", "ok", "result", "warnings"]
    assert (envelope["version"], envelope["command"], envelope["ok"]) == (1, "pack", True)
    assert envelope["warnings"] == [{"code": "old", "message": "`x` is old", "facts": {}, "hint": ""}]
    assert list(envelope["result"]) == ["path", "size", "seconds", "reused_layers", "manifest"]


def test_json_tells_of_errors_in_the_same_way(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["pack"] = PackError("no", facts={"file": "x"}, hint="h")
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "version": 1,
        "command": "pack",
        "ok": False,
        "error": {"code": "pack-failed", "message": "no", "facts": {"file": "x"}, "hint": "h"},
        "warnings": [],
    }
    assert main(["pakc", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["hint"] == "did you mean `pack`?"


def test_verbose_logs_progress_and_shows_whole_lists(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["pack"] = warn_and_return(api.results["pack"])
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "-v"]) == 0
    assert "packing: 2 items, " in capsys.readouterr().err
    api.results["pack"] = PackError("no", facts={"files": list("abcdef")})
    assert main(["pack", "weather.py", "-o", "weather.tar.gz", "--verbose"]) == 1
    assert "  files: a, b, c, d, e, f\n" in capsys.readouterr().err


def test_a_missing_file_is_an_error_not_a_traceback(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["pack"] = lambda *arguments: Path("nowhere.py").read_bytes()
    assert main(["pack", "nowhere.py", "-o", "x.tar.gz"]) == 1
    assert capsys.readouterr().err == (
        "error: there is no file or directory `nowhere.py`\n"
        "hint: check the path and its spelling\n"
        "code: no-such-file\n"
    )


def test_an_interrupt_is_quiet(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["pack"] = KeyboardInterrupt()
    assert main(["pack", "x.py", "-o", "x.tar.gz"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = f"{shlex.quote(sys.executable)} -m pannier completion bash | head -c 10 >/dev/null"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("argv", [["--help"], ["pack", "--help"], ["run", "--help"]])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys; before = set(sys.modules); from pannier.cli.main import main; main(sys.argv[1:]);"
        "heavy = {'rich', 'httpx', 'yaml', 'zstandard', 'packaging', 'dataclasses', 'inspect', 'json',"
        " 'subprocess', 'pannier.api.pack', 'tempfile'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert done.stderr == "\n"  # what sys.exit('') prints


def test_the_parsers_refuse_abbreviations(api: Any) -> None:
    with pytest.raises(UsageError):
        parse_arguments(make_verb_parser("analyze"), ["x.py", "--stri"])


@pytest.mark.parametrize("words", SUBVERBS)
def test_the_help_of_a_first_word_names_every_second_one(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = words.split()
    assert main([first, "--help"]) == 0
    assert f"\n  {second} " in capsys.readouterr().out


def test_json_without_a_verb_is_an_error_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "no verb is given"


def test_a_name_with_a_hyphen_in_front_stands_after_two(api: Any) -> None:
    assert main(["pack", "-o", "x.tar.gz", "--", "-dash.py"]) == 0
    assert api.calls[-1][1][0] == "./-dash.py"
    assert main(["pack", "--", "plain.py", "-o", "x.tar.gz"]) == 2
