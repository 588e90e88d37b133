"""Resolving with uv."""

import os
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pannier.formats.pylock import format_lock, parse_lock, projects_for
from pannier.lock.choices import choice_lines
from pannier.lock.engine import ResolveOptions, find_builder, project_name
from pannier.lock.hashes import keep_hashed
from pannier.lock.local_projects import format_local_line
from pannier.lock.old_builds import build_as_of_old
from pannier.lock.old_metadata import format_uv_settings
from pannier.lock.old_pages import parse_cutoff
from pannier.lock.sources import copy_source
from pannier.lock.uv import UvResult, run_uv, uv_environment
from pannier.lock.uv_errors import error_from_uv, unknown_projects, unknown_projects_error
from pannier.model.errors import LockError, PannierError, UsageError
from pannier.model.events import Notice, Reporter
from pannier.model.lock import Lock
from pannier.model.spec import Spec
from pannier.model.target import DEFAULT_GLIBC, Platform, Target
from pannier.store.redaction import redact

# The glibc versions uv has a name for; a target in between is locked for the next older one.
_GLIBC_MINORS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)
_ARCHITECTURES = ("x86_64", "aarch64")


def resolve_with_uv(spec: Spec, target: Target, options: ResolveOptions, reporter: Reporter) -> Lock:
    """Let `uv pip compile` resolve: for Python 3.6 and newer, on any machine."""
    with tempfile.TemporaryDirectory(prefix="pannier-lock-") as name:
        directory = Path(name)
        output = directory / "pylock.toml"
        if options.prefer is not None:
            output.write_text(_preferences(options.prefer, target), encoding="utf-8")
        if options.constraints:
            (directory / "constraints.txt").write_text(
                "\n".join(options.constraints) + "\n", encoding="utf-8"
            )
        lines = [*choice_lines(spec), *spec.requirements, *_local_lines(spec, directory)]
        result = _compile(
            lines, target, options, directory, wheels_only=_is_too_old_to_build_for(target, options)
        )
        if result.exit_status != 0 and _is_too_old_to_build_for(target, options):
            result = _compile(lines, target, options, directory)
        if result.exit_status != 0:
            raise _explain(result, lines, target, options, directory)
        _pass_warnings(result, reporter)
        lock = parse_lock(output.read_text(encoding="utf-8"), filename=str(output), skip_directories=True)
        return keep_hashed(lock, spec)


def _preferences(lock: Lock, target: Target) -> str:
    """Write what uv shall keep where it can; a lock that contradicts itself binds nobody."""
    try:
        return format_lock(Lock(projects=projects_for(lock, target)))
    except LockError:
        return format_lock(Lock(projects=()))


def _local_lines(spec: Spec, directory: Path) -> list[str]:
    lines: list[str] = []
    for number, project in enumerate(spec.local_projects):
        path = Path(project.path).absolute()
        if _must_be_built(path):
            path = copy_source(path, directory / f"project-{number}" / path.name)
        lines.append(format_local_line(project, path))
    return lines


def _must_be_built(project: Path) -> bool:
    """Whether only a build tells what a project needs; builds leave files beside what they read."""
    if not project.is_dir():
        return False
    try:
        table = tomllib.loads((project / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return True
    return not isinstance(table, dict) or "name" not in table or bool(table.get("dynamic"))


def _compile(
    lines: Sequence[str],
    target: Target,
    options: ResolveOptions,
    directory: Path,
    *,
    wheels_only: bool = False,
) -> UvResult:
    def compile_with(build_constraint: str) -> UvResult:
        return _compile_once(
            lines, target, options, directory, wheels_only=wheels_only, build_constraint=build_constraint
        )

    return build_as_of_old(compile_with, target.python_minor)


def _compile_once(
    lines: Sequence[str],
    target: Target,
    options: ResolveOptions,
    directory: Path,
    *,
    wheels_only: bool,
    build_constraint: str,
) -> UvResult:
    (directory / "requirements.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / "uv.toml").write_text(format_uv_settings(), encoding="utf-8")
    environ = os.environ if options.environ is None else options.environ
    environment = uv_environment(environ, options.directories, options.indexes)
    builder = None if wheels_only else find_builder(target, options)
    python = builder.python_executable if builder else None
    arguments = _arguments(target, options, python)
    if build_constraint:
        (directory / "build-constraints.txt").write_text(f"{build_constraint}\n", encoding="utf-8")
        arguments += ["--build-constraints", "build-constraints.txt"]
    return run_uv(arguments, environment=environment, directory=directory)


def _arguments(target: Target, options: ResolveOptions, builder: str | None) -> list[str]:
    arguments = ["pip", "compile", "requirements.in", "-o", "pylock.toml", "--format", "pylock.toml"]
    arguments += ["--no-header", "--no-annotate"]
    if options.constraints:
        arguments += ["--constraints", "constraints.txt"]
    arguments += [
        "--python-version",
        target.python_version,
        "--python-platform",
        _uv_platform(target.platform),
    ]
    if builder is None:
        # uv wants some Python to start with; which one does not matter where nothing is built.
        arguments += ["--only-binary", ":all:"]
    arguments += ["--python", builder or _own_python()]
    if options.offline:
        arguments += ["--offline"]
    if options.prereleases:
        arguments += ["--prerelease", "allow"]
    if options.exclude_newer:
        parse_cutoff(options.exclude_newer)  # so that what is no date is refused alike for every Python
        arguments += ["--exclude-newer", options.exclude_newer]
    return arguments


def _uv_platform(platform: Platform) -> str:
    architecture = platform.architecture
    if architecture in _ARCHITECTURES and platform.libc_family == "musl":
        return f"{architecture}-unknown-linux-musl"
    major, minor = (int(part) for part in platform.libc_version.split("."))
    known = next((known for known in _GLIBC_MINORS if (2, known) <= (major, minor)), None)
    if architecture not in _ARCHITECTURES or known is None:
        raise UsageError(
            f"the platform `{platform}` cannot be locked for: uv does not know it",
            code="platform-unsupported",
            facts={"architectures": ", ".join(_ARCHITECTURES), "oldest C library": "glibc2.17"},
            hint="choose one of these with `--platform`",
        )
    return f"{architecture}-manylinux_2_{known}"


def _is_too_old_to_build_for(target: Target, options: ResolveOptions) -> bool:
    """Whether what is built here needs a newer C library than the target has.

    For such a target an older version with a wheel is worth more than a newer one that has to be built.
    """
    builder = find_builder(target, options)
    if builder is None or target.platform.libc_family != "glibc":
        return False
    least = min(_libc(builder.platform.libc_version), _libc(DEFAULT_GLIBC))
    return _libc(target.platform.libc_version) < least


def _libc(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _own_python() -> str:
    import sys

    return sys.executable


def _explain(
    result: UvResult, lines: Sequence[str], target: Target, options: ResolveOptions, directory: Path
) -> PannierError:
    """Find the error to show; where a project is unknown, go on without it until all such are known."""
    names: list[str] = []
    remaining = list(lines)
    while found := [name for name in unknown_projects(result.stderr) if name not in names]:
        names += found
        shorter = [line for line in remaining if project_name(line) not in names]
        if len(shorter) == len(remaining):
            break
        remaining = shorter
        result = _compile(remaining, target, options, directory)
    return unknown_projects_error(names) if names else error_from_uv(result.stderr, target)


def _pass_warnings(result: UvResult, reporter: Reporter) -> None:
    for line in redact(result.stderr).splitlines():
        if line.startswith("warning: ") and "inspect Python interpreter" not in line:
            message = line.removeprefix("warning: ").rstrip(".")
            reporter.warn(Notice(message=message[:1].lower() + message[1:], code="uv-warning"))
