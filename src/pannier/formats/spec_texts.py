"""A spec as the kind of file that its name says: requirements for pip, YAML with conda's names, or JSON."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePath

from pannier.formats.environment_specs import conda_bound, format_spec, requirement_lines
from pannier.model.names import normalized_name
from pannier.model.spec import Spec

# A scalar of YAML that needs no quotes, wherever it stands in a list.
_PLAIN = re.compile(r"[A-Za-z_./][\w./+-]*(?:\[[\w,.-]+\])?(?:[=<>!~]=?[\w.*+,=<>!~-]*)?")

# What YAML 1.1 takes for a truth value or for nothing.
_NO_TEXTS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def format_spec_as(name: str, spec: Spec, conda_names: Mapping[str, str]) -> str:
    """Write a spec in the form that a file of this name has.

    Args:
        name: `*.txt` and `*.in` are requirements files, `*.yml` and `*.yaml` environments of conda; all else
            is JSON.
        spec: What is needed.
        conda_names: What conda-forge calls the projects, by their normalized names; written as comments,
            since the projects come from an index all the same.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in {".txt", ".in"}:
        return _format_requirements(spec)
    if suffix in {".yml", ".yaml"} and not spec.data:
        return _format_yaml(spec, conda_names)
    return format_spec(spec)


def _format_requirements(spec: Spec) -> str:
    bound = [f"# for Python {spec.python}"] if spec.python else []
    return "".join(f"{line}\n" for line in (*bound, *requirement_lines(spec)))


def _format_yaml(spec: Spec, conda_names: Mapping[str, str]) -> str:
    lines = ["channels:", *(f"  - {_scalar(channel)}" for channel in spec.channels or ("conda-forge",))]
    lines += ["dependencies:", f"  - {_scalar(conda_bound(spec))}", "  - pip"]
    lines += [f"  - {_scalar(package)}" for package in sorted(spec.matchspecs)]
    requirements = requirement_lines(spec)
    lines += ["  - pip:"] if requirements else []
    for requirement in requirements:
        name = _NAME.match(requirement)
        conda = conda_names.get(normalized_name(name[0]), "") if name else ""
        comment = f"  # conda-forge: {conda}" if conda else ""
        lines.append(f"      - {_scalar(requirement)}{comment}")
    return "".join(f"{line}\n" for line in lines)


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXTS
    return text if is_plain else json.dumps(text, ensure_ascii=False)
