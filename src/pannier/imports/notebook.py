"""Jupyter notebooks to Python text: magics and shell lines say what they import, the rest is code.

The format is nbformat 3 and 4 (https://nbformat.readthedocs.io).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from pannier.imports.known_projects import project_of_conda
from pannier.imports.source import Reading, SourceText, decode_source
from pannier.model.analysis import Location, Problem

_LINE_MAGIC = re.compile(r"^(\s*)(?:[%!?]|[\w.]+\?+\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*)([\w, ]+=)\s*[%!]")
_CELL_MAGIC = re.compile(r"^\s*%%(\w+)")
_INSTALL = re.compile(
    r"^\s*[%!]\s*(?:\{?sys\.executable\}?\s+-m\s+|python3?\s+-m\s+|uv\s+)?pip3?\s+install\s+(.*)"
)
_CONDA_INSTALL = re.compile(r"^\s*[%!]\s*(?:conda|mamba|micromamba)\s+install\s+(.*)")
# A match specification of conda: channel, name, version, build.
_CONDA_PACKAGE = re.compile(
    r"(?:[\w./-]+::)?([A-Za-z0-9_][\w.-]*)(?:(==?)([\w.]+?)(\.?\*)?(?:=[\w*.]+)?|((?:[<>!~]=?[\w.*]+,?)+))?$"
)
# What exporting a notebook as a script makes of shell lines and magics.
_CALLED_MAGIC = re.compile(
    r"""^\s*get_ipython\(\)\.(?:system|run_line_magic|magic)\(\s*u?["'](?:(pip|conda|mamba)["']\s*,\s*["'])?(.*)["']\s*\)\s*$"""
)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:[=<>!~]=?[\w.*,=<>!~-]+)?$")
_EXTENSION = re.compile(r"^(\s*)%(?:load_ext|reload_ext)\s+([\w.]+)")
_PLOTTING = re.compile(r"^(\s*)%(?:matplotlib|pylab)\b")
# Cells under these are Python all the same; under any other they are another language or plain text.
_PYTHON_CELL_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "pypy", "debug"})
_SHELL_CELL_MAGICS = frozenset({"bash", "sh", "zsh", "system", "sx", "script"})
# Extensions that come with IPython and need nothing more.
_BUNDLED_EXTENSIONS = frozenset({"autoreload", "storemagic"})
_INSTALLERS = frozenset({"conda", "mamba", "pip"})
_OPTIONS_WITH_VALUE = frozenset(
    {
        "--channel",
        "-n",
        "--name",
        "-p",
        "--prefix",
        "--file",
        "-r",
        "-c",
        "-i",
        "-f",
        "-t",
        "-e",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--target",
    }
)


def parse_notebook(content: bytes, path: str) -> Reading:
    """Read the code cells of a notebook as one text whose lines know their cells."""
    text, problems = decode_source(content, path)
    if text is None:
        return Reading(None, problems)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        return _refused(path, error.lineno, f"is not a notebook: {error.msg.lower()}")
    except RecursionError:
        return _refused(path, 1, "is not a notebook: nested too deeply")
    if not isinstance(document, dict):
        return _refused(path, 1, "is not a notebook: no JSON object")
    language = _language(document)
    if language not in {"", "python", "python2", "python3", "ipython"}:
        return _refused(path, 1, f"is a notebook in {language}, not Python")
    return Reading(_join_cells(path, document), problems)


def _language(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        value = metadata.get(key)
        if isinstance(value, dict) and isinstance(value.get(name), str):
            return str(value[name]).lower()
    return ""


def _join_cells(path: str, document: dict[str, Any]) -> SourceText:
    lines: list[str] = []
    cells: list[tuple[int, int]] = []
    installs: list[tuple[str, int]] = []
    for number, code in _code_cells(document):
        cells.append((number, len(lines) + 1))
        for line in _python_lines(code):
            installs.extend((name, len(lines) + 1) for name in installed_names(line))
            lines.append(_without_magic(line))
    return SourceText(path, "\n".join(lines) + "\n", tuple(cells), tuple(installs))


def _code_cells(document: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield each code cell with its number among all cells, counted from 1."""
    cells = document.get("cells")
    if not isinstance(cells, list):
        sheets = document.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            code = cell.get("source", cell.get("input", ""))
            yield number, "".join(map(str, code)) if isinstance(code, list) else str(code)


def _python_lines(code: str) -> list[str]:
    lines = code.splitlines()
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    magic = _CELL_MAGIC.match(lines[first]) if lines else None
    if magic is None:
        return lines
    if magic[1] in _PYTHON_CELL_MAGICS:
        return ["", *lines[first + 1 :]]
    if magic[1] in _SHELL_CELL_MAGICS:
        return ["", *(f"!{line}" for line in lines[first + 1 :])]
    return ["" for _ in lines]


def _without_magic(line: str) -> str:
    """The Python that a line stands for, as far as imports go."""
    extension = _EXTENSION.match(line)
    if extension:
        return f"{extension[1]}{'pass' if extension[2] in _BUNDLED_EXTENSIONS else 'import ' + extension[2]}"
    plotting = _PLOTTING.match(line)
    if plotting:
        return f"{plotting[1]}import matplotlib"
    assigned = _ASSIGNED_MAGIC.match(line)
    if assigned:
        return f"{assigned[1]}{assigned[2]} None"
    magic = _LINE_MAGIC.match(line)
    return f"{magic[1]}pass" if magic else line


def installed_names(line: str) -> Iterator[str]:
    """The requirements that a magic or shell line installs."""
    if "install" not in line:
        return
    command = _CALLED_MAGIC.sub(r"!\1 \2", line)
    if match := _INSTALL.match(command):
        for word in _arguments(match[1]):
            if _REQUIREMENT.match(word) and not word.endswith((".txt", ".whl", ".gz")):
                yield word
    elif match := _CONDA_INSTALL.match(command):
        yield from filter(None, map(_conda_requirement, _arguments(match[1])))


def _arguments(text: str) -> Iterator[str]:
    """The words of a command up to the next one, its options and their values aside."""
    skip = False
    for word in text.partition("#")[0].replace('"', "").replace("'", "").split():
        if word in {"&&", ";", "|", ">"}:
            return
        if skip or word.startswith("-"):
            skip = word in _OPTIONS_WITH_VALUE and not skip
        else:
            yield word


def _conda_requirement(word: str) -> str:
    """A package of conda's as a requirement of the project it is made from; empty for one of no project."""
    match = _CONDA_PACKAGE.match(word)
    if match is None or match[1] in _INSTALLERS:
        return ""
    name, sign, version, star, bounds = match.groups()
    project = project_of_conda(name)
    if not project or not version:
        return project + (bounds or "").rstrip(",") if project else ""
    return f"{project}=={version}{'.*' if star or sign == '=' else ''}"


def _refused(path: str, line: int, message: str) -> Reading:
    problem = Problem(location=Location(path=path, line=line), message=message, code="notebook-invalid")
    return Reading(None, (problem,))
