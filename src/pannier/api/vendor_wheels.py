"""What each target of a vendored tree needs: its wheels, and the Python here that compiles for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.distributions import wheels_of, wheels_of_projects
from pannier.api.targets import Surroundings
from pannier.api.workshop import Workshop
from pannier.formats.pylock import projects_for
from pannier.formats.wheels import parse_wheel_filename
from pannier.model.errors import InterpreterError
from pannier.model.interpreter import Interpreter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.model.target import Target
from pannier.pack.bytecode import Compiler, compiler_of
from pannier.pack.vendor_layout import VendoredTarget, label_targets
from pannier.pack.vendoring import OldPython, OnDemand

if TYPE_CHECKING:
    from pannier.pack.plan import PlannedWheel


def interpreter_for(target: Target, workshop: Workshop) -> Interpreter | None:
    """A Python of this machine with the target's version, whatever machine the target is."""
    from pannier.environment.find import find_interpreter, version_specifier

    try:
        return find_interpreter(
            version_specifier(target.python_minor),
            cache=workshop.directories.interpreters,
            environ=workshop.settings.environ,
        )
    except InterpreterError:
        return None


def compilers_for(targets: Sequence[Target], workshop: Workshop) -> dict[str, Compiler | OldPython]:
    """What makes byte code for each target, by its label; byte code is the same on every machine."""
    found: dict[str, Compiler | OldPython] = {}
    for label, target in zip(label_targets(targets), targets, strict=True):
        interpreter = interpreter_for(target, workshop)
        if interpreter is not None:
            old = OldPython(interpreter.python_executable, interpreter.version)
            found[label] = compiler_of(interpreter) or old
    return found


def vendored_targets(
    made: Lock, spec: Spec, targets: Sequence[Target], workshop: Workshop
) -> tuple[VendoredTarget, ...]:
    """Bring the wheels of every target; sdists and the user's own projects are built."""
    labels = label_targets(targets)
    found = []
    for label, target in zip(labels, targets, strict=True):
        surroundings = Surroundings(target, interpreter_for(target, workshop), None)
        wheels = wheels_of(projects_for(made, target), surroundings, workshop)
        wheels += wheels_of_projects(spec.local_projects, surroundings, workshop)
        found.append(VendoredTarget(label, target, tuple(wheels)))
    return tuple(found)


def on_demand_of(made: Lock, targets: Sequence[VendoredTarget]) -> OnDemand:
    """Say how the first start comes by each wheel."""
    carried: dict[str, Path] = {}
    urls = {
        wheel.sha256: wheel.url
        for project in made.projects
        for wheel in project.wheels
        if not wheel.url.startswith("file:")
    }
    fetched = {
        target.label: [_fetched(wheel, urls, carried) for wheel in target.wheels] for target in targets
    }
    return OnDemand(fetched, tuple(carried.values()))


def _fetched(wheel: "PlannedWheel", urls: dict[str, str], carried: dict[str, Path]) -> dict[str, object]:
    """How the first start comes by a wheel: from its index, or from beside, where no index has it."""
    row: dict[str, object] = {
        "filename": wheel.path.name,
        "project": parse_wheel_filename(wheel.path.name).project,
        "sha256": wheel.sha256,
        "size": wheel.path.stat().st_size,
    }
    if url := urls.get(wheel.sha256):
        return {**row, "url": url}
    carried[wheel.path.name] = wheel.path
    return {**row, "path": f"wheels/{wheel.path.name}"}
