"""`pack` for a system's package manager: a program, project, spec or lock becomes a `.deb` or a `.rpm`."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.packing import PackOptions, interpreter_for, plan_of
from pannier.api.settings import Settings
from pannier.api.subjects import Subject, find_subject
from pannier.api.workshop import Workshop
from pannier.model.events import Reporter, SilentReporter

if TYPE_CHECKING:
    from pannier.api.targets import Surroundings
    from pannier.formats.pack_forms import Form
    from pannier.pack.plan import PackPlan
    from pannier.pack.system_package import SystemContents, WrittenPackage


class SystemPackageResult(NamedTuple):
    """The package that was written.

    Attributes:
        path: Where it is.
        name: The package's.
        version: As the system writes it, whole.
        architecture: As the system calls it.
        depends: What it needs of the system.
        commands: Names in `/usr/bin`.
        python: Version of the interpreter inside; empty for the system's own.
        size: In bytes.
        seconds: How long it took.
    """

    path: Path
    name: str
    version: str
    architecture: str
    depends: tuple[str, ...]
    commands: tuple[str, ...]
    python: str
    size: int
    seconds: float


def pack_for_system(
    subject: str, options: PackOptions, settings: Settings, reporter: Reporter | None = None
) -> SystemPackageResult:
    """Make a package of `subject` and everything it needs.

    Args:
        subject: What to pack.
        options: As for `pack`; the output ends in `.deb` or `.rpm`.
        settings: Those in force; the table `package` says what nothing else does.
        reporter: Hears of progress and warnings.

    Raises:
        UsageError: What is packed states no version, nobody maintains the package, or it has no command.
        PannierError: As for `pack`.
    """
    from pannier.api.package_facts import facts_of
    from pannier.formats.pack_forms import form_of
    from pannier.pack.system_package import opened_contents
    from pannier.store.occupancy import occupied
    from pannier.store.writing import check_is_no_directory

    started = time.monotonic()
    form = form_of(options.output.name)
    interpreter = interpreter_for(form, options.interpreter)
    check_is_no_directory(options.output)
    workshop = Workshop(settings, reporter or SilentReporter())
    named = find_subject(subject, settings.environ, options.content)

    def look(specifier: str) -> "Surroundings":
        from pannier.api.targets import surroundings_of

        return surroundings_of(interpreter, options.python, options.platform, specifier, workshop)

    with occupied(settings.cache_root), ExitStack() as opened:
        plan, specifier, _ = plan_of(named, options, look, workshop, opened)
        facts = facts_of(named, options.name, plan, specifier, settings)
        commands = _commands(named, options, plan)
        with opened_contents(plan, facts, commands, workshop.reporter) as contents:
            written = _written(form, contents, options.output, workshop.reporter)
            return SystemPackageResult(
                path=options.output,
                name=written.name,
                version=written.version,
                architecture=written.architecture,
                depends=written.depends,
                commands=contents.commands,
                python=plan.interpreter.version if plan.interpreter else "",
                size=written.size,
                seconds=time.monotonic() - started,
            )


def _commands(subject: Subject, options: PackOptions, plan: "PackPlan") -> Sequence[str]:
    """The commands of distributions to have in `/usr/bin`: of the user's own projects, or the one named."""
    from pannier.api.distributions import commands_of

    if options.program is not None:
        return [plan.program.command] if plan.program and not plan.program.files else []
    own = [wheel for wheel in plan.wheels if wheel.kind == "program"] if subject.kind != "source" else []
    return sorted({command for wheel in own for command in commands_of(wheel.path)})


def _written(form: "Form", contents: "SystemContents", output: Path, reporter: Reporter) -> "WrittenPackage":
    if form.name == "deb":
        from pannier.pack.debian import write_debian_package

        return write_debian_package(contents, output, reporter)
    from pannier.pack.rpm import write_rpm_package

    return write_rpm_package(contents, output, reporter)
