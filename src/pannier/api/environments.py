"""An environment of this machine as a spec, and its editable installs as local projects."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec


def is_environment(directory: Path) -> bool:
    """Whether a directory is an environment's prefix: a venv's, conda's, or one with a Python in `bin`."""
    return (
        (directory / "pyvenv.cfg").is_file()
        or (directory / "conda-meta").is_dir()
        or ((directory / "bin" / "python3").exists() and any(directory.glob("lib/python3*")))
    )


def find_environment(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find an environment by the name that conda or virtualenvwrapper gave it; `None` when there is none."""
    if not name or "/" in name:
        return None
    return next((place for place in _places(name, environ) if is_environment(place)), None)


def _places(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME", "/nonexistent"))
    known = home / ".conda" / "environments.txt"
    if known.is_file():
        prefixes = [Path(line.strip()) for line in known.read_text("utf-8", "replace").splitlines()]
        yield from (prefix for prefix in prefixes if prefix.name == name)
    if conda := environ.get("CONDA_PREFIX"):
        yield Path(conda) / "envs" / name
        yield Path(conda).parent / name
    yield Path(environ.get("WORKON_HOME") or home / ".virtualenvs") / name


def spec_of_environment(prefix: Path) -> Spec:
    """Say in a spec what an environment has installed, at the versions it has.

    Raises:
        SpecError: It has nothing installed.
    """
    from pannier.environment.installed import installed_distributions

    found = [item for item in installed_distributions(prefix) if item.name != "python"]
    if not found:
        raise SpecError(
            f"the environment `{prefix}` has nothing installed",
            code="spec-empty",
            hint="install what is needed there, or name a spec",
        )
    return Spec(
        requirements=tuple(f"{item.name}=={item.version}" for item in found if not item.editable_path),
        python=_python_of(prefix),
        local_projects=tuple(
            LocalProject(path=item.editable_path, name=item.name) for item in found if item.editable_path
        ),
        dialect="environment",
    )


def with_editables(spec: Spec, environ: Mapping[str, str]) -> Spec:
    """Take what the active environment has as an editable install from its directory, not from an index."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from pannier.environment.installed import installed_distributions

    active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
    if not active or not Path(active).is_dir():
        return spec
    editables = {
        canonicalize_name(item.name): item
        for item in installed_distributions(Path(active))
        if item.editable_path
    }
    names = {text: canonicalize_name(Requirement(text).name) for text in spec.requirements}
    projects = tuple(
        LocalProject(path=editables[name].editable_path, name=name)
        for name in names.values()
        if name in editables
    )
    kept = tuple(text for text, name in names.items() if name not in editables)
    return spec._replace(requirements=kept, local_projects=(*spec.local_projects, *projects))


def _python_of(prefix: Path) -> str:
    """The `major.minor` of a prefix, from its one library directory."""
    minors = sorted(
        place.name.removeprefix("python") for place in prefix.glob("lib/python3.*") if place.is_dir()
    )
    return f"=={minors[-1]}.*" if minors else ""
