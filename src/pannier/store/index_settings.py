"""Which indexes to ask, from what the user has already told pip or uv.

uv reads its own configuration. Where that names no index, what pip is configured with is translated for it:
whoever installs with pip on a machine can lock and pack there without saying anything twice.
"""

import configparser
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pannier.model.errors import FetchError, SpecError

_UV_INDEX_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
)
_UV_INDEX_KEYS = ("index", "index-url", "extra-index-url", "find-links", "no-index")


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSettings:
    """The indexes in force, best known first.

    Attributes:
        index_url: The default index; empty for uv's own default.
        extra_index_urls: More indexes. As with pip, all compete and the best version wins.
        find_links: Directories or pages with distributions, which compete as well.
        no_index: Ask no index, only `find_links`.
        trusted_hosts: Hosts whose certificates are not checked.
        certificate: File of the certificate authorities to trust; empty for the system's.
        by_uv: uv is configured itself and reads that itself; the above is only what was said beyond it.
        credential_urls: URLs of uv's configuration, and of specs, that may carry a user name and a password.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    certificate: str = ""
    by_uv: bool = False
    credential_urls: tuple[str, ...] = ()

    def with_flags(
        self, *, index_url: str = "", extra_index_urls: tuple[str, ...] = (), find_links: tuple[str, ...] = ()
    ) -> "IndexSettings":
        """Let what the command line names replace what the configuration says, option by option."""
        # Resolvers run in a directory of their own.
        find_links = tuple(link if "://" in link else str(Path(link).absolute()) for link in find_links)
        return replace(
            self,
            index_url=index_url or self.index_url,
            extra_index_urls=extra_index_urls or self.extra_index_urls,
            find_links=find_links or self.find_links,
            no_index=self.no_index and not (index_url or extra_index_urls),
        )

    def with_credentials(self, urls: tuple[str, ...]) -> "IndexSettings":
        """Know the credentials of more URLs."""
        return replace(self, credential_urls=(*self.credential_urls, *urls)) if urls else self

    def to_uv_environment(self) -> dict[str, str]:
        """Say the same in uv's variables."""
        variables: dict[str, str] = {}
        if self.index_url:
            variables["UV_DEFAULT_INDEX"] = self.index_url
        if self.extra_index_urls:
            variables["UV_INDEX"] = " ".join(self.extra_index_urls)
        if self.find_links:
            variables["UV_FIND_LINKS"] = ",".join(self.find_links)
        if self.no_index:
            variables["UV_NO_INDEX"] = "1"
        if self.trusted_hosts:
            variables["UV_INSECURE_HOST"] = " ".join(self.trusted_hosts)
        if self.certificate:
            variables["SSL_CERT_FILE"] = self.certificate
        if not self.by_uv:
            # Who configured pip expects pip's rule: all indexes compete (docs/decisions, "uv resolves").
            variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        return variables

    def to_pip_environment(self, environ: Mapping[str, str], *, offline: bool = False) -> dict[str, str]:
        """Say the same in pip's variables.

        Args:
            environ: Environment variables: where uv is configured itself, the indexes named by its own.
            offline: Leave only directories of this machine.
        """
        index, extra = [self.index_url] if self.index_url else [], list(self.extra_index_urls)
        links, no_index = list(self.find_links), self.no_index
        if self.by_uv:
            index = [*index, environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL", "")]
            named = f"{environ.get('UV_INDEX', '')} {environ.get('UV_EXTRA_INDEX_URL', '')}".split()
            extra += [url if "://" in url.partition("=")[0] else url.rpartition("=")[2] for url in named]
            links += [link for link in environ.get("UV_FIND_LINKS", "").split(",") if link]
            no_index = no_index or environ.get("UV_NO_INDEX", "").lower() in ("1", "true", "yes", "on")
        if offline:
            links = [link for link in links if "://" not in link or link.startswith("file:")]
            no_index = True
        values = {
            "PIP_INDEX_URL": next(filter(None, index), ""),
            "PIP_EXTRA_INDEX_URL": " ".join(extra),
            "PIP_FIND_LINKS": " ".join(links),
            "PIP_NO_INDEX": "1" if no_index else "",
            "PIP_TRUSTED_HOST": " ".join(self.trusted_hosts),
            "PIP_CERT": self.certificate,
        }
        return {name: value for name, value in values.items() if value}

    def credentials(self) -> dict[str, tuple[str, str]]:
        """Give user name and password by host, from the URLs that carry them."""
        found: dict[str, tuple[str, str]] = {}
        for url in (self.index_url, *self.extra_index_urls, *self.find_links, *self.credential_urls):
            parts = urlsplit(url)
            if parts.hostname and parts.username:
                found[parts.netloc.rpartition("@")[2]] = (
                    unquote(parts.username),
                    unquote(parts.password or ""),
                )
        return found


def check_places(places: Iterable[str]) -> None:
    """Refuse what is neither a URL nor a file or directory: uv passes over some of that.

    Raises:
        FetchError: Naming every one.
    """
    missing = [place for place in places if place and "://" not in place and not Path(place).exists()]
    if missing:
        raise FetchError(
            "no index and no directory is to be found at some of the places given",
            code="no-such-file",
            facts={"missing": missing},
            hint="write a URL such as `https://index.example/simple/`, or a directory that is there",
        )


def read_index_settings(environ: Mapping[str, str], *, system: Path = Path("/etc")) -> IndexSettings:
    """Read the user's uv or pip configuration.

    Args:
        environ: Environment variables.
        system: Where the machine's configuration lies.

    Raises:
        SpecError: A configuration file of pip cannot be understood.
    """
    certificate = next((environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if environ.get(name)), "")
    if any(environ.get(name) for name in _UV_INDEX_VARIABLES) or _uv_file_names_index(environ, system):
        urls = [url for name in _UV_INDEX_VARIABLES[:4] for url in environ.get(name, "").split()]
        named = tuple(url.partition("=")[2] if "://" not in url.partition("=")[0] else url for url in urls)
        return IndexSettings(by_uv=True, certificate=certificate, credential_urls=named)
    options = _pip_options(environ, system)
    certificate = environ.get("SSL_CERT_FILE", "") if not options.get("cert") else options["cert"]
    return IndexSettings(
        index_url=options.get("index-url", ""),
        extra_index_urls=tuple(options.get("extra-index-url", "").split()),
        find_links=tuple(options.get("find-links", "").split()),
        no_index=options.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        certificate=certificate,
    )


def _uv_file_names_index(environ: Mapping[str, str], system: Path) -> bool:
    files = [system / "uv" / "uv.toml", _configuration_home(environ) / "uv" / "uv.toml"]
    if explicit := environ.get("UV_CONFIG_FILE"):
        files = [Path(explicit)]
    return any(_names_index(path) for path in files)


def _names_index(path: Path) -> bool:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # uv itself will say what is wrong with its file
    pip_table = document.get("pip", {})
    return any(key in table for table in (document, pip_table) for key in _UV_INDEX_KEYS)


def _pip_options(environ: Mapping[str, str], system: Path) -> dict[str, str]:
    """Merge pip's sources in its order: machine, user, environment, named file, variables."""
    options: dict[str, str] = {}
    for path in _iter_pip_files(environ, system):
        options.update(_read_pip_file(path))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            options[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return options


def _iter_pip_files(environ: Mapping[str, str], system: Path) -> Iterator[Path]:
    explicit = environ.get("PIP_CONFIG_FILE", "")
    if explicit == os.devnull:
        return
    for directory in environ.get("XDG_CONFIG_DIRS", str(system / "xdg")).split(os.pathsep):
        yield Path(directory) / "pip" / "pip.conf"
    yield system / "pip.conf"
    if home := environ.get("HOME"):
        yield Path(home) / ".pip" / "pip.conf"
    yield _configuration_home(environ) / "pip" / "pip.conf"
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if prefix := environ.get(name):
            yield Path(prefix) / "pip.conf"
    if explicit:
        yield Path(explicit)


def _configuration_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "/", ".config"))


def _read_pip_file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except (configparser.Error, ValueError) as error:
        facts = {"file": str(path), "reason": str(error).replace("\n", " ")}
        raise SpecError(
            "a configuration file of pip is not valid", code="pip-configuration", facts=facts
        ) from error
    options: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            options.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return options
