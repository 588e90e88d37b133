"""`pack`: a program, project, spec or lock becomes one file."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.repeating import remember, request_of, write_again
from pannier.api.settings import Settings
from pannier.api.subjects import Subject, find_subject, read_lock
from pannier.api.workshop import Workshop
from pannier.model.errors import UsageError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.manifest import Manifest

if TYPE_CHECKING:
    from pannier.api.needs import Needs
    from pannier.api.programs import ProgramFiles
    from pannier.api.targets import Surroundings
    from pannier.formats.pack_forms import Form
    from pannier.model.lock import Lock
    from pannier.model.spec import Spec
    from pannier.pack.plan import PackPlan, PlannedProgram, PlannedWheel
    from pannier.pack.recipes import PackedFile
    from pannier.pack.writer import WrittenPack


class PackOptions(NamedTuple):
    """What to make of a subject.

    Attributes:
        output: The pack; its ending says the codec.
        interpreter: `auto`, a path, a version, `standalone` or `none`; empty for what is usual in this form.
        python: Version to pack for; empty for what the subject asks for.
        platform: Platform to pack for; empty for this machine's.
        includes: Data to carry with the program.
        name: Name of the pack and its program's command; empty for the subject's.
        program: Console script or module that runs when no command is given; `None` for the subject's own.
        lock: Lockfile to take versions from instead of resolving; `None` to resolve.
        content: The text of a spec that is no file, or whose name does not say that it is one; paths in it
            start from the directory of the subject. `None` to read the subject.
        editables: Take what a spec names from its directory where the active environment has it as an
            editable install.
        strict: Refuse what `pannier analyze --strict` refuses in a program.
    """

    output: Path
    interpreter: str = ""
    python: str = ""
    platform: str = ""
    includes: tuple[str, ...] = ()
    name: str = ""
    program: str | None = None
    lock: Path | None = None
    content: bytes | None = None
    editables: bool = False
    strict: bool = False


class PackResult(NamedTuple):
    """The pack that was written.

    Attributes:
        manifest: What is in it.
        path: Where it is.
        size: In bytes.
        seconds: How long it took.
        reused_layers: How many layers came from the cache.
    """

    manifest: Manifest
    path: Path
    size: int
    seconds: float
    reused_layers: int


def is_system_package(output: Path) -> bool:
    """Whether a file of this name is for a system's package manager: `pack_for_system` makes those.

    Raises:
        UsageError: The name says no form.
    """
    from pannier.formats.pack_forms import form_of

    return form_of(output.name).is_system_package


def pack(
    subject: str, options: PackOptions, settings: Settings, reporter: Reporter | None = None
) -> PackResult:
    """Make one file of `subject` and everything it needs.

    Raises:
        UsageError: The output's ending or an option cannot be.
        AnalysisError: There is no such subject, or a program imports what nothing known provides.
        SpecError: A spec is not valid or asks for nothing.
        LockError: Nothing satisfies the requirements, or the lock is for other targets.
        InterpreterError: No interpreter fits, or it cannot be carried.
        PannierError: Fetching, building or writing failed; its class says which.
    """
    from pannier.formats.pack_forms import form_of
    from pannier.store.occupancy import occupied
    from pannier.store.writing import check_is_no_directory

    started = time.monotonic()
    # What is wrong with the output is told before any work is done.
    form = form_of(options.output.name)
    interpreter = interpreter_for(form, options.interpreter)
    check_is_no_directory(options.output)
    workshop = Workshop(settings, reporter or SilentReporter())
    named = find_subject(subject, settings.environ, options.content)
    request = _request_of(named, options)

    def look(specifier: str) -> "Surroundings":
        from pannier.api.targets import surroundings_of  # when the copying has begun

        return surroundings_of(interpreter, options.python, options.platform, specifier, workshop)

    with occupied(settings.cache_root):
        if again := write_again(request, options.output, form, look, workshop):
            return _repeated(*again, options.output, started)
        written, specifier, surroundings = _made(named, options, look, workshop)
    if request == _request_of(named, options):  # the lock was not edited meanwhile
        remember(request, written, specifier, surroundings, workshop)
    return PackResult(
        manifest=written.manifest,
        path=options.output,
        size=written.size,
        seconds=time.monotonic() - started,
        reused_layers=written.reused_layers,
    )


def _request_of(subject: Subject, options: PackOptions) -> str:
    from pannier.formats.pack_forms import form_of

    form = form_of(options.output.name)
    wishes = (options.name, options.program, options.interpreter, options.python, options.platform)
    return request_of(subject, (form.name, form.codec, *wishes))


def _made(
    subject: Subject, options: PackOptions, look: "Callable[[str], Surroundings]", workshop: Workshop
) -> "tuple[WrittenPack, str, Surroundings]":
    """The pack, what it demands of the interpreter, and what was chosen by that."""
    with ExitStack() as opened:
        plan, specifier, surroundings = plan_of(subject, options, look, workshop, opened)
        return _written(plan, options.output, workshop), specifier, surroundings


def plan_of(
    subject: Subject,
    options: PackOptions,
    look: "Callable[[str], Surroundings]",
    workshop: Workshop,
    opened: ExitStack,
) -> "tuple[PackPlan, str, Surroundings]":
    """The plan of a pack, all of it fetched; what the subject demands of Python, and what that chose."""
    needs, made = _needs(subject, options, workshop)
    surroundings = look(needs.spec.python)
    if made is None:
        made = _resolved(needs.spec, surroundings, workshop)
    return (
        _plan(subject, needs, made, surroundings, options, workshop, opened),
        needs.spec.python,
        surroundings,
    )


def _repeated(manifest: Manifest, size: int, output: Path, started: float) -> PackResult:
    return PackResult(
        manifest=manifest,
        path=output,
        size=size,
        seconds=time.monotonic() - started,
        reused_layers=len(manifest.layers),
    )


def _needs(subject: Subject, options: PackOptions, workshop: Workshop) -> "tuple[Needs, Lock | None]":
    """What is needed, and the lock where one is given."""
    from pannier.api.needs import Needs, needs_of, program_of
    from pannier.model.spec import Spec

    if subject.kind == "lock":
        made = read_lock(subject.path)
        return Needs(spec=Spec(python=_python_of(made, options.python))), made
    if subject.kind == "source" and subject.content is not None:
        raise UsageError(
            "a program on standard input has no file to pack",
            hint="save it in a file and name that; `pannier lock -` locks what it needs",
        )
    if options.lock is None:
        needs = needs_of(subject, options.includes, workshop, is_strict=options.strict)
        if options.editables:
            from pannier.api.environments import with_editables

            needs = needs._replace(spec=with_editables(needs.spec, workshop.settings.environ))
        return needs, None
    made = read_lock(options.lock)
    python = _python_of(made, options.python)
    if subject.kind == "source":
        program = program_of(subject, options.includes, workshop)
        return Needs(spec=Spec(python=python), program=program), made
    spec = needs_of(subject, options.includes, workshop).spec
    return Needs(spec=Spec(python=python, local_projects=spec.local_projects, data=spec.data)), made


def _python_of(made: "Lock", python: str) -> str:
    """The interpreter a lock wants: of its only release, or whatever the user chooses among several.

    The user's choice stands alone, so that a lock which does not hold for it is refused as such.
    """
    if python and made.targets:
        return ""
    minors = sorted({target.python_minor for target in made.targets})
    if len(minors) == 1:
        return f"=={minors[0]}.*"
    return made.requires_python


def _resolved(spec: "Spec", surroundings: "Surroundings", workshop: Workshop) -> "Lock":
    from pannier.api.locking import resolve_spec

    return resolve_spec(spec, [surroundings.target], workshop, interpreter=surroundings.interpreter)


def _plan(
    subject: Subject,
    needs: "Needs",
    made: "Lock",
    surroundings: "Surroundings",
    options: PackOptions,
    workshop: Workshop,
    opened: ExitStack,
) -> "PackPlan":
    from pannier.api.distributions import wheels_of, wheels_of_projects
    from pannier.api.locking import check_target
    from pannier.api.provided import warn_of_missing
    from pannier.formats.pack_forms import form_of
    from pannier.formats.pylock import projects_for
    from pannier.pack.bytecode import compiler_of
    from pannier.pack.plan import PackPlan

    target = surroundings.target
    workshop = workshop.with_credentials(needs.spec)
    check_target(made, target, options.lock or subject.path)
    wheels = wheels_of(projects_for(made, target), surroundings, workshop)
    own = wheels_of_projects(needs.spec.local_projects, surroundings, workshop)
    if needs.program is not None:
        warn_of_missing(needs.program.imports, [item.path for item in (*wheels, *own)], workshop.reporter)
    if needs.program is not None and not subject.path.is_dir():
        from pannier.api.left_behind import warn_of_left_behind

        warn_of_left_behind(needs.program, workshop.reporter)
    name = options.name or subject.name
    data = _data(needs.spec, workshop, opened)
    return PackPlan(
        name=name,
        target=target,
        codec=form_of(options.output.name).codec,
        interpreter=surroundings.tree,
        compiler=compiler_of(surroundings.interpreter) if surroundings.interpreter else None,
        wheels=(*wheels, *own),
        program=_program(name, needs.program, wheels, own, options.program),
        data=tuple(data),
        environment=tuple((source.variable, f"data/{source.variable}") for source in needs.spec.data),
        lock_sha256=made.digest,
    )


def _program(
    name: str,
    files: "ProgramFiles | None",
    wheels: Sequence["PlannedWheel"],
    own: Sequence["PlannedWheel"],
    wanted: str | None,
) -> "PlannedProgram | None":
    """What runs by default: what was asked for, the script packed, or the one command of a project."""
    from pannier.api.distributions import command_named, commands_of
    from pannier.api.programs import command_name, entry_named
    from pannier.pack.plan import PlannedProgram

    if files is not None:
        entry = files if wanted is None else entry_named(files, wanted)
        has_entry = bool(entry.script or entry.module)
        return PlannedProgram(
            command=command_name(name) if has_entry else "",
            files=entry.files,
            script=entry.script,
            module=entry.module,
        )
    if wanted is not None:
        return PlannedProgram(command=command_named(wanted, (*own, *wheels)))
    found = [item for wheel in own for item in commands_of(wheel.path).items()]
    # A window beside the one console script takes nothing from its being the program.
    commands = [command for command, is_console in found if is_console] or [command for command, _ in found]
    chosen = name if name in commands else commands[0] if len(commands) == 1 else ""
    return PlannedProgram(command=chosen) if chosen else None


def _data(spec: "Spec", workshop: Workshop, opened: ExitStack) -> list["PackedFile"]:
    """Fetch what the spec carries; it stays until the pack is written."""
    from pannier.pack.recipes import PackedFile
    from pannier.store.data_sources import fetched_data

    packed: list[PackedFile] = []
    for source in spec.data:
        place = opened.enter_context(fetched_data(source, offline=workshop.settings.offline))
        below = f"data/{source.variable}"
        if place.is_file():
            packed.append(PackedFile(name=below, path=place))
            continue
        files = sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
        packed += [
            PackedFile(name=f"{below}/{path.relative_to(place).as_posix()}", path=path) for path in files
        ]
    return packed


def _written(plan: "PackPlan", output: Path, workshop: Workshop) -> "WrittenPack":
    from pannier.formats.pack_forms import form_of
    from pannier.pack.forms import writer_of
    from pannier.pack.writer import write_pack

    writer = writer_of(form_of(output.name))
    return write_pack(plan, output, workshop.directories, workshop.reporter, write=writer)


def interpreter_for(form: "Form", asked: str) -> str:
    """Which interpreter to pack: forms that carry none are for the target's own.

    Raises:
        UsageError: One is to be in a form that carries none.
    """
    from pannier.model.errors import UsageError

    if not asked:
        return form.usual_interpreter
    if form.carries_interpreter or asked == "none":
        return asked
    if asked == "auto":
        return "none"
    raise UsageError(
        f"a `{form.suffixes[0]}` runs with the Python of its machine and carries none",
        code="form-without-interpreter",
        facts={"asked for": f"--interpreter {asked}"},
        hint="leave `--interpreter` out, name a version with `--python`, or pack to `.tar.gz`",
    )
