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
        rights: The file that says what users and groups may do to which projects; empty lets whoever signs in
            do everything.
        max_size: The most bytes that an uploaded distribution may have.
        overwrite: An upload may replace a file of the same name.
        upstream: The index asked for what was never local; empty for none. It may hold a password.
        upstream_ttl: Seconds for which one of its pages is fresh, where it does not say so itself.
        upstream_timeout: Seconds without a byte after which it counts as down.
        upstream_file_limit: Bytes that one of its files may have; 0 for any number.
        upstream_cache: Where what it answered is kept; empty for beside the packages.
        upstream_cache_size: Bytes that may be kept of it, the least used files going first; 0 for any number.
        reserve: Names that it is never asked for; `*` stands for any end of a name.
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
    rights: str = ""
    max_size: int = 8 << 30
    overwrite: bool = False
    upstream: str = ""
    upstream_ttl: int = 600
    upstream_timeout: int = 20
    upstream_file_limit: int = 0
    upstream_cache: str = ""
    upstream_cache_size: int = 0
    reserve: tuple[str, ...] = ()
    prefix: str = ""
    trusted_proxies: tuple[str, ...] = ()
    store: str = ""
    access_log: str = "common"
    log_file: str = ""
    log_level: str = "info"
