"""The index to release to, from `pannier.toml` and `.pypirc`, with the credentials for it.

What `[index.NAME]` and its variables say comes first, then twine's variables, then the section of `.pypirc`,
then the URL, then the keyring; netrc is asked by the HTTP clients themselves. Twine reads `.pypirc` and the
keyring.
"""

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pannier.model.errors import SpecError, UsageError
from pannier.model.release import Credentials, ReleaseIndex

_Section = Mapping[str, str | None]


def find_index(
    name: str,
    entry: Mapping[str, str],
    pypirc: Path | None,
    known: tuple[str, ...],
    environ: Mapping[str, str],
) -> ReleaseIndex:
    """Find what the user's configuration says of an index.

    Args:
        name: As the user names it.
        entry: What `[index.NAME]` and its variables say, by field name.
        pypirc: The `.pypirc` to read, which must be there; `None` for the one in the home directory, if any.
        known: Names in other configuration, for messages.
        environ: Environment variables.

    Raises:
        SpecError: A file is not valid, or does not say where the index is.
        UsageError: Nothing names the index.
    """
    path = pypirc or Path(environ.get("HOME") or "~", ".pypirc").expanduser()
    sections = _read_pypirc(path) if pypirc or path.is_file() else {}
    section = sections.get(name, {})
    if not entry and not section:
        raise UsageError(
            f"no configuration names an index `{name}`",
            code="index-unknown",
            facts={"read": f"pannier.toml, {path}", "known": [*known, *sections] or "none"},
            hint=f"say where it is in `[index.{name}]` of pannier.toml, or in `{path}`",
        )
    url, upload_url = entry.get("url", ""), entry.get("upload_url", "") or section.get("repository") or ""
    if not upload_url and not url:
        raise SpecError(
            f"the index `{name}` has no URL",
            code="index-unknown",
            hint=f"write `upload-url` into `[index.{name}]`, or `repository` into its section of `.pypirc`",
        )
    upload_url = upload_url or _upload_url(url)
    for address in filter(None, (url, upload_url)):
        _check_url(name, address)
    return ReleaseIndex(
        name=name,
        upload_url=_without_credentials(upload_url),
        simple_urls=tuple(_simple_urls(url, upload_url)),
        credentials=_credentials(entry, section, url, upload_url, environ),
        where="pannier.toml" if entry else str(path),
        certificate=section.get("ca_cert") or environ.get("TWINE_CERT", ""),
    )


def with_index(environment: Mapping[str, str], index: ReleaseIndex, simple_url: str) -> dict[str, str]:
    """The variables of uv with one more index, which is asked first.

    Args:
        environment: Variables.
        index: The index.
        simple_url: Where its Simple API is.
    """
    parts, known = urlsplit(simple_url), index.credentials
    if known.password:
        user = f"{quote(known.username, safe='')}:{quote(known.password, safe='')}"
        parts = parts._replace(netloc=f"{user}@{parts.netloc}")
    return {**environment, "UV_INDEX": f"{urlunsplit(parts)} {environment.get('UV_INDEX', '')}".strip()}


def _read_pypirc(path: Path) -> Mapping[str, _Section]:
    from twine.exceptions import TwineException
    from twine.utils import get_config

    try:
        return get_config(str(path))
    except (configparser.Error, TwineException, OSError) as error:
        raise SpecError(
            f"`{path}` cannot be read as a `.pypirc`",
            code="settings-invalid",
            facts={"reason": str(error).splitlines()[0]},
            hint="its form is that of the Python Packaging User Guide's page on `.pypirc`",
        ) from None


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SpecError(
            f"the index `{name}` has a URL that is none",
            code="index-unknown",
            facts={"url": url},
            hint="write it whole, with `http://` or `https://`",
        )


def _simple_urls(url: str, upload_url: str) -> Iterator[str]:
    """Where the Simple API of an index is, most likely first; what is configured is the only place."""
    if url:
        yield _without_credentials(url).rstrip("/") + "/"
        return
    parts = urlsplit(_without_credentials(upload_url))
    path = parts.path.rstrip("/")
    base, _, last = path.rpartition("/")
    host = parts.netloc.removeprefix("upload.")
    if last in {"legacy", "pypi", "upload"}:
        yield urlunsplit((parts.scheme, host, f"{base}/simple/", "", ""))
    yield urlunsplit((parts.scheme, host, f"{path}/simple/", "", ""))
    yield urlunsplit((parts.scheme, host, f"{path}/+simple/", "", ""))
    if last == "simple":
        yield urlunsplit((parts.scheme, host, f"{path}/", "", ""))


def _upload_url(url: str) -> str:
    """Where an index takes uploads of which only the Simple API is known: above that."""
    return url.rstrip("/").removesuffix("simple").removesuffix("+simple").rstrip("/") + "/"


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _credentials(
    entry: Mapping[str, str], section: _Section, url: str, upload_url: str, environ: Mapping[str, str]
) -> Credentials:
    parts = next((parts for parts in map(urlsplit, (upload_url, url)) if parts.username), urlsplit(""))
    username = (
        entry.get("username")
        or environ.get("TWINE_USERNAME")
        or section.get("username")
        or unquote(parts.username or "")
    )
    password = (
        entry.get("password")
        or environ.get("TWINE_PASSWORD")
        or section.get("password")
        or unquote(parts.password or "")
    )
    if password:
        return Credentials(username or "__token__", password)
    return _from_keyring(_without_credentials(upload_url), username)


def _from_keyring(upload_url: str, username: str) -> Credentials:
    from twine.auth import CredentialInput, Private

    resolver = Private({"repository": upload_url}, CredentialInput(username or None, None))
    found = username or resolver.get_username_from_keyring()
    if not found:
        return Credentials()
    resolver.input.username = found
    return Credentials(found, resolver.get_password_from_keyring() or "")
