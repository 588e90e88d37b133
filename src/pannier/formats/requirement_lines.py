"""Single requirements as pip lists hold them: PEP 508, or a path on this machine."""

import posixpath
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from pannier.model.spec import LocalProject

_ARCHIVES = (".whl", ".tar.gz", ".zip")


class RequirementLineError(ValueError):
    """A line is no requirement; the text says why."""


class RequirementLine(NamedTuple):
    """What one line asks for: exactly one of the two.

    Attributes:
        requirement: PEP 508, white space normalized.
        local_project: A directory to build.
    """

    requirement: str = ""
    local_project: LocalProject | None = None


def parse_requirement_line(text: str, *, directory: str) -> RequirementLine:
    """Read one entry of a pip list.

    Args:
        text: PEP 508, a path, or either after `-e`.
        directory: What relative paths start from.

    Raises:
        RequirementLineError: It is none of these.
    """
    editable = _after_editable(text)
    text = text if editable is None else editable
    if _is_path(text) or (editable is not None and "://" not in text and " @ " not in text):
        return _parse_path(text, directory)
    return _parse_requirement(text)


def normalized_project_name(requirement: str) -> str:
    """Give the normalized name (PEP 503) of a valid PEP 508 requirement."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return canonicalize_name(Requirement(requirement).name)


def _after_editable(text: str) -> str | None:
    for option in ("-e", "--editable"):
        for separator in (" ", "="):
            if text.startswith(option + separator):
                return text[len(option) + 1 :].strip()
    return None


def _is_path(text: str) -> bool:
    return text in (".", "..") or text.startswith(("./", "../", "/", "file:", ".["))


def _parse_path(text: str, directory: str) -> RequirementLine:
    path, extras = _split_extras(unquote(urlsplit(text).path) if text.startswith("file:") else text)
    whole = posixpath.normpath(posixpath.join(directory, path))
    if not whole.endswith(_ARCHIVES):
        return RequirementLine(local_project=LocalProject(path=whole, extras=extras))
    if not posixpath.isabs(whole):
        raise RequirementLineError("a wheel or an sdist on this machine must be named by its absolute path")
    stem = posixpath.basename(whole)
    name = stem.split("-")[0] if whole.endswith(".whl") else stem.rsplit("-", 1)[0]
    return RequirementLine(requirement=f"{name} @ file://{quote(whole)}")


def _split_extras(text: str) -> tuple[str, tuple[str, ...]]:
    if not text.endswith("]") or "[" not in text:
        return text, ()
    path, _, extras = text[:-1].rpartition("[")
    return path, tuple(part.strip() for part in extras.split(",") if part.strip())


def _parse_requirement(text: str) -> RequirementLine:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise RequirementLineError(_why(text, error)) from error
    url = requirement.url or ""
    if url.startswith("file:") and not url.endswith(_ARCHIVES):
        path = unquote(urlsplit(url).path)
        local = LocalProject(path=path, name=requirement.name, extras=tuple(sorted(requirement.extras)))
        return RequirementLine(local_project=local)
    return RequirementLine(requirement=" ".join(text.split()))


def _why(text: str, error: Exception) -> str:
    if text.startswith("-"):
        return f"`{text.split(maxsplit=1)[0]}` is an option that Pannier does not take from a spec"
    if text.startswith(("git+", "hg+", "svn+", "bzr+", "http:", "https:")):
        return "a URL needs the project's name before it: `NAME @ URL`"
    if "=" in text and not any(sign in text for sign in ("==", ">=", "<=", "!=", "~=")):
        return "one `=` is conda's way to pin; in a pip list it is `==`"
    return str(error).splitlines()[0]
