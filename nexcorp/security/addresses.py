"""The client's address: the peer's, or what a trusted proxy says of it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

from nexcorp.config import Config


@lru_cache(maxsize=8)
def parse_networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """TRUSTED_PROXIES as networks; a bare address is a network of one."""
    return tuple(ip_network(text, strict=False) for text in texts)


@lru_cache(maxsize=4096)
def is_trusted(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    """Whether `address` is one of our proxies."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def client_address(request: web.Request, config: Config) -> str | None:
    """The address to hold a request to.

    X-Forwarded-For is read from the right, and only as long as what spoke is a trusted proxy: whatever
    stands further left is the client's own claim.
    """
    address = request.remote
    if not config.trusted_proxies or address is None:
        return address
    networks = parse_networks(config.trusted_proxies)
    for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
        if not is_trusted(address, networks):
            return address
        if not hop.strip():
            break
        try:
            address = str(ip_address(hop.strip()))
        except ValueError:
            return address
    return address


def came_by_tls(request: web.Request, config: Config) -> bool:
    """Whether a trusted proxy says that the client spoke TLS with it."""
    if not config.trusted_proxies or request.remote is None:
        return False
    if request.headers.get("X-Forwarded-Proto") != "https":
        return False
    return is_trusted(request.remote, parse_networks(config.trusted_proxies))
