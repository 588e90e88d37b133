"""Requirements to one lock for all targets; an engine resolves, target by target."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pannier.lock.choices import keep_kinds, with_choices, with_variables
from pannier.lock.engine import Engine, ResolveOptions
from pannier.lock.local_projects import with_archives_required
from pannier.lock.merge import merge_locks
from pannier.lock.pip_engine import PIP_PYTHONS, resolve_with_pip
from pannier.lock.uv import find_uv
from pannier.lock.uv_engine import resolve_with_uv
from pannier.model.errors import LockError
from pannier.model.events import Reporter, Stage
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.model.target import Target

_UV_OLDEST = (3, 6)


def resolve(spec: Spec, targets: Sequence[Target], options: ResolveOptions, reporter: Reporter) -> Lock:
    """Lock a spec for every target.

    Directories with projects take part with what they require and are themselves not in the lock.

    Args:
        spec: What is needed; a local project's relative path starts from the working directory.
        targets: What to lock for, at least one.
        options: How.
        reporter: Hears of each target done, and of uv's warnings.

    Raises:
        LockError: Nothing satisfies the requirements, a project is unknown, or the spec asks for what
            cannot be locked.
        NoCompatibleWheelError: A project has no wheel for a target and cannot be built for it here.
        FetchError: An index was not reachable, or the cache does not know enough offline.
        BuildError: An sdist could not be built to learn what it needs.
    """
    _refuse_conda(spec)
    environ = os.environ if options.environ is None else options.environ
    spec = with_archives_required(with_variables(spec, environ))
    options = with_choices(options, spec)
    for target in targets:
        _check_target(spec, target)
    if not (spec.requirements or spec.local_projects):
        return merge_locks([(target, Lock(projects=())) for target in targets])
    find_uv()
    stage = Stage(name="resolving", total=len(targets), unit="items")
    reporter.begin(stage)

    def resolve_one(target: Target) -> tuple[Target, Lock]:
        lock = keep_kinds(_engine_for(target)(spec, target, options, reporter), spec)
        reporter.advance(stage, 1, str(target))
        return target, lock

    try:
        with ThreadPoolExecutor(max_workers=4) as pool:
            return merge_locks(list(pool.map(resolve_one, targets)))
    finally:
        reporter.end(stage)


def _refuse_conda(spec: Spec) -> None:
    if spec.matchspecs:
        raise LockError(
            "the spec asks for conda packages; a lock holds PyPI projects only",
            code="conda-packages-unsupported",
            facts={"conda packages": spec.matchspecs},
            hint="move those that PyPI has to the `pip` list",
        )


def _check_target(spec: Spec, target: Target) -> None:
    if not _is_for_uv(target) and target.python_minor not in PIP_PYTHONS:
        raise LockError(
            f"Python {target.python_minor} cannot be locked for",
            code="python-too-old",
            facts={"target": str(target), "known": f"{', '.join(PIP_PYTHONS)}, 3.6 and newer"},
            hint="choose another `--python`",
        )
    if not spec.python:
        return
    from packaging.specifiers import SpecifierSet

    if not SpecifierSet(spec.python).contains(target.python_version, prereleases=True):
        raise LockError(
            f"the spec does not allow Python {target.python_version}",
            code="python-version-conflict",
            facts={"spec": f"python {spec.python}", "target": str(target)},
            hint="choose another `--python`, or change the spec",
        )


def _is_for_uv(target: Target) -> bool:
    major, minor = (int(part) for part in target.python_minor.split("."))
    return (major, minor) >= _UV_OLDEST


def _engine_for(target: Target) -> Engine:
    return resolve_with_uv if _is_for_uv(target) else resolve_with_pip
