"""What a command was given: a program, a project, a spec or a lock."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pannier.model.errors import AnalysisError, SpecError, UsageError

if TYPE_CHECKING:
    from pannier.model.lock import Lock
    from pannier.model.spec import Spec

_STDIN_HINT = "save it in a file and name that; `analyze`, `lock` and `pack` read standard input"
STDIN = "-"
# Lines of a requirements file that are no statements of a program; names alone are neither.
_REQUIREMENT_LINE = (
    r"\s*(?:#.*|--?[a-z].*|([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*"
    r"(?:(?:===?|[<>!~]=|[<>]|@\s|;).*)?(?:#.*)?\\?)?$"
)
SubjectKind = Literal["source", "project", "spec", "environment", "lock"]


class Subject(NamedTuple):
    """One thing to analyze, lock or pack.

    Attributes:
        path: As the user named it.
        kind: `source` for scripts, notebooks and packages; `project` for a directory with a pyproject.toml or
            setup.py; `spec` for a file that lists requirements; `environment` for the prefix of one that is
            there; `lock` for a lockfile.
        content: What is in it, when it was not to be read.
    """

    path: Path
    kind: SubjectKind
    content: bytes | None = None

    @property
    def name(self) -> str:
        """What a pack made of it is called: a word, for it is a command's name as well."""
        base = self.path.resolve()
        name = base.name if base.is_dir() else base.name.removesuffix(base.suffix)
        return "-".join(name.split())


def find_subject(text: str, environ: Mapping[str, str], content: bytes | None = None) -> Subject:
    """Tell what `text` names: a path, else an environment known by that name.

    Args:
        text: As the user named it.
        environ: Environment variables.
        content: What is on standard input, or of a spec whose name does not say that it is one.

    Raises:
        UsageError: The name, or standard input, is empty.
        AnalysisError: There is no such file, or its kind is not one Pannier reads.
    """
    if not text:
        # A path of no name is the working directory, which is hardly meant: a variable was empty.
        raise UsageError("the name of what to read is empty", hint="name a file, a directory or a spec")
    path = Path(text)
    if content is not None and text == STDIN:
        if not content.strip():
            raise UsageError(
                "standard input is empty", hint="see whether the command before it failed, or name a file"
            )
        return Subject(path=path, kind=_kind_of(content), content=content)
    if content is not None:
        return Subject(path=path, kind="spec", content=content)
    if path.is_file():
        return Subject(path=path, kind=_file_kind(path))
    from pannier.api.environments import find_environment, is_environment

    if path.is_dir() and is_environment(path):
        return Subject(path=path, kind="environment")
    if path.is_dir():
        is_project = (path / "pyproject.toml").is_file() or (path / "setup.py").is_file()
        return Subject(path=path, kind="project" if is_project and _has_metadata(path) else "source")
    if environment := find_environment(text, environ):
        return Subject(path=environment, kind="environment")
    from pannier.imports.spelling import spelling_hint

    raise AnalysisError(
        f"there is no file, directory or environment `{text}`",
        code="no-such-file",
        hint=_STDIN_HINT if text == STDIN else spelling_hint(text),
    )


def _has_metadata(directory: Path) -> bool:
    """A pyproject.toml that only configures tools makes no project.

    Raises:
        SpecError: It is not valid TOML.
    """
    import tomllib

    if (directory / "setup.py").is_file() or (directory / "setup.cfg").is_file():
        return True
    text = (directory / "pyproject.toml").read_text("utf-8", "replace")
    if any(line.strip() in {"[project]", "[build-system]", "[tool.poetry]"} for line in text.splitlines()):
        return True
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(
            f"`{directory / 'pyproject.toml'}` is not valid TOML",
            code="spec-syntax",
            facts={"reason": str(error)},
        ) from None
    return bool({"project", "build-system"} & tables.keys()) or "poetry" in tables.get("tool", {})


def _file_kind(path: Path) -> SubjectKind:
    name = path.name
    if name == "pylock.toml" or (name.startswith("pylock.") and name.endswith(".toml")):
        return "lock"
    if name == "pyproject.toml":
        return "project"
    if path.suffix in {".json", ".yml", ".yaml", ".txt", ".in"}:
        return "spec"
    if path.suffix in {".py", ".pyw", ".ipynb"} or _is_python_script(path):
        return "source"
    raise AnalysisError(
        f"`{path}` is nothing that Pannier can read",
        code="unknown-subject",
        facts={
            "programs": "*.py, *.ipynb, a script whose first line names python, a directory",
            "specs": "*.json, *.yml, requirements.txt, pyproject.toml",
            "locks": "pylock.toml, pylock.NAME.toml",
        },
    )


def _kind_of(content: bytes) -> SubjectKind:
    """What is on standard input: a spec, which looks like no program, or a program."""
    from pannier.imports.text.reading import is_notebook

    text = content.decode("utf-8-sig", "replace")
    if text.lstrip().startswith(("{", "[")):
        return "source" if is_notebook(text) else "spec"
    is_list = re.search(r"(?m)^dependencies:\s*$", text) or _lists_requirements(text)
    return "spec" if is_list else "source"


def _lists_requirements(text: str) -> bool:
    """Whether every line is one of a requirements file, and some line is more than a comment."""
    import keyword

    matches = [re.match(_REQUIREMENT_LINE, line) for line in text.splitlines()]
    names = [match[1] for match in matches if match and match[1]]
    return bool(names) and None not in matches and not any(map(keyword.iskeyword, names))


def _is_python_script(path: Path) -> bool:
    with path.open("rb") as stream:
        first = stream.readline(200)
    return first.startswith(b"#!") and b"python" in first


def read_text(path: Path) -> str:
    """The text of a spec or a lock.

    Raises:
        SpecError: It is not UTF-8.
    """
    return _decoded(path.read_bytes(), path)


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"`{path}` is not UTF-8 text", facts={"at": f"byte {error.start}"}, hint="save it as UTF-8"
        ) from None


def read_spec(path: Path, content: bytes | None = None, environ: Mapping[str, str] | None = None) -> "Spec":
    """The requirements that a spec, a requirements file or a pyproject.toml lists.

    Local projects come back as paths that hold from the current directory.

    Args:
        path: The file.
        content: What is in it; `None` to read it.
        environ: Environment variables, which a requirements file may use; `None` for the process's own.

    Raises:
        SpecError: The file is not valid.
    """
    from pannier.formats import specs

    lists = content is not None and _lists_requirements(content.decode("utf-8-sig", "replace"))
    if path.suffix in {".txt", ".in"} or lists:
        from pannier.lock.requirements_reading import read_requirements

        return read_requirements(path, os.environ if environ is None else environ, content=content)
    text = read_text(path) if content is None else _decoded(content, path)
    if path.name == "pyproject.toml":
        return specs.parse_pyproject(text, filename=str(path))
    return specs.parse_spec(text, filename=str(path))


def read_lock(path: Path) -> "Lock":
    """The lock in a file.

    Raises:
        LockError: It is not a valid lockfile.
    """
    from pannier.formats.pylock import parse_lock

    return parse_lock(read_text(path), filename=str(path))
