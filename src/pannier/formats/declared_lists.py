"""What lists of requirements declare: requirements files, conda environments and recipes."""

import re
from typing import Any

from pannier.formats.declared import Collector, group_called
from pannier.formats.requirements_text import iter_requirement_lines, split_option
from pannier.model.declarations import LIST, Declarations, DeclaredGroup

_INCLUDES = frozenset({"-r", "--requirement"})
_RECIPE_LINE = re.compile(r"^\s*-\s+([A-Za-z0-9_.-]+)\s*(.*?)\s*(?:#.*)?$")
_RECIPE_SECTION = re.compile(r"^\s*(build|host|run|requires|test|about|source|run_constrained)\s*:")
# Shorter lists are sorted and pinned by hand, too.
_FEWEST_FROZEN = 12
_CONDA_PYTHON = re.compile(r"(?:[\w./-]+::)?python\s*([=<>!~\d].*)$")
# Packages of conda's that no import stands for: what runs Python or builds with it.
_CONDA_ALONE = re.compile(
    r"^(?:python|python_abi|pip|nodejs|git|make|cmake|ninja|gcc.*|gxx.*|cxx-compiler|c-compiler|compilers|"
    r"lib.*|_.*|ca-certificates|openssl|cudatoolkit|cudnn|cuda.*|mkl|blas|ffmpeg|graphviz|pandoc|r-.*|"
    r"conda|mamba|nomkl|m2-.*|vs20.*|ucrt)$"
)


def declared_in_requirements(text: str, path: str, group: DeclaredGroup, place: str = LIST) -> Declarations:
    """Read a requirements file as pip does, and name the files that it includes (`-r`).

    Args:
        text: Its text.
        path: Where it was read from.
        group: For whom the file is.
        place: What its requirements' place is called.

    Returns:
        What it declares itself, and the files that it includes. Constraints require nothing.
    """
    collector = Collector(path, text)
    for line, content in iter_requirement_lines(text):
        option, value = split_option(content)
        if option in _INCLUDES:
            collector.include(value, group)
        elif option in {"-e", "--editable"}:
            if value not in {".", "./"} and not value.startswith(("./", "../", ".[")):
                collector.add(value, group, place, line)
        elif not option and not content.startswith((".", "/")):
            requirement = re.sub(r"\s+--\S.*$", "", content)
            collector.add(requirement, group, place, line)
    return collector.result()


def is_frozen(text: str) -> bool:
    """Whether `pip freeze` wrote a list: all that was installed, each with its version, sorted by name."""
    lines = [content for _, content in iter_requirement_lines(text) if not content.startswith("-")]
    names = [re.split(r"==| @ ", line)[0].lower() for line in lines]
    return (
        len(lines) >= _FEWEST_FROZEN
        and all("==" in line or " @ " in line for line in lines)
        and names == sorted(names, key=lambda name: name.replace("_", "-"))
    )


def declared_in_environment(text: str, path: str) -> Declarations:
    """Read a conda environment (`environment.yml`) as its packages are called by PyPI, where we know."""
    collector = Collector(path, text)
    document = _load_yaml(collector, text)
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    for item in dependencies if isinstance(dependencies, list) else ():
        if isinstance(item, dict):
            collector.add_all(item.get("pip"), "main", "dependencies.pip")
        elif isinstance(item, str) and (match := _CONDA_PYTHON.match(item)):
            _bound_conda_python(collector, match[1])
        elif isinstance(item, str):
            _add_conda(collector, item, "main", "dependencies")
    return collector.result()


def declared_in_recipe(text: str, path: str) -> Declarations:
    """Read the run requirements of a conda recipe (`meta.yaml`), its templates left as they are."""
    collector = Collector(path, text)
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = _RECIPE_SECTION.match(line)
        if heading:
            section = heading[1]
        elif section in {"run", "requires", "host"} and (match := _RECIPE_LINE.match(line)):
            group: DeclaredGroup = {"run": "main", "requires": "development"}.get(section, "build")  # type: ignore[assignment]
            _add_conda(collector, f"{match[1]} {match[2]}", group, f"requirements.{section}", number)
    return collector.result()


def requirements_group(path: str) -> DeclaredGroup:
    """For whom a requirements file is, by its name and directory."""
    return group_called(path.removesuffix(".txt").removesuffix(".in"), "main")


def _add_conda(collector: Collector, item: str, group: DeclaredGroup, place: str, line: int = 0) -> None:
    text = item.rpartition("::")[2].split(" #")[0].strip()
    match = re.match(r"([A-Za-z0-9_.-]+)\s*(.*)$", text)
    if match is None or _CONDA_ALONE.match(match[1].lower()):
        return
    version = re.match(r"=?=?\s*([0-9][\w.*]*)", match[2])
    constraint = f"=={version[1]}" if version and match[2].startswith("=") else ""
    if constraint and match[2].startswith("=") and not match[2].startswith("==") and "*" not in constraint:
        constraint += ".*"
    name = match[1]
    collector.add(f"{name}{constraint}", group, place, line or collector.line_of(item))


def _bound_conda_python(collector: Collector, constraint: str) -> None:
    if constraint.startswith((">", "<", "!", "~")):
        collector.bound_python(constraint, "dependencies.python", is_local=True)
    else:
        collector.use_python(constraint, "dependencies.python")


def declared_in_python_version(text: str, path: str) -> Declarations:
    """Read which Python pyenv and uv take in a directory (`.python-version`), the first of several."""
    collector = Collector(path, text)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines:
        collector.use_python(lines[0].removeprefix("cpython-").removeprefix("cpython@"), ".python-version")
    # It requires no project: who compares requirements is not to take it for a file that might.
    return collector.result()._replace(files=())


def _load_yaml(collector: Collector, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        collector.undecided(f"is not valid YAML: {' '.join(str(error).split())}")
        return {}
