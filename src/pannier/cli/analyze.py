"""`pannier analyze`: what sources import, and which projects provide it."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome, stdin_content
from pannier.cli.errors import usage_error
from pannier.cli.parsing import add_mapping_option, add_strict_option, split_python
from pannier.model.errors import AnalysisError

if TYPE_CHECKING:
    from pannier.api import AnalyzeResult
    from pannier.model.analysis import Analysis, Problem

DESCRIPTION = """Read Python sources and say what they import, and which projects provide that.

Nothing that is read is imported or run. The program's own modules are followed, not listed. Versions
are those of the environment analysed, where it has the project, and are left open where it does not."""
# Of `docs/reference/analysis.schema.json`: grows when a field changes its meaning or goes away.
ANALYSIS_SCHEMA = 1
# What ends like this is meant to be Python, whatever it holds; many a command has no suffix.
_PYTHON_SUFFIXES = frozenset({".py", ".pyw", ".pyi", ""})
# Problems with sources of which nothing could be read.
_UNREAD = frozenset({"source-unreadable", "notebook-invalid"})
# Exit status of a comparison that found something, told apart from one that could not be made.
CHECK_FAILED = 3
EXAMPLES = (
    ("pannier analyze weather.py", "what does this script need?"),
    (
        "pannier analyze weather.py -o spec.json",
        "write that as an environment spec, for `pannier lock` or conda",
    ),
    ("pannier analyze weather.py -o requirements.txt", "for pip"),
    ("pannier analyze src/ notebook.ipynb --python .venv", "with the versions that this environment has"),
    (
        "pannier analyze app.py --pkg-mapping cv2=opencv-python-headless",
        "say which project provides an import",
    ),
    ("pannier analyze . --check", "is what the project declares what it imports? for CI"),
    ("pannier analyze app.py --check requirements.txt", "the same, for one script and one file"),
    ("pannier analyze . --explain numpy", "who imports it, and how do we know?"),
    (
        "pannier analyze app.py --strict --json",
        "for a program to read; an unknown import or a guess is an error",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pannier analyze`."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="*",
        help="a script, notebook, package or directory; - is standard input (with `--check` by default: "
        "where the declaring file lies, or here)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the environment spec to write, *.json or *.yml, or a requirements file, *.txt; - is JSON on "
        "standard output",
    )
    parser.add_argument(
        "--python",
        dest="analysed",
        metavar="PYTHON",
        default="",
        help="an environment's directory or an interpreter, whose versions count; or a version such as 3.9, "
        "whose standard library counts (default: the active virtual or conda environment)",
    )
    add_selection_options(parser)
    parser.add_argument(
        "--check",
        metavar="FILE",
        nargs="?",
        const="",
        action="append",
        help="compare with what this requirements.txt, pyproject.toml or their like declares, or the "
        "project's own files; exit with 3 where something is missing or unused; may be repeated",
    )
    parser.add_argument(
        "--explain",
        metavar="PROJECT",
        default="",
        help="show every place of one project, or import, and how it was resolved",
    )
    add_strict_option(parser)


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Declare which imports count and where they lead, in the words of the drop-in command too."""
    parser.add_argument("--toplevel", action="store_true", help="count only imports of the module body")
    parser.add_argument(
        "--function",
        dest="functions",
        metavar="F",
        action="append",
        default=[],
        help="count only this function, with what it uses; may be repeated",
    )
    add_mapping_option(parser)
    parser.add_argument(
        "--extra-pkg",
        dest="extra",
        metavar="P",
        action="append",
        default=[],
        help="add this requirement, whatever is imported; may be repeated",
    )


def execute(arguments: argparse.Namespace, context: Context) -> Outcome:
    """Analyze, write the spec where one was asked for, and show what was found."""
    if arguments.output == "-" and context.json:
        raise usage_error("`--json` and `-o -` both want standard output", hint="name a file after `-o`")
    sources, declared_in = _sources(arguments)
    gc.disable()
    try:
        result = _analyze(sources, declared_in, arguments, context)
    finally:
        # What thousands of files left is needed to the end: the collector is to look through none of it.
        gc.freeze()
        gc.enable()
    _refuse_unread(sources, result.analysis, is_check=arguments.check is not None)
    text, summary, status = _shown(result, arguments, context)
    if arguments.output == "-":
        text = _spec_text(result, arguments.output)
    elif arguments.output:
        from pannier.store.writing import write_whole

        write_whole(Path(arguments.output), _spec_text(result, arguments.output).encode())
        text = "" if arguments.quiet else text
    data = _data(result, _spec_text(result, ""), arguments.output) if context.json else {}
    return Outcome(data=data, text=text, summary=summary, status=status)


def _analyze(
    sources: list[str], declared_in: tuple[str, ...], arguments: argparse.Namespace, context: Context
) -> "AnalyzeResult":
    from pannier import api

    python, target_python = split_python(arguments.analysed)
    options = api.AnalyzeOptions(
        python=python,
        target_python=target_python,
        toplevel=arguments.toplevel,
        functions=tuple(arguments.functions),
        mapping=dict(arguments.pairs),
        extra=tuple(arguments.extra),
        strict=arguments.strict,
        stdin=stdin_content(sources, context) or b"",
        declared_in=declared_in,
        compare=True,
    )
    return api.analyze(sources, options, context.load_settings(), context.reporter)


def _spec_text(result: "AnalyzeResult", name: str) -> str:
    """The spec, in the form that a file of this name has; JSON for none."""
    if Path(name).suffix.lower() in {"", ".json"}:
        from pannier.formats.environment_specs import format_spec

        return format_spec(result.spec)
    from pannier.formats.spec_texts import format_spec_as
    from pannier.model.names import normalized_name

    names = {normalized_name(project.name): project.conda_name for project in result.analysis.projects}
    return format_spec_as(name, result.spec, names)


def _shown(result: "AnalyzeResult", arguments: argparse.Namespace, context: Context) -> tuple[str, str, int]:
    """The text, the summary and the exit status that were asked for."""
    from pannier.cli.analysis import format_analysis, format_summary

    if arguments.explain:
        from pannier.cli.explanations import format_explanation

        text = format_explanation(result.analysis, result.check, arguments.explain, context.style)
        return text, "", 0
    if arguments.check is not None:
        from pannier.cli.checks import format_check, format_check_summary

        if result.check is None:
            raise AnalysisError(
                "there is nothing to compare with: no file here declares requirements",
                code="nothing-declared",
                facts={"looked for": "pyproject.toml, setup.cfg, setup.py, requirements*.txt, Pipfile, ..."},
                hint="name the file: `--check FILE`",
            )
        text = format_check(result.check, context.style, verbose=context.verbose)
        agrees = result.check.agrees and not (arguments.strict and result.check.undecided)
        return text, format_check_summary(result.check), 0 if agrees else CHECK_FAILED
    requires_python = _requires_python(result)
    text = format_analysis(
        result.analysis, requires_python, context.style, verbose=context.verbose, check=result.check
    )
    return text, format_summary(result.analysis), 0


def _sources(arguments: argparse.Namespace) -> tuple[list[str], tuple[str, ...]]:
    """The sources, and the files that declare; `--check DIRECTORY` is a source and the project's own files.

    Raises:
        UsageError: There is no source.
    """
    named = [name for name in arguments.check or () if name]
    declaring = [name for name in named if not _is_source(name)]
    sources = [*arguments.sources, *(name for name in named if _is_source(name))]
    if not sources and arguments.check is None:
        raise usage_error("`SOURCE` is missing", hint="`pannier analyze --help` shows what it takes")
    if not sources:
        sources = list(dict.fromkeys(os.path.dirname(name) or os.curdir for name in declaring)) or [os.curdir]
    return sources, tuple(declaring)


def _is_source(name: str) -> bool:
    path = Path(name)
    return path.is_dir() or (path.suffix in {".py", ".ipynb"} and path.name != "setup.py")


def _refuse_unread(sources: Sequence[str], analysis: "Analysis", *, is_check: bool) -> None:
    """A file in a directory may be left out; one that the user named may not, unless part of it was read."""
    named = {os.path.normpath(source) for source in sources}
    unread = [
        problem
        for problem in analysis.problems
        if os.path.normpath(problem.location.path) in named
        and (is_check or not _is_read_in_part(problem, analysis))
    ]
    if unread:
        what = "a source" if len(unread) == 1 else f"{len(unread)} of the sources"
        raise AnalysisError(
            f"{what} could not be read",
            code=unread[0].code,
            facts={f"`{problem.location}`": problem.message for problem in unread},
            hint=_remedy(unread),
        )


def _is_read_in_part(problem: "Problem", analysis: "Analysis") -> bool:
    """Whether the rest of the source was read, and Python is what it holds."""
    if problem.code in _UNREAD:
        return False
    is_python = os.path.splitext(problem.location.path)[1] in _PYTHON_SUFFIXES  # noqa: PTH122
    return is_python or bool(analysis.projects or analysis.unknown or analysis.standard_library)


def _remedy(unread: "Sequence[Problem]") -> str:
    if any(problem.code == "source-syntax" for problem in unread):
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"mend it; syntax newer than that of Python {python}, which Pannier runs with here, "
            "is read by a Pannier on that Python"
        )
    return "leave out what is no Python source"


def _requires_python(result: "AnalyzeResult") -> str:
    """What the sources' metadata says, else what reading them told."""
    return result.spec.python or result.analysis.requires_python


def _data(result: "AnalyzeResult", spec: str, output: str | None) -> dict[str, object]:
    import json

    from pannier.cli.envelope import as_data

    analysis = as_data(result.analysis)
    assert isinstance(analysis, dict)
    return {
        "schema": ANALYSIS_SCHEMA,
        **analysis,
        "requires_python": _requires_python(result),
        "environment_python": result.environment_python,
        "check": as_data(result.check),
        "spec": json.loads(spec),
        "output": output,
    }
