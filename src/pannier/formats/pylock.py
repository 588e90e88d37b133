"""`pylock.toml`, the standard lockfile (PEP 751), to a `Lock` and back.

What PEP 751 has no word for stands under `[tool.pannier]`: the targets a lock was resolved for, and the
wheels that were built from sdists.
"""

import hashlib
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pannier.formats.tags import marker_environment
from pannier.model.errors import LockError
from pannier.model.lock import BuiltWheel, Lock, LockedFile, LockedProject
from pannier.model.target import Platform, Target

_VERSION = "1.0"
_SHA256 = re.compile("[0-9a-f]{64}")
_WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl")
_Table = Mapping[str, Any]


def parse_lock(text: str, *, filename: str, skip_directories: bool = False) -> Lock:
    """Read a lockfile, whichever tool wrote it.

    Args:
        text: TOML.
        filename: Where it was read from, for messages; relative paths in it start from its directory.
        skip_directories: Pass over projects locked to a local directory instead of refusing them.

    Raises:
        LockError: It is no TOML, not what PEP 751 demands, or locks what is neither wheel nor sdist.
    """
    document = _load(text, filename)
    digest = hashlib.sha256(text.encode()).hexdigest()
    # Checking the name of every wheel takes five times as long as reading them: what we wrote we trust to be
    # of its shape, until it shows that it is not.
    if (document.get("created-by"), document.get("lock-version")) != ("pannier", _VERSION):
        _validate(document, filename)
    try:
        return _parse_document(document, filename, digest, skip_directories=skip_directories)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        _validate(document, filename)
        facts = {"reason": repr(error)}
        raise LockError(
            f"`{filename}` is not a valid lockfile (PEP 751)", code="lock-invalid", facts=facts
        ) from error


def format_lock(lock: Lock, place: Callable[[str], str] | None = None) -> str:
    """Write a lockfile; the same lock always gives the same text.

    Args:
        lock: What to write.
        place: Says how the lockfile names an absolute path of this machine; `None` to leave such paths whole,
            and files of it as URLs.
    """
    import tomli_w

    document: dict[str, Any] = {"lock-version": _VERSION}
    if lock.targets:
        document["environments"] = sorted({environment_marker(target) for target in lock.targets})
    if lock.requires_python:
        document["requires-python"] = lock.requires_python
    document["created-by"] = "pannier"
    ordered = sorted(lock.projects, key=lambda project: (project.name, project.version, project.marker))
    document["packages"] = [_format_project(project, place) for project in ordered]
    own: dict[str, Any] = {"inputs": lock.inputs} if lock.inputs else {}
    if lock.targets:
        own["targets"] = [_format_target(target) for target in lock.targets]
    if own:
        document["tool"] = {"pannier": own}
    return tomli_w.dumps(document)


def projects_for(lock: Lock, target: Target) -> tuple[LockedProject, ...]:
    """Pick the projects that `target` needs, by their markers.

    Raises:
        LockError: Two versions of one project apply at once, which PEP 751 forbids.
    """
    chosen = tuple(project for project in lock.projects if _applies(project, target))
    names = [project.name for project in chosen]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise LockError(
            f"the lock gives {len(doubled)} projects more than one version for the target `{target}`",
            code="lock-ambiguous",
            facts={name: [p.version for p in chosen if p.name == name] for name in doubled},
            hint="lock again with `pannier lock`",
        )
    return chosen


def environment_marker(target: Target) -> str:
    """Say in PEP 508's words which environments `target` stands for; the C library has no such word."""
    platform = target.platform
    conditions = {
        "python_version": target.python_minor,
        "implementation_name": target.implementation,
        "sys_platform": platform.system,
        "platform_machine": platform.architecture,
    }
    return " and ".join(f'{name} == "{value}"' for name, value in conditions.items())


def _load(text: str, filename: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockError(
            f"`{filename}` is not valid TOML", code="lock-invalid", facts={"reason": str(error)}
        ) from error


def _parse_document(document: _Table, filename: str, digest: str, *, skip_directories: bool) -> Lock:
    packages = [
        package for package in document["packages"] if not (skip_directories and "directory" in package)
    ]
    _refuse_unsupported(packages, filename)
    directory = Path(filename).absolute().parent
    projects = [_parse_project(package, directory) for package in packages]
    return Lock(
        projects=tuple(sorted(projects, key=lambda project: (project.name, project.version))),
        targets=_parse_targets(document, filename),
        requires_python=document.get("requires-python", ""),
        inputs=str(document.get("tool", {}).get("pannier", {}).get("inputs", "")),
        digest=digest,
    )


def _validate(document: _Table, filename: str) -> None:
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        Pylock.from_dict(document)
    except PylockUnsupportedVersionError as error:
        raise LockError(
            f"`{filename}` is of a lockfile version that Pannier does not read",
            code="lock-version-unsupported",
            facts={"found": str(document.get("lock-version")), "read": _VERSION},
        ) from error
    except PylockValidationError as error:
        facts = {"at": error.context or "the top", "reason": error.message}
        raise LockError(
            f"`{filename}` is not a valid lockfile (PEP 751)", code="lock-invalid", facts=facts
        ) from error


def _refuse_unsupported(packages: Iterable[_Table], filename: str) -> None:
    problems = [problem for package in packages for problem in _iter_unsupported(package)]
    if problems:
        raise LockError(
            f"`{filename}` locks what Pannier cannot take from it",
            code="lock-unsupported",
            facts={"found": problems},
            hint="lock wheels and sdists with their sha256; `pannier lock` writes such a file",
        )


def _iter_unsupported(package: _Table) -> Iterator[str]:
    name = package["name"]
    for kind in ("vcs", "directory"):
        # A directory whose wheel is locked is as good as an sdist.
        if kind in package and not (kind == "directory" and _parse_built(package)):
            origin = package[kind].get("url") or package[kind].get("path")
            yield f"`{name}`: a {'repository' if kind == 'vcs' else 'directory'}, `{origin}`"
    archive = package.get("archive")
    if archive and archive.get("subdirectory"):
        yield f"`{name}`: a directory inside an archive, `{_filename(archive)}`"
    built = _parse_built(package)
    if built is not None and not (
        _WHEEL.fullmatch(built.filename) and _SHA256.fullmatch(built.sha256) and type(built.size) is int
    ):
        yield f"`{name}`: a built wheel without a proper name, size and sha256, `{built.filename}`"
    for file in _iter_files(package):
        # The name and the digest become a place in the store: neither may lead out of it.
        if not _is_distribution(_filename(file)) or "/" in _filename(file):
            yield f"`{name}`: `{_filename(file)}` is not the name of a wheel or an sdist"
        elif "sha256" in file["hashes"] and not _SHA256.fullmatch(file["hashes"]["sha256"]):
            yield f"`{name}`: the sha256 of `{_filename(file)}` is not 64 hex digits"
        elif "sha256" not in file["hashes"]:
            yield f"`{name}`: `{_filename(file)}` has no sha256, but {', '.join(sorted(file['hashes']))}"


def _iter_files(package: _Table) -> Iterator[_Table]:
    yield from package.get("wheels", ())
    yield from (package[kind] for kind in ("sdist", "archive") if kind in package)


def _is_distribution(filename: str) -> bool:
    return filename.endswith((".whl", ".tar.gz", ".zip"))


def _filename(file: _Table) -> str:
    if name := file.get("name"):
        return str(name)
    if path := file.get("path"):
        return str(path).replace("\\", "/").rsplit("/", 1)[-1]
    return unquote(urlsplit(file["url"]).path.rsplit("/", 1)[-1])


def _parse_project(package: _Table, directory: Path) -> LockedProject:
    wheels = [_parse_file(wheel, directory) for wheel in package.get("wheels", ())]
    sdist = _parse_file(package["sdist"], directory) if "sdist" in package else None
    if "archive" in package:
        file = _parse_file(package["archive"], directory)
        if file.filename.endswith(".whl"):
            wheels.append(file)
        else:
            sdist = file
    return LockedProject(
        name=package["name"],
        version=package.get("version") or _version_of(wheels, sdist),
        wheels=tuple(sorted(wheels, key=lambda wheel: wheel.filename)),
        sdist=sdist,
        marker=package.get("marker", ""),
        requires_python=package.get("requires-python", ""),
        built=_parse_built(package),
        directory=_absolute(package["directory"]["path"], directory) if "directory" in package else "",
    )


def _parse_built(package: _Table) -> BuiltWheel | None:
    table = package.get("tool", {}).get("pannier", {}).get("built")
    if table is None:
        return None
    return BuiltWheel(
        filename=table["name"],
        sha256=table["sha256"],
        size=table["size"],
        libc=table.get("libc", ""),
        source=table.get("source", ""),
    )


def _version_of(wheels: Sequence[LockedFile], sdist: LockedFile | None) -> str:
    if wheels:
        return wheels[0].filename.split("-")[1]
    if sdist is None:
        raise KeyError("version")
    stem = sdist.filename.removesuffix(".zip").removesuffix(".tar.gz")
    return stem.rsplit("-", 1)[-1]


def _parse_file(file: _Table, directory: Path) -> LockedFile:
    # PEP 751: a path is relative to the lockfile, and the one to try where both are given.
    url = Path(_absolute(file["path"], directory)).as_uri() if "path" in file else file["url"]
    return LockedFile(filename=_filename(file), url=url, hashes=dict(file["hashes"]), size=file.get("size"))


def _absolute(path: str, directory: Path) -> str:
    """A path of a lockfile, which starts from its directory, without the `..` in it."""
    return posixpath.normpath(posixpath.join(directory, path.replace("\\", "/")))


def _parse_targets(document: _Table, filename: str) -> tuple[Target, ...]:
    tables = document.get("tool", {}).get("pannier", {}).get("targets", ())
    try:
        return tuple(
            Target(
                python_version=table["python"],
                platform=Platform.parse(table["platform"]),
                implementation=table.get("implementation", "cpython"),
            )
            for table in tables
        )
    except (KeyError, TypeError) as error:
        raise LockError(
            f"`{filename}` names its targets in a way that Pannier does not write",
            code="lock-invalid",
            facts={"at": "tool.pannier.targets", "reason": f"each needs `python` and `platform`, {error!r}"},
        ) from error


def _format_project(project: LockedProject, place: Callable[[str], str] | None) -> dict[str, Any]:
    table: dict[str, Any] = {"name": project.name, "version": project.version}
    if project.marker:
        table["marker"] = project.marker
    if project.requires_python:
        table["requires-python"] = project.requires_python
    if project.sdist is not None:
        table["sdist"] = _format_file(project.sdist, place)
    if project.wheels:
        table["wheels"] = [
            _format_file(wheel, place) for wheel in sorted(project.wheels, key=lambda file: file.filename)
        ]
    if project.directory:
        table["directory"] = {"path": place(project.directory) if place else project.directory}
    if project.built is not None:
        table["tool"] = {"pannier": {"built": _format_built(project.built)}}
    return table


def _format_built(built: BuiltWheel) -> dict[str, Any]:
    table: dict[str, Any] = {"name": built.filename, "size": built.size, "sha256": built.sha256}
    if built.libc:
        table["libc"] = built.libc
    if built.source:
        table["source"] = built.source
    return table


def _format_file(file: LockedFile, place: Callable[[str], str] | None) -> dict[str, Any]:
    table: dict[str, Any] = {"name": file.filename}
    if place and file.url.startswith("file:"):
        table["path"] = place(unquote(urlsplit(file.url).path))
    else:
        table["url"] = file.url
    if file.size is not None:
        table["size"] = file.size
    table["hashes"] = dict(sorted(file.hashes.items()))
    return table


def _format_target(target: Target) -> dict[str, str]:
    return {
        "python": target.python_version,
        "platform": str(target.platform),
        "implementation": target.implementation,
    }


def _applies(project: LockedProject, target: Target) -> bool:
    if not project.marker:
        return True
    from packaging.markers import Marker

    environment: dict[str, Any] = {**marker_environment(target), "extras": set(), "dependency_groups": set()}
    return Marker(project.marker).evaluate(environment, context="lock_file")
