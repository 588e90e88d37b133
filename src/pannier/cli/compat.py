"""The drop-in commands `python_package_analyze` and `python_package_create`, and their older names.

Their argument order, files and exit statuses are a contract: Parsl, Work Queue and
TaskVine call them by name, `poncho_package_*` being the older one.
`python_package_run` is a shell script of its own, which hosts without Python run.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pannier.cli.analyze import add_selection_options
from pannier.cli.commands import Context, stdin_content
from pannier.cli.errors import render_error
from pannier.cli.parsing import CommandParser, make_parser, parse_arguments, split_python
from pannier.cli.process import guard, prepare
from pannier.cli.render import style_of
from pannier.model.errors import PannierError

ANALYZE_DESCRIPTION = """Write the environment spec of what Python sources import.

The spec is valid for `conda env create`. Versions are those of the environment analysed: the one that
--python names, else the active virtual or conda environment. An import that no known project provides is
refused, all of them at once, and an OUT that is there stays as it is."""
ANALYZE_EXAMPLES = (
    ("python_package_analyze app.py env.json", "what does app.py import?"),
    ("python_package_analyze app.py - --pkg-mapping cv2=opencv-python", "to standard output"),
    (
        "python_package_analyze runner.py - env.json --extra-pkg cloudpickle",
        "of a script and of standard input",
    ),
)
CREATE_DESCRIPTION = """Pack the environment that a spec describes, with its interpreter, into one file.

SPEC is an environment spec of any dialect (JSON or YAML), - for standard input, or the prefix or the name
of an environment on this machine."""
CREATE_EXAMPLES = (
    ("python_package_create env.json env.tar.gz", "after python_package_analyze"),
    ("python_package_create .venv env.tar.gz", "of an environment that is there"),
)

_SPEC_SUFFIXES = (".json", ".yml", ".yaml", ".txt", ".in", ".toml")
Action = Callable[[argparse.Namespace, Context], int]


def analyze_main(argv: Sequence[str] | None = None) -> int:
    """Run `python_package_analyze`.

    Args:
        argv: Arguments without the program's name; the process's own by default.

    Returns:
        The exit status.
    """
    return _run("python_package_analyze", make_analyze_parser, _analyze, argv)


def create_main(argv: Sequence[str] | None = None) -> int:
    """Run `python_package_create`.

    Args:
        argv: Arguments without the program's name; the process's own by default.

    Returns:
        The exit status.
    """
    return _run("python_package_create", make_create_parser, _create, argv)


def make_analyze_parser(program: str = "python_package_analyze") -> CommandParser:
    """The arguments of `python_package_analyze`."""
    parser = make_parser(program, ANALYZE_DESCRIPTION, ANALYZE_EXAMPLES)
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", help="a script, notebook or package; - is standard input"
    )
    parser.add_argument("output", metavar="OUT", help="the spec to write; - is standard output")
    add_selection_options(parser)
    parser.add_argument(
        "--python",
        dest="analysed",
        metavar="P",
        default="",
        help="the environment analysed: its directory or its interpreter; or a Python version",
    )
    return parser


def make_create_parser(program: str = "python_package_create") -> CommandParser:
    """The arguments of `python_package_create`."""
    parser = make_parser(program, CREATE_DESCRIPTION, CREATE_EXAMPLES)
    parser.add_argument("spec", metavar="SPEC", help="a spec, - for standard input, or an environment")
    parser.add_argument("output", metavar="OUTPUT", help="the file to write, such as env.tar.gz")
    parser.add_argument(
        "--conda-executable", metavar="P", default="", help="the conda to use where one is needed"
    )
    parser.add_argument(
        "--no-micromamba",
        action="store_true",
        help="accepted and without effect: nothing is downloaded to run",
    )
    parser.add_argument(
        "--ignore-editable-packages",
        action="store_true",
        help="take editable installs of the environment as the index has them, not from their directories",
    )
    return parser


def _run(
    program: str, make: Callable[[str], CommandParser], action: Action, argv: Sequence[str] | None
) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        prepare()
        if Path(sys.argv[0]).name.startswith("poncho_"):
            program = program.replace("python_", "poncho_")
    style = style_of(sys.stderr, os.environ)

    def act() -> int:
        namespace = parse_arguments(make(program), arguments)
        from pannier.cli.progress import CommandReporter

        context = Context(
            reporter=CommandReporter(sys.stderr, style),
            style=style_of(sys.stdout, os.environ),
            environ=os.environ,
            directory=Path.cwd(),
            stdin=sys.stdin,
            flags={},
        )
        return action(namespace, context)

    def show(error: PannierError) -> None:
        # Callers log what they get and show it much later: leave nothing out.
        sys.stderr.write(render_error(error, style, verbose=True))

    return guard(act, show, argv=[program, *arguments], environ=os.environ)


def _analyze(arguments: argparse.Namespace, context: Context) -> int:
    """Analyze strictly; OUT is touched only when everything is known."""
    from pannier import api
    from pannier.formats.environment_specs import format_spec

    python, target_python = split_python(arguments.analysed)
    options = api.AnalyzeOptions(
        python=python,
        target_python=target_python,
        toplevel=arguments.toplevel,
        functions=tuple(arguments.functions),
        mapping=dict(arguments.pairs),
        extra=tuple(arguments.extra),
        strict=True,
        exact_python=True,
        stdin=stdin_content(arguments.sources, context) or b"",
    )
    result = api.analyze(arguments.sources, options, context.load_settings(), context.reporter)
    text = format_spec(result.spec)
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        from pannier.store.writing import write_whole

        write_whole(Path(arguments.output), text.encode())
    return 0


def _create(arguments: argparse.Namespace, context: Context) -> int:
    """Pack the environment; the far side finds `bin/run_in_env` in it, as in every pack."""
    from pannier import api

    settings = context.load_settings()
    options = api.PackOptions(
        output=Path(arguments.output),
        interpreter=settings.interpreter,
        python=settings.python,
        platform=settings.platform,
        includes=settings.include,
        name=Path(arguments.output).name.split(".")[0],
        content=_content(arguments.spec, context),
        editables=not arguments.ignore_editable_packages,
    )
    api.pack(arguments.spec, options, settings, context.reporter)
    return 0


def _content(spec: str, context: Context) -> bytes | None:
    """What SPEC says, where it is `-` or its name does not tell that it is a spec."""
    if spec == "-":
        return stdin_content([spec], context)
    path = Path(spec)
    return path.read_bytes() if path.is_file() and path.suffix not in _SPEC_SUFFIXES else None
