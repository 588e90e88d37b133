"""A site's own files: site.toml, its requirements, and the locks beside them."""

from collections.abc import Mapping
from pathlib import Path

from pannier.formats.pylock import parse_lock
from pannier.formats.site_files import parse_site
from pannier.imports.spelling import spelling_hint
from pannier.lock.requirements_reading import read_requirements
from pannier.model.errors import LockError, PannierError, SpecError
from pannier.model.lock import Lock
from pannier.model.site import Site, SiteEnvironment
from pannier.model.spec import Spec


def read_site(path: Path) -> Site:
    """Read site.toml.

    Raises:
        SpecError: There is none, or it is not valid.
    """
    if not path.is_file():
        raise SpecError(
            f"`{path}` is a directory, not a site's file" if path.is_dir() else f"there is no `{path}`",
            code="no-such-file",
            hint=f"name the file in it: `{path / 'site.toml'}`"
            if path.is_dir()
            else spelling_hint(path, "write one beside the requirements files, or name it"),
        )
    name = "-".join(path.absolute().parent.name.split()) or "site"
    return parse_site(_text(path), filename=str(path), default_name=name)


def read_specs(site: Site, directory: Path, environ: Mapping[str, str]) -> dict[str, Spec]:
    """Read what each environment of a site asks for.

    Args:
        site: The site.
        directory: Where its site.toml is.
        environ: Environment variables, which requirements files may use.

    Returns:
        The spec of each environment, by name.

    Raises:
        SpecError: Files are missing or not valid; all of them are told.
    """
    specs: dict[str, Spec] = {}
    problems: list[str] = []
    for environment in site.environments:
        found = [_read_part(directory / name, environ, problems) for name in environment.requirements]
        bounds = [
            _read_part(directory / name, environ, problems, is_constraints=True)
            for name in environment.constraints
        ]
        specs[environment.name] = _joined(found, bounds)
    if problems:
        raise SpecError(
            "requirements of the site cannot be read",
            code="site-requirements",
            facts={"problems": list(dict.fromkeys(problems))},
        )
    return specs


def read_previous(environment: SiteEnvironment, directory: Path) -> Lock | None:
    """Read an environment's lock; `None` where there is none.

    Raises:
        LockError: It is not valid.
    """
    path = directory / environment.lock_name
    if not path.is_file():
        return None
    lock = parse_lock(_text(path), filename=str(path))
    if len(lock.targets) != 1:
        raise LockError(
            f"`{path}` is not the lock of a site's environment",
            code="lock-invalid",
            facts={"targets": [str(target) for target in lock.targets] or "none", "expected": "one target"},
            hint="remove it, and run `pannier site lock`",
        )
    return lock


def _read_part(
    path: Path, environ: Mapping[str, str], problems: list[str], *, is_constraints: bool = False
) -> Spec:
    try:
        return read_requirements(path, environ, is_constraints=is_constraints)
    except OSError as error:
        problems.append(f"`{path}` cannot be read: {error.strerror}")
        return Spec()
    except PannierError as error:
        told = error.facts.get("problems", error.message)
        problems.extend([told] if isinstance(told, str) else told)
        return Spec()


def _joined(found: list[Spec], bounds: list[Spec]) -> Spec:
    """One spec of several files, whose order does not matter to what is resolved."""
    hashes: dict[str, set[str]] = {}
    for spec in found:
        for name, digests in spec.hashes:
            hashes.setdefault(name, set()).update(digests)
    constraints = [line for spec in (*found, *bounds) for line in spec.constraints]
    return Spec(
        requirements=tuple(dict.fromkeys(line for spec in found for line in spec.requirements)),
        local_projects=tuple(dict.fromkeys(one for spec in found for one in spec.local_projects)),
        constraints=tuple(dict.fromkeys(constraints)),
        hashes=tuple(sorted((name, tuple(sorted(digests))) for name, digests in hashes.items())),
        indexes=tuple(dict.fromkeys(pair for spec in (*found, *bounds) for pair in spec.indexes)),
        choices=tuple(dict.fromkeys(pair for spec in (*found, *bounds) for pair in spec.choices)),
        dialect="requirements file",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"`{path}` is not UTF-8 text", facts={"at": f"byte {error.start}"}) from None
