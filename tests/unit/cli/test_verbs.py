"""What each verb asks of the api, and how it shows what comes back."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pannier.cli.main import main
from pannier.cli.run import split_arguments
from pannier.formats.manifests import format_manifest
from pannier.model.analysis import Analysis, Location, Problem
from pannier.store.usage import CACHE_KINDS

ANALYSIS_TABLE = """\
project   requirement    known            kinds       where
PyYAML    PyYAML==6.0.3  installed        2 required  app.py:3 (+ 1 other)
requests  requests       known, optional  required    app.py:4

unknown import  where
acme_db         app.py:7 (+ 1 other)
acme_io         app.py:9

unreadable  why
bad.py:2    invalid syntax

python  >=3.9  (PEP 723 block of app.py)
"""


def result_of(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)["result"]


def test_analyze_shows_projects_unknown_imports_and_unreadable_sources(
    api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "app.py"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ANALYSIS_TABLE
    assert printed.err == (
        "app.py: 2 projects, 1 source unreadable, 2 imports unknown;"
        " name the project with `--pkg-mapping IMPORT=NAME`\n"
    )


def test_verbose_analyze_shows_every_place(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "app.py", "-v"]) == 0
    assert "app.py:3, lib/io.py:9" in capsys.readouterr().out


def test_analyze_goes_on_with_the_rest_of_a_named_source(api: Any, tmp_path: Path) -> None:
    assert main(["analyze", "app.py", "./bad.py", "-o", "spec.json"]) == 0
    assert (tmp_path / "spec.json").exists()


def test_a_check_refuses_a_named_source_with_an_error(
    api: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "app.py", "./bad.py", "--check", "-o", "spec.json"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: a source could not be read\n  `bad.py:2` invalid syntax\nhint: mend it; ")
    assert said.endswith("code: source-syntax\n")
    assert not (tmp_path / "spec.json").exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [("bad.py", "source-unreadable"), ("n.ipynb", "notebook-invalid"), ("a.md", "source-syntax")],
)
def test_analyze_refuses_a_named_source_that_gives_nothing(
    api: Any, name: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = Problem(Location(name, 1), "holds nothing", code)
    api.results["analyze"].analysis = Analysis(sources=(name,), projects=(), problems=(problem,))
    assert main(["analyze", name]) == 1
    assert capsys.readouterr().err.startswith(
        f"error: a source could not be read\n  `{name}:1` holds nothing\n"
    )


def test_analyze_hands_its_options_on(api: Any) -> None:
    argv = ["analyze", "a.py", "--toplevel", "--function", "f", "b.py", "--pkg-mapping", "cv2=opencv-python"]
    assert main([*argv, "--extra-pkg", "six", "--strict", "--python", ".venv", "--cache-dir", "c"]) == 0
    assert api.calls[-1][1][0] == ["a.py", "b.py"]
    options = api.options("analyze")
    assert (options.toplevel, options.functions, options.strict) == (True, ("f",), True)
    assert options.mapping == {"cv2": "opencv-python"}
    assert options.extra == ("six",)
    assert (options.python, options.target_python) == (".venv", "")
    assert api.flags["cache_dir"] == "c"


def test_analyze_takes_a_version_for_python_unless_there_is_such_a_directory(
    api: Any, tmp_path: Path
) -> None:
    main(["analyze", "a.py", "--python", "3.9"])
    assert (api.options("analyze").python, api.options("analyze").target_python) == ("", "3.9")
    (tmp_path / "3.9").mkdir()
    main(["analyze", "a.py", "--python", "3.9"])
    assert (api.options("analyze").python, api.options("analyze").target_python) == ("3.9", "")


def test_analyze_writes_the_spec_where_it_is_told(
    api: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "app.py", "-o", "spec.json"]) == 0
    assert json.loads((tmp_path / "spec.json").read_text()) == {"dependencies": ["PyYAML==6.0.3"]}
    assert capsys.readouterr().out == ANALYSIS_TABLE
    assert main(["analyze", "app.py", "-o", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dependencies": ["PyYAML==6.0.3"]}
    assert main(["analyze", "app.py", "-o", "-", "--json"]) == 2


def test_analyze_reads_stdin_as_bytes_and_only_when_asked(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"# coding: latin-1\nx = '\xe9'\n")))
    main(["analyze", "app.py"])
    assert api.options("analyze").stdin == b""
    main(["analyze", "-"])
    assert api.options("analyze").stdin == b"# coding: latin-1\nx = '\xe9'\n"


def test_analyze_json_has_everything(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "app.py", "--json"]) == 0
    result = result_of(capsys)
    assert set(result) == {
        "schema",
        "check",
        "sources",
        "projects",
        "unknown",
        "local_modules",
        "standard_library",
        "requires_python",
        "python_reason",
        "python_bounds",
        "problems",
        "companions",
        "environment_python",
        "spec",
        "output",
    }
    assert result["projects"][1] == {
        "name": "requests",
        "requirement": "requests",
        "confidence": "known",
        "imports": [
            {"name": "requests", "kind": "required", "location": {"path": "app.py", "line": 4, "column": 1}}
        ],
        "optional": True,
        "editable_path": "",
        "alternatives": [],
        "reasons": [],
        "bounds": [],
        "conda_name": "",
        "role": "optional",
        "role_reason": "",
    }
    assert result["spec"] == {"dependencies": ["PyYAML==6.0.3"]}


def test_lock_hands_its_targets_on_and_says_what_was_locked(
    api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["lock", "app.py", "--python", "3.9", "--python", "3.11.7", "--platform", "linux-aarch64"]
    assert main([*argv, "--exclude-newer", "2026-01-31", "--upgrade", "--offline", "--find-links", "w"]) == 0
    options = api.options("lock")
    assert options.output == Path("pylock.toml")
    assert options.pythons == ("3.9", "3.11.7")
    assert options.platforms == ("linux-aarch64",)
    assert options.upgrade is True
    assert api.flags["offline"] is True
    assert api.flags["find_links"] == ["w"]
    printed = capsys.readouterr()
    assert printed.out == "project  version  files\npyyaml   6.0.3    1 wheel, sdist\n"
    assert printed.err == "pylock.toml: 1 project for linux-x86_64-glibc2.28 / cpython 3.11.7\n"


def test_lock_json_names_projects_and_targets(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", "app.py", "--json"]) == 0
    assert result_of(capsys) == {
        "path": "pylock.toml",
        "projects": [{"name": "pyyaml", "version": "6.0.3"}],
        "targets": ["linux-x86_64-glibc2.28 / cpython 3.11.7"],
        "requires_python": ">=3.11",
        "changes": {"pyyaml": "-> 6.0.3"},
    }


def test_lock_shows_what_changed_against_the_lockfile_that_was_there(
    api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    api.results["lock"].changes = {"pyyaml": "6.0.2 -> 6.0.3", "six": "1.17.0 ->"}
    assert main(["lock", "app.py"]) == 0
    assert capsys.readouterr().out == (
        "project  version  files\npyyaml   6.0.3    1 wheel, sdist\n\n"
        "changed  how\npyyaml   6.0.2 -> 6.0.3\nsix      1.17.0 ->\n"
    )


def test_pack_takes_its_options_from_flags_over_settings(api: Any) -> None:
    argv = [
        "pack",
        "app.py",
        "-o",
        "a.tar.gz",
        "--interpreter",
        "none",
        "--python",
        "3.9",
        "--lock",
        "l.toml",
        "--strict",
    ]
    assert (
        main([*argv, "--platform", "linux-aarch64", "--include", "a", "--include", "b", "--name", "n"]) == 0
    )
    options = api.options("pack")
    assert vars(options) == {
        "output": Path("a.tar.gz"),
        "content": None,
        "interpreter": "none",
        "python": "3.9",
        "platform": "linux-aarch64",
        "includes": ("a", "b"),
        "name": "n",
        "program": None,
        "lock": Path("l.toml"),
        "strict": True,
    }
    assert main(["pack", "app.py", "-o", "a.tar.gz"]) == 0
    assert api.options("pack").interpreter == ""


@pytest.mark.parametrize(
    ("argv", "own", "command"),
    [
        (["p.tar.gz"], ["p.tar.gz"], []),
        (["p.tar.gz", "python", "--help", "-v"], ["p.tar.gz"], ["python", "--help", "-v"]),
        (["p.tar.gz", "--", "python"], ["p.tar.gz"], ["python"]),
        (["p.tar.gz", "--", "--", "x"], ["p.tar.gz"], ["--", "x"]),
        (["p.tar.gz", "a", "--", "b"], ["p.tar.gz"], ["a", "--", "b"]),
        (["p.tar.gz", "", " ", "*"], ["p.tar.gz"], ["", " ", "*"]),
        (["-v", "--cache-dir", "d", "p", "--json"], ["-v", "--cache-dir", "d", "p"], ["--json"]),
        (["--cache-dir=d", "--", "-p", "--", "x"], ["--cache-dir=d", "--", "-p"], ["x"]),
        (["--help"], ["--help"], []),
        ([], [], []),
    ],
)
def test_run_leaves_what_follows_the_pack_untouched(
    argv: list[str], own: list[str], command: list[str]
) -> None:
    assert split_arguments(argv) == (own, command)


def test_run_becomes_the_launcher(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Any] = []

    def execve(*arguments: Any) -> None:
        became.extend(arguments)
        raise SystemExit(7)

    monkeypatch.setattr(os, "execve", execve)
    api.results["run_arguments"] = (["/bin/sh", "launcher.sh"], {"A": "1"})
    assert main(["run", "--cache-dir", "d", "p.tar.gz", "--", "python", "--json", "x y"]) == 7
    assert api.calls[-1][1][:2] == ("p.tar.gz", ["python", "--json", "x y"])
    assert api.flags["cache_dir"] == "d"
    assert became == ["/bin/sh", ["/bin/sh", "launcher.sh"], {"A": "1"}]


def test_inspect_lays_the_manifest_out(api: Any, manifest: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["inspect"] = SimpleNamespace(
        manifest=manifest, id="d" * 64, size=48_322_500, path=Path("w.tar.gz")
    )
    assert main(["inspect", "w.tar.gz"]) == 0
    assert (
        capsys.readouterr().out
        == f"""\
name       weather
id         {"d" * 64}
size       48.3 MB, unpacked 145.0 MB in 48 files
platform   linux-x86_64-glibc2.28
python     cpython 3.11.7, inside
program    weather (program/weather.py)
variables  DATA=data/DATA
lock       sha256:{"c" * 64}

layer        version  kind             size  unpacked  files
runtime               runtime       20.0 kB   60.0 kB     12
interpreter  3.11.7   interpreter   30.0 MB   90.0 MB     12
numpy        2.1.0    distribution  18.3 MB   54.9 MB     12
program               program        2.5 kB    7.5 kB     12
"""
    )
    assert main(["inspect", "w.tar.gz", "--json"]) == 0
    result = result_of(capsys)
    assert list(result) == ["path", "id", "size", "manifest"]
    assert result["manifest"] == json.loads(format_manifest(manifest))


def test_unpack_and_verify_say_how_much_it_was(
    api: Any, manifest: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    api.results["unpack"] = SimpleNamespace(
        directory=Path("there"), files=7000, size=300_000_000, seconds=1.94
    )
    assert main(["unpack", "w.tar.gz", "there"]) == 0
    assert api.calls[-1][1][:2] == (Path("w.tar.gz"), Path("there"))
    assert capsys.readouterr() == ("", "there: 7000 files, 300.0 MB, 1.9 s\n")
    assert main(["unpack", "w.tar.gz", "there", "--json"]) == 0
    assert result_of(capsys) == {"directory": "there", "files": 7000, "size": 300_000_000, "seconds": 1.94}

    api.results["verify"] = SimpleNamespace(manifest=manifest, id="d" * 64, layers=14, size=86_100_000)
    assert main(["verify", "w.tar.gz"]) == 0
    assert capsys.readouterr() == ("", "w.tar.gz: whole, 14 layers, 86.1 MB checked\n")
    assert main(["verify", "w.tar.gz", "--json"]) == 0
    assert result_of(capsys) == {"path": "w.tar.gz", "id": "d" * 64, "layers": 14, "size": 86_100_000}


USAGES = [
    SimpleNamespace(kind="layers", files=14, size=86_100_000),
    SimpleNamespace(kind="prefixes", files=7000, size=300_000_000),
]


def test_cache_says_where_it_is_and_what_it_holds(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api.results["cache_usage"] = USAGES
    assert main(["cache", "dir", "--cache-dir", "/c"]) == 0
    assert capsys.readouterr().out == "/c\n"
    assert main(["cache", "info", "--cache-dir", "/c"]) == 0
    assert capsys.readouterr().out == (
        "kind      files      size\n"
        "layers       14   86.1 MB\n"
        "prefixes   7000  300.0 MB\n"
        "total      7014  386.1 MB\n"
    )
    assert main(["cache", "info", "--cache-dir", "/c", "--json"]) == 0
    assert result_of(capsys) == {
        "directory": "/c",
        "kinds": {
            "layers": {"files": 14, "size": 86_100_000},
            "prefixes": {"files": 7000, "size": 300_000_000},
        },
        "files": 7014,
        "size": 386_100_000,
    }


def test_cache_clean_says_what_went_and_what_stayed(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plan = SimpleNamespace(removed=(Path("/c/layers/a"), Path("/c/layers/b")), kept=(), size=86_100_000)
    api.results["cache_clean"] = plan
    assert main(["cache", "clean", "layers", "--dry-run"]) == 0
    kinds, _, dry_run = api.calls[-1][1]
    assert (kinds, dry_run) == (("layers",), True)
    printed = capsys.readouterr()
    assert printed.out == "kind    entries\nlayers        2\n"
    assert printed.err == "would remove 2 entries, 86.1 MB\n"
    assert main(["cache", "clean", "layers", "--dry-run", "-v"]) == 0
    assert capsys.readouterr().out == "/c/layers/a\n/c/layers/b\n"
    plan.kept = (Path("/c/prefixes/x"),)
    assert main(["cache", "clean", "--cache-dir", "/c"]) == 0
    assert api.calls[-1][1][0] == CACHE_KINDS
    assert capsys.readouterr().err == "removed 2 entries, 86.1 MB; kept 1 entry in use\n"
    assert main(["cache", "clean", "--cache-dir", "/c", "--json"]) == 0
    assert result_of(capsys) == {
        "directory": "/c",
        "removed": ["/c/layers/a", "/c/layers/b"],
        "kept": ["/c/prefixes/x"],
        "size": 86_100_000,
        "dry_run": False,
    }


def test_completion_knows_every_verb_in_every_shell(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish", "tcsh"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert "analyze" in script
        assert "find-links" in script
        assert "on-demand" in script
    assert main(["completion", "nushell"]) == 2


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pannier serve to", {"token", "tools"}),
        ("pannier serve token cr", {"create"}),
        ("pannier serve token create --pro", {"--project"}),
        ("pannier serve tools/ --ht", {"--htpasswd"}),
        ("pannier release --index p", {"particle", "pypirc-one"}),
    ],
)
def test_bash_completes_verbs_of_two_words_directories_and_indexes(
    line: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "tools").mkdir()
    (tmp_path / "pannier.toml").write_text('[index.particle]\nurl = "https://index.example/"\n')
    (tmp_path / ".pypirc").write_text("[distutils]\nindex-servers = pypirc-one\n[pypirc-one]\n")
    ask = (
        ". ./script; COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
        '_shtab_pannier pannier "${COMP_WORDS[COMP_CWORD]}"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = ["bash", "--norc", "-c", ask, "bash", line]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert {name.rstrip("/") for name in done.stdout.split()} == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pannier site pu", {"pull", "push"}),
        ("pannier vendor --on", {"--on-demand"}),
        ("pannier site plan site", {"site.toml"}),
        ("pannier serve to", {"token", "tools/"}),
        ("pannier release --index p", {"particle", "pypirc-one"}),
    ],
)
def test_fish_completes_the_same(
    line: str, offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "fish"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "tools").mkdir()
    (tmp_path / "site.toml").touch()
    (tmp_path / "pannier.toml").write_text('[index.particle]\nurl = "https://index.example/"\n')
    (tmp_path / ".pypirc").write_text("[distutils]\nindex-servers = pypirc-one\n[pypirc-one]\n")
    command = ["fish", "--no-config", "-c", "source script; complete -C $argv[1]", line]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert {one.partition("\t")[0] for one in done.stdout.splitlines()} == offered


def test_zsh_is_offered_directories_beside_the_verbs_of_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert "_describe 'pannier serve commands' _commands\n  _files -/\n" in script
    assert "        *) _arguments -s ${(@)_shtab_pannier_serve_options" in script
