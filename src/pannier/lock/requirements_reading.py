"""Requirements files on this machine, with all that they refer to."""

from collections.abc import Mapping
from pathlib import Path

from pannier.formats.requirements_files import References, parse_requirements
from pannier.formats.requirements_text import decode_requirements
from pannier.lock.local_projects import problem_of
from pannier.model.errors import SpecError
from pannier.model.spec import Spec


def read_requirements(
    path: Path, environ: Mapping[str, str], *, content: bytes | None = None, is_constraints: bool = False
) -> Spec:
    """Read a requirements file and those it includes.

    Local projects come back as paths that hold from the current directory; variables stay as they are.

    Args:
        path: The file.
        environ: Environment variables, for `${NAME}`.
        content: What is in it; `None` to read it.
        is_constraints: It only bounds versions.

    Raises:
        SpecError: Lines are not valid, or the file is no text; all are told at once, with file and line.
        OSError: It cannot be read.
    """
    try:
        text = decode_requirements(path.read_bytes() if content is None else content)
    except ValueError as error:
        problem = f"{path}: {error}"
        raise SpecError(
            f"`{path}` cannot be read as text", code="spec-encoding", facts={"problems": [problem]}
        ) from None

    def read(name: str) -> str:
        return decode_requirements((path.parent / name).read_bytes())

    references = References(read, environ, problem_of, lambda place: Path(place).exists())
    return parse_requirements(text, filename=str(path), references=references, is_constraints=is_constraints)
