"""Whom a request comes from and where it goes, behind proxies: `X-Forwarded-*`, from named peers only."""

import ipaddress
import re
from collections.abc import Callable, Sequence

from pannier.server.messages import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(r"[A-Za-z0-9.\-_\[\]:]{1,255}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~\-]+)+")


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks such as `10.0.0.5` and `10.0.0.0/8`; `*` stands for every peer.

    Raises:
        ValueError: One is neither.
    """
    everything = ("0.0.0.0/0", "::/0")
    wanted = [item for text in texts for item in (everything if text == "*" else (text,))]
    return tuple(ipaddress.ip_network(text, strict=False) for text in wanted)


def apply_forwarded(trusted: Sequence[str]) -> Callable[[Request], Request]:
    """A function that puts in what a trusted proxy says; the fields of other peers are passed over."""
    networks = parse_networks(trusted)
    if not networks:
        return lambda request: request
    return lambda request: _forwarded(request, networks)


def _forwarded(request: Request, networks: tuple[Network, ...]) -> Request:
    if not _is_trusted(request.peer, networks):
        return request
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    host = headers.get("x-forwarded-host", "").split(",")[0].strip()
    prefix = headers.get("x-forwarded-prefix", "").split(",")[0].strip().rstrip("/")
    return request._replace(
        peer=_client(request, networks),
        scheme=scheme if scheme in ("http", "https") else request.scheme,
        host=host if _HOST.fullmatch(host) else request.host,
        prefix=prefix if _PREFIX.fullmatch(prefix) else request.prefix,
    )


def _client(request: Request, networks: tuple[Network, ...]) -> str:
    """The last address that no trusted proxy has."""
    chain = [item.strip() for item in request.headers.get("x-forwarded-for", "").split(",") if item.strip()]
    for address in reversed(chain):
        if not _is_address(address):
            return request.peer
        if not _is_trusted(address, networks):
            return address
    return chain[0] if chain else request.peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text == ""  # a Unix socket's peer has no address
    return any(address in network for network in networks)
