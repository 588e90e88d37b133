"""What the page of a project shows, worked out before any HTML is made."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pannier.formats.simple_api import FileLink, ProjectPage
from pannier.formats.wheel_labels import ANY_MACHINE, Machine, describe_distribution, fits
from pannier.server.catalogue.catalogue import version_key

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*", re.ASCII)
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+|mailto:[^\s<>\"]+", re.IGNORECASE)


class FileView(NamedTuple):
    """A file in a list.

    Attributes:
        link: As the Simple API says it.
        about: What it runs on, in words.
        is_fit: Whether it may be installed on the machine asked about.
    """

    link: FileLink
    about: str
    is_fit: bool


class VersionView(NamedTuple):
    """A version in a list.

    Attributes:
        version: As it is written.
        files: Its files.
        uploaded: When its first file came, ISO 8601; empty where nobody says.
        yanked: Why all of it is yanked, which may be empty; `None` for not yanked.
        is_prerelease: Installers take it only when told to.
    """

    version: str
    files: Sequence[FileView]
    uploaded: str
    yanked: str | None
    is_prerelease: bool

    @property
    def is_fit(self) -> bool:
        """Whether a file of it may be installed on the machine asked about."""
        return any(file.is_fit for file in self.files)


class Details(NamedTuple):
    """What a distribution's metadata say.

    Attributes:
        summary: One line; may be empty, as all of these.
        author: Who made it.
        license: An expression or a name.
        requires_python: The bound on the interpreter.
        requires: What it needs.
        links: What to call it, and an address.
        description: Its README, not rendered.
        description_type: What markup that is.
    """

    summary: str = ""
    author: str = ""
    license: str = ""
    requires_python: str = ""
    requires: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    description: str = ""
    description_type: str = ""


def view_versions(
    page: ProjectPage, versions: Mapping[str, str], machine: Machine = ANY_MACHINE
) -> list[VersionView]:
    """Sort a project's files into versions, the newest first.

    Args:
        page: The project.
        versions: Version of each file, by file name.
        machine: What to mark as fit.
    """
    files: dict[str, list[FileView]] = {}
    for link in page.files:
        version = versions.get(link.filename, "")
        is_fit = fits(link.filename, link.requires_python, machine)
        view = FileView(link, describe_distribution(link.filename), is_fit)
        files.setdefault(version, []).append(view)
    ordered = sorted(files, key=version_key, reverse=True)
    return [_view_version(version, files[version]) for version in ordered]


def _view_version(version: str, files: Sequence[FileView]) -> VersionView:
    times = [file.link.upload_time for file in files if file.link.upload_time]
    reasons = [file.link.yanked for file in files]
    yanked = next((reason for reason in reasons if reason), "") if None not in reasons else None
    return VersionView(version, files, min(times, default=""), yanked, _is_prerelease(version))


def choose_version(versions: Sequence[VersionView]) -> VersionView:
    """The version to show first: the newest that an installer would take on the machine asked about."""
    ranked = (
        [v for v in versions if v.yanked is None and v.is_fit and not v.is_prerelease],
        [v for v in versions if v.yanked is None and v.is_fit],
        [v for v in versions if v.yanked is None],
        versions,
    )
    return next(found[0] for found in ranked if found)


def read_details(fields: Mapping[str, Any]) -> Details:
    """Take what a page shows from core metadata, by the names of its JSON form; all of it is untrusted."""
    return Details(
        summary=_text(fields, "summary"),
        author=_author(fields),
        license=_license(fields),
        requires_python=_text(fields, "requires_python"),
        requires=[item for item in fields.get("requires_dist", ()) if isinstance(item, str)],
        links=_links(fields),
        description=_text(fields, "description"),
        description_type=_text(fields, "description_content_type"),
    )


def _author(fields: Mapping[str, Any]) -> str:
    for kind in ("author", "maintainer"):
        name, address = _text(fields, kind), _text(fields, f"{kind}_email")
        if name or address:
            return name or re.sub(r"\s*<[^>]*>", "", address)
    return ""


def _license(fields: Mapping[str, Any]) -> str:
    expression = _text(fields, "license_expression") or _text(fields, "license")
    if expression and len(expression) <= 100 and "\n" not in expression:
        return expression
    classifiers = [text for text in fields.get("classifiers", ()) if text.startswith("License ::")]
    return classifiers[0].rpartition("::")[2].strip() if classifiers else ""


def _links(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = fields.get("project_urls", {})
    links = list(named.items()) if isinstance(named, dict) else []
    if _text(fields, "home_page"):
        links.insert(0, ("Homepage", _text(fields, "home_page")))
    # Anything else than an address on the web could be a script.
    return [(label[:60], url) for label, url in links if _WEB_ADDRESS.fullmatch(url)]


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else ""


class InstallLines(NamedTuple):
    """What to type to install a project from this index: each line names the index, and no other beside it.

    Attributes:
        pip: For a shell.
        uv: For a shell.
        requirements: Of a `requirements.txt`.
        hashed: The same with hashes; empty where there are none.
    """

    pip: str
    uv: str
    requirements: str
    hashed: str


def install_lines(index_url: str, name: str, version: VersionView, *, is_pinned: bool) -> InstallLines:
    """Write the lines that install a version.

    Args:
        index_url: The Simple API as the client reaches it.
        name: Of the project.
        version: The version shown.
        is_pinned: Whether that one is meant, and not whichever is newest.
    """
    exact = f"{name}=={version.version}" if _VERSION.fullmatch(version.version) else name
    wanted = exact if is_pinned else name
    url = shlex.quote(index_url)
    hashes = [
        f"    --hash=sha256:{file.link.hashes['sha256']}"
        for file in version.files
        if "sha256" in file.link.hashes and file.is_fit
    ]
    hashed = " \\\n".join([exact, *hashes]) if hashes else ""
    return InstallLines(
        pip=f"pip install --index-url {url} {shlex.quote(wanted)}",
        uv=f"uv pip install --index-url {url} {shlex.quote(wanted)}",
        requirements=f"--index-url {index_url}\n{exact}",
        hashed=f"--index-url {index_url}\n{hashed}" if hashed else "",
    )


def _is_prerelease(text: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text).is_prerelease
    except InvalidVersion:
        return False
