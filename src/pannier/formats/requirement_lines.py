"""Single requirements as pip lists hold them: PEP 508, a path on this machine, or a URL of a distribution."""

import posixpath
import re
from typing import NamedTuple

from pannier.model.spec import LocalProject

ARCHIVES = (".whl", ".tar.gz", ".zip")
"""How the names of distributions end that a lock can hold."""
_REPOSITORY = r"(?:^|@\s*)(?:git|hg|svn|bzr)\+"
_MARKER = r"\s+;\s*|;\s+"


class RequirementLineError(ValueError):
    """A line is no requirement; the text says why."""


class RequirementLine(NamedTuple):
    """What one line asks for: exactly one of the two.

    Attributes:
        requirement: PEP 508, white space normalized.
        local_project: A directory to build, a wheel or an sdist.
    """

    requirement: str = ""
    local_project: LocalProject | None = None


def parse_requirement_line(text: str, *, directory: str) -> RequirementLine:
    """Read one entry of a pip list.

    Args:
        text: PEP 508, a path, a URL, or any of them after `-e`.
        directory: What relative paths start from.

    Raises:
        RequirementLineError: It is none of these.
    """
    editable = _after_editable(text)
    text = text if editable is None else editable
    if re.search(_REPOSITORY, text):
        raise RequirementLineError("a repository cannot be locked; check it out, and name the directory")
    if _is_path(text) or (editable is not None and "://" not in text and " @ " not in text):
        return RequirementLine(local_project=_parse_path(text, directory))
    if text.startswith(("http://", "https://")):
        text = _named_url(text)
    return _parse_requirement(text, directory)


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
    if text in (".", "..") or text.startswith(("./", "../", "/", "file:", ".[")):
        return True
    # As pip does it: what holds a slash or is a distribution's file name, and no URL, is a path.
    path = re.split(_MARKER, text, maxsplit=1)[0]
    return not any(sign in path for sign in ("@", "://", " ")) and (
        "/" in path or _split_extras(path)[0].endswith(ARCHIVES)
    )


def _parse_path(text: str, directory: str) -> LocalProject:
    text, marker = _split_marker(text)
    path, extras = _split_extras(_path_of_url(text) if text.startswith("file:") else text)
    whole = posixpath.normpath(posixpath.join(directory, path))
    name = ""
    if whole.endswith(ARCHIVES):
        name = _name_of_archive(posixpath.basename(whole))
    return LocalProject(path=whole, name=name, extras=extras, marker=marker)


def _path_of_url(url: str) -> str:
    # Most scripts name no file, and this takes long to load.
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path)


def _name_of_archive(filename: str) -> str:
    from pannier.formats.distribution_names import parse_distribution_filename

    named = parse_distribution_filename(filename)
    if named is None or not named.version:
        raise RequirementLineError(f"`{filename}` is not the name of a wheel or an sdist")
    return named.name


def _split_marker(text: str) -> tuple[str, str]:
    """Cut off the marker, which for a path or a URL needs a blank beside its semicolon."""
    parts = re.split(_MARKER, text, maxsplit=1)
    if len(parts) == 1:
        return text, ""
    from packaging.markers import InvalidMarker, Marker

    try:
        return parts[0].strip(), str(Marker(parts[1]))
    except InvalidMarker as error:
        raise RequirementLineError(str(error).splitlines()[0]) from error


def _split_extras(text: str) -> tuple[str, tuple[str, ...]]:
    if not text.endswith("]") or "[" not in text:
        return text, ()
    path, _, extras = text[:-1].rpartition("[")
    return path, tuple(part.strip() for part in extras.split(",") if part.strip())


def _named_url(text: str) -> str:
    """Put the project's name before a URL, as PEP 508 wants it: its file name or `#egg=` tells it."""
    from pannier.formats.distribution_names import parse_distribution_filename

    url, marker = _split_marker(text)
    egg = re.search(r"[#&]egg=([^&]+)", url)
    named = parse_distribution_filename(posixpath.basename(_path_of_url(url)))
    name = egg[1] if egg else named.name if named and named.version else ""
    if not name:
        raise RequirementLineError("a URL needs the project's name before it: `NAME @ URL`")
    return f"{name} @ {url}" + (f" ; {marker}" if marker else "")


def _parse_requirement(text: str, directory: str) -> RequirementLine:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise RequirementLineError(_why(text, error)) from error
    url = requirement.url or ""
    if url.startswith("file:") or (url and "://" not in url):
        return RequirementLine(
            local_project=LocalProject(
                path=posixpath.normpath(posixpath.join(directory, _path_of_url(url))),
                name=requirement.name,
                extras=tuple(sorted(requirement.extras)),
                marker=str(requirement.marker or ""),
            )
        )
    return RequirementLine(requirement=" ".join(text.split()))


def _why(text: str, error: Exception) -> str:
    if text.startswith("-"):
        return f"`{text.split(maxsplit=1)[0]}` is an option that Pannier does not take from a spec"
    if "=" in text and not any(sign in text for sign in ("==", ">=", "<=", "!=", "~=")):
        return "one `=` is conda's way to pin; in a pip list it is `==`"
    return str(error).splitlines()[0]
