"""Inline script metadata (PEP 723): what a single-file script says it requires."""

import posixpath
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from pannier.formats.project_files import read_python
from pannier.formats.requirement_lines import RequirementLineError, parse_requirement_line
from pannier.formats.spec_problems import SpecProblems
from pannier.model.errors import SpecError
from pannier.model.spec import Spec

# The regular expression of the standard: inline script metadata, "reference implementation".
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def parse_script_metadata(text: str, *, filename: str) -> Spec | None:
    """Read the `script` block of a script; `None` when it has none.

    Args:
        text: The script.
        filename: Where it was read from, for messages.

    Raises:
        SpecError: There are several such blocks, or the one is not valid; all problems are told at once.
    """
    document = read_script_block(text, filename)
    return None if document is None else _parse_block(document, filename)


def parse_script_tools(text: str, *, filename: str) -> Mapping[str, Any]:
    """Read the `[tool]` table of a script's block, by tool; empty when there is none.

    Args:
        text: The script.
        filename: Where it was read from, for messages.

    Raises:
        SpecError: There are several blocks, or the one is not valid TOML.
    """
    tools = (read_script_block(text, filename) or {}).get("tool", {})
    return tools if isinstance(tools, dict) else {}


def read_script_block(text: str, filename: str) -> dict[str, Any] | None:
    """Read the `script` block of a script as it stands; `None` when it has none.

    Raises:
        SpecError: There are several such blocks, or the one is not valid TOML.
    """
    # The expression wants a line end after the block's last line, and `\n` ones.
    blocks = [match for match in _BLOCK.finditer(text.replace("\r\n", "\n")) if match["type"] == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        lines = [f"{filename}:{_line(text, block)}" for block in blocks]
        raise SpecError(
            f"`{filename}` has {len(blocks)} blocks of script metadata, and one is allowed",
            code="script-metadata",
            facts={"blocks": lines},
        )
    content = "".join(_uncomment(line) for line in blocks[0]["content"].splitlines(keepends=True))
    return _load(content, filename, _line(text, blocks[0]))


def _uncomment(line: str) -> str:
    return line[2:] if line.startswith("# ") else line[1:]


def _line(text: str, block: re.Match[str]) -> int:
    return text.replace("\r\n", "\n")[: block.start()].count("\n") + 1


def _load(content: str, filename: str, line: int) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(
            f"the script metadata of `{filename}` is not valid TOML",
            code="script-metadata",
            facts={
                "block": f"{filename}:{line}",
                "reason": f"{error}, counted from the line after the block's first",
            },
        ) from error


def _parse_block(document: dict[str, Any], filename: str) -> Spec:
    problems = SpecProblems(filename, dialect="script metadata (PEP 723)")
    problems.check_keys(document, ("dependencies", "requires-python", "tool"))
    requirements: list[str] = []
    local_projects = []
    for place, text in problems.texts(document.get("dependencies"), "dependencies"):
        try:
            found = parse_requirement_line(text, directory=posixpath.dirname(filename))
        except RequirementLineError as error:
            problems.add(place, f"`{text}` is not a requirement: {error}")
            continue
        if found.local_project is not None:
            local_projects.append(found.local_project)
        else:
            requirements.append(found.requirement)
    python = read_python(document.get("requires-python"), "requires-python", problems)
    problems.raise_if_any()
    return Spec(
        requirements=tuple(dict.fromkeys(requirements)),
        python=python,
        local_projects=tuple(dict.fromkeys(local_projects)),
        dialect="script metadata (PEP 723)",
    )
