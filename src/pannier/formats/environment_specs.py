"""A spec as the environment spec that conda reads, in JSON."""

import posixpath
from typing import Any

from pannier.model.spec import Spec

_DEFAULT_CHANNEL = "conda-forge"


def format_spec(spec: Spec) -> str:
    """Write a spec for `conda env create`: deterministic, and free of paths of this machine.

    A local project outside the spec's own directory is named as a project instead of by its path. Data make
    it the D4 dialect, since conda has no word for them.
    """
    pip = requirement_lines(spec)
    dependencies: list[Any] = [conda_bound(spec), "pip", *sorted(spec.matchspecs)]
    if pip:
        dependencies.append({"pip": pip})
    document: dict[str, Any] = {
        "channels": list(spec.channels) or [_DEFAULT_CHANNEL],
        "dependencies": dependencies,
    }
    if spec.data:
        document = {"conda": document, **_format_data(spec)}
    import json

    return json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False) + "\n"


def requirement_lines(spec: Spec) -> list[str]:
    """The requirements of a spec, its local projects among them, as pip reads them; sorted."""
    return sorted({*spec.requirements, *_local_lines(spec)}, key=lambda line: (line.lower(), line))


def conda_bound(spec: Spec) -> str:
    """Python as conda names it, with what bounds it."""
    return f"python{_conda_version(spec.python)}"


def _conda_version(specifier: str) -> str:
    clauses = specifier.replace(" ", "")
    if clauses.startswith("==") and "," not in clauses:
        return f"={clauses.removeprefix('==').removesuffix('.*')}"
    return clauses


def _local_lines(spec: Spec) -> list[str]:
    lines: list[str] = []
    for project in spec.local_projects:
        extras = f"[{','.join(project.extras)}]" if project.extras else ""
        if not posixpath.isabs(project.path):
            marker = f" ; {project.marker}" if project.marker else ""
            lines.append(f"./{project.path.removeprefix('./')}{extras}{marker}")
        else:
            lines.append((project.name or posixpath.basename(project.path)) + extras)
    return lines


def _format_data(spec: Spec) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {}
    for data in spec.data:
        if data.kind == "git":
            table = {"remote": data.url, "ref": data.ref}
        else:
            table = {
                "type": data.kind,
                "url": data.url,
                "compression": data.compression,
                "sha256": data.sha256,
            }
        section = "git" if data.kind == "git" else "http"
        sections.setdefault(section, {})[data.variable] = {
            key: value for key, value in table.items() if value
        }
    return sections
