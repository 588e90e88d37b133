"""Jupyter notebooks to Python text: magics and shell lines say what they import, the rest is code.

The format is nbformat 3 and 4 (https://nbformat.readthedocs.io).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from pannier.imports.text.magics import installed_names, without_magic
from pannier.imports.text.source import Reading, SourceText, decode_source
from pannier.model.analysis import Location, Problem

_CELL_MAGIC = re.compile(r"^\s*%%(\w+)")
# Cells under these are Python all the same; under any other they are another language or plain text.
_PYTHON_CELL_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "pypy", "debug"})
_SHELL_CELL_MAGICS = frozenset({"bash", "sh", "zsh", "system", "sx", "script"})

# Languages that Python programs are programs in, and what ends like Python.
_OF_PYTHON = frozenset({"coconut", "pyspark", "sage", "sagemath", "xonsh", ".py"})


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
    if language:
        return _refused(path, 1, f"is a notebook in {language}, not Python")
    return Reading(_join_cells(path, document), problems)


def _language(document: dict[str, Any]) -> str:
    """The language of the kernel where that is not Python, nor made of it (PySpark, Sage, Coconut)."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    info, kernel = (_table(metadata.get(key)) for key in ("language_info", "kernelspec"))
    named = [str(value).lower() for value in (info.get("name"), kernel.get("language")) if value]
    told = (
        *named,
        info.get("mimetype"),
        info.get("file_extension"),
        _table(info.get("codemirror_mode")).get("name"),
    )
    if not named or any("python" in str(one).lower() or one in _OF_PYTHON for one in told):
        return ""
    return named[0]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _join_cells(path: str, document: dict[str, Any]) -> SourceText:
    lines: list[str] = []
    cells: list[tuple[int, int]] = []
    installs: list[tuple[str, int]] = []
    for number, code in _code_cells(document):
        cells.append((number, len(lines) + 1))
        for line in _whole_commands(_python_lines(code)):
            installs.extend((name, len(lines) + 1) for name in installed_names(line))
            lines.append(without_magic(line))
    return SourceText(
        path, "\n".join(lines) + "\n", tuple(cells), tuple(installs), kernel=_kernel_version(document)
    )


def _kernel_version(document: dict[str, Any]) -> str:
    """The release of Python that ran the notebook last, or `2` where its kernel's name tells that much."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    language, kernel = metadata.get("language_info"), metadata.get("kernelspec")
    version = language.get("version") if isinstance(language, dict) else ""
    if isinstance(version, str) and re.fullmatch(r"[23](\.\d+)*\S*", version):
        return version
    return "2" if isinstance(kernel, dict) and kernel.get("name") == "python2" else ""


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


def _whole_commands(lines: list[str]) -> list[str]:
    """The lines of a cell, each command that goes on over several lines as one, the others empty."""
    whole: list[str] = []
    first: int | None = None
    for number, line in enumerate(lines):
        if first is None:
            whole.append(line)
        else:
            whole[first] = f"{whole[first].rstrip()[:-1]} {line.strip().removeprefix('!')}"
            whole.append("")
        place = number if first is None else first
        goes_on = line.rstrip().endswith("\\") and whole[place].lstrip().startswith(("%", "!"))
        first = place if goes_on else None
    return whole


def _refused(path: str, line: int, message: str) -> Reading:
    problem = Problem(location=Location(path=path, line=line), message=message, code="notebook-invalid")
    return Reading(None, (problem,))
