"""`pannier analyze`: what sources import, and which projects provide it."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.cli.commands import Context, Outcome
from pannier.cli.errors import usage_error
from pannier.cli.parsing import add_mapping_option, split_python
from pannier.model.errors import AnalysisError

if TYPE_CHECKING:
    from pannier.api import AnalyzeResult
    from pannier.model.analysis import Problem

DESCRIPTION = """Read Python sources and say what they import, and which projects provide that.

Nothing that is read is imported or run. The program's own modules are followed, not listed. Versions
are those of the environment analysed, where it has the project, and are left open where it does not."""
EXAMPLES = (
    ("pannier analyze weather.py", "what does this script need?"),
    (
        "pannier analyze weather.py -o spec.json",
        "write that as an environment spec, for `pannier lock` or conda",
    ),
    ("pannier analyze src/ notebook.ipynb --python .venv", "with the versions that this environment has"),
    (
        "pannier analyze app.py --pkg-mapping cv2=opencv-python-headless",
        "say which project provides an import",
    ),
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
        nargs="+",
        help="a script, notebook, package or directory; - is standard input",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the environment spec to write; - is standard output"
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
        "--strict", action="store_true", help="refuse unknown imports, guesses and unreadable sources"
    )


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
    from pannier import api
    from pannier.cli.analysis import format_analysis, format_summary
    from pannier.formats.environment_specs import format_spec

    if arguments.output == "-" and context.json:
        raise usage_error("`--json` and `-o -` both want standard output", hint="name a file after `-o`")
    python, target_python = split_python(arguments.analysed)
    options = api.AnalyzeOptions(
        python=python,
        target_python=target_python,
        toplevel=arguments.toplevel,
        functions=tuple(arguments.functions),
        mapping=dict(arguments.pairs),
        extra=tuple(arguments.extra),
        strict=arguments.strict,
        stdin=read_stdin(arguments.sources, context),
    )
    result = api.analyze(arguments.sources, options, context.load_settings(), context.reporter)
    _refuse_unread(arguments.sources, result.analysis.problems)
    spec = format_spec(result.spec)
    text = format_analysis(result.analysis, _requires_python(result), context.style, verbose=context.verbose)
    if arguments.output == "-":
        text = spec
    elif arguments.output:
        from pannier.store.writing import write_whole

        write_whole(Path(arguments.output), spec.encode())
        text = "" if arguments.quiet else text
    data = _data(result, spec, arguments.output) if context.json else {}
    return Outcome(data=data, text=text, summary=format_summary(result.analysis))


def _refuse_unread(sources: Sequence[str], problems: "Sequence[Problem]") -> None:
    """A file in a directory may be left out; one that the user named may not."""
    named = {os.path.normpath(source) for source in sources}
    unread = [problem for problem in problems if os.path.normpath(problem.location.path) in named]
    if unread:
        what = "a source" if len(unread) == 1 else f"{len(unread)} of the sources"
        raise AnalysisError(
            f"{what} could not be read",
            code=unread[0].code,
            facts={f"`{problem.location}`": problem.message for problem in unread},
        )


def read_stdin(sources: Sequence[str], context: Context) -> bytes:
    """The bytes that the source `-` stands for, undecoded: they may declare their own encoding (PEP 263)."""
    if "-" not in sources:
        return b""
    buffer = getattr(context.stdin, "buffer", None)
    return buffer.read() if buffer is not None else context.stdin.read().encode()


def _requires_python(result: "AnalyzeResult") -> str:
    """What the sources' metadata says, else what reading them told."""
    return result.spec.python or result.analysis.requires_python


def _data(result: "AnalyzeResult", spec: str, output: str | None) -> dict[str, object]:
    import json

    from pannier.cli.envelope import as_data

    analysis = as_data(result.analysis)
    assert isinstance(analysis, dict)
    return {
        **analysis,
        "requires_python": _requires_python(result),
        "environment_python": result.environment_python,
        "spec": json.loads(spec),
        "output": output,
    }
