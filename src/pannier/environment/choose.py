"""Decide which Python a pack carries: `--interpreter auto|PATH|VERSION|standalone|none`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pannier.environment.find import InterpreterRequest, find_interpreter, is_fitting, version_specifier
from pannier.environment.probe import machine_platform, probe
from pannier.environment.standalone import find_standalone, last_refusal
from pannier.model.errors import InterpreterError
from pannier.model.events import Reporter, SilentReporter, Stage
from pannier.model.interpreter import Interpreter
from pannier.store.directories import CacheDirectories


class ChosenInterpreter(NamedTuple):
    """The Python to lock, build, compile and pack with.

    Attributes:
        interpreter: As probed. For `host` it stands in for the target's own and is not carried.
        origin: `standalone`: a build for any Linux; `machine`: one of this machine, to be copied; `host`: the
            pack holds none.
        reason: Why this one, for people.
    """

    interpreter: Interpreter
    origin: Literal["standalone", "machine", "host"]
    reason: str


class _Search(NamedTuple):
    specifier: str
    offline: bool
    directories: CacheDirectories
    reporter: Reporter
    environ: Mapping[str, str]

    def on_machine(self, specifier: str) -> Interpreter:
        return find_interpreter(specifier, cache=self.directories.interpreters, environ=self.environ)

    def standalone(self, specifier: str, *, again: bool = False) -> Interpreter | None:
        stage = Stage(name="interpreter")
        self.reporter.begin(stage)
        try:
            return find_standalone(
                specifier,
                self.directories.interpreters,
                libc_family=machine_platform().libc_family,
                offline=self.offline,
                again=again,
                environ=self.environ,
            )
        finally:
            self.reporter.end(stage)


def choose_interpreter(
    request: InterpreterRequest,
    specifier: str,
    directories: CacheDirectories,
    *,
    offline: bool = False,
    reporter: Reporter | None = None,
    environ: Mapping[str, str] | None = None,
) -> ChosenInterpreter:
    """Decide which Python a pack carries.

    `auto` takes the release (`3.11`) of the interpreter that `find_interpreter` prefers, in a standalone
    build where uv has or gets one, for that runs on older machines; else that interpreter itself. A version
    asked for is looked for on this machine first. With `none` the target brings its own, and one of this
    machine stands in for it.

    Args:
        request: What the user asked for.
        specifier: What the program asks for (`>=3.9`); empty for anything.
        directories: The cache.
        offline: Ask no network.
        reporter: Hears of the download.
        environ: Environment variables; the process's own by default.

    Raises:
        InterpreterError: Nothing fits, or what was asked for does not fit the program.
    """
    search = _Search(
        specifier=specifier,
        offline=offline,
        directories=directories,
        reporter=reporter or SilentReporter(),
        environ=os.environ if environ is None else environ,
    )
    match request.kind:
        case "auto":
            return _automatic(search)
        case "standalone":
            return _standalone(search)
        case "none":
            interpreter = search.on_machine(specifier)
            return ChosenInterpreter(
                interpreter=interpreter, origin="host", reason="the target's own was asked for"
            )
        case "path":
            return _by_path(request.value, search)
        case "version":
            return _by_version(request.value, search)


def _automatic(search: _Search) -> ChosenInterpreter:
    try:
        machine = search.on_machine(search.specifier)
    except InterpreterError:
        standalone = search.standalone(search.specifier)
        if standalone is None:
            raise
        return ChosenInterpreter(
            interpreter=standalone, origin="standalone", reason="none of this machine fits"
        )
    standalone = search.standalone(_same_release(machine, search.specifier))
    if standalone is not None:
        return ChosenInterpreter(
            interpreter=standalone, origin="standalone", reason="it runs on older machines too"
        )
    return ChosenInterpreter(interpreter=machine, origin="machine", reason="no standalone build is at hand")


def _same_release(machine: Interpreter, specifier: str) -> str:
    release = version_specifier(machine.target.python_minor)
    return release if specifier in {"", release} else f"{release},{specifier}"


def _standalone(search: _Search) -> ChosenInterpreter:
    try:
        wanted = _same_release(search.on_machine(search.specifier), search.specifier)
    except InterpreterError:
        wanted = search.specifier
    found = search.standalone(wanted, again=True)
    if found is not None:
        return ChosenInterpreter(
            interpreter=found, origin="standalone", reason="a standalone build was asked for"
        )
    refusal = "" if search.offline else last_refusal(wanted, search.directories.interpreters, search.environ)
    raise InterpreterError(
        f"no standalone build of Python `{wanted}` is installed or could be fetched",
        code="standalone-unreachable",
        facts={"wanted": wanted, "reason": refusal.splitlines() or "no network may be asked"},
        hint="pack this machine's own with `--interpreter auto`",
    )


def _by_path(path: str, search: _Search) -> ChosenInterpreter:
    executable = str(Path(path, "bin", "python")) if Path(path).is_dir() else path
    interpreter = probe(executable, search.directories.interpreters)
    if not is_fitting(interpreter.version, search.specifier):
        raise InterpreterError(
            f"the interpreter `{executable}` does not fit what the program asks for",
            code="interpreter-mismatch",
            facts={"wanted": search.specifier, "found": interpreter.version},
            hint="let Pannier look for one with `--interpreter auto`",
        )
    return ChosenInterpreter(interpreter=interpreter, origin="machine", reason="it was named")


def _by_version(version: str, search: _Search) -> ChosenInterpreter:
    wanted = ",".join(filter(None, [version, search.specifier]))
    try:
        interpreter = search.on_machine(wanted)
    except InterpreterError:
        standalone = search.standalone(wanted)
        if standalone is None:
            raise
        return ChosenInterpreter(
            interpreter=standalone, origin="standalone", reason="none of this machine fits"
        )
    return ChosenInterpreter(
        interpreter=interpreter, origin="machine", reason=f"version {version} was asked for"
    )
