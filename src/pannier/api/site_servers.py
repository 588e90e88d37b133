"""`site pull` and `site push`: what a server has, and what it lacks, over the user's own ssh."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pannier.api.settings import Settings
from pannier.model.errors import FetchError, UsageError
from pannier.model.events import Reporter, SilentReporter

if TYPE_CHECKING:
    from pannier.site.servers import Server

_FORMAT = "pannier-site-inventory"


class PullOptions(NamedTuple):
    """What to ask a server.

    Attributes:
        server: `host` or `user@host`, as for ssh.
        prefix: Where its environments live; empty for what `site_file` says.
        site_file: The site.toml that names the prefix.
        output: Where to write the inventory; `None` for nowhere.
    """

    server: str
    prefix: str = ""
    site_file: Path = Path("site.toml")
    output: Path | None = None


class PullResult(NamedTuple):
    """What a server has.

    Attributes:
        inventory: As its installer printed it.
        installed: There is a site below the prefix.
        path: Where it was written; `None` for nowhere.
    """

    inventory: Mapping[str, Any]
    installed: bool
    path: Path | None


class PushOptions(NamedTuple):
    """What to bring to a server, and how.

    Attributes:
        server: `host` or `user@host`, as for ssh.
        subject: A site.toml or a bundle, of which only what the server lacks is sent.
        prefix: Where its environments live; empty for what the subject says.
        key: OpenSSH key to sign with, for a site.toml.
        rehearse: Install it here first, for a site.toml.
        as_root: Install through sudo there.
        keep: Leave the bundle on the server, and so send one that is a bundle already whole.
        arguments: More for the installer, such as `--python 3.6=/opt/py36/bin/python3.6`.
        terminal: The user can be asked for a password there.
    """

    server: str
    subject: Path = Path("site.toml")
    prefix: str = ""
    key: Path | None = None
    rehearse: bool = False
    as_root: bool = False
    keep: bool = False
    arguments: tuple[str, ...] = ()
    terminal: bool = False


class PushResult(NamedTuple):
    """What became of it.

    Attributes:
        server: Where it went.
        id: The digest that names the bundle's content.
        size: Of what was sent, in bytes.
        since: The id of what was in force; empty where nothing was, or a bundle went whole.
        status: The installer's exit status.
    """

    server: str
    id: str
    size: int
    since: str
    status: int


class _Parcel(NamedTuple):
    """A bundle that is ready to go."""

    path: Path
    name: str
    id: str
    since: str = ""


def site_pull(options: PullOptions, settings: Settings, reporter: Reporter | None = None) -> PullResult:
    """Ask a server what it has; one without a site tells its platform and its Pythons.

    Raises:
        UsageError: No prefix is named.
        SpecError: site.toml is not valid.
        FetchError: The server is not reached, or answers what is no inventory.
        StorageError: The inventory cannot be written.
    """
    from pannier.site.servers import ask_inventory, look_at
    from pannier.store.writing import write_whole

    del reporter  # it takes a moment
    server = _server(options.server, settings)
    prefix = options.prefix or _prefix_of(options.site_file)
    told = ask_inventory(server, prefix)
    data = told or look_at(server, prefix)
    inventory = _parsed(data, server)
    if options.output is not None:
        write_whole(options.output, data)
    return PullResult(inventory=inventory, installed=bool(told), path=options.output)


def site_push(options: PushOptions, settings: Settings, reporter: Reporter | None = None) -> PushResult:
    """Send a server what it lacks, and install it there; the installer's words go to standard error.

    Raises:
        UsageError: The server, or an option for this subject, cannot be.
        FetchError: The server is not reached, or the connection broke.
        StorageError: It has no room.
        PannierError: The bundle cannot be made; its class says why.
    """
    from pannier.site.servers import run_installer, send

    reporter = reporter or SilentReporter()
    server = _server(options.server, settings)
    with _parcel(server, options, settings, reporter) as parcel:
        size = parcel.path.stat().st_size
        path = send(server, parcel.path, parcel.name, reporter)
    arguments = ["install", *options.arguments]
    if options.prefix:
        arguments += ["--prefix", options.prefix]
    status = run_installer(
        server, path, arguments, as_root=options.as_root, keep=options.keep, terminal=options.terminal
    )
    return PushResult(server=options.server, id=parcel.id, size=size, since=parcel.since, status=status)


def _server(destination: str, settings: Settings) -> "Server":
    from pannier.site.servers import Server

    return Server.parse(destination, settings.ssh)


def _prefix_of(site_file: Path) -> str:
    from pannier.site.reading import read_site

    if not site_file.exists():
        raise UsageError(
            "which directory of the server holds its environments is not said",
            facts={"not there": str(site_file)},
            hint="name it with `--prefix DIR`, or the site.toml",
        )
    return read_site(site_file).prefix


def _parsed(data: bytes, server: "Server") -> dict[str, Any]:
    try:
        inventory: dict[str, Any] = json.loads(data)
        is_one = isinstance(inventory, dict) and inventory.get("format") == _FORMAT
    except ValueError:
        is_one = False
    if not is_one:
        raise FetchError(
            f"`{server.destination}` answers what is no inventory",
            code="site-unreachable",
            facts={"answer": data[:200].decode("utf-8", "replace")},
            hint="a login script there that prints something is a frequent cause",
        )
    return inventory


@contextmanager
def _parcel(
    server: "Server", options: PushOptions, settings: Settings, reporter: Reporter
) -> Iterator[_Parcel]:
    from pannier.api.site_archives import inspect_bundle, is_bundle

    if is_bundle(options.subject):
        if options.key or options.rehearse:
            raise UsageError(
                "a bundle goes to the server as it is",
                facts={"bundle": str(options.subject)},
                hint="sign and rehearse it with `pannier site bundle`, or push the site.toml",
            )
        identity = inspect_bundle(options.subject).manifest.id
        whole = _Parcel(options.subject, f"site-{identity[:16]}.run", identity)
        if options.keep or "--force" in options.arguments:
            yield whole
            return
        with tempfile.TemporaryDirectory(prefix="pannier-push-") as directory:
            yield _thinned(server, whole, options, Path(directory))
        return
    with tempfile.TemporaryDirectory(prefix="pannier-push-") as directory:
        yield _bundled(server, options, settings, reporter, Path(directory))


def _thinned(server: "Server", whole: _Parcel, options: PushOptions, directory: Path) -> _Parcel:
    """A finished bundle without what the server has; its signature stays as good as it was."""
    from pannier.site.bundle_reading import read_bundle
    from pannier.site.delta import read_server_content
    from pannier.site.servers import ask_inventory
    from pannier.site.thinning import thin_bundle

    told = ask_inventory(server, options.prefix or read_bundle(whole.path).manifest.prefix)
    if not told:
        return whole
    _parsed(told, server)
    inventory = directory / "inventory.json"
    inventory.write_bytes(told)
    there = read_server_content(inventory)
    thin = thin_bundle(whole.path, there, directory / "site.run")
    if thin is None:
        return whole
    return whole._replace(path=thin.path, name=f"site-{whole.id[:16]}-{thin.key}.run", since=there.id)


def _bundled(
    server: "Server", options: PushOptions, settings: Settings, reporter: Reporter, directory: Path
) -> _Parcel:
    """A bundle of what the server lacks."""
    from pannier.api.site_bundling import BundleOptions, site_bundle
    from pannier.site.servers import ask_inventory

    told = ask_inventory(server, options.prefix or _prefix_of(options.subject))
    since: Path | None = None
    if told:
        _parsed(told, server)
        since = directory / "inventory.json"
        since.write_bytes(told)
    wishes = BundleOptions(directory / "site.run", since, options.key, options.rehearse)
    made = site_bundle(options.subject, wishes, settings, reporter)
    return _Parcel(made.path, f"site-{made.id[:16]}.run", made.id, made.since)
