"""What sources declare of themselves, in their own metadata blocks (PEP 723)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pannier.api.settings import parse_tool_table
from pannier.model.analysis import Location, Problem
from pannier.model.errors import SpecError
from pannier.model.spec import LocalProject, Spec

_MARK = "# /// script"
# Enough for any script: the block stands near the top, and a file of 100 MB is no script.
_READ = 4 << 20


def declared_by(
    sources: Sequence[str], stdin: str, leave_out: Callable[[Problem], None] | None = None
) -> Spec:
    """The metadata blocks of the sources, as one spec.

    Args:
        sources: As the user named them.
        stdin: The text of the source `-`.
        leave_out: Told of each block that is not valid, which is then left out.

    Raises:
        SpecError: A block is not valid, and none may be left out.
    """
    requirements: list[str] = []
    bounds: list[str] = []
    projects: list[LocalProject] = []
    for source in sources:
        text = stdin if source == "-" else _script_text(Path(source))
        if _MARK not in text:
            continue
        from pannier.formats.script_metadata import parse_script_metadata

        try:
            metadata = parse_script_metadata(text, filename=source)
        except SpecError as error:
            if leave_out is None:
                raise
            leave_out(_as_problem(error, source))
            continue
        if metadata is not None:
            requirements += metadata.requirements
            projects += metadata.local_projects
            bounds += [metadata.python] if metadata.python else []
    return Spec(
        requirements=tuple(requirements),
        python=",".join(dict.fromkeys(bounds)),
        local_projects=tuple(projects),
    )


def _as_problem(error: SpecError, source: str) -> Problem:
    problems = error.facts.get("problems", ())
    reasons = [problems] if isinstance(problems, str) else problems
    return Problem(Location(source, 1), ": ".join([error.message, *reasons]), "script-metadata")


def script_settings(path: Path) -> Mapping[str, Any]:
    """The `[tool.pannier]` table of a script's block, by field name; paths in it hold from here.

    Raises:
        SpecError: The block is not valid, or names a setting there is not.
    """
    text = _script_text(path)
    if _MARK not in text:
        return {}
    from pannier.formats.script_metadata import parse_script_tools

    table = parse_script_tools(text, filename=str(path)).get("pannier", {})
    values = parse_tool_table(table, where=f"{path} [tool.pannier]")
    if "include" in values:
        values["include"] = [str(path.parent / item) for item in values["include"]]
    return values


def _script_text(path: Path) -> str:
    if not path.is_file() or path.suffix == ".ipynb":
        return ""
    with path.open("rb") as stream:
        return stream.read(_READ).decode("utf-8", "replace")
