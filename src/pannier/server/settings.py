"""What a server is told, by its settings and options, as one value."""

from pathlib import Path
from typing import NamedTuple


class ServeSettings(NamedTuple):
    """How an index is served; the names are those of the settings.

    Attributes:
        directories: Where the distributions are; uploads go to the first.
        host: Address to listen on.
        port: Port to listen on; 0 for any that is free.
        workers: Processes that answer.
        htpasswd: The password file; empty for a read-only index.
        authenticate: Rights that need a user who is allowed them, such as `update`.
        overwrite: An upload may replace a file of the same name.
        upstream: The index asked for what was never local; empty for none.
        prefix: The path to serve under, without a slash at its end; empty for none.
        trusted_proxies: Addresses and networks whose `X-Forwarded-*` headers are believed.
        store: Where the store of what is known about the files lies; empty for beside them.
        access_log: `json`, `common` or `off`.
        log_file: Where logs go; empty for standard error.
        log_level: `debug`, `info`, `warning` or `error`.
    """

    directories: tuple[Path, ...]
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    htpasswd: str = ""
    authenticate: tuple[str, ...] = ("update", "remove")
    overwrite: bool = False
    upstream: str = ""
    prefix: str = ""
    trusted_proxies: tuple[str, ...] = ()
    store: str = ""
    access_log: str = "common"
    log_file: str = ""
    log_level: str = "info"
