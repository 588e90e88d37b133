"""`vendor`: what a program needs beside it, and a launcher that runs it with any Python that fits."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pannier.api.settings import Settings
from pannier.api.subjects import Subject, find_subject, read_lock
from pannier.api.workshop import Workshop
from pannier.model.errors import StorageError, UsageError
from pannier.model.events import Reporter, SilentReporter

if TYPE_CHECKING:
    from pannier.api.needs import Needs
    from pannier.api.vendor_launcher import Launcher
    from pannier.model.lock import Lock
    from pannier.model.spec import Spec
    from pannier.model.target import Target
    from pannier.pack.vendor_layout import VendoredTarget
    from pannier.pack.vendoring import VendoredTree

DEFAULT_NAME = "python_deps"


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorOptions:
    """What to put beside a program, and how.

    Attributes:
        directory: Where dependencies go; `None` for `python_deps` beside the program.
        requirements: Requirements files to take instead of what the program says of itself.
        lock: Lockfile to take versions from instead of resolving.
        pythons: Versions to vendor for; none for the one that packing would use.
        platforms: Platforms to vendor for; none for this machine's.
        wrapper: Name of the launcher to write; empty for the program's own, `None` for no launcher.
        program: What a launcher starts where the subject does not say: a console script.
        is_on_demand: Let the launcher fetch what is locked when it starts for the first time.
        compiles: Lay byte code beside the modules.
        upgrade: Forget the versions that are there.
        constraints: Requirements that bound versions without asking for anything.
        is_check: Write nothing; raise an error unless everything is there as it would be written.
        is_dry_run: Write nothing; say what would be.
    """

    directory: Path | None = None
    requirements: tuple[str, ...] = ()
    lock: Path | None = None
    pythons: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    wrapper: str | None = None
    program: str = ""
    is_on_demand: bool = False
    compiles: bool = True
    upgrade: bool = False
    constraints: tuple[str, ...] = ()
    is_check: bool = False
    is_dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorResult:
    """What lies beside the program.

    Attributes:
        directory: Where.
        tree: Name of the tree in force below it; empty for a dry run.
        targets: What it holds for.
        projects: Name and version of everything in it, sorted.
        files: How many files there are.
        size: Of them, in bytes; of the wheels for a dry run.
        launcher: The launcher, where one was asked for.
        uncompiled: Labels of the targets without byte code, for lack of such a Python here.
        is_changed: Something was written, or would be.
        in_use: Trees before it that stay until the next run, since programs that run use them.
    """

    directory: Path
    tree: str
    targets: tuple["Target", ...]
    projects: tuple[tuple[str, str], ...]
    files: int = 0
    size: int = 0
    launcher: Path | None = None
    uncompiled: tuple[str, ...] = ()
    is_changed: bool = True
    in_use: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """Everything that was asked for, read and understood."""

    subject: Subject | None
    needs: "Needs"
    given: "Lock | None"
    targets: tuple["Target", ...]
    directory: Path
    launcher: "Launcher | None"
    request: str
    options: VendorOptions
    workshop: Workshop


def vendor(
    subject: str, options: VendorOptions, settings: Settings, reporter: Reporter | None = None
) -> VendorResult:
    """Put what a program needs beside it.

    Args:
        subject: A program, a project, a spec or a lock; empty where `options` name requirements or a lock.
        options: What to do.
        settings: The settings in force.
        reporter: Hears of progress and warnings.

    Raises:
        UsageError: The subject or an option cannot be, or a file of somebody else is in the way.
        StorageError: With `is_check`: something is missing, changed or out of date (`vendor-outdated`).
        AnalysisError: A program imports what nothing known provides.
        PannierError: Locking, fetching, building or writing failed; its class says which.
    """
    from pannier.store.occupancy import occupied

    workshop = Workshop(settings, reporter or SilentReporter())
    with occupied(settings.cache_root):
        order = _understand(subject, options, workshop)
        if options.is_check:
            return _checked(order)
        if kept := _kept(order):
            return kept
        return _made(order)


def _understand(text: str, options: VendorOptions, workshop: Workshop) -> _Order:
    from pannier.api.targets import targets_of
    from pannier.api.vendor_launcher import launcher_of

    subject = find_subject(text, workshop.settings.environ) if text else None
    if subject is None and not options.requirements and options.lock is None:
        raise UsageError(
            "nothing says what to vendor",
            hint="name a script, a project, `-r requirements.txt` or `--lock pylock.toml`",
        )
    needs, given = _needs(subject, options, workshop)
    if given is not None and given.targets and not (options.pythons or options.platforms):
        targets = list(given.targets)
    else:
        targets = targets_of(options.pythons, options.platforms, needs.spec.python, workshop)
    directory = options.directory or _beside(subject) / DEFAULT_NAME
    launcher = None
    if options.wrapper is not None:
        launcher = launcher_of(subject, options.wrapper, options.program, directory, targets)
    return _Order(
        subject=subject,
        needs=needs,
        given=given,
        targets=tuple(dict.fromkeys(targets)),
        directory=directory,
        launcher=launcher,
        request=_request(needs.spec, given, targets, options, workshop),
        options=options,
        workshop=workshop,
    )


def _beside(subject: Subject | None) -> Path:
    if subject is None or subject.kind in {"spec", "lock", "environment"}:
        return Path()
    return subject.path if subject.path.is_dir() else subject.path.parent


def _needs(
    subject: Subject | None, options: VendorOptions, workshop: Workshop
) -> "tuple[Needs, Lock | None]":
    """What to resolve, and the lock where one is given; requirements files stand above the program's own."""
    from pannier.api.needs import Needs, needs_of
    from pannier.model.spec import LocalProject, Spec

    if options.requirements:
        specs = [_spec_of(text, workshop) for text in options.requirements]
        return Needs(spec=_together(specs)), _lock_of(options.lock)
    if options.lock is None and subject is not None and subject.kind != "lock":
        return needs_of(subject, (), workshop), None
    path = options.lock or (subject.path if subject is not None else Path())
    given = read_lock(path)
    projects: tuple[LocalProject, ...] = ()
    if subject is not None and subject.kind == "project":
        projects = needs_of(subject, (), workshop).spec.local_projects
    return Needs(spec=Spec(python=given.requires_python, local_projects=projects)), given


def _lock_of(path: Path | None) -> "Lock | None":
    return None if path is None else read_lock(path)


def _spec_of(text: str, workshop: Workshop) -> "Spec":
    from pannier.api.needs import needs_of

    subject = find_subject(text, workshop.settings.environ)
    if subject.kind not in {"spec", "project"}:
        raise UsageError(f"`{text}` is no requirements file", hint="name a program without `-r`")
    return needs_of(subject, (), workshop).spec


def _together(specs: "Sequence[Spec]") -> "Spec":
    first = specs[0]
    for other in specs[1:]:
        first = first._replace(
            requirements=tuple(dict.fromkeys((*first.requirements, *other.requirements))),
            python=",".join(part for part in dict.fromkeys((first.python, other.python)) if part),
            local_projects=tuple(dict.fromkeys((*first.local_projects, *other.local_projects))),
            constraints=(*first.constraints, *other.constraints),
            hashes=(*first.hashes, *other.hashes),
            indexes=(*first.indexes, *other.indexes),
            choices=(*first.choices, *other.choices),
        )
    return first


def _request(
    spec: "Spec",
    given: "Lock | None",
    targets: "Sequence[Target]",
    options: VendorOptions,
    workshop: Workshop,
) -> str:
    """A digest of all that decides what will lie there; versions are kept as long as it stays the same."""
    from pannier.api.vendor_wheels import compilers_for
    from pannier.lock.sources import hash_source
    from pannier.pack.vendoring import runtime_digest

    compilers = compilers_for(targets, workshop) if options.compiles else {}
    settings = workshop.settings
    parts = [
        runtime_digest(),
        [str(target) for target in targets],
        spec._replace(dialect="", data=(), local_projects=())._asdict(),
        [
            (project.name, project.extras, project.marker, hash_source(Path(project.path)))
            for project in spec.local_projects
        ],
        given.digest if given else "",
        [options.is_on_demand, options.constraints, settings.exclude_newer, settings.prerelease],
        sorted((label, compiler.version) for label, compiler in compilers.items()),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _kept(order: _Order) -> VendorResult | None:
    """What is there, when it is what would be written; the launcher is written where only that lacks."""
    from pannier.pack.vendoring import read_marker, remove_old_trees, tree_in_force

    marker = read_marker(order.directory)
    if marker is None or marker.request != order.request or order.options.upgrade:
        return None
    tree = tree_in_force(order.directory, marker)
    if tree is None:
        return None
    if not order.options.is_dry_run:
        tree = tree._replace(in_use=remove_old_trees(order.directory))
    is_changed = order.launcher is not None and not order.launcher.is_there()
    if order.launcher is not None and is_changed and not order.options.is_dry_run:
        order.launcher.write()
    return _result(order, tree, is_changed=is_changed)


def _checked(order: _Order) -> VendorResult:
    from pannier.pack.vendoring import differences, read_marker, tree_in_force

    marker = read_marker(order.directory)
    problems = {}
    tree = None
    if marker is None:
        problems = {"missing": str(order.directory)}
    elif marker.request != order.request:
        problems = {"out of date": str(order.directory)}
    elif found := differences(order.directory, marker):
        raise _outdated(order, {"missing or changed": found})
    else:
        tree = tree_in_force(order.directory, marker)
        if order.launcher is not None and not order.launcher.is_there():
            problems = {"launcher": str(order.launcher.path)}
    if problems or tree is None:
        raise _outdated(order, problems)
    return _result(order, tree, is_changed=False)


def _outdated(order: _Order, problems: "dict[str, str] | dict[str, list[str]]") -> StorageError:
    return StorageError(
        f"`{order.directory}` is not what `pannier vendor` would write",
        code="vendor-outdated",
        facts=dict(problems),
        hint="run the same command without `--check`",
    )


def _made(order: _Order) -> VendorResult:
    from pannier.api.vendor_wheels import compilers_for, on_demand_of, vendored_targets
    from pannier.formats.pylock import format_lock
    from pannier.pack.vendoring import VendorPlan, write_vendored

    workshop, options = order.workshop, order.options
    if order.launcher is not None:
        order.launcher.check()
    made = _resolved(order)
    spec = order.needs.spec
    targets = vendored_targets(made, spec, order.targets, workshop.with_credentials(spec))
    _warn_of_missing(order, targets)
    entry = order.launcher.resolve(targets) if order.launcher is not None else None
    if options.is_dry_run:
        return _dry_result(order, targets)
    compilers = compilers_for(order.targets, workshop) if options.compiles else {}
    plan = VendorPlan(
        targets=targets,
        compilers=compilers,
        request=order.request,
        lock=format_lock(made),
        on_demand=on_demand_of(made, targets) if options.is_on_demand else None,
    )
    tree = write_vendored(plan, order.directory, workshop.directories, workshop.reporter)
    if entry is not None:
        entry.write()
    return _result(order, tree, is_changed=True)


def _resolved(order: _Order) -> "Lock":
    from pannier.api.locking import LockOptions, check_target, resolve_spec
    from pannier.pack.vendoring import LOCK_NAME

    if order.given is not None:
        for target in order.targets:
            check_target(order.given, target, order.options.lock or Path(LOCK_NAME))
        return order.given
    previous = order.directory / LOCK_NAME
    prefer = None
    if previous.is_file() and (order.directory / ".pannier-vendor.json").is_file():
        prefer = None if order.options.upgrade else read_lock(previous)
    options = LockOptions(output=previous, constraints=order.options.constraints)
    return resolve_spec(order.needs.spec, order.targets, order.workshop, options, prefer=prefer)


def _warn_of_missing(order: _Order, targets: "Sequence[VendoredTarget]") -> None:
    from pannier.api.provided import warn_of_missing

    program = order.needs.program
    if program is not None:
        wheels = {wheel.path for target in targets for wheel in target.wheels}
        warn_of_missing(program.imports, sorted(wheels), order.workshop.reporter)


def _result(order: _Order, tree: "VendoredTree", *, is_changed: bool) -> VendorResult:
    from pannier.api.vendor_wheels import compilers_for
    from pannier.pack.vendor_layout import label_targets
    from pannier.pack.vendoring import LOCK_NAME

    made = read_lock(order.directory / LOCK_NAME)
    uncompiled: tuple[str, ...] = ()
    if order.options.compiles and not order.options.is_on_demand:
        known = compilers_for(order.targets, order.workshop)
        uncompiled = tuple(label for label in label_targets(order.targets) if label not in known)
    return VendorResult(
        directory=order.directory,
        tree=tree.tree,
        targets=order.targets,
        projects=tuple(sorted({(project.name, project.version) for project in made.projects})),
        files=tree.files,
        size=tree.size,
        launcher=order.launcher.path if order.launcher is not None else None,
        uncompiled=uncompiled,
        is_changed=is_changed,
        in_use=tree.in_use,
    )


def _dry_result(order: _Order, targets: "Sequence[VendoredTarget]") -> VendorResult:
    from pannier.formats.wheels import parse_wheel_filename

    wheels = {wheel.path for target in targets for wheel in target.wheels}
    names = {parse_wheel_filename(path.name) for path in wheels}
    return VendorResult(
        directory=order.directory,
        tree="",
        targets=order.targets,
        projects=tuple(sorted((name.project, name.version) for name in names)),
        size=sum(path.stat().st_size for path in wheels),
        launcher=order.launcher.path if order.launcher is not None else None,
    )
