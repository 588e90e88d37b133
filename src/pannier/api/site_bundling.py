"""`site bundle`: every locked wheel of a site, and what installs them, in one file for the server."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pannier.api.settings import Settings
from pannier.api.workshop import Workshop
from pannier.model.errors import UsageError
from pannier.model.events import Reporter, SilentReporter
from pannier.model.site import LockedEnvironment, Site

if TYPE_CHECKING:
    from pannier.site.bundle import Rehearse, Sign
    from pannier.site.bundle_plan import BundlePlan, PlannedInterpreter


class BundleOptions(NamedTuple):
    """What to make of a site.

    Attributes:
        output: The bundle.
        since: The bundle that was sent before, or what the server said it has; `None` for a whole bundle.
        key: OpenSSH key to sign with; `None` for no signature.
        rehearse: Install it here first, without a network.
        dry_run: Write nothing.
    """

    output: Path
    since: Path | None = None
    key: Path | None = None
    rehearse: bool = False
    dry_run: bool = False


class BundledEnvironment(NamedTuple):
    """An environment in a bundle.

    Attributes:
        name: Its name.
        python: The version it is locked for.
        wheels: How many it consists of.
        interpreter: `system`, `path` or `bundled`.
    """

    name: str
    python: str
    wheels: int
    interpreter: str


class BundleResult(NamedTuple):
    """A bundle that was written, or would be.

    Attributes:
        path: Where it is.
        id: The digest that names its content; empty for a dry run.
        size: Of the file, in bytes; for a dry run, of what it would hold.
        environments: What it installs.
        wheels: How many wheels are in it.
        left_out: How many wheels the server has already.
        since: The id of what the server has; empty for nothing.
        signed: It bears a signature.
        rehearsed: It was installed here first.
        seconds: How long it took.
    """

    path: Path
    id: str
    size: int
    environments: tuple[BundledEnvironment, ...]
    wheels: int
    left_out: int
    since: str
    signed: bool
    rehearsed: bool
    seconds: float


def site_bundle(
    site_file: Path, options: BundleOptions, settings: Settings, reporter: Reporter | None = None
) -> BundleResult:
    """Write a site's bundle.

    Raises:
        UsageError: It would be written over what `since` names.
        SpecError: site.toml is not valid.
        LockError: An environment is not locked, or its lock is not that of its requirements.
        InterpreterError: An interpreter to be bundled is not here, or cannot be copied.
        PackError: It cannot be signed, or the rehearsal failed.
        StorageError: It cannot be written.
        PannierError: Fetching or building a wheel failed; its class says which.
    """
    from pannier.api.site_locking import locked_site
    from pannier.site.signing import check_key
    from pannier.store.occupancy import occupied
    from pannier.store.writing import check_is_no_directory

    started = time.monotonic()
    workshop = Workshop(settings, reporter or SilentReporter())
    # What is wrong with the options is told before any work is done.
    check_is_no_directory(options.output)
    if options.since is not None and options.since.resolve() == options.output.resolve():
        raise UsageError(
            f"the bundle would be written over `{options.since}`, which says what the server has",
            hint="name another file with `-o`",
        )
    if options.key is not None:
        check_key(options.key)
    with occupied(settings.cache_root):
        site, locked = locked_site(site_file, workshop)
        return _bundled(site, locked, options, workshop, started)


def _bundled(
    site: Site,
    locked: Sequence[LockedEnvironment],
    options: BundleOptions,
    workshop: Workshop,
    started: float,
) -> BundleResult:
    whole = _plan(site, locked, workshop)
    plan = _without_what_is_there(whole, options.since)
    identity, size = "", plan_size(plan)
    rehearsed = signed = False
    if not options.dry_run:
        from pannier.site.bundle import write_bundle

        written = write_bundle(
            plan,
            options.output,
            workshop.reporter,
            sign=_signer(options.key),
            rehearse=_rehearser(whole, locked, workshop) if options.rehearse else None,
        )
        identity, size, signed, rehearsed = (
            written.manifest.id,
            written.size,
            written.signed,
            options.rehearse,
        )
    return BundleResult(
        path=options.output,
        id=identity,
        size=size,
        environments=tuple(_told(one) for one in locked),
        wheels=len(plan.wheels()) - len(plan.left_wheels),
        left_out=len(plan.left_wheels),
        since=plan.since,
        signed=signed,
        rehearsed=rehearsed,
        seconds=time.monotonic() - started,
    )


def plan_size(plan: "BundlePlan") -> int:
    """How much a bundle will carry, in bytes, without the few texts that are made for it."""
    wheels = sum(wheel.size for wheel in plan.wheels() if wheel.sha256 not in plan.left_wheels)
    return wheels + sum(one.size for one in plan.interpreters() if one.sha256 not in plan.left_interpreters)


def _told(locked: LockedEnvironment) -> BundledEnvironment:
    environment = locked.environment
    return BundledEnvironment(
        environment.name, locked.target.python_version, len(locked.wheels), environment.interpreter.kind
    )


def _plan(site: Site, locked: Sequence[LockedEnvironment], workshop: Workshop) -> "BundlePlan":
    from pannier.site.bundle_plan import BundlePlan, PlannedEnvironment

    environments = [
        PlannedEnvironment(
            name=one.environment.name,
            target=one.target,
            wheels=one.wheels,
            aliases=one.environment.aliases,
            smoke=one.environment.smoke,
            interpreter=_interpreter(one, workshop),
        )
        for one in locked
    ]
    return BundlePlan(site.name, site.prefix, site.bin, tuple(environments))


def _without_what_is_there(plan: "BundlePlan", since: Path | None) -> "BundlePlan":
    if since is None:
        return plan
    from pannier.site.delta import leave_out, read_server_content

    return leave_out(plan, read_server_content(since))


def _interpreter(locked: LockedEnvironment, workshop: Workshop) -> "PlannedInterpreter | str | None":
    wish = locked.environment.interpreter
    if wish.kind == "system":
        return None
    if wish.kind == "path":
        return wish.path
    from pannier.environment.choose import choose_interpreter
    from pannier.environment.find import InterpreterRequest
    from pannier.site.bundled_interpreters import check_foreign, copy_interpreter

    check_foreign(locked.environment.name, locked.target)
    chosen = choose_interpreter(
        InterpreterRequest("auto"),
        f"=={locked.target.python_minor}.*",
        workshop.directories,
        offline=workshop.settings.offline,
        reporter=workshop.reporter,
        environ=workshop.settings.environ,
    )
    return copy_interpreter(
        locked.environment.name, locked.target, chosen.interpreter, workshop.directories, workshop.reporter
    )


def _signer(key: Path | None) -> "Sign | None":
    if key is None:
        return None
    from pannier.site.signing import sign

    return lambda data: sign(data, key)


def _rehearser(plan: "BundlePlan", locked: Sequence[LockedEnvironment], workshop: Workshop) -> "Rehearse":
    """What installs the finished bundle here; of a bundle of changes, a whole one made for that."""
    from pannier.environment.find import find_interpreter
    from pannier.site.rehearsal import Rehearser

    pythons = {
        one.target.python_minor: find_interpreter(
            f"=={one.target.python_minor}.*",
            cache=workshop.directories.interpreters,
            environ=workshop.settings.environ,
        ).base_executable
        for one in locked
        if one.environment.interpreter.kind != "bundled"
    }
    return Rehearser(plan, pythons, workshop.reporter)
