"""What a system's package says of itself: by the project's metadata, the script, settings and git."""

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pannier.api.settings import Settings
from pannier.api.subjects import Subject
from pannier.model.errors import UsageError

if TYPE_CHECKING:
    from pannier.pack.image import SystemFacts
    from pannier.pack.plan import PackPlan


def facts_of(
    subject: Subject, wanted_name: str, plan: "PackPlan", requires_python: str, settings: Settings
) -> "SystemFacts":
    """Gather what a package says of itself.

    Args:
        subject: What is packed.
        wanted_name: The name that the user wants; empty for the subject's.
        plan: What is packed, its wheels built.
        requires_python: What the subject demands of the interpreter.
        settings: Those in force.

    Raises:
        UsageError: The name cannot be a package's, or version or maintainer are stated nowhere.
    """
    from pannier.formats.copyright_texts import authors_of, licence_name
    from pannier.pack.image import SystemFacts

    said = {**_said_by_script(subject), **settings.tables.get("package", {})}
    document = _own_metadata(plan)
    source = _script(subject)
    docstring = _docstring(source)
    name = _package_name(wanted_name or str(document.get("name") or subject.name))
    summary = str(document.get("summary") or "").strip() or docstring.split("\n\n")[0] or f"{name} for Python"
    described = docstring.split("\n\n")[1:] if docstring else [summary]
    return SystemFacts(
        name=name,
        version=_version(said, document, source, subject),
        revision=_revision(said),
        maintainer=_maintainer(said, settings.environ),
        summary=" ".join(summary.split()),
        description=tuple(" ".join(part.split()) for part in described if part.strip()),
        homepage=_homepage(document),
        license=licence_name(document) or _stated(source, "__license__"),
        authors=authors_of(document) or tuple(filter(None, [_stated(source, "__author__")])),
        requires_python=requires_python,
        depends=tuple(said.get("depends", ())),
        options=_options(source),
        date=_date(settings.environ),
    )


def _said_by_script(subject: Subject) -> Mapping[str, Any]:
    from pannier.api.declared import script_settings

    if subject.kind != "source" or subject.path.is_dir():
        return {}
    table: Mapping[str, Any] = script_settings(subject.path).get("package", {})
    return table


def _own_metadata(plan: "PackPlan") -> Mapping[str, Any]:
    """The metadata of the user's own project; nothing where there is none, or several."""
    from pannier.pack.image_needs import metadata_of

    own = [wheel for wheel in plan.wheels if wheel.kind == "program"]
    if len(own) != 1:
        return {}
    documents = dict(zip(plan.wheels, metadata_of(plan), strict=True))
    return documents[own[0]]


def _script(subject: Subject) -> str:
    if subject.kind != "source":
        return ""
    path = subject.path
    if path.is_dir():
        path = next((path / name for name in ("__init__.py", "__main__.py") if (path / name).is_file()), path)
    return path.read_text("utf-8", "replace") if path.is_file() and path.suffix != ".ipynb" else ""


def _docstring(source: str) -> str:
    try:
        return ast.get_docstring(ast.parse(source)) or ""
    except (SyntaxError, ValueError):
        return ""


def _stated(source: str, name: str) -> str:
    from pannier.formats.python_values import find_text

    value = find_text(source, name)
    return value if isinstance(value, str) else ""


def _options(source: str) -> tuple[tuple[str, str], ...]:
    from pannier.formats.python_options import find_options

    return find_options(source)


def _package_name(text: str) -> str:
    from pannier.formats.debian_control import package_name

    if name := package_name(text):
        return name
    raise UsageError(
        f"a package cannot be called `{text}`",
        code="package-name",
        facts={"wanted": "two or more lower-case letters, digits, `+`, `-` or `.`"},
        hint="choose another name with `--name`",
    )


def _version(said: Mapping[str, Any], document: Mapping[str, Any], source: str, subject: Subject) -> str:
    from pannier.formats.package_versions import is_version

    version = str(said.get("version") or document.get("version") or _stated(source, "__version__"))
    if not version:
        raise UsageError(
            f"`{subject.path}` states no version, which a package has to have",
            code="package-version",
            facts={"looked for": "`__version__`; `version` in a script's `[tool.pannier.package]`"},
            hint="say it with `--package-version 1.0`",
        )
    if not is_version(version):
        raise UsageError(
            f"`{version}` is not a version (PEP 440)",
            code="package-version",
            hint="say one such as `1.2.3` or `1.2rc1` with `--package-version`",
        )
    return version


def _revision(said: Mapping[str, Any]) -> str:
    revision = str(said.get("revision", "1"))
    if revision and all(one.isascii() and (one.isalnum() or one in "+.~") for one in revision):
        return revision
    raise UsageError(
        f"`{revision}` cannot be a package's revision",
        code="package-version",
        facts={"wanted": "letters, digits, `+`, `.` and `~`"},
    )


def _maintainer(said: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Who answers for the package: settings, what Debian's tools read, git's user."""
    from pannier.formats.debian_control import is_maintainer

    maintainer = str(said.get("maintainer") or "")
    if not maintainer and environ.get("DEBEMAIL"):
        name, mail = environ.get("DEBFULLNAME", ""), environ["DEBEMAIL"]
        maintainer = mail if "<" in mail else f"{name} <{mail}>" if name else ""
    maintainer = maintainer or _git_user(environ)
    if is_maintainer(maintainer):
        return maintainer
    raise UsageError(
        f"`{maintainer}` is no name with an address" if maintainer else "nobody maintains the package",
        code="package-maintainer",
        facts={
            "looked for": "`maintainer` in `[package]` of the settings, DEBFULLNAME and DEBEMAIL, git's user"
        },
        hint="say who with `--maintainer 'Jane Doe <jane@example.org>'`",
    )


def _git_user(environ: Mapping[str, str]) -> str:
    import subprocess

    values = []
    for key in ("user.name", "user.email"):
        try:
            done = subprocess.run(
                ["git", "config", "--get", key],
                capture_output=True,
                text=True,
                env=dict(environ),
                check=False,
            )
        except OSError:
            return ""
        values.append(done.stdout.strip())
    return f"{values[0]} <{values[1]}>" if all(values) else ""


def _homepage(document: Mapping[str, Any]) -> str:
    if page := document.get("home_page"):
        return str(page)
    urls: Mapping[str, str] = document.get("project_urls") or {}
    by_name = {label.lower().replace(" ", "").replace("-", ""): url for label, url in urls.items()}
    known = ("homepage", "home", "source", "sourcecode", "repository", "documentation")
    return next((by_name[name] for name in known if name in by_name), "")


def _date(environ: Mapping[str, str]) -> int:
    """What the makers of reproducible packages agreed on; 0 for nothing said.

    Raises:
        UsageError: It is no number.
    """
    text = environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        return int(text)
    raise UsageError(
        f"SOURCE_DATE_EPOCH is `{text}`, not a number of seconds",
        code="source-date",
        hint="set it to a number, or unset it",
    )
