"""A lock as a requirements file with hashes, which every pip since 8.0 installs from."""

from collections.abc import Sequence

from pannier.formats.distribution_names import parse_distribution_filename
from pannier.model.lock import Lock, LockedFile, LockedProject

_HEADER = "# Locked by pannier"


def format_requirements(lock: Lock) -> str:
    """Write a lock for `pip install --require-hashes -r`; the same lock always gives the same text.

    URLs are not in it: pip finds the files, by their hashes, on the index that it is configured with.
    """
    lines = [f"{_HEADER} for {target}" for target in lock.targets] or [_HEADER]
    ordered = sorted(lock.projects, key=lambda project: (project.name, project.version, project.marker))
    return "\n".join([*lines, *(_format_project(project) for project in ordered)]) + "\n"


def is_locked_requirements(text: str) -> bool:
    """Tell whether `format_requirements` wrote a file, which may then be written anew."""
    return text.startswith(_HEADER)


def is_requirements_name(filename: str) -> bool:
    """Tell whether a file is to be a requirements file: `requirements.txt`, `requirements-old.txt`."""
    return filename.startswith("requirements") and filename.endswith(".txt")


def _format_project(project: LockedProject) -> str:
    marker = f" ; {project.marker}" if project.marker else ""
    files = [*project.wheels, *([project.sdist] if project.sdist else [])]
    hashes = sorted({file.sha256 for file in files})
    return " \\\n".join(
        [
            f"{_spelled(project, files)}=={project.version}{marker}",
            *(f"    --hash=sha256:{digest}" for digest in hashes),
        ]
    )


def _spelled(project: LockedProject, files: Sequence[LockedFile]) -> str:
    """The name with the dots that its files have: pip before 20.3 takes `a.b` and `a-b` for two projects."""
    for file in files:
        found = parse_distribution_filename(file.filename)
        if found is not None and found.project == project.name:
            return found.name.replace("_", "-").lower()
    return project.name
